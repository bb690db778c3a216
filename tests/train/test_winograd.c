/* Winograd's convolutions against plain sums in double, over odd shapes, paddings and channel
 * counts; the same bits for any number of threads; with and without kept weights. */
#include "train/engine/winograd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/rng.h"
#include "tests/check.h"

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
                 .weights = 9 * g->in.c * g->out.c};
    t.x = filled(t.in, 1), t.dx = filled(t.in, 2), t.y = filled(t.out, 3);
    t.dy = filled(t.out, 4), t.w = filled(t.weights, 5), t.dw = filled(t.weights, 6);
    t.b = filled(g->out.c, 7);
    return t;
}

static void drop(tensors *t)
{
    float *const all[] = {t->x, t->y, t->w, t->b, t->dy, t->dx, t->dw};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        free(all[i]);
}

/* All three passes; dw is added to what is there. */
static void run(const slc_geom *g, size_t threads, tensors *t)
{
    const slc_engine *e = &slc_engine_winograd;
    slc_err err = {0};
    void *p;
    CHECK(e->make(&p, &threads, g, &err) == SLC_OK, "%s", err.msg);
    const slc_product_call call = {.x = t->x,
                                   .y = t->y,
                                   .w = t->w,
                                   .b = t->b,
                                   .dy = t->dy,
                                   .dx = t->dx,
                                   .dw = t->dw,
                                   .add_dw = true,
                                   .version = 1,
                                   .scratch = malloc(e->scratch(p))};
    CHECK(call.scratch, "memory");
    memset(call.scratch, 0xff, e->scratch(p)); /* NaN */
    CHECK(e->forward(p, &call), "forward");
    if (g->train)
        CHECK(e->backward_data(p, &call) && e->backward_weights(p, &call), "backward");
    free(call.scratch);
    e->free(&p);
}

/* What run should make, in double: y, dx, dw. */
static void plainly(const slc_geom *g, const tensors *t, double *y, double *dx,
                    double *dw)
{
    const size_t in = g->in.c, out = g->out.c;
    for (size_t i = 0; i < t->out; i++)
        y[i] = t->b[i % out];
    for (size_t i = 0; i < t->in; i++)
        dx[i] = 0;
    for (size_t i = 0; i < t->weights; i++)
        dw[i] = t->dw[i];
    for (size_t at = 0; at < t->out; at++) {
        const size_t k = at % out, col = at / out % g->out.w,
                     row = at / out / g->out.w % g->out.h,
                     n = at / slc_shape_size(g->out);
        for (size_t tap = 0; tap < 9; tap++) {
            const size_t r = row + tap / 3 - g->padding, c = col + tap % 3 - g->padding;
            if (r >= g->in.h || c >= g->in.w) continue; /* or less than none */
            const size_t from = ((n * g->in.h + r) * g->in.w + c) * in;
            for (size_t j = 0; j < in; j++) {
                const size_t w = (k * in + j) * 9 + tap;
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

static void check(size_t n, size_t in, size_t out, size_t h, size_t w, size_t padding)
{
    slc_geom g = {.n = n,
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
    tensors one = make(&g), two = make(&g);
    double *const y = malloc(one.out * sizeof(*y)),
                  *const dx = malloc(one.in * sizeof(*dx)),
                  *const dw = malloc(one.weights * sizeof(*dw));
    CHECK(y && dx && dw, "memory");
    plainly(&g, &one, y, dx, dw);
    run(&g, 1, &one);
    compare(one.y, y, one.out, "y");
    compare(one.dx, dx, one.in, "dx");
    compare(one.dw, dw, one.weights, "dw");

    run(&g, 3, &two);
    CHECK(memcmp(one.y, two.y, one.out * sizeof(float)) == 0, "y differs with threads");
    CHECK(memcmp(one.dx, two.dx, one.in * sizeof(float)) == 0, "dx differs with threads");
    CHECK(memcmp(one.dw, two.dw, one.weights * sizeof(float)) == 0,
          "dw differs with threads");

    g.train = false;
    run(&g, 2, &two);
    CHECK(memcmp(one.y, two.y, one.out * sizeof(float)) == 0, "y differs in evaluation");
    free(y), free(dx), free(dw);
    drop(&one), drop(&two);
}

int main(void)
{
    check(2, 32, 32, 4, 4, 1);
    check(1, 33, 47, 5, 9, 1); /* nothing fills its tile or panel */
    check(3, 24, 64, 7, 6, 0);
    check(2, 64, 24, 3, 3, 2);
    check(1, 100, 40, 3, 13, 1);
    check(9, 48, 33, 31, 30, 1); /* many blocks, several chunks */
    const slc_geom few = {.in = {.c = 16, .h = 8, .w = 8},
                          .out = {.c = 16, .h = 8, .w = 8},
                          .kernel_h = 3,
                          .kernel_w = 3,
                          .stride = 1,
                          .padding = 1,
                          .dilation = 1,
                          .groups = 1};
    CHECK(!slc_winograd_fits(&few, SLC_F32), "16 to 16 channels");
    return 0;
}
