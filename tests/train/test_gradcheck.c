/* Every kind of layer: definition against central differences, engines against it. */
#include "base/isa.h"
#include "config.h"
#include "tests/check.h"
#include "train/gradcheck.h"

static slc_gradcheck run(const char *net, const char *engine, slc_precision precision)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_node *list, *spec = slc_node_new(&arena, SLC_NODE_MAP);
    slc_gradcheck out;
    CHECK(slc_node_parse(&list, &arena, net, strlen(net), "net", &err) == SLC_OK, "%s",
          err.msg);
    slc_node_put(spec, &arena, "layers", list);
    const slc_status status =
        slc_gradcheck_run(&out,
                          &(slc_gradcheck_settings){.spec = spec,
                                                    .in = {6, 9, 9},
                                                    .classes = 5,
                                                    .batch = 7,
                                                    .engine = engine,
                                                    .precision = precision,
                                                    .threads = 2,
                                                    .seed = 11},
                          &err);
    CHECK(status == SLC_OK, "%s\n%s", net, err.msg);
    slc_arena_free(&arena);
    return out;
}

static void check_engine(const char *engine, slc_precision precision, double forward,
                         double backward)
{
    for (const slc_gradcheck_case *c = slc_gradcheck_cases; c->layer; c++) {
        const slc_gradcheck g = run(c->net, engine, precision);
        CHECK(g.numeric < 1e-6 && g.checked > 20, "%s: %g over %zu, %zu skipped\n%s",
              c->layer, g.numeric, g.checked, g.skipped, c->net);
        CHECK(g.forward < forward, "%s, %s: %g\n%s", engine, c->layer, g.forward, c->net);
        CHECK(g.engine < backward, "%s, %s: %g in %s\n%s", engine, c->layer, g.engine,
              g.worst, c->net);
    }
}

static void test_blas_is_the_definition(void)
{
    check_engine("blas", SLC_PRECISION_F32, 1e-5, 1e-5);
}

#if SLC_HAVE_ONEDNN
static void test_onednn_is_the_definition(void)
{
    check_engine("onednn", SLC_PRECISION_F32, 1e-5, 1e-5);
}

/* Eight bits of mantissa: 2^-9 per rounding, several of them, and relus that flip. */
static void test_bf16_is_near(void)
{
    if (slc_isa_detect() >= SLC_ISA_AVX512)
        check_engine("onednn", SLC_PRECISION_BF16, 0.03, 0.08);
}
#endif

static void test_every_layer_is_checked(void)
{
    for (size_t i = 0; slc_layers[i]; i++) {
        bool found = false;
        for (const slc_gradcheck_case *c = slc_gradcheck_cases; c->layer; c++)
            found |= strcmp(c->layer, slc_layers[i]->entry.name) == 0;
        CHECK(found, "%s", slc_layers[i]->entry.name);
    }
}

int main(void)
{
    test_every_layer_is_checked();
    test_blas_is_the_definition();
#if SLC_HAVE_ONEDNN
    test_onednn_is_the_definition();
    test_bf16_is_near();
#endif
    return 0;
}
