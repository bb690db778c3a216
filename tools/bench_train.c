/* bench train: steps of SGD with momentum on synthetic pictures that lie in memory, as
 * peers/train_torch.py does it: forward, cross-entropy, backward, optimizer. The rate is that of the
 * fastest step; the mean is given too. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/node.h"
#include "base/pool.h"
#include "base/rng.h"
#include "tools/bench.h"
#include "train/loss.h"
#include "train/net.h"
#include "train/optim.h"
#include "train/profile.h"

enum { FORWARD, LOSS, BACKWARD, STEP, PHASES };
enum { WARM = 2, CHUNK = 8192 };

typedef struct trainer {
    slc_model *model;
    slc_model_settings settings;
    float *pixels, *dlogits, *slot;
    int32_t *labels;
    const slc_loss *loss;
    const slc_optim *optim;
    void *loss_settings, *optim_settings;
    slc_arena arena;
    uint64_t step;
    slc_profile_row *row; /* of the fastest step, if somebody asks */
} trainer;

typedef struct timing {
    double best[PHASES], best_total, sum;
    uint64_t steps;
} timing;

/* "resnet18-cifar" is resnet18 with the stem of CIFAR; "{name: wrn, depth: 16}" is itself. */
static slc_status find_model(const char *text, slc_arena *arena, const slc_node **spec,
                             slc_shape *shape, size_t *classes, slc_err *err)
{
    static const char ending[] = "-cifar";
    const size_t n = strlen(text), m = sizeof(ending) - 1;
    const bool cifar = n > m && strcmp(text + n - m, ending) == 0;
    slc_node *node = NULL;
    const char *yaml =
        text[0] == '{' ? text
        : cifar ? slc_arena_printf(arena, "{name: %.*s, stem: cifar}", (int)(n - m), text)
                : slc_arena_printf(arena, "{name: %s}", text);
    if (!yaml) return slc_fail(err, SLC_ENOMEM, "out of memory");

    const slc_status st =
        slc_node_parse(&node, arena, yaml, strlen(yaml), "--model", err);
    if (st != SLC_OK) return st;
    const slc_node *const name = slc_node_get(node, "name");
    const slc_arch *const arch = name && name->text
                                     ? slc_entry_find((const void *const *)slc_archs,
                                                      "model", name->text, NULL, err)
                                     : NULL;
    if (!arch)
        return slc_fail(err, SLC_EINVAL, "--model: %s", name ? err->msg : "has no name");
    *spec = node;
    *shape = cifar ? (slc_shape){3, 32, 32} : arch->shape;
    *classes = cifar ? 10 : arch->classes;
    return SLC_OK;
}

static slc_status bind(const slc_entry *entry, void **out, slc_arena *arena, slc_err *err)
{
    *out = slc_arena_zero(arena, 1, entry->settings_size ? entry->settings_size : 1);
    if (!*out) return slc_fail(err, SLC_ENOMEM, "out of memory");
    return entry->params
               ? slc_params_bind(entry->params, *out, NULL, true, entry->name, arena, err)
               : SLC_OK;
}

static slc_status find_parts(trainer *t, slc_err *err)
{
    t->loss = slc_entry_find((const void *const *)slc_losses, "loss", "cross_entropy",
                             NULL, err);
    t->optim =
        slc_entry_find((const void *const *)slc_optims, "optimizer", "sgd", NULL, err);
    if (!t->loss || !t->optim) return err->code;
    slc_node *wish = NULL;
    static const char text[] = "{lr: 0.01, momentum: 0.9}";
    slc_status st = bind(&t->loss->entry, &t->loss_settings, &t->arena, err);
    if (st == SLC_OK)
        st = slc_node_parse(&wish, &t->arena, text, strlen(text), "bench", err);
    if (st == SLC_OK) {
        t->optim_settings = slc_arena_zero(&t->arena, 1, t->optim->entry.settings_size);
        st = t->optim_settings
                 ? slc_params_bind(t->optim->entry.params, t->optim_settings, wish, true,
                                   "optim", &t->arena, err)
                 : slc_fail(err, SLC_ENOMEM, "out of memory");
    }
    return st;
}

