/* schedule: the learning rate of every step of a recipe, as a picture and as numbers. */
#include <stdlib.h>

#include "tools/cmd.h"
#include "tools/open.h"
#include "tools/plot.h"
#include "train/fit.h"

typedef struct settings {
    const char *output;
    cli_texts sets;
    uint64_t steps_per_epoch;
} settings;

static const cli_opt options[] = {
    {'o', "output", CLI_FIELD(settings, output), .path = CLI_WRITES_PLOT, .value = "FILE",
     .help = "draw it there (PNG or SVG)"},
    {'s', "set", CLI_FIELD(settings, sets), .value = "KEY=VALUE",
     .help = "change a key of the recipe"},
    {0, "steps-per-epoch", CLI_FIELD(settings, steps_per_epoch), .lo = 0, .hi = 1e9,
     .value = "N", .help = "do not open the data: an epoch has so many steps"},
    {0},
};

typedef struct curve {
    double *epoch, *lr, *momentum;
    size_t n;
    uint64_t per;
    bool moves; /* the momentum does */
} curve;

/* Steps of one epoch, from the data unless they are given. */
static slc_status count_steps(const cli_context *cli, const char *path,
                              const slc_recipe *recipe, const settings *s, uint64_t *per,
                              slc_err *err)
{
    cli_stream stream;
    slc_loader *loader = NULL;
    *per = s->steps_per_epoch;
    if (*per > 0) return SLC_OK;
    if (!recipe->data.train && !recipe->data.path)
        return slc_fail(err, SLC_EINVAL,
                        "%s: names no data to count the steps of an epoch; give "
                        "--steps-per-epoch",
                        path);
    slc_status st = cli_stream_open(&stream, cli, path, &s->sets, "train", err);
    if (st != SLC_OK) return st;
    const uint64_t k = (uint64_t)stream.recipe.train.accumulate;
    stream.settings.quarantine = NULL;
    st = slc_loader_open(&loader, &stream.settings, err);
    if (st == SLC_OK) *per = (slc_loader_batches(loader) + k - 1) / k;
    slc_loader_close(&loader);
    cli_stream_close(&stream);
    return st;
}

static slc_status compute(const slc_recipe *r, curve *c, slc_err *err)
{
    slc_when when = {.steps = c->per * (uint64_t)r->train.epochs,
                     .steps_per_epoch = c->per};
    if (r->train.steps > 0 && (uint64_t)r->train.steps < when.steps)
        when.steps = (uint64_t)r->train.steps;
    const slc_status st =
        slc_schedule_check(r->schedule, r->schedule_settings, &r->warmup, &when, err);
    if (st != SLC_OK) return st;
    c->n = (size_t)when.steps;
    c->epoch = calloc(c->n, sizeof(double));
    c->lr = calloc(c->n, sizeof(double));
    c->momentum = calloc(c->n, sizeof(double));
    if (!c->epoch || !c->lr || !c->momentum)
        return slc_fail(err, SLC_ENOMEM, "schedule: no memory for %zu steps", c->n);
    for (when.step = 0; when.step < when.steps; when.step++) {
        const slc_rate rate = slc_fit_rate(r, &r->warmup, &when);
        c->epoch[when.step] = (double)when.step / (double)c->per;
        c->lr[when.step] = rate.lr;
        c->momentum[when.step] = rate.momentum;
        c->moves |= rate.momentum >= 0;
    }
    return SLC_OK;
}

static slc_status draw(const slc_recipe *r, const curve *c, const char *path,
                       slc_err *err)
{
    const cli_series lr = {.x = c->epoch, .y = c->lr, .n = c->n, .mark = CLI_LINE};
    const cli_series momentum = {
        .x = c->epoch, .y = c->momentum, .n = c->n, .mark = CLI_LINE};
    const cli_panel panels[] = {{.title = r->schedule->entry.name,
                                 .x_label = "epoch",
                                 .y_label = "learning rate",
                                 .series = &lr,
                                 .count = 1},
                                {.title = "momentum",
                                 .x_label = "epoch",
                                 .y_label = "momentum",
                                 .series = &momentum,
                                 .count = 1}};
    return cli_plot_write(
        path, &(cli_figure){.panels = panels, .count = c->moves ? 2 : 1, .columns = 1},
        err);
}

/* One number per epoch: the rate it begins with. */
static slc_status print(cli_context *cli, const slc_recipe *r, const curve *c,
                        slc_err *err)
{
    if (cli->json) {
        json_t *o = json_object(), *list = json_array();
        for (size_t i = 0; i < c->n; i += c->per)
            json_array_append_new(list, json_real(c->lr[i]));
        json_object_set_new(o, "schema", json_integer(1));
        json_object_set_new(o, "schedule", json_string(r->schedule->entry.name));
        json_object_set_new(o, "steps", json_integer((json_int_t)c->n));
        json_object_set_new(o, "steps_per_epoch", json_integer((json_int_t)c->per));
        json_object_set_new(o, "lr_at_epoch", list);
        json_object_set_new(o, "lr_last", json_real(c->lr[c->n - 1]));
        return cli_print_json(o, err);
    }
    printf("%s: %zu steps, %llu an epoch\n", r->schedule->entry.name, c->n,
           (unsigned long long)c->per);
    for (size_t i = 0; i < c->n; i += c->per)
        printf("epoch %3zu  lr %.6g\n", i / (size_t)c->per + 1, c->lr[i]);
    printf("last step  lr %.6g\n", c->lr[c->n - 1]);
    return SLC_OK;
}

static slc_status run(cli_context *cli, const void *of, int count, char **args,
                      slc_err *err)
{
    const settings *s = of;
    slc_recipe recipe = {0};
    curve c = {0};
    (void)count;
    slc_status st = cli_recipe_open(&recipe, args[0], &s->sets, err);
    if (st == SLC_OK) st = count_steps(cli, args[0], &recipe, s, &c.per, err);
    if (st == SLC_OK) st = compute(&recipe, &c, err);
    if (st == SLC_OK && s->output) st = draw(&recipe, &c, s->output, err);
    if (st == SLC_OK) st = print(cli, &recipe, &c, err);
    free(c.epoch);
    free(c.lr);
    free(c.momentum);
    slc_recipe_free(&recipe);
    return st;
}

const cli_cmd cli_cmd_schedule = {
    .name = "schedule",
    .group = CLI_TRAINING,
    .summary = "the learning rate of every step, drawn",
    .args = "RECIPE",
    .least = 1,
    .most = 1,
    .details = "Everything that sets the rate is in it: warm-up, the batch that lr is "
               "meant for, "
               "SWA's own\n"
               "rate. The plateau schedule depends on what training finds and is shown "
               "as if the "
               "metric never\n"
               "stalled.",
    .examples = "  sluice schedule recipes/fashion-mnist-demo.yaml -o lr.png\n"
                "  sluice schedule recipe.yaml --set schedule.name=one_cycle "
                "--steps-per-epoch 468 -o lr.svg",
    .options = options,
    .initial = &(const settings){0},
    .settings_size = sizeof(settings),
    .run = run,
};
