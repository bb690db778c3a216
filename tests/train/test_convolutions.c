/* Our own convolutions, Winograd's, direct ones and, where the machine has them, those on
 * matrix tiles, against plain sums in double, over odd
 * shapes, paddings, strides and channel counts; the same bits for any number of threads; with
 * and without kept weights, which are renewed; with and without bias; gradients set, and added
 * to what is there; inputs normalised as they are read. */
#include "train/engine/winograd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/num.h"
#include "base/rng.h"
#include "tests/check.h"
#include "train/engine/amx.h"
#include "train/engine/direct.h"
#include "train/engine/kernel.h"

typedef struct tensors {
    float *x, *y, *w, *b, *dy, *dx, *dw;
    size_t in, out, weights;
} tensors;

static float *filled(size_t count, uint64_t key)
{
    float *p = malloc(count * sizeof(*p));
    slc_rng rng = slc_rng_at(key, 0, 0, 0);
    CHECK(p, "memory");
    for (size_t i = 0; i < count; i++)
        p[i] = (float)slc_rng_normal(&rng);
    return p;
}

static tensors make(const slc_geom *g)
{
    tensors t = {.in = g->n * slc_shape_size(g->in),
                 .out = g->n * slc_shape_size(g->out),
                 .weights = g->kernel_h * g->kernel_w * g->in.c * g->out.c};
    t.x = filled(t.in, 1), t.dx = filled(t.in, 2), t.y = filled(t.out, 3);
    t.dy = filled(t.out, 4), t.w = filled(t.weights, 5), t.dw = filled(t.weights, 6);
    t.b = g->bias ? filled(g->out.c, 7) : NULL;
    return t;
}

static void drop(tensors *t)
{
    float *const all[] = {t->x, t->y, t->w, t->b, t->dy, t->dx, t->dw};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        free(all[i]);
}

static bool narrow(const slc_engine *e)
{
    return e == &slc_engine_amx;
}

/* Numbers as the engine has them: its own copy. */
static void *given(const slc_engine *e, const float *x, size_t count)
{
    uint16_t *const p = aligned_alloc(64, slc_round_up(count * sizeof(float), 64));
    CHECK(p, "memory");
    if (!narrow(e)) memcpy(p, x, count * sizeof(*x));
    for (size_t i = 0; narrow(e) && i < count; i++)
        p[i] = slc_bf16_from_f32(x[i]);
    return p;
}

static void take(const slc_engine *e, float *x, void *from, size_t count)
{
    const uint16_t *const p = from;
    if (!narrow(e)) memcpy(x, from, count * sizeof(*x));
    for (size_t i = 0; narrow(e) && i < count; i++)
        x[i] = slc_f32_from_bf16(p[i]);
    free(from);
}

/* Sums by lane are those of the outputs as they are stored. */
static void check_sums(const slc_geom *g, const double *sums, const uint16_t *y)
{
    const size_t c = g->out.c, count = g->n * slc_shape_size(g->out);
    for (size_t k = 0; sums && k < c; k++) {
        double sum = 0, square = 0, size = 0;
        for (size_t i = k; i < count; i += c) {
            const double v = slc_f32_from_bf16(y[i]);
            sum -= v, square -= v * v, size += fabs(v);
        }
        const double all = -square;
        for (size_t lane = 0; lane < SLC_LANES; lane++)
            sum += sums[lane * 2 * c + k], square += sums[(lane * 2 + 1) * c + k];
        CHECK(fabs(sum) <= 1e-6 * size && fabs(square) <= 1e-6 * all,
              "sums of channel %zu: %g of %g, %g of %g", k, sum, size, square, all);
    }
}