static slc_status create(trainer *t, const cli_context *cli, const bench_settings *s,
                         slc_err *err)
{
    slc_shape shape = {0};
    slc_status st = find_model(s->model, &t->arena, &t->settings.spec, &shape,
                               &t->settings.classes, err);
    if (st == SLC_OK) st = find_parts(t, err);
    if (st != SLC_OK) return st;
    t->settings.channels = shape.c, t->settings.height = shape.h,
    t->settings.width = shape.w;
    t->settings.batch = s->batch;
    t->settings.threads = cli->threads ? cli->threads : slc_pool_cores();
    t->settings.precision = (slc_precision)s->precision;
    t->settings.engine = s->engine;
    t->settings.seed = 1;
    st = slc_model_create(&t->model, &t->settings, err);
    if (st == SLC_OK && s->layers) st = slc_model_profile(t->model, true, err);
    if (st != SLC_OK) return st;

    const size_t size = s->batch * slc_shape_size(shape);
    t->pixels = slc_arena_zero(&t->arena, size, sizeof(float));
    t->dlogits = slc_arena_zero(&t->arena, s->batch * t->settings.classes, sizeof(float));
    t->slot = slc_arena_zero(&t->arena, slc_model_weight_count(t->model), sizeof(float));
    t->labels = slc_arena_zero(&t->arena, s->batch, sizeof(*t->labels));
    t->row =
        slc_arena_zero(&t->arena, slc_model_profile_rows(t->model) + 1, sizeof(*t->row));
    if (!t->pixels || !t->dlogits || !t->slot || !t->labels || !t->row)
        return slc_fail(err, SLC_ENOMEM, "out of memory");
    slc_rng rng = slc_rng_at(1, 0, 0, 0);
    for (size_t i = 0; i < size; i++)
        t->pixels[i] = (float)slc_rng_normal(&rng);
    for (size_t i = 0; i < s->batch; i++)
        t->labels[i] = (int32_t)slc_rng_below(&rng, t->settings.classes);
    return SLC_OK;
}

/* Chunks move alone, so that a chunk stays in cache. */
static void move_weights(trainer *t)
{
    const slc_step at = {.step = t->step, .lr = 0.01, .momentum = -1};
    const size_t n = slc_model_weight_count(t->model), chunks = (n + CHUNK - 1) / CHUNK;
    float *const w = slc_model_weights(t->model), *const g = slc_model_grads(t->model);
#pragma omp parallel for schedule(static) num_threads((int)t->settings.threads)
    for (size_t i = 0; i < chunks; i++) {
        const size_t from = i * CHUNK, size = n - from < CHUNK ? n - from : CHUNK;
        float *const slot[SLC_MAX_SLOTS] = {t->slot + from};
        t->optim->run(t->optim_settings, &at, size, w + from, g + from, slot);
    }
    slc_model_touch(t->model);
}

static slc_status one_step(trainer *t, double ms[PHASES], slc_err *err)
{
    const slc_view x = {t->pixels, SLC_F32, SLC_NHWC, t->settings.batch};
    const slc_pass pass = {.mode = SLC_MODE_TRAIN, .step = t->step++};
    const slc_targets targets = {.label_a = t->labels};
    const float *logits = NULL;
    uint64_t at[PHASES + 1] = {slc_clock_ns()};
    double value;

    slc_status st = slc_model_forward(t->model, &x, &pass, &logits, err);
    if (st != SLC_OK) return st;
    at[1] = slc_clock_ns();
    t->loss->run(t->loss_settings, logits, &targets, t->settings.batch,
                 t->settings.classes, NULL, &value, t->dlogits, NULL);
    at[2] = slc_clock_ns();
    st = slc_model_backward(t->model, t->dlogits, &pass, err);
    if (st != SLC_OK) return st;
    at[3] = slc_clock_ns();
    move_weights(t);
    at[4] = slc_clock_ns();
    if (!isfinite(value))
        return slc_fail(err, SLC_EDATA, "the loss is no longer a number");
    for (size_t i = 0; i < PHASES; i++)
        ms[i] = (double)(at[i + 1] - at[i]) / 1e6;
    return SLC_OK;
}

