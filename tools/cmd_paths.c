/* paths: the ways that optimizers go over the level lines of a function of two numbers. The
 * optimizers are those of training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/plot.h"
#include "tools/surface.h"
#include "tools/table.h"
#include "train/optim.h"

typedef struct settings {
    const char *output;
    int surface;
    uint64_t steps;
} settings;

static const cli_opt options[] = {
    {'o', "output", CLI_FIELD(settings, output), .path = CLI_WRITES_PLOT, .value = "FILE",
     .help = "draw them there (PNG or SVG)"},
    {'f', "function", CLI_FIELD(settings, surface), .choices = cli_surface_names,
     .help = "what to go down"},
    {'n', "steps", CLI_FIELD(settings, steps), .lo = 1, .hi = 1e6, .value = "N",
     .help = "steps of each optimizer"},
    {0},
};

enum { MOST_PATHS = 8, MOST_LEVEL_POINTS = 400000 };

typedef struct path {
    const slc_optim *optim;
    const slc_optim_common *set;
    const char *spec;
    double *x, *y;
    size_t n; /* points, the first is the start */
    char label[80];
    double value; /* at the end */
} path;

/* "adam" or "{name: adam, lr: 0.1}" */
static slc_status read_optim(path *p, const char *text, slc_arena *arena, slc_err *err)
{
    slc_node *node = NULL;
    slc_status st = slc_node_parse(&node, arena, text, strlen(text), "OPTIMIZER", err);
    if (st != SLC_OK) return st;
    const bool bare = node->kind == SLC_NODE_SCALAR;
    const slc_node *name = bare ? node : slc_node_get(node, "name");
    if (!name || name->kind != SLC_NODE_SCALAR)
        return slc_fail(err, SLC_EINVAL,
                        "\"%.80s\" is no optimizer: write adam, or {name: adam, lr: 0.1}",
                        text);
    p->optim = slc_entry_find((const void *const *)slc_optims, "optimizer", name->text,
                              NULL, err);
    if (!p->optim) return SLC_EINVAL;
    void *set = slc_arena_zero(arena, 1, p->optim->entry.settings_size);
    if (!set) return slc_fail(err, SLC_ENOMEM, "paths: out of memory");
    p->set = set;
    p->spec = text;
    return slc_params_bind(p->optim->entry.params, set, bare ? NULL : node, true,
                           p->optim->entry.name, arena, err);
}

/* Ends early where numbers end: a rate that is too large is something to see. */
static void walk(path *p, const cli_surface *surface, uint64_t steps)
{
    float slots[SLC_MAX_SLOTS][2] = {{0}};
    float *const slot[SLC_MAX_SLOTS] = {slots[0], slots[1], slots[2], slots[3]};
    float w[2] = {(float)surface->start[0], (float)surface->start[1]};
    double g[2];
    for (uint64_t t = 0;; t++) {
        p->value = surface->at(w[0], w[1], g);
        p->x[p->n] = w[0], p->y[p->n] = w[1];
        p->n++;
        if (t == steps || !(fabs(p->value) < 1e12)) return;
        const float gradient[2] = {(float)g[0], (float)g[1]};
        const slc_step at = {.step = t + 1,
                             .lr = p->set->lr,
                             .decay = p->set->weight_decay,
                             .momentum = -1};
        p->optim->run(p->set, &at, 2, w, gradient, slot);
    }
}

/* The optimizer's name and, where another path has the same, the settings in which they differ. */
static void name_path(path *p, const path *all, size_t count)
{
    const path *twin = NULL;
    for (size_t i = 0; i < count; i++)
        if (&all[i] != p && all[i].optim == p->optim) twin = &all[i];
    snprintf(p->label, sizeof(p->label), "%s", p->optim->entry.name);
    for (const char *part = p->spec; twin && *part;) {
        part += strspn(part, "{}, ");
        const size_t size = strcspn(part, ",}"), used = strlen(p->label);
        char text[64];
        snprintf(text, sizeof(text), "%.*s", (int)size, part);
        const char *const same = strstr(twin->spec, text);
        if (!same || !strchr(",}", same[strlen(text)]))
            snprintf(p->label + used, sizeof(p->label) - used, " %s", text);
        part += size;
    }
}