/* All three passes, after one forward with other weights. */
static void run(const slc_engine *e, const slc_geom *g, size_t threads, bool add,
                tensors *t)
{
    slc_err err = {0};
    void *p;
    CHECK(e->make(&p, &threads, g, &err) == SLC_OK, "%s", err.msg);
    float *const other = filled(t->weights, 8);
    void *const x = given(e, t->x, t->in), *const dy = given(e, t->dy, t->out);
    slc_product_call call = {.x = x,
                             .y = given(e, t->y, t->out),
                             .w = other,
                             .b = t->b,
                             .dy = dy,
                             .dx = given(e, t->dx, t->in),
                             .dw = t->dw,
                             .add_dx = add,
                             .add_dw = add,
                             .version = 1,
                             .scratch = malloc(e->scratch(p))};
    CHECK(call.scratch, "memory");
    memset(call.scratch, 0xff, e->scratch(p)); /* NaN */
    if (e->gives_sums && e->gives_sums(p))
        call.sums = malloc(SLC_LANES * 2 * g->out.c * sizeof(double));
    CHECK(e->forward(p, &call), "forward");
    memset(call.y, 0xff, t->out * (narrow(e) ? 2 : sizeof(float)));
    call.w = t->w;
    call.version = 2;
    CHECK(e->forward(p, &call), "forward");
    check_sums(g, call.sums, call.y);
    if (g->train && g->wants_dx) CHECK(e->backward_data(p, &call), "data");
    if (g->train) CHECK(e->backward_weights(p, &call), "weights");
    take(e, t->y, call.y, t->out);
    take(e, t->dx, call.dx, t->in);
    free(x), free(dy);
    free(call.sums);
    free(call.scratch);
    free(other);
    e->free(&p);
}

/* What run should make, in double: y, dx, dw. */
static void plainly(const slc_geom *g, const tensors *t, double *y, double *dx,
                    double *dw)
{
    const size_t in = g->in.c, out = g->out.c, taps = g->kernel_h * g->kernel_w;
    for (size_t i = 0; i < t->out; i++)
        y[i] = t->b ? t->b[i % out] : 0;
    for (size_t i = 0; i < t->in; i++)
        dx[i] = t->dx[i];
    for (size_t i = 0; i < t->weights; i++)
        dw[i] = t->dw[i];
    for (size_t at = 0; at < t->out; at++) {
        const size_t k = at % out, col = at / out % g->out.w,
                     row = at / out / g->out.w % g->out.h,
                     n = at / slc_shape_size(g->out);
        for (size_t tap = 0; tap < taps; tap++) {
            const size_t u = tap / g->kernel_w, v = tap % g->kernel_w;
            const size_t r = row * g->stride + u * g->dilation - g->padding,
                         c = col * g->stride + v * g->dilation - g->padding;
            if (r >= g->in.h || c >= g->in.w) continue; /* or less than none */
            const size_t from = ((n * g->in.h + r) * g->in.w + c) * in;
            for (size_t j = 0; j < in; j++) {
                const size_t w = (k * in + j) * taps + tap;
                y[at] += (double)t->x[from + j] * t->w[w];
                dx[from + j] += (double)t->dy[at] * t->w[w];
                dw[w] += (double)t->dy[at] * t->x[from + j];
            }
        }
    }
}

static void compare(const float *got, const double *want, size_t n, double within,
                    const char *what)
{
    double wrong = 0, all = 0;
    for (size_t i = 0; i < n; i++)
        wrong += (got[i] - want[i]) * (got[i] - want[i]), all += want[i] * want[i];
    CHECK(sqrt(wrong / all) < within, "%s: %g of %zu", what, sqrt(wrong / all), n);
}

/* To what bf16 can hold. */
static void round_all(const tensors *t)
{
    float *const all[] = {t->x, t->w, t->dy, t->dx};
    const size_t count[] = {t->in, t->weights, t->out, t->in};
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < count[k]; i++)
            all[k][i] = slc_f32_from_bf16(slc_bf16_from_f32(all[k][i]));
}

static void fill(const tensors *t, int byte)
{
    memset(t->dx, byte, t->in * sizeof(float));
    memset(t->dw, byte, t->weights * sizeof(float));
}

/* Inside another team there is one thread, whatever is asked for. */
static void check_fewer_threads(const slc_engine *e, const slc_geom *g,
                                const tensors *want)
{
    tensors t = make(g);
    if (narrow(e)) round_all(&t);
#pragma omp parallel num_threads(2)
#pragma omp single
    run(e, g, 3, true, &t);
    CHECK(memcmp(t.y, want->y, t.out * sizeof(float)) == 0, "y with fewer threads");
    CHECK(memcmp(t.dx, want->dx, t.in * sizeof(float)) == 0, "dx with fewer threads");
    CHECK(memcmp(t.dw, want->dw, t.weights * sizeof(float)) == 0,
          "dw with fewer threads");
    drop(&t);
}

