/* gradcheck: every layer's definition against central differences in double, and both engines
 * against the definition. */
#include <string.h>

#include "base/node.h"
#include "config.h"
#include "tools/cmd.h"
#include "train/gradcheck.h"

/* Limits of tests/train/test_gradcheck.c; whole nets gather rounding errors with their depth. */
static const double NUMERIC = 1e-6, LAYER = 1e-5, NET = 1e-3;

typedef struct check_settings {
    const char *engine;
    uint64_t size;
} check_settings;

#define FIELD(name) CLI_FIELD(check_settings, name)

static const cli_opt options[] = {
    {0, "engine", FIELD(engine), .value = "NAME",
     .help = "onednn or blas (default: both)"},
    {0, "size", FIELD(size), .lo = 4, .hi = 64, .value = "PX",
     .help = "side of a model's images"},
    {0},
};

static const char *const engines[] = {
    "blas",
#if SLC_HAVE_ONEDNN
    "onednn",
#endif
};

/* One line of the table; counts it as a finding if it is over a limit. */
static void show(cli_context *cli, json_t *rows, const char *name, const char *engine,
                 const slc_gradcheck *g, double most)
{
    const bool good = (g->checked == 0 || g->numeric < NUMERIC) && g->forward < most &&
                      g->engine < most;
    if (!good) cli->findings = true;
    json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f, s:f, s:s, s:b}", "name",
                                          name, "engine", engine, "numeric", g->numeric,
                                          "forward", g->forward, "backward", g->engine,
                                          "worst", g->worst, "ok", (int)good));
    if (!cli->json)
        printf("%-16s %-7s %9.1e %9.1e %9.1e  %s  %s\n", name, engine, g->numeric,
               g->forward, g->engine, good ? "ok  " : "FAIL", g->worst);
}

static slc_status check(cli_context *cli, json_t *rows, const char *name, const char *net,
                        const slc_gradcheck_settings *how, double most, slc_err *err)
{
    slc_arena arena = {0};
    slc_node *node = NULL, *spec = slc_node_new(&arena, SLC_NODE_MAP);
    slc_gradcheck_settings set = *how;
    slc_gradcheck g;
    slc_status st = slc_node_parse(&node, &arena, net, strlen(net), name, err);
    if (st == SLC_OK && !spec) st = slc_fail(err, SLC_ENOMEM, "gradcheck: out of memory");
    if (st == SLC_OK && node->kind == SLC_NODE_LIST) {
        slc_node_put(spec, &arena, "layers", node);
        node = spec;
    }
    set.spec = node;
    if (st == SLC_OK) st = slc_gradcheck_run(&g, &set, err);
    if (st == SLC_OK) show(cli, rows, name, set.engine, &g, most);
    slc_arena_free(&arena);
    return st;
}

/* A layer's small nets, every layer's, or (if name is no layer) the model of that name. */
static slc_status check_name(cli_context *cli, json_t *rows, const char *name,
                             const char *engine, uint64_t size, slc_err *err)
{
    slc_gradcheck_settings set = {.in = {6, 9, 9},
                                  .classes = 5,
                                  .batch = 7,
                                  .engine = engine,
                                  .precision = SLC_PRECISION_F32,
                                  .threads = cli->threads,
                                  .seed = 11};
    bool found = false;
    slc_status st = SLC_OK;

    for (const slc_gradcheck_case *c = slc_gradcheck_cases; c->layer && st == SLC_OK; c++)
        if (!name || strcmp(name, c->layer) == 0) {
            found = true;
            st = check(cli, rows, c->layer, c->net, &set, LAYER, err);
        }
    if (found || st != SLC_OK) return st;
    const size_t channels =
        strcmp(name, "cnn28") == 0 || strcmp(name, "lenet5") == 0 ? 1 : 3;
    set.in = (slc_shape){channels, size, size};
    set.classes = 10;
    set.batch = 4;
    set.differences = SIZE_MAX; /* the layers' definitions are checked one by one */
    return check(cli, rows, name, name, &set, NET, err);
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const check_settings *s = settings;
    json_t *rows = json_array();
    slc_status st = SLC_OK;

    if (!cli->json)
        printf("%-16s %-7s %9s %9s %9s\n", "name", "engine", "numeric", "forward",
               "backward");
    for (size_t i = 0; i < SLC_COUNT(engines) && st == SLC_OK; i++)
        if (!s->engine || strcmp(s->engine, engines[i]) == 0)
            st = check_name(cli, rows, count ? args[0] : NULL, engines[i], s->size, err);
    if (st == SLC_OK && json_array_size(rows) == 0)
        st =
            slc_fail(err, SLC_EINVAL, "--engine: \"%s\" is not in this build", s->engine);
    if (st == SLC_OK && cli->json)
        return cli_print_json(json_pack("{s:i, s:b, s:o}", "schema", 1, "ok",
                                        (int)!cli->findings, "checks", rows),
                              err);
    json_decref(rows);
    return st;
}

const cli_cmd cli_cmd_gradcheck = {
    .name = "gradcheck",
    .group = CLI_INSIGHT,
    .summary = "gradients of layers and models against numerical derivatives",
    .args = "[LAYER|MODEL]",
    .least = 0,
    .most = 1,
    .details = "numeric: a layer's definition in double against central differences away "
               "from kinks.\n"
               "forward, backward: an engine's f32 answers and gradients against the "
               "definition.\n"
               "All are relative errors; exit code 1 if one is over its limit.",
    .examples = "sluice gradcheck\nsluice gradcheck conv2d --engine blas\nsluice "
                "gradcheck resnet20",
    .options = options,
    .initial = &(const check_settings){.size = 16},
    .settings_size = sizeof(check_settings),
    .run = run,
};
