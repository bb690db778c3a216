/* gradcheck: every layer's definition against central differences in double, both engines
 * against the definition, losses against differences, and small nets of every model; one model,
 * or any net, layer by layer. */
#include <math.h>
#include <string.h>

#include "base/node.h"
#include "config.h"
#include "tools/cmd.h"
#include "tools/plot.h"
#include "tools/table.h"
#include "train/gradcheck.h"

/* Limits of tests/train/test_gradcheck.c; those of nets stand with them. */
static const double NUMERIC = 1e-6, LAYER = 1e-5;

typedef struct check_settings {
    const char *engine, *output;
    uint64_t size, batch;
} check_settings;

#define FIELD(name) CLI_FIELD(check_settings, name)

static const cli_opt options[] = {
    {0, "engine", FIELD(engine), .value = "NAME",
     .help = "onednn or blas (default: both)"},
    {'o', "output", FIELD(output), .path = CLI_WRITES_PLOT, .value = "FILE",
     .help = "draw a model's errors, layer by layer"},
    {0, "size", FIELD(size), .lo = 4, .hi = 64, .value = "PX",
     .help = "side of a model's images (default: its smallest)"},
    {'b', "batch", FIELD(batch), .lo = 2, .hi = 256, .value = "N",
     .help = "images of a model's step"},
    {0},
};

static const char *const engines[] = {
    "blas",
#if SLC_HAVE_ONEDNN
    "onednn",
#endif
};

/* What was found, for programs and for people. */
typedef struct results {
    json_t *rows;
    cli_table table;
} results;

/* Errors below zero were not measured. */
static const char *shown(char text[24], double error, const char *otherwise)
{
    if (error < 0) return otherwise;
    snprintf(text, 24, "%.1e", error);
    return text;
}

static json_t *number(double error)
{
    return error < 0 ? json_null() : json_real(error);
}

/* The lines of a net's layers. */
static json_t *show_layers(cli_context *cli, FILE *cells, const slc_gradcheck *g,
                           double most)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < g->layers; i++) {
        const slc_gradcheck_layer *l = &g->layer[i];
        const bool good = l->numeric < NUMERIC && l->forward < most && l->backward < most;
        char numeric[24], backward[24];
        if (!good) cli->findings = true;
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:o, s:f, s:o, s:b}", "layer", l->name, "type",
                            l->type, "numeric", number(l->numeric), "forward", l->forward,
                            "backward", number(l->backward), "ok", (int)good));
        fprintf(cells, "  %s\t%s\t%s\t%.1e\t%s\t%s\n", l->name, l->type,
                shown(numeric, l->numeric, "skipped"), l->forward,
                shown(backward, l->backward, ""), good ? "ok" : "FAIL");
    }
    return rows;
}

/* One line of the table; counts it as a finding if it is over a limit. */
static void show(cli_context *cli, results *out, const char *name, const char *engine,
                 const slc_gradcheck *g, double most)
{
    const bool good = g->numeric < NUMERIC && g->forward < most && g->engine < most;
    char numeric[24];
    json_t *const row =
        json_pack("{s:s, s:s, s:o, s:f, s:f, s:s, s:b}", "name", name, "engine", engine,
                  "numeric", number(g->numeric), "forward", g->forward, "backward",
                  g->engine, "worst", g->worst, "ok", (int)good);
    if (!good) cli->findings = true;
    json_array_append_new(out->rows, row);
    fprintf(out->table.cells, "%s\t%s\t%s\t%.1e\t%.1e\t%s\t%s\n", name, engine,
            shown(numeric, g->numeric, "-"), g->forward, g->engine, good ? "ok" : "FAIL",
            g->worst);
    if (!g->layers) return;
    json_object_set_new(row, "layers", show_layers(cli, out->table.cells, g, most));
    json_object_set_new(row, "skipped", json_integer((json_int_t)g->parts_skipped));
    if (g->parts_skipped)
        slc_log_line(
            cli->log, SLC_WARNING,
            "%s, %s: %zu inputs or tensors lie at a kink in every direction tried; "
            "their gradients were not differenced",
            name, engine, g->parts_skipped);
}

static slc_status check(cli_context *cli, results *out, const char *name, const char *net,
                        const slc_gradcheck_settings *how, double most, slc_err *err)
{
    slc_arena arena = {0};
    slc_node *node = NULL, *spec = slc_node_new(&arena, SLC_NODE_MAP);
    slc_gradcheck_settings set = *how;
    slc_gradcheck g = {0};
    slc_status st = slc_node_parse(&node, &arena, net, strlen(net), name, err);
    if (st == SLC_OK && !spec) st = slc_fail(err, SLC_ENOMEM, "gradcheck: out of memory");
    if (st == SLC_OK && node->kind == SLC_NODE_LIST) {
        slc_node_put(spec, &arena, "layers", node);
        node = spec;
    }
    set.spec = node;
    if (st == SLC_OK && atomic_load(cli->stop)) st = slc_fail(err, SLC_ESTOP, "stopped");
    if (st == SLC_OK) st = slc_gradcheck_run(&g, &set, err);
    if (st == SLC_OK) show(cli, out, name, set.engine, &g, most);
    slc_gradcheck_free(&g);
    slc_arena_free(&arena);
    return st;
}

