/* How the layers run that are products: the engine's work, except depthwise convolutions,
 * which are ours: too little arithmetic per number for a matrix product. */
#include <string.h>

#include "base/num.h"
#include "train/engine/op.h"

static slc_window window_of(const slc_call *c)
{
    const slc_conv_settings *s = c->node->settings;
    return (slc_window){.in = c->node->in[0],
                        .out = c->node->out,
                        .kernel = (size_t)s->kernel,
                        .stride = (size_t)s->stride,
                        .padding = (size_t)s->padding,
                        .dilation = (size_t)s->dilation};
}

/* Weights by tap, and the lanes' sums of their gradients. */
static size_t depthwise_scratch(const slc_net_node *node, size_t n, size_t threads)
{
    const slc_conv_settings *s = node->settings;
    const size_t weights = (size_t)(s->kernel * s->kernel) * node->out.c;
    (void)n, (void)threads;
    const size_t bias = SLC_LANES * node->out.c * sizeof(double);
    if (s->groups == 1 || (size_t)s->groups != node->in[0].c || s->groups != s->out)
        return bias;
    return slc_max(bias, (1 + SLC_LANES) * slc_round_up(weights * sizeof(float), 64));
}

static float *by_tap(const slc_call *c)
{
    const slc_window w = window_of(c);
    const size_t taps = w.kernel * w.kernel;
    float *to = c->scratch;
    for (size_t k = 0; k < w.out.c; k++)
        for (size_t t = 0; t < taps; t++)
            to[t * w.out.c + k] = c->t[0][k * taps + t];
    return to;
}

static void depthwise_forward(const slc_call *c)
{
    const slc_window w = window_of(c);
    const size_t in = slc_shape_size(w.in), out = slc_shape_size(w.out);
    const float *weights = by_tap(c);
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t n = 0; n < c->n; n++)
        c->k->depthwise(slc_shift(c->ex, c->y, n * out),
                        slc_shift(c->ex, c->x[0], n * in), weights, c->t[1], &w);
}

static void depthwise_learn(const slc_call *c, const slc_window *w)
{
    const size_t taps = w->kernel * w->kernel, count = taps * w->out.c;
    const size_t in = slc_shape_size(w->in), out = slc_shape_size(w->out);
    const size_t next = slc_round_up(count * sizeof(float), 64) / sizeof(float);
    float *sums = (float *)c->scratch + next;
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t lane = 0; lane < SLC_LANES; lane++) {
        size_t lo, hi;
        slc_lane(c->n, 1, lane, &lo, &hi);
        memset(sums + lane * next, 0, count * sizeof(float));
        for (size_t n = lo; n < hi; n++)
            c->k->depthwise_weights(sums + lane * next, slc_shift(c->ex, c->x[0], n * in),
                                    slc_shift(c->ex, c->dy, n * out), w);
    }
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t lane = 0; lane < SLC_LANES; lane++)
            sum += sums[lane * next + i % taps * w->out.c + i / taps];
        c->dt[0][i] = (float)sum + (c->add_dt ? c->dt[0][i] : 0);
    }
}

void slc_bias_back(const slc_call *c)
{
    const slc_shape out = c->node->out;
    const size_t rows = c->n * out.h * out.w;
    double *part = c->scratch;
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < SLC_LANES; i++) {
        size_t lo, hi;
        slc_lane(rows, 1, i, &lo, &hi);
        c->k->column_sums(slc_shift(c->ex, c->dy, lo * out.c), hi - lo, out.c,
                          part + i * out.c);
    }
    for (size_t k = 0; k < out.c; k++) {
        double sum = 0;
        for (size_t i = 0; i < SLC_LANES; i++)
            sum += part[i * out.c + k];
        c->dt[1][k] = (float)sum + (c->add_dt ? c->dt[1][k] : 0);
    }
}

static void depthwise_backward(const slc_call *c)
{
    const slc_window w = window_of(c);
    const size_t in = slc_shape_size(w.in), out = slc_shape_size(w.out);
    if (c->dt[1]) slc_bias_back(c);
    if (c->dt[0]) depthwise_learn(c, &w);
    if (!c->dx[0]) return;
    const float *weights = by_tap(c);
    void *aside = (char *)c->scratch + depthwise_scratch(c->node, c->n, 0);
    void *to = c->add_dx[0] ? aside : c->dx[0];
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t n = 0; n < c->n; n++) {
        c->k->depthwise_data(slc_shift(c->ex, to, n * in),
                             slc_shift(c->ex, c->dy, n * out), weights, &w);
        if (c->add_dx[0])
            c->k->sum(slc_shift(c->ex, c->dx[0], n * in),
                      slc_shift(c->ex, c->dx[0], n * in), slc_shift(c->ex, to, n * in),
                      in);
    }
}

static size_t bias_scratch(const slc_net_node *node, size_t n, size_t threads)
{
    (void)n, (void)threads;
    return SLC_LANES * node->out.c * sizeof(double);
}

/* Dropped weights, and their gradients. */
static size_t dropped(const slc_net_node *node, size_t n)
{
    (void)n;
    return 2 * node->in[0].c * node->out.c * sizeof(float);
}

const slc_run slc_run_conv2d = {
    .layer = "conv2d",
    .product = true,
    .keeps_x = true,
    .scratch = depthwise_scratch,
    .forward = depthwise_forward,
    .backward = depthwise_backward,
};

const slc_run slc_run_linear = {
    .layer = "linear",
    .product = true,
    .keeps_x = true,
    .scratch = bias_scratch,
};

const slc_run slc_run_drop_connect = {
    .layer = "drop_connect",
    .product = true,
    .draws = true,
    .keeps_x = true,
    .saved = dropped,
    .scratch = bias_scratch,
};