static void check_geom(const slc_engine *e, slc_geom g)
{
    tensors one = make(&g), two = make(&g);
    double *const y = malloc(one.out * sizeof(*y)),
                  *const dx = malloc(one.in * sizeof(*dx)),
                  *const dw = malloc(one.weights * sizeof(*dw));
    CHECK(y && dx && dw, "memory");
    /* bf16 has 8 bits: what is stored in it is rounded by 1/512 at most */
    const double stored = narrow(e) ? 2.5e-3 : 1e-6;
    CHECK(e->adds_dx, "%s does not add", e->name);
    if (narrow(e)) round_all(&one), round_all(&two);
    plainly(&g, &one, y, dx, dw);
    run(e, &g, 1, true, &one);
    compare(one.y, y, one.out, stored, "y");
    if (g.wants_dx) compare(one.dx, dx, one.in, stored, "dx, added");
    compare(one.dw, dw, one.weights, 1e-6, "dw, added");

    run(e, &g, 3, true, &two);
    CHECK(memcmp(one.y, two.y, one.out * sizeof(float)) == 0, "y differs with threads");
    CHECK(memcmp(one.dx, two.dx, one.in * sizeof(float)) == 0, "dx differs with threads");
    CHECK(memcmp(one.dw, two.dw, one.weights * sizeof(float)) == 0,
          "dw differs with threads");

    check_fewer_threads(e, &g, &one);

    fill(&two, 0);
    plainly(&g, &two, y, dx, dw);
    fill(&two, 0xff);            /* NaN */
    run(e, &g, 37, false, &two); /* more than lanes */
    if (g.wants_dx) compare(two.dx, dx, one.in, stored, "dx, set");
    compare(two.dw, dw, one.weights, 1e-6, "dw, set");

    g.train = false;
    run(e, &g, 2, false, &two);
    CHECK(memcmp(one.y, two.y, one.out * sizeof(float)) == 0, "y differs in evaluation");
    free(y), free(dx), free(dw);
    drop(&one), drop(&two);
}

static void check_winograd(size_t n, size_t in, size_t out, size_t h, size_t w,
                           size_t padding)
{
    const slc_geom g = {
        .n = n,
        .in = {.c = in, .h = h, .w = w},
        .out = {.c = out, .h = h + 2 * padding - 2, .w = w + 2 * padding - 2},
        .kernel_h = 3,
        .kernel_w = 3,
        .stride = 1,
        .padding = padding,
        .dilation = 1,
        .groups = 1,
        .bias = true,
        .train = true,
        .wants_dx = true};
    CHECK(slc_winograd_fits(&g, SLC_F32), "%zu to %zu does not fit", in, out);
    check_geom(&slc_engine_winograd, g);
}

