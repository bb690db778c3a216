#include "tools/plan.h"

#include <inttypes.h>

#include "train/rehearse.h"

/* "0.4 s", "38 s", "4 min 10 s", "3 h 20 min". */
static const char *duration(double seconds, char *out, size_t size)
{
    const uint64_t s = (uint64_t)(seconds + 0.5);
    if (seconds < 10)
        snprintf(out, size, "%.2g s", seconds);
    else if (s < 120)
        snprintf(out, size, "%" PRIu64 " s", s);
    else if (s < 7200)
        snprintf(out, size, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
    else
        snprintf(out, size, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
    return out;
}

static const char *precision_name(const slc_rehearsal *p)
{
    return p->model.precision == SLC_PRECISION_BF16 ? "bf16" : "f32";
}

static json_t *as_json(const slc_rehearsal *p, const slc_recipe *recipe, size_t memory)
{
    return json_pack(
        "{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:s, s:s, s:f, s:f, "
        "s:f, "
        "s:I, s:I, s:I}",
        "schema", 1, "train_images", (json_int_t)p->images, "val_images",
        (json_int_t)p->val_images, "test_images", (json_int_t)p->test_images, "classes",
        (json_int_t)p->model.classes, "steps_per_epoch", (json_int_t)p->steps_per_epoch,
        "epochs", (json_int_t)recipe->train.epochs, "steps", (json_int_t)p->steps,
        "weights", (json_int_t)p->model.weights, "flops", p->model.flops, "model_bytes",
        (json_int_t)p->model.bytes, "engine", p->engine, "precision", precision_name(p),
        "step_seconds", p->step_seconds, "eval_seconds", p->eval_seconds, "seconds",
        p->seconds, "cache_bytes", (json_int_t)p->cache_bytes, "memory_bytes",
        (json_int_t)memory, "steps_tried", (json_int_t)p->tried);
}

static void print_parts(const slc_rehearsal *p)
{
    printf("data    %" PRIu64 " pictures to train on", p->images);
    if (p->val_images) printf(", %" PRIu64 " to validate", p->val_images);
    if (p->test_images) printf(", %" PRIu64 " to test", p->test_images);
    printf("; %zu classes, %zu x %zu x %zu\n", p->model.classes, p->channels, p->height,
           p->width);
}

static void print_plan(const slc_rehearsal *p, const slc_recipe *recipe, size_t memory)
{
    char all[40], step[40], eval[40];
    print_parts(p);
    printf("model   %zu weights, %.1f MFLOP a picture, %.1f MB\n", p->model.weights,
           p->model.flops / 1e6, (double)p->model.bytes / 1e6);
    printf("engine  %s, %s\n", p->engine, precision_name(p));
    if (recipe->train.budget && *recipe->train.budget)
        printf("plan    %s, about %" PRIu64 " steps, %" PRIu64 " make an epoch\n",
               recipe->train.budget, p->steps, p->steps_per_epoch);
    else
        printf("plan    %" PRId64 " epochs of %" PRIu64 " steps\n", recipe->train.epochs,
               p->steps_per_epoch);
    printf("time    about %s: %s a step", duration(p->seconds, all, sizeof(all)),
           duration(p->step_seconds, step, sizeof(step)));
    if (p->eval_seconds > 0)
        printf(", %s an evaluation", duration(p->eval_seconds, eval, sizeof(eval)));
    printf(" (%" PRIu64 " steps were made, and thrown away)\n", p->tried);
    printf("memory  about %.0f MB", (double)memory / 1e6);
    if (p->cache_bytes)
        printf(", of it %.0f MB of cached pictures", (double)p->cache_bytes / 1e6);
    putchar('\n');
}

slc_status cli_plan_print(const cli_context *cli, const slc_recipe *recipe, slc_err *err)
{
    slc_rehearsal p;
    const slc_status st = slc_rehearse(&p,
                                       &(slc_fit_settings){.recipe = recipe,
                                                           .threads = cli->threads,
                                                           .log = cli->log,
                                                           .stop = cli->stop},
                                       err);
    if (st != SLC_OK) return st;
    const size_t memory = cli_peak_rss() + p.more_bytes;
    if (cli->json) return cli_print_json(as_json(&p, recipe, memory), err);
    print_plan(&p, recipe, memory);
    return SLC_OK;
}