static slc_status draw(const cli_surface *surface, const path *paths, size_t count,
                       const char *output, slc_err *err)
{
    cli_series series[MOST_PATHS + 1] = {{0}};
    double *x = malloc(2 * MOST_LEVEL_POINTS * sizeof(*x));
    if (!x) return slc_fail(err, SLC_ENOMEM, "paths: out of memory");
    double *y = x + MOST_LEVEL_POINTS;
    const size_t n = cli_surface_levels(surface, x, y, MOST_LEVEL_POINTS);
    series[count] = (cli_series){.x = x, .y = y, .n = n, .mark = CLI_LINE, .faint = true};
    for (size_t i = 0; i < count; i++)
        series[i] = (cli_series){.name = paths[i].label,
                                 .x = paths[i].x,
                                 .y = paths[i].y,
                                 .n = paths[i].n,
                                 .mark = CLI_LINE_POINTS};
    const cli_panel panel = {.title = surface->name,
                             .series = series,
                             .count = count + 1,
                             .x_lo = surface->x_lo,
                             .x_hi = surface->x_hi,
                             .y_lo = surface->y_lo,
                             .y_hi = surface->y_hi};
    const slc_status st = cli_plot_write(
        output, &(cli_figure){.panels = &panel, .count = 1, .width = 680, .height = 460},
        err);
    free(x);
    return st;
}

static slc_status print(cli_context *cli, const cli_surface *surface, const path *paths,
                        size_t count, slc_err *err)
{
    json_t *list = json_array();
    cli_table t;
    cli_table_begin(&t);
    fprintf(t.cells, "optimizer\tsteps\tx\ty\tvalue\n");
    for (size_t i = 0; i < count; i++) {
        const path *p = &paths[i];
        const double x = p->x[p->n - 1], y = p->y[p->n - 1];
        fprintf(t.cells, "%s\t%zu\t%.4g\t%.4g\t%.4g\n", p->spec, p->n - 1, x, y,
                p->value);
        if (isfinite(x + y + p->value))
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:f, s:f, s:f}", "optimizer",
                                            p->spec, "steps", (json_int_t)p->n - 1, "x",
                                            x, "y", y, "value", p->value));
        else
            json_array_append_new(
                list, json_pack("{s:s, s:I, s:n, s:n, s:n}", "optimizer", p->spec,
                                "steps", (json_int_t)p->n - 1, "x", "y", "value"));
    }
    cli_table_end(&t, cli->json ? NULL : stdout);
    if (cli->json)
        return cli_print_json(json_pack("{s:i, s:s, s:o}", "schema", 1, "function",
                                        surface->name, "paths", list),
                              err);
    json_decref(list);
    printf("the minimum is at (%g, %g)\n", surface->least[0], surface->least[1]);
    return SLC_OK;
}

static slc_status run(cli_context *cli, const void *of, int count, char **args,
                      slc_err *err)
{
    static const char *const usual[] = {
        "{name: sgd, lr: 0.01, momentum: 0}", "{name: sgd, lr: 0.01, momentum: 0.9}",
        "{name: adagrad, lr: 0.5}", "{name: adam, lr: 0.1}"};
    const settings *s = of;
    const cli_surface *surface = &cli_surfaces[s->surface];
    const size_t n = count ? (size_t)count : SLC_COUNT(usual);
    path paths[MOST_PATHS] = {{0}};
    slc_arena arena = {0};
    slc_status st = SLC_OK;

    for (size_t i = 0; i < n && st == SLC_OK; i++) {
        st = read_optim(&paths[i], count ? args[i] : usual[i], &arena, err);
        paths[i].x = slc_arena_zero(&arena, s->steps + 1, sizeof(double));
        paths[i].y = slc_arena_zero(&arena, s->steps + 1, sizeof(double));
        if (st == SLC_OK && (!paths[i].x || !paths[i].y))
            st = slc_fail(err, SLC_ENOMEM, "paths: out of memory");
        if (st == SLC_OK) walk(&paths[i], surface, s->steps);
    }
    for (size_t i = 0; st == SLC_OK && i < n; i++)
        name_path(&paths[i], paths, n);
    if (st == SLC_OK && s->output) st = draw(surface, paths, n, s->output, err);
    if (st == SLC_OK) st = print(cli, surface, paths, n, err);
    slc_arena_free(&arena);
    return st;
}

const cli_cmd cli_cmd_paths = {
    .name = "paths",
    .group = CLI_INSIGHT,
    .summary = "the ways of optimizers over the level lines of a function",
    .args = "[OPTIMIZER...]",
    .most = MOST_PATHS,
    .details = "OPTIMIZER is what a recipe's optim section takes: adam, or {name: adam, "
               "lr: 0.1}. Without\n"
               "any, sgd without and with momentum, adagrad and adam go.",
    .examples = "  sluice paths -o paths.png\n"
                "  sluice paths -f rosenbrock -n 500 '{name: adam, lr: 0.02}' lion -o "
                "valley.svg",
    .options = options,
    .initial = &(const settings){.surface = 1, .steps = 100},
    .settings_size = sizeof(settings),
    .run = run,
};