/* On pictures of side x (side + 1), without bias if there are as many inputs as outputs. */
static slc_geom geom(size_t n, size_t in, size_t out, size_t side, size_t kernel,
                     size_t stride, size_t padding, size_t dilation)
{
    const size_t h = (side + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1,
                 w = (side + 1 + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    return (slc_geom){.n = n,
                      .in = {.c = in, .h = side, .w = side + 1},
                      .out = {.c = out, .h = h, .w = w},
                      .kernel_h = kernel,
                      .kernel_w = kernel,
                      .stride = stride,
                      .padding = padding,
                      .dilation = dilation,
                      .groups = 1,
                      .bias = in != out,
                      .train = true,
                      .wants_dx = true};
}

static void check_direct(size_t n, size_t in, size_t out, size_t side, size_t kernel,
                         size_t stride, size_t padding, size_t dilation)
{
    check_geom(&slc_engine_direct,
               geom(n, in, out, side, kernel, stride, padding, dilation));
}

/* Outputs and weight gradients of x, through norm if that is not NULL, by so many threads. */
static void run_norm(const slc_geom *g, size_t threads, const uint16_t *x,
                     const slc_affine *norm, const tensors *t, uint16_t *y, float *dw)
{
    const slc_engine *e = &slc_engine_amx;
    slc_err err = {0};
    void *p;
    CHECK(e->make(&p, &threads, g, &err) == SLC_OK, "%s", err.msg);
    slc_product_call call = {.x = x,
                             .norm = norm,
                             .y = y,
                             .w = t->w,
                             .b = t->b,
                             .dy = given(e, t->dy, t->out),
                             .dw = dw,
                             .version = 1,
                             .scratch = malloc(e->scratch(p))};
    CHECK(call.scratch, "memory");
    memset(call.scratch, 0xff, e->scratch(p)); /* NaN */
    CHECK(e->forward(p, &call), "forward");
    CHECK(e->backward_weights(p, &call), "weights");
    free((void *)call.dy);
    free(call.scratch);
    e->free(&p);
}

/* What batch norm makes of the inputs may be made as they are read: the same bits. */
static void check_norm(slc_geom g)
{
    tensors t = make(&g);
    float *const a = filled(g.in.c, 11), *const b = filled(g.in.c, 12);
    float *const dw[2] = {t.dw, filled(t.weights, 13)};
    uint16_t *const x = given(&slc_engine_amx, t.x, t.in),
                    *const z = given(&slc_engine_amx, t.x, t.in),
                    *const y[2] = {given(&slc_engine_amx, t.y, t.out),
                                   given(&slc_engine_amx, t.y, t.out)};
    const slc_affine norm = {a, b, 0, 1.5f};
    slc_kernels_for(slc_isa_detect(), SLC_BF16)
        ->affine(z, x, NULL, g.n * g.in.h * g.in.w, g.in.c, &norm);
    run_norm(&g, 2, z, NULL, &t, y[0], dw[0]);
    run_norm(&g, 3, x, &norm, &t, y[1], dw[1]);
    CHECK(memcmp(y[0], y[1], t.out * sizeof(**y)) == 0, "outputs of normed inputs");
    CHECK(memcmp(dw[0], dw[1], t.weights * sizeof(**dw)) == 0, "their weight gradients");
    free(a), free(b), free(dw[1]), free(x), free(z), free(y[0]), free(y[1]);
    drop(&t);
}

static void check_tiles(size_t n, size_t in, size_t out, size_t side, size_t kernel,
                        size_t stride, size_t padding, size_t dilation)
{
    slc_geom g = geom(n, in, out, side, kernel, stride, padding, dilation);
    g.wants_dx = in >= 16; /* else it is a net's first layer */
    CHECK(slc_amx_fits(&g, SLC_BF16), "%zu to %zu does not fit", in, out);
    CHECK(!slc_amx_fits(&g, SLC_F32), "f32 fits");
    check_geom(&slc_engine_amx, g);
    if (slc_engine_amx.reads_norm(&g)) check_norm(g);
}

/* A linear layer of pictures of side x side. */
static void check_linear(size_t n, size_t in, size_t out, size_t side)
{
    slc_geom g = geom(n, in, out, side, side, 1, 0, 1);
    g.in.w = side;
    g.linear = true;
    g.out.w = 1;
    CHECK(slc_amx_fits(&g, SLC_BF16), "%zu to %zu does not fit", in, out);
    check_geom(&slc_engine_amx, g);
    check_norm(g);
}

static void check_all_tiles(void)
{
    check_tiles(2, 32, 32, 5, 1, 1, 0, 1);
    check_tiles(4, 64, 96, 7, 1, 1, 0, 1); /* inputs are read where they lie */
    check_tiles(3, 33, 47, 7, 1, 1, 0, 1); /* nothing fills its tile */
    check_tiles(1, 300, 17, 4, 1, 1, 0, 1);
    check_tiles(2, 32, 32, 4, 3, 1, 1, 1);
    check_tiles(9, 48, 33, 30, 3, 1, 1, 1);
    check_tiles(2, 64, 64, 31, 3, 1, 1, 1); /* an even number of columns */
    check_tiles(3, 64, 64, 3, 3, 1, 1, 1);  /* a tile is more than a picture */
    check_tiles(1, 16, 200, 9, 1, 2, 0, 1); /* pixels that no tap reaches */
    check_tiles(2, 24, 40, 8, 3, 2, 1, 1);
    check_tiles(5, 40, 24, 15, 3, 2, 1, 1);
    check_tiles(1, 40, 24, 9, 3, 3, 1, 2);
    check_tiles(1, 16, 20, 11, 5, 1, 2, 1);
    check_tiles(1, 20, 16, 12, 7, 2, 3, 1);
    check_tiles(1, 16, 16, 2, 2, 4, 1, 1); /* a stride as wide as the picture */
    check_tiles(2, 17, 18, 3, 2, 1, 3, 1); /* outputs of padding alone */
    check_tiles(9, 18, 30, 1, 1, 1, 0, 1); /* hardly a pixel */
    check_tiles(7, 160, 150, 40, 1, 1, 0, 1);
    check_tiles(40, 96, 64, 10, 3, 1, 1, 1); /* several parts, several chunks */
    check_tiles(2, 64, 32, 70, 3, 1, 1, 1);  /* a part is less than a picture */
    check_tiles(2, 3, 64, 16, 7, 2, 3, 1);   /* runs */
    check_tiles(3, 3, 24, 9, 2, 1, 0, 1);
    check_tiles(2, 1, 32, 28, 3, 1, 1, 1);
    check_tiles(5, 16, 64, 112, 1, 1, 0, 1); /* outputs go past the caches */
    const slc_geom many = {.in = {.c = 513, .h = 7, .w = 7},
                           .out = {.c = 32, .h = 1, .w = 1},
                           .kernel_h = 7,
                           .kernel_w = 7,
                           .stride = 1,
                           .dilation = 1,
                           .groups = 1};
    CHECK(!slc_amx_fits(&many, SLC_BF16), "more steps than there is room for");
    check_linear(5, 64, 40, 1);
    check_linear(32, 128, 16, 1);
    check_linear(33, 48, 100, 4);
}

static void check_fits(size_t in, size_t out, size_t kernel, size_t stride, bool want)
{
    const slc_geom g = {.in = {.c = in, .h = 8, .w = 8},
                        .out = {.c = out, .h = 4, .w = 4},
                        .kernel_h = kernel,
                        .kernel_w = kernel,
                        .stride = stride,
                        .dilation = 1,
                        .groups = 1};
    CHECK(slc_direct_fits(&g, SLC_F32) == (want && slc_isa_detect() >= SLC_ISA_AVX2),
          "%zu to %zu, %zu x %zu of stride %zu", in, out, kernel, kernel, stride);
}

int main(void)
{
    check_winograd(2, 32, 32, 4, 4, 1);
    check_winograd(1, 33, 47, 5, 9, 1); /* nothing fills its tile or panel */
    check_winograd(3, 24, 64, 7, 6, 0);
    check_winograd(2, 64, 24, 3, 3, 2);
    check_winograd(1, 100, 40, 3, 13, 1);
    check_winograd(9, 48, 33, 31, 30, 1); /* many blocks, several chunks */
    const slc_geom few = {.in = {.c = 16, .h = 8, .w = 8},
                          .out = {.c = 16, .h = 8, .w = 8},
                          .kernel_h = 3,
                          .kernel_w = 3,
                          .stride = 1,
                          .padding = 1,
                          .dilation = 1,
                          .groups = 1};
    CHECK(!slc_winograd_fits(&few, SLC_F32), "16 to 16 channels");
    check_direct(2, 32, 32, 5, 1, 1, 0, 1);
    check_direct(3, 33, 47, 7, 1, 1, 0, 1);  /* nothing fills its panel */
    check_direct(1, 300, 17, 4, 1, 1, 0, 1); /* more inputs than are summed at a time */
    check_direct(1, 16, 200, 9, 1, 2, 0, 1); /* pixels that no tap reaches */
    check_direct(2, 24, 40, 8, 3, 2, 1, 1);
    check_direct(1, 40, 24, 9, 3, 3, 1, 2);
    check_direct(1, 16, 20, 11, 5, 1, 2, 1);
    check_direct(1, 20, 16, 12, 7, 2, 3, 1);
    check_direct(1, 16, 16, 2, 2, 4, 1, 1);    /* a stride as wide as the picture */
    check_direct(2, 5, 7, 3, 2, 1, 3, 1);      /* outputs of padding alone */
    check_direct(9, 18, 30, 1, 1, 1, 0, 1);    /* hardly a pixel */
    check_direct(7, 160, 150, 40, 1, 1, 0, 1); /* several chunks, several tasks */
    check_fits(16, 16, 1, 1, true);
    check_fits(8, 64, 1, 1, false);
    check_fits(16, 32, 3, 2, true);
    check_fits(16, 16, 3, 1, false); /* oneDNN is faster at few channels */
    check_fits(64, 64, 5, 1, true);
    if (slc_isa_tiles()) check_all_tiles();
    return 0;
}
