/* Every kind of layer: definition against central differences, engines against it. */
#include "base/isa.h"
#include "config.h"
#include "tests/check.h"
#include "train/gradcheck.h"

#define NONE SIZE_MAX /* differences: the definition is checked once */

static slc_gradcheck run(const char *text, slc_gradcheck_settings set)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_node *node, *spec = slc_node_new(&arena, SLC_NODE_MAP);
    slc_gradcheck out;
    CHECK(slc_node_parse(&node, &arena, text, strlen(text), "net", &err) == SLC_OK, "%s",
          err.msg);
    slc_node_put(spec, &arena, "layers", node);
    set.spec = node->kind == SLC_NODE_LIST ? spec : node;
    set.threads = 2;
    set.seed = 11;
    CHECK(slc_gradcheck_run(&out, &set, &err) == SLC_OK, "%s\n%s", text, err.msg);
    slc_arena_free(&arena);
    return out;
}

static void check_engine(const char *engine, slc_precision precision, size_t differences,
                         double forward, double backward)
{
    for (const slc_gradcheck_case *c = slc_gradcheck_cases; c->layer; c++) {
        const slc_gradcheck g =
            run(c->net, (slc_gradcheck_settings){.in = {6, 9, 9},
                                                 .classes = 5,
                                                 .batch = 7,
                                                 .engine = engine,
                                                 .precision = precision,
                                                 .differences = differences});
        CHECK(differences || (g.numeric < 1e-6 && g.checked > 20),
              "%s: %g over %zu, %zu skipped\n%s", c->layer, g.numeric, g.checked,
              g.skipped, c->net);
        CHECK(g.forward < forward, "%s, %s: %g\n%s", engine, c->layer, g.forward, c->net);
        CHECK(g.engine < backward, "%s, %s: %g in %s\n%s", engine, c->layer, g.engine,
              g.worst, c->net);
    }
}

/* Every layer of a net where it stands, in double and in the engine. */
static void check_layers(slc_gradcheck *g, const slc_gradcheck_net *n, const char *engine)
{
    CHECK(g->layers > 3, "%s: %zu layers", n->spec, g->layers);
    CHECK(g->parts_skipped == 0, "%s: %zu skipped", n->spec, g->parts_skipped);
    for (size_t i = 0; i < g->layers; i++) {
        const slc_gradcheck_layer *l = &g->layer[i];
        CHECK(l->numeric < 1e-6 && l->forward < n->most && l->backward < n->most,
              "%s, %s, layer %s (%s): %g, %g, %g", engine, n->spec, l->name, l->type,
              l->numeric, l->forward, l->backward);
    }
    slc_gradcheck_free(g);
}

static void check_nets(const char *engine)
{
    for (const slc_gradcheck_net *n = slc_gradcheck_nets; n->model; n++) {
        slc_gradcheck g =
            run(n->spec, (slc_gradcheck_settings){.in = n->in,
                                                  .classes = 10,
                                                  .batch = 4,
                                                  .engine = engine,
                                                  .by_layer = true,
                                                  .precision = SLC_PRECISION_F32,
                                                  .differences = NONE});
        CHECK(g.forward < n->most && g.engine < n->most, "%s, %s: %g, %g in %s", engine,
              n->spec, g.forward, g.engine, g.worst);
        check_layers(&g, n, engine);
    }
}

static void test_blas_is_the_definition(void)
{
    check_engine("blas", SLC_PRECISION_F32, 0, 1e-5, 1e-5);
}

#if SLC_HAVE_ONEDNN
static void test_onednn_is_the_definition(void)
{
    check_engine("onednn", SLC_PRECISION_F32, NONE, 1e-5, 1e-5);
}

#endif

/* Eight bits of mantissa: 2^-9 per rounding, several of them, and relus that flip. Where the
 * engine does not multiply bf16, products are made in f32 of numbers kept in bf16. */
static void test_bf16_is_near(void)
{
    check_engine("blas", SLC_PRECISION_BF16, NONE, 0.03, 0.15);
#if SLC_HAVE_ONEDNN
    check_engine("onednn", SLC_PRECISION_BF16, NONE, 0.03, 0.15);
#endif
}

/* Zeros before a relu: every direction leads over the kink, which is no error of zero. */
static void test_says_what_it_could_not_check(void)
{
    slc_gradcheck g =
        run("[flatten, {linear: {out: 3, init: zeros, bias: false}}, {relu: {name: r}}, "
            "{linear: {out: 5}}]",
            (slc_gradcheck_settings){.in = {6, 9, 9},
                                     .classes = 5,
                                     .batch = 4,
                                     .engine = "blas",
                                     .by_layer = true,
                                     .differences = NONE});
    CHECK(g.layers == 4 && g.parts_skipped == 1, "%zu of %zu", g.parts_skipped, g.layers);
    CHECK(g.layer[2].numeric < 0 && g.layer[3].numeric >= 0, "%g, %g", g.layer[2].numeric,
          g.layer[3].numeric);
    slc_gradcheck_free(&g);
}

static void test_everything_is_checked(void)
{
    for (size_t i = 0; slc_layers[i]; i++) {
        bool found = false;
        for (const slc_gradcheck_case *c = slc_gradcheck_cases; c->layer; c++)
            found |= strcmp(c->layer, slc_layers[i]->entry.name) == 0;
        CHECK(found, "%s", slc_layers[i]->entry.name);
    }
    for (size_t i = 0; slc_archs[i]; i++)
        CHECK(slc_gradcheck_nets[i].model &&
                  strcmp(slc_gradcheck_nets[i].model, slc_archs[i]->entry.name) == 0,
              "%s", slc_archs[i]->entry.name);
    for (size_t i = 0; slc_losses[i]; i++) {
        bool found = false;
        for (const slc_gradcheck_loss_case *c = slc_gradcheck_loss_cases; c->loss; c++)
            found |= strcmp(c->loss, slc_losses[i]->entry.name) == 0;
        CHECK(found, "%s", slc_losses[i]->entry.name);
    }
}

/* With an argument: whole nets, which take longer. */
int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        check_nets("blas");
#if SLC_HAVE_ONEDNN
        check_nets("onednn");
#endif
        return 0;
    }
    test_everything_is_checked();
    test_says_what_it_could_not_check();
    test_blas_is_the_definition();
#if SLC_HAVE_ONEDNN
    test_onednn_is_the_definition();
#endif
    test_bf16_is_near();
    return 0;
}
