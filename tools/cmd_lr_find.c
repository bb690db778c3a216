/* lr-find: the learning-rate range test, as a table, a suggestion and a picture. */
#include <math.h>

#include "tools/cmd.h"
#include "tools/open.h"
#include "tools/plot.h"
#include "train/lr_find.h"

typedef struct find_settings {
    const char *output;
    cli_texts set;
    double lo, hi;
    uint64_t steps;
} find_settings;

#define FIELD(name) CLI_FIELD(find_settings, name)

static const cli_opt options[] = {
    {'o', "output", FIELD(output), .path = CLI_WRITES_PLOT, .value = "FILE",
     .help = "where to draw the curve"},
    {'s', "set", FIELD(set), .value = "KEY=VALUE", .help = "change a key of the recipe"},
    {0, "lo", FIELD(lo), .lo = 1e-12, .hi = 1e3, .value = "LR", .help = "first rate"},
    {0, "hi", FIELD(hi), .lo = 1e-12, .hi = 1e6, .value = "LR", .help = "last rate"},
    {0, "steps", FIELD(steps), .lo = 20, .hi = 100000, .value = "N",
     .help = "steps between them"},
    {0},
};

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* Batches far above the curve would press it flat: they are left out. */
static slc_status draw(slc_lr_find *f, const char *path, slc_err *err)
{
    double top = 0;
    for (size_t i = 0; i < f->n; i++)
        top = fmax(top, f->smoothed[i]);
    for (size_t i = 0; i < f->n; i++)
        if (f->loss[i] > 1.5 * top) f->loss[i] = NAN;
    const double marks[] = {f->valley, f->steepest};
    static const char *const notes[] = {"valley", "steepest"};
    const cli_series series[] = {
        {.name = "loss of the batch",
         .x = f->lr,
         .y = f->loss,
         .n = f->n,
         .mark = CLI_POINTS},
        {.name = "smoothed", .x = f->lr, .y = f->smoothed, .n = f->n, .mark = CLI_LINE},
    };
    const bool any = isfinite(f->valley) && isfinite(f->steepest);
    const cli_panel panel = {.title = "learning-rate range test",
                             .x_label = "learning rate",
                             .y_label = "loss",
                             .series = series,
                             .count = 2,
                             .log_x = true,
                             .verticals = marks,
                             .notes = notes,
                             .vertical_count = any ? 2 : 0};
    return cli_plot_write(path, &(cli_figure){.panels = &panel, .count = 1, .width = 720},
                          err);
}

static slc_status print_json(const slc_lr_find *f, slc_err *err)
{
    json_t *lr = json_array(), *loss = json_array(), *smoothed = json_array();
    for (size_t i = 0; i < f->n; i++) {
        json_array_append_new(lr, json_real(f->lr[i]));
        json_array_append_new(loss, number(f->loss[i]));
        json_array_append_new(smoothed, number(f->smoothed[i]));
    }
    return cli_print_json(json_pack("{s:i, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "schema",
                                    1, "valley", number(f->valley), "steepest",
                                    number(f->steepest), "least_tenth", number(f->least),
                                    "diverged", (int)f->diverged, "lr", lr, "loss", loss,
                                    "smoothed", smoothed),
                          err);
}

static void print_text(const slc_lr_find *f, const char *recipe, const cli_texts *set)
{
    if (!isfinite(f->valley)) {
        printf("the loss did not fall anywhere between %.3g and %.3g: try other bounds\n",
               f->lr[0], f->lr[f->n - 1]);
        return;
    }
    printf("%zu steps from %.3g to %.3g%s\n", f->n, f->lr[0], f->lr[f->n - 1],
           f->diverged ? ", where the loss ran away" : "");
    printf("valley    %.3g   (two thirds along the longest fall: a safe choice)\n",
           f->valley);
    if (isfinite(f->steepest))
        printf("steepest  %.3g   (where the loss falls fastest: a bold one)\n",
               f->steepest);
    printf("try: sluice train %s", recipe);
    for (size_t i = 0; i < set->n; i++)
        printf(" --set '%s'", set->v[i]);
    printf(" --set optim.lr=%.2g -o RUN\n", f->valley);
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const find_settings *s = settings;
    slc_recipe recipe = {0};
    slc_lr_find found = {0};
    (void)count;

    slc_status st = cli_recipe_open(&recipe, args[0], &s->set, err);
    if (st == SLC_OK)
        st = slc_lr_find_run(&found,
                             &(slc_lr_find_settings){.recipe = &recipe,
                                                     .threads = cli->threads,
                                                     .lo = s->lo,
                                                     .hi = s->hi,
                                                     .steps = s->steps,
                                                     .log = cli->log,
                                                     .stop = cli->stop},
                             err);
    if (st == SLC_OK && cli->json) st = print_json(&found, err);
    if (st == SLC_OK && !cli->json) print_text(&found, args[0], &s->set);
    if (st == SLC_OK && s->output) st = draw(&found, s->output, err);
    slc_lr_find_free(&found);
    slc_recipe_free(&recipe);
    return st;
}

const cli_cmd cli_cmd_lr_find = {
    .name = "lr-find",
    .group = CLI_TRAINING,
    .summary = "find a learning rate by a short ramp",
    .args = "RECIPE",
    .least = 1,
    .most = 1,
    .details = "Trains a few steps of the recipe while the rate rises exponentially, and "
               "suggests one\n"
               "from the smoothed loss. Nothing is kept: weights start anew in the next "
               "command.\n"
               "A smaller --lo spends steps where nothing happens and moves the valley "
               "down with them;\n"
               "for weights that are only tuned a little, begin at 1e-6.",
    .examples = "  sluice lr-find recipes/fashion-mnist.yaml -o lr.png",
    .options = options,
    .initial = &(const find_settings){.lo = 1e-5, .hi = 10, .steps = 100},
    .settings_size = sizeof(find_settings),
    .run = run,
};
