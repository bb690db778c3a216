/* Our own convolutions, Winograd's and direct ones, against plain sums in double, over odd
 * shapes, paddings, strides and channel counts; the same bits for any number of threads; with
 * and without kept weights, which are renewed; with and without bias; gradients set, and added
 * to what is there. */
#include "train/engine/winograd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/num.h"
#include "base/rng.h"
#include "tests/check.h"
#include "train/engine/direct.h"

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

/* All three passes, after one forward with other weights. */
static void run(const slc_engine *e, const slc_geom *g, size_t threads, bool add,
                tensors *t)
{
    slc_err err = {0};
    void *p;
    CHECK(e->make(&p, &threads, g, &err) == SLC_OK, "%s", err.msg);
    float *const other = filled(t->weights, 8);
    slc_product_call call = {.x = t->x,
                             .y = t->y,
                             .w = other,
                             .b = t->b,
                             .dy = t->dy,
                             .dx = t->dx,
                             .dw = t->dw,
                             .add_dx = add,
                             .add_dw = add,
                             .version = 1,
                             .scratch = malloc(e->scratch(p))};
    CHECK(call.scratch, "memory");
    memset(call.scratch, 0xff, e->scratch(p)); /* NaN */
    CHECK(e->forward(p, &call), "forward");
    memset(t->y, 0xff, t->out * sizeof(float));
    call.w = t->w;
    call.version = 2;
    CHECK(e->forward(p, &call), "forward");
    if (g->train)
        CHECK(e->backward_data(p, &call) && e->backward_weights(p, &call), "backward");
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

static void compare(const float *got, const double *want, size_t n, const char *what)
{
    double wrong = 0, all = 0;
    for (size_t i = 0; i < n; i++)
        wrong += (got[i] - want[i]) * (got[i] - want[i]), all += want[i] * want[i];
    CHECK(sqrt(wrong / all) < 1e-6, "%s: %g", what, sqrt(wrong / all));
}

static void fill(const tensors *t, int byte)
{
    memset(t->dx, byte, t->in * sizeof(float));
    memset(t->dw, byte, t->weights * sizeof(float));
}

static void check_geom(const slc_engine *e, slc_geom g)
{
    tensors one = make(&g), two = make(&g);
    double *const y = malloc(one.out * sizeof(*y)),
                  *const dx = malloc(one.in * sizeof(*dx)),
                  *const dw = malloc(one.weights * sizeof(*dw));
    CHECK(y && dx && dw, "memory");
    CHECK(e->adds_dx, "%s does not add", e->name);
    plainly(&g, &one, y, dx, dw);
    run(e, &g, 1, true, &one);
    compare(one.y, y, one.out, "y");
    compare(one.dx, dx, one.in, "dx, added");
    compare(one.dw, dw, one.weights, "dw, added");

    run(e, &g, 3, true, &two);
    CHECK(memcmp(one.y, two.y, one.out * sizeof(float)) == 0, "y differs with threads");
    CHECK(memcmp(one.dx, two.dx, one.in * sizeof(float)) == 0, "dx differs with threads");
    CHECK(memcmp(one.dw, two.dw, one.weights * sizeof(float)) == 0,
          "dw differs with threads");

    fill(&two, 0);
    plainly(&g, &two, y, dx, dw);
    fill(&two, 0xff); /* NaN */
    run(e, &g, 2, false, &two);
    compare(two.dx, dx, one.in, "dx, set");
    compare(two.dw, dw, one.weights, "dw, set");

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
static void check_direct(size_t n, size_t in, size_t out, size_t side, size_t kernel,
                         size_t stride, size_t padding, size_t dilation)
{
    const size_t h = (side + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1,
                 w = (side + 1 + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    const slc_geom g = {.n = n,
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
    check_geom(&slc_engine_direct, g);
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
    CHECK(slc_direct_fits(&g, SLC_F32) == (want && slc_isa_detect() == SLC_ISA_AVX2),
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
    return 0;
}