static const slc_gradcheck_settings small = {.in = {6, 9, 9},
                                             .classes = 5,
                                             .batch = 7,
                                             .precision = SLC_PRECISION_F32,
                                             .seed = 11};

/* The nets around layers called name, or around every layer. */
static slc_status check_layers(cli_context *cli, results *out, const char *name,
                               const char *engine, bool *found, slc_err *err)
{
    slc_gradcheck_settings set = small;
    slc_status st = SLC_OK;
    set.engine = engine, set.threads = cli->threads;
    for (const slc_gradcheck_case *c = slc_gradcheck_cases; c->layer && st == SLC_OK; c++)
        if (!name || strcmp(name, c->layer) == 0) {
            *found = true;
            st = check(cli, out, c->layer, c->net, &set, LAYER, err);
        }
    return st;
}

/* Likewise small nets of models; a single one layer by layer. */
static slc_status check_nets(cli_context *cli, results *out, const char *name,
                             const char *engine, const check_settings *s, bool *found,
                             slc_err *err)
{
    slc_gradcheck_settings set = small;
    slc_status st = SLC_OK;
    set.engine = engine, set.threads = cli->threads;
    set.classes = 10, set.batch = s->batch ? s->batch : 4, set.differences = SIZE_MAX;
    set.by_layer = name != NULL;
    for (const slc_gradcheck_net *n = slc_gradcheck_nets; n->model && st == SLC_OK; n++)
        if (!name || strcmp(name, n->model) == 0) {
            *found = true;
            set.in = n->in;
            if (s->size) set.in.h = set.in.w = s->size;
            st = check(cli, out, n->model, n->spec, &set, n->most, err);
        }
    return st;
}

/* "{name: resnet18}", or resnet18-cifar: that very net, not a small one of its kind. */
static slc_status check_spec(cli_context *cli, results *out, const char *text,
                             const char *engine, const check_settings *s, bool *found,
                             slc_err *err)
{
    enum { SIDE = 32 };
    static const double most = 1e-3; /* as of the deep nets in the list */
    slc_gradcheck_settings set = small;
    slc_arena arena = {0};
    slc_node *node = NULL;
    slc_status st = slc_node_parse(&node, &arena, text, strlen(text), "gradcheck", err);
    const slc_node *const name =
        st == SLC_OK && node->kind == SLC_NODE_MAP ? slc_node_get(node, "name") : node;
    char base[64] = "";
    if (st == SLC_OK && name && name->text)
        snprintf(base, sizeof(base), "%s", name->text);
    char *const tail = strstr(base, "-cifar");
    if (tail) *tail = '\0';
    const slc_arch *arch = NULL;
    for (size_t i = 0; slc_archs[i]; i++)
        if (strcmp(slc_archs[i]->entry.name, base) == 0) arch = slc_archs[i];
    slc_arena_free(&arena);
    if (st != SLC_OK || !arch) return st;
    *found = true;
    set.engine = engine, set.threads = cli->threads, set.by_layer = true;
    set.in = arch->shape, set.classes = 10, set.batch = s->batch ? s->batch : 4;
    set.differences = SIZE_MAX;
    if (s->size || set.in.h > SIDE) set.in.h = set.in.w = s->size ? s->size : SIDE;
    return check(cli, out, text, text, &set, most, err);
}

static slc_status check_losses(cli_context *cli, results *out, const char *name,
                               bool *found, slc_err *err)
{
    slc_status st = SLC_OK;
    for (const slc_gradcheck_loss_case *c = slc_gradcheck_loss_cases;
         c->loss && st == SLC_OK; c++)
        if (!name || strcmp(name, c->loss) == 0) {
            slc_gradcheck g = {.checked = 1};
            *found = true;
            st = slc_gradcheck_loss(&g.numeric, c, err);
            if (st == SLC_OK) show(cli, out, c->loss, "-", &g, LAYER);
        }
    return st;
}