static slc_status measure(trainer *t, const cli_context *cli, double seconds, timing *out,
                          slc_err *err)
{
    double ms[PHASES] = {0};
    uint64_t start = slc_clock_ns();
    out->best_total = INFINITY;
    for (size_t i = 0;; i++) {
        if (*cli->stop && out->steps == 0)
            return slc_fail(err, SLC_ESTOP, "stopped before a step was measured");
        const slc_status st = one_step(t, ms, err);
        if (st != SLC_OK) return st;
        if (i + 1 == WARM) start = slc_clock_ns();
        if (i < WARM) continue;
        const double total = ms[FORWARD] + ms[LOSS] + ms[BACKWARD] + ms[STEP];
        if (total < out->best_total) {
            out->best_total = total;
            memcpy(out->best, ms, sizeof(ms));
            for (size_t r = 0; r < slc_model_profile_rows(t->model); r++)
                t->row[r] = slc_model_profile_row(t->model, r);
        }
        out->sum += total;
        out->steps++;
        if ((double)(slc_clock_ns() - start) / 1e9 >= seconds || *cli->stop)
            return SLC_OK;
    }
}

static slc_status report(const cli_context *cli, const bench_settings *s,
                         const trainer *t, const timing *m, slc_err *err)
{
    const slc_model_facts f = slc_model_facts_of(t->model);
    const double batch = (double)t->settings.batch;
    const double rate = batch / m->best_total * 1e3;
    const double mean = batch * (double)m->steps / m->sum * 1e3;
    const double gflops =
        3 * f.flops * rate / 1e9; /* backward is about twice the forward */
    const char *const precision = f.precision == SLC_PRECISION_BF16 ? "bf16" : "f32";
    const size_t peak = cli_peak_rss(); /* before the matrices of the limit */
    const bench_layers layers = {
        t->row,
        slc_model_profile_rows(t->model),
        s->layers && !*cli->stop ? slc_product_limit(t->settings.threads) : 0,
        m->best[FORWARD],
        m->best[LOSS],
        m->best[BACKWARD],
        m->best[STEP]};

    if (!cli->json) {
        printf("%s, batch %zu, %s, %s, %zu threads\n%.0f images/s (fastest of %llu "
               "steps; mean %.0f), about %.0f GFLOP/s\n"
               "ms a step: forward %.2f, loss %.2f, backward %.2f, optimizer %.2f\npeak "
               "memory %.1f MB\n",
               s->model, t->settings.batch, precision, f.engine, t->settings.threads,
               rate, (unsigned long long)m->steps, mean, gflops, m->best[FORWARD],
               m->best[LOSS], m->best[BACKWARD], m->best[STEP], (double)peak / 1e6);
        if (s->layers) cli_bench_layers_print(&layers);
        return SLC_OK;
    }
    json_t *const j = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:s, s:I, s:f, s:f, s:f, s:I, s:{s:f, s:f, "
        "s:f, s:f}, s:I, s:I}",
        "schema", 1, "bench", "train", "model", s->model, "batch",
        (json_int_t)t->settings.batch, "precision", precision, "engine", f.engine,
        "threads", (json_int_t)t->settings.threads, "images_per_second", rate,
        "mean_images_per_second", mean, "gflops", gflops, "steps", (json_int_t)m->steps,
        "ms", "forward", m->best[FORWARD], "loss", m->best[LOSS], "backward",
        m->best[BACKWARD], "optimizer", m->best[STEP], "model_bytes", (json_int_t)f.bytes,
        "peak_rss_bytes", (json_int_t)peak);
    if (s->layers) json_object_set_new(j, "layers", cli_bench_layers_json(&layers));
    return cli_print_json(j, err);
}

slc_status cli_bench_train(cli_context *cli, const bench_settings *s, const char *source,
                           slc_err *err)
{
    trainer t = {0};
    timing m = {0};
    slc_status st = SLC_OK;

    if (source)
        st = slc_fail(err, SLC_EINVAL,
                      "train: takes no data source; pictures are synthetic");
    if (st == SLC_OK) st = create(&t, cli, s, err);
    if (st == SLC_OK) st = measure(&t, cli, s->seconds > 0 ? s->seconds : 5, &m, err);
    if (st == SLC_OK) st = report(cli, s, &t, &m, err);
    slc_model_destroy(&t.model);
    slc_arena_free(&t.arena);
    return st;
}
