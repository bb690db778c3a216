/* train: a recipe in, a run directory out. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "tools/cmd.h"
#include "tools/look.h"
#include "tools/open.h"
#include "tools/plan.h"
#include "tools/plot.h"
#include "tools/run_plots.h"
#include "tools/term.h"
#include "train/fit.h"

typedef struct train_settings {
    const char *run, *resume, *budget;
    bool overwrite, dry_run;
    uint64_t epochs;
    cli_texts sets, allow;
} train_settings;

#define FIELD(name) CLI_FIELD(train_settings, name)

static const cli_opt options[] = {
    {'o', "output", FIELD(run), .path = CLI_WRITES_DIR, .value = "RUN",
     .help = "directory for everything the run leaves"},
    {'r', "resume", FIELD(resume), .value = "RUN",
     .help = "go on where that run stopped, exactly; no RECIPE is needed"},
    {0, "overwrite", FIELD(overwrite),
     .help = "start anew in a directory that holds a run"},
    {0, "set", FIELD(sets), .value = "KEY=VALUE",
     .help = "change a key of the recipe, e.g. optim.lr=0.05"},
    {'e', "epochs", FIELD(epochs), .lo = 1, .hi = 1e6, .value = "N",
     .help = "short for --set train.epochs=N"},
    {0, "budget", FIELD(budget), .value = "TIME",
     .help = "short for --set train.budget=TIME, e.g. 30m"},
    {0, "allow", FIELD(allow), .value = "KEY",
     .help = "a key that may differ when resuming, with all keys below it"},
    {0, "dry-run", FIELD(dry_run),
     .help = "check everything, try a few steps, tell plan, memory and time, stop"},
    {0},
};

/* What the epoch callback needs. */
typedef struct reporter {
    const cli_context *cli;
    const char *run;
    bool head_shown, plots_failed;
} reporter;

static void number(char *out, size_t size, double value, const char *fmt)
{
    if (isnan(value))
        snprintf(out, size, "-");
    else
        snprintf(out, size, fmt, value);
}

/* The table needs 80 columns; a narrower terminal, of 20 at least, gets what matters most. */
static void print_head(bool narrow)
{
    if (narrow)
        printf("%5s %6s %6s\n", "epoch", "loss", "top-1");
    else
        printf("%9s %10s %9s %9s %9s %9s %9s %8s\n", "epoch", "loss", "train", "val",
               "test", "lr", "img/s", "seconds");
}

static void print_epoch(reporter *r, const slc_epoch *e)
{
    char val[16], test[16], train[16];
    const size_t columns = cli_columns(stdout);
    const bool narrow = columns > 0 && columns < 80;

    if (!r->head_shown) print_head(narrow);
    r->head_shown = true;
    number(train, sizeof(train), e->train_top1, "%.4f");
    number(val, sizeof(val), e->val_top1, "%.4f");
    number(test, sizeof(test), e->test_top1, "%.4f");
    if (narrow) {
        const bool has_val = !isnan(e->val_top1), has_test = !isnan(e->test_top1);
        printf("%5" PRIu64 " %6.4f %6s%s\n", e->epoch, e->train_loss,
               has_val    ? val
               : has_test ? test
                          : train,
               e->best ? "*" : "");
    } else {
        printf("%4" PRIu64 "/%-4" PRIu64 " %10.4f %9s %9s %9s %9.3g %9.0f %8.1f%s\n",
               e->epoch, e->epochs, e->train_loss, train, val, test, e->lr,
               e->images_per_second, e->seconds, e->best ? " *" : "");
    }
    cli_show(r->cli);
}

static slc_status draw(const char *run, const slc_epoch *e, slc_err *err)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/curves.png", run);
    slc_status st = cli_curves_write(path, run, err);
    if (st != SLC_OK || !e->histograms) return st;
    snprintf(path, sizeof(path), "%s/histograms", run);
    st = slc_dir_make(path, err);
    snprintf(path, sizeof(path), "%s/histograms/epoch-%04" PRIu64 ".png", run, e->epoch);
    return st == SLC_OK ? cli_histograms_write(path, e->histograms, err) : st;
}

/* Plots are a help, not the result: a failure is told once and does not end the run. */
static void draw_epoch(reporter *r, const slc_epoch *e)
{
    slc_err err = {0};
    if (!cli_plot_available() || r->plots_failed) return;
    if (draw(r->run, e, &err) == SLC_OK) return;
    r->plots_failed = true;
    slc_log_line(r->cli->log, SLC_WARNING, "%s", err.msg);
}

static bool on_epoch(void *user, const slc_epoch *e)
{
    reporter *const r = user;
    if (!r->cli->json && !r->cli->quiet) print_epoch(r, e);
    draw_epoch(r, e);
    return true;
}

static void draw_confusion(const cli_context *cli, const char *run, const json_t *summary)
{
    const json_t *const test = json_object_get(summary, "test");
    char path[4096];
    slc_err err = {0};

    if (!cli_plot_available() || !json_object_get(test, "confusion")) return;
    snprintf(path, sizeof(path), "%s/confusion.png", run);
    if (cli_confusion_write(path, test, "confusion on the test set", &err) != SLC_OK)
        slc_log_line(cli->log, SLC_WARNING, "%s", err.msg);
}

