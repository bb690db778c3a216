/* Our own convolutions by themselves: the layers of ResNet-50, batch 16, and of airbench, batch
 * 256, that the machine has an engine of ours for. Forward, data and weight gradients; every pass finds its numbers outside
 * the caches, as in a net. Fastest of some passes: bench_convolutions [THREADS [PASSES]]. */
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/isa.h"
#include "base/log.h"
#include "base/num.h"
#include "tests/check.h"
#include "train/engine/engine.h"

enum { STORE = 512 << 20 };

typedef struct layer {
    size_t in, out, side, kernel, stride, padding, pictures;
} layer;

static const layer layers[] = {
    {3, 64, 224, 7, 2, 3, 16},    {64, 64, 56, 3, 1, 1, 16},
    {64, 256, 56, 1, 1, 0, 16},   {256, 64, 56, 1, 1, 0, 16},
    {128, 128, 56, 3, 2, 1, 16},  {128, 128, 28, 3, 1, 1, 16},
    {128, 512, 28, 1, 1, 0, 16},  {512, 128, 28, 1, 1, 0, 16},
    {256, 256, 14, 3, 1, 1, 16},  {256, 1024, 14, 1, 1, 0, 16},
    {1024, 256, 14, 1, 1, 0, 16}, {512, 512, 7, 3, 1, 1, 16},
    {512, 2048, 7, 1, 1, 0, 16},  {2048, 512, 7, 1, 1, 0, 16},
    {24, 64, 31, 3, 1, 1, 256},   {64, 64, 15, 3, 1, 1, 256},
    {64, 256, 15, 3, 1, 1, 256},  {256, 256, 7, 3, 1, 1, 256},
    {256, 256, 3, 3, 1, 1, 256},
};

static slc_geom geom_of(const layer *l)
{
    const size_t side = (l->side + 2 * l->padding - l->kernel) / l->stride + 1;
    return (slc_geom){.n = l->pictures,
                      .in = {.c = l->in, .h = l->side, .w = l->side},
                      .out = {.c = l->out, .h = side, .w = side},
                      .kernel_h = l->kernel,
                      .kernel_w = l->kernel,
                      .stride = l->stride,
                      .padding = l->padding,
                      .dilation = 1,
                      .groups = 1,
                      .train = true,
                      .wants_dx = l->in > 3};
}

/* Numbers of the store, one range after the other. */
static void *next_range(char *store, size_t *at, size_t bytes)
{
    bytes = slc_round_up(bytes, 4096) + 256;
    if (*at + bytes > STORE) *at = 0;
    *at += bytes;
    return store + *at - bytes;
}

/* Milliseconds of the fastest passes. */
static void time_passes(const slc_engine *e, void *product, const slc_geom *g,
                        size_t element, size_t passes, char *store, double best[3])
{
    const size_t weights = g->in.c * g->out.c * g->kernel_h * g->kernel_w;
    const size_t in = g->n * slc_shape_size(g->in) * element,
                 out = g->n * slc_shape_size(g->out) * element;
    float *const w = slc_block_alloc(weights * sizeof(*w)), *const dw = slc_block_alloc(
                                                                weights * sizeof(*dw));
    double *const sums = slc_block_alloc(SLC_LANES * 2 * g->out.c * sizeof(*sums));
    slc_product_call call = {
        .w = w, .dw = dw, .scratch = slc_block_alloc(e->scratch(product))};
    CHECK(w && dw && sums && call.scratch, "memory");
    for (size_t i = 0; i < weights; i++)
        w[i] = (float)(i * 2654435761u >> 16 & 255) * 1e-3f - 0.1f;
    if (e->gives_sums && e->gives_sums(product)) call.sums = sums;
    bool (*const pass[3])(void *, const slc_product_call *) = {
        e->forward, g->wants_dx ? e->backward_data : NULL, e->backward_weights};
    size_t at = 0;
    for (size_t i = 0; i < passes; i++)
        for (size_t k = 0; k < 3; k++) {
            if (!pass[k]) continue;
            call.x = call.dx = next_range(store, &at, in);
            call.dy = call.y = next_range(store, &at, out);
            call.version++;
            const uint64_t begin = slc_clock_ns();
            CHECK(pass[k](product, &call), "pass %zu", k);
            const double ms = 1e-6 * (double)(slc_clock_ns() - begin);
            if (i == 0 || ms < best[k]) best[k] = ms;
        }
    free(w), free(dw), free(sums), free(call.scratch);
}

static void bench(const layer *l, slc_dtype type, size_t threads, size_t passes,
                  char *store)
{
    const slc_geom g = geom_of(l);
    const slc_engine *e = slc_engine_own(&g, type);
    slc_err err = {0};
    void *product;
    double ms[3] = {0};
    if (!e) return;
    CHECK(e->make(&product, &threads, &g, &err) == SLC_OK, "%s", err.msg);
    time_passes(e, product, &g, slc_dtype_size(type), passes, store, ms);
    e->free(&product);
    const double mflop = 2e-6 * (double)g.n * (double)(slc_shape_size(g.out) * l->in) *
                         (double)(l->kernel * l->kernel);
    printf("%4zu to %4zu, %zux%zu, %3zu px / %zu  %-8s", l->in, l->out, l->kernel,
           l->kernel, l->side, l->stride, e->name);
    for (size_t k = 0; k < 3; k++)
        printf("  %7.2f ms %5.0f", ms[k], ms[k] > 0 ? mflop / ms[k] : 0);
    puts("");
}

int main(int argc, char **argv)
{
    const size_t threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 2,
                 passes = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
    char *const store = slc_block_alloc(STORE);
    CHECK(store && threads > 0 && passes > 0, "[THREADS [PASSES]]");
    for (size_t i = 0; i < STORE / sizeof(uint32_t); i++) /* +-0.0078 to 0.0156 */
        ((uint32_t *)store)[i] = 0x3c003c00 + ((uint32_t)(i * 2654435761u) & 0x807f807f);
    slc_isa_flush_denormals();
    for (int bf16 = 0; bf16 < 2; bf16++) {
        printf("%s, %zu threads: forward, data gradient, weight gradient; GFLOP/s\n",
               bf16 ? "bf16" : "f32", threads);
        for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++)
            bench(&layers[i], bf16 ? SLC_BF16 : SLC_F32, threads, passes, store);
    }
    free(store);
    return 0;
}