/* The errors of a net's layers from front to back, a panel for each engine. */
static slc_status draw(const char *path, json_t *rows, slc_err *err)
{
    static const char *const kinds[] = {"numeric", "forward", "backward"};
    enum { KINDS = SLC_COUNT(kinds) };
    cli_panel panels[SLC_COUNT(engines)] = {0};
    cli_series series[SLC_COUNT(engines)][KINDS] = {0};
    char titles[SLC_COUNT(engines)][96];
    slc_arena arena = {0};
    size_t n = 0, i;
    json_t *row;
    slc_status st = SLC_OK;

    json_array_foreach(rows, i, row)
    {
        json_t *const layers = json_object_get(row, "layers");
        const size_t count = json_array_size(layers);
        if (!count || n == SLC_COUNT(engines)) continue;
        for (size_t k = 0; k < KINDS; k++) {
            double *const y = slc_arena_zero(&arena, count, sizeof(*y));
            for (size_t l = 0; y && l < count; l++) {
                const double v = json_number_value(
                    json_object_get(json_array_get(layers, l), kinds[k]));
                y[l] = v > 0 ? v : NAN; /* exact, or without weights */
            }
            if (!y) st = slc_fail(err, SLC_ENOMEM, "gradcheck: out of memory");
            series[n][k] = (cli_series){kinds[k], .y = y, .n = y ? count : 0};
            series[n][k].mark = CLI_POINTS;
        }
        snprintf(titles[n], sizeof(titles[n]), "%s, %s",
                 json_string_value(json_object_get(row, "name")),
                 json_string_value(json_object_get(row, "engine")));
        panels[n] = (cli_panel){.title = titles[n],
                                .x_label = "layer",
                                .y_label = "relative error",
                                .series = series[n],
                                .count = KINDS,
                                .log_y = true};
        n++;
    }
    if (n == 0)
        st = slc_fail(err, SLC_EINVAL, "--output draws the layers of one model: name it");
    if (st == SLC_OK)
        st = cli_plot_write(path, &(cli_figure){.panels = panels, .count = n}, err);
    slc_arena_free(&arena);
    return st;
}

/* What may be checked: layers, losses, models. */
static const char *next_name(const void *of, size_t i)
{
    (void)of;
    const void *const *lists[] = {(const void *const *)slc_layers,
                                  (const void *const *)slc_losses,
                                  (const void *const *)slc_archs};
    for (size_t k = 0; k < SLC_COUNT(lists); k++)
        for (size_t j = 0; lists[k][j]; j++, i--)
            if (i == 0) return ((const slc_entry *)lists[k][j])->name;
    return NULL;
}

static slc_status unknown(const char *name, slc_err *err)
{
    const char *const near = slc_suggest(name, next_name, NULL);
    return slc_fail(err, SLC_EINVAL,
                    near ? "no layer, loss or model is called \"%s\"; did you mean "
                           "\"%s\"?"
                         : "no layer, loss or model is called \"%s\"; \"sluice models\" "
                           "and docs/layers.md list them",
                    name, near);
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const check_settings *s = settings;
    const char *const name = count ? args[0] : NULL;
    results out = {.rows = json_array()};
    bool found = false, known = false;
    slc_status st = SLC_OK;

    for (size_t i = 0; i < SLC_COUNT(engines); i++)
        known |= !s->engine || strcmp(s->engine, engines[i]) == 0;
    if (!known)
        st =
            slc_fail(err, SLC_EINVAL, "--engine: \"%s\" is not in this build", s->engine);
    cli_table_begin(&out.table);
    fprintf(out.table.cells, "name\tengine\tnumeric\tforward\tbackward\t\tworst\n");
    if (st == SLC_OK) st = check_losses(cli, &out, name, &found, err);
    for (size_t i = 0; i < SLC_COUNT(engines) && st == SLC_OK; i++) {
        if (s->engine && strcmp(s->engine, engines[i]) != 0) continue;
        st = check_layers(cli, &out, name, engines[i], &found, err);
        if (st == SLC_OK) st = check_nets(cli, &out, name, engines[i], s, &found, err);
        if (st == SLC_OK && name && (strchr(name, '{') || strstr(name, "-cifar")))
            st = check_spec(cli, &out, name, engines[i], s, &found, err);
    }
    if (st == SLC_OK && !found) st = unknown(name, err);
    cli_table_end(&out.table, cli->json || !found ? NULL : stdout);
    if (st == SLC_OK && s->output) st = draw(s->output, out.rows, err);
    if (st == SLC_OK && cli->json)
        return cli_print_json(json_pack("{s:i, s:b, s:o}", "schema", 1, "ok",
                                        (int)!cli->findings, "checks", out.rows),
                              err);
    json_decref(out.rows);
    return st;
}

const cli_cmd cli_cmd_gradcheck = {
    .name = "gradcheck",
    .group = CLI_INSIGHT,
    .summary = "gradients of layers, losses and models against numerical derivatives",
    .args = "[LAYER|LOSS|MODEL]",
    .least = 0,
    .most = 1,
    .details =
        "numeric: the definition of a layer or loss, in double, against central "
        "differences away from kinks.\n"
        "forward, backward: an engine's f32 answers and gradients against the "
        "definition.\n"
        "All are relative errors; exit code 1 if one is over its limit. A model's "
        "name checks every\n"
        "layer of a small net of its kind where it stands; \"{name: resnet18}\" or "
        "resnet18-cifar\n"
        "that very net.",
    .examples = "  sluice gradcheck\n  sluice gradcheck conv2d --engine blas\n  sluice "
                "gradcheck focal\n  sluice gradcheck resnet20\n  sluice gradcheck "
                "'{name: mobilenet_v2}' --size 64",
    .options = options,
    .initial = &(const check_settings){0},
    .settings_size = sizeof(check_settings),
    .run = run,
};