static slc_status report(const cli_context *cli, const char *run, slc_fit_result *result,
                         slc_err *err)
{
    const json_t *const top1 =
        json_object_get(json_object_get(result->summary, "test"), "top1");

    draw_confusion(cli, run, result->summary);
    if (cli->json) {
        json_t *const object = result->summary;
        result->summary = NULL;
        if (object)
            json_object_set_new(object, "peak_rss_bytes",
                                json_integer((json_int_t)cli_peak_rss()));
        return cli_print_json(object, err);
    }
    if (json_is_number(top1)) printf("test top-1 %.4f\n", json_number_value(top1));
    printf("%s/model.safetensors\n", run);
    return SLC_OK;
}

/* The --set assignments, with those that the short options stand for. */
static slc_status assemble(const train_settings *s, slc_arena *arena,
                           const char *room[CLI_MAX_TEXTS + 4], slc_err *err)
{
    size_t n = s->sets.n;
    cli_sets(&s->sets, room);
    if (s->epochs) {
        room[n++] = slc_arena_printf(arena, "train.epochs=%" PRIu64, s->epochs);
        if (!room[n - 1]) return slc_fail(err, SLC_ENOMEM, "out of memory");
    }
    if (s->budget) {
        room[n++] = slc_arena_printf(arena, "train.budget=%s", s->budget);
        if (!room[n - 1]) return slc_fail(err, SLC_ENOMEM, "out of memory");
    }
    room[n] = NULL;
    return SLC_OK;
}

static slc_status check_use(const train_settings *s, int count, slc_err *err)
{
    if (s->resume && s->run)
        return slc_fail(err, SLC_EINVAL,
                        "--resume RUN goes on in RUN; --output is for a new run");
    if (!s->resume && count == 0)
        return slc_fail(err, SLC_EINVAL,
                        "needs RECIPE, or --resume RUN; \"sluice train --help\" "
                        "shows examples");
    if (!s->resume && !s->run && !s->dry_run)
        return slc_fail(err, SLC_EINVAL,
                        "needs -o RUN, the directory for what the run leaves");
    if (s->resume && count == 0 && (s->sets.n || s->epochs || s->budget))
        return slc_fail(err, SLC_EINVAL,
                        "changed keys need the recipe too: sluice train RECIPE "
                        "--resume %s --set ... --allow KEY",
                        s->resume);
    return SLC_OK;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const train_settings *const s = settings;
    const char *sets[CLI_MAX_TEXTS + 4], *allow[CLI_MAX_TEXTS + 4];
    const char *const place = s->resume ? s->resume : s->run;
    reporter r = {.cli = cli, .run = place};
    slc_recipe recipe = {0};
    slc_fit_result result = {0};
    slc_arena arena = {0};

    slc_status st = check_use(s, count, err);
    if (st == SLC_OK) st = assemble(s, &arena, sets, err);
    if (st == SLC_OK && count)
        st = slc_recipe_open(&recipe, cli_recipe_path(args[0], &arena), sets, err);
    if (st == SLC_OK && s->dry_run) {
        st = count ? cli_plan_print(cli, &recipe, err)
                   : slc_fail(err, SLC_EINVAL, "--dry-run needs a RECIPE");
    } else if (st == SLC_OK) {
        st = slc_fit_run(&(slc_fit_settings){.recipe = count ? &recipe : NULL,
                                             .run = place,
                                             .resume = s->resume != NULL,
                                             .overwrite = s->overwrite,
                                             .allow = cli_sets(&s->allow, allow),
                                             .threads = cli->threads,
                                             .log = cli->log,
                                             .stop = cli->stop,
                                             .on_epoch = on_epoch,
                                             .user = &r},
                         &result, err);
        if (st == SLC_OK) st = report(cli, place, &result, err);
    }
    json_decref(result.summary);
    slc_recipe_free(&recipe);
    slc_arena_free(&arena);
    return st;
}

const cli_cmd cli_cmd_train = {
    .name = "train",
    .group = CLI_TRAINING,
    .summary = "train a model as a recipe says",
    .args = "[RECIPE]",
    .most = 1,
    .details = "RUN receives model.safetensors, metrics.jsonl, curves.png, summary.json "
               "and recipe.yaml\n"
               "(what really ran, every default filled in). Ctrl-C once finishes the "
               "step, saves, and\n"
               "exits with 130; --resume goes on from there, or after a kill, to the "
               "same weights.",
    .examples =
        "  sluice train recipes/fashion-mnist-demo.yaml -o runs/one\n"
        "  sluice train recipes/fashion-mnist-demo.yaml -o runs/two --set optim.lr=0.05\n"
        "  sluice train --resume runs/one",
    .options = options,
    .initial = &(const train_settings){0},
    .settings_size = sizeof(train_settings),
    .run = run,
};
