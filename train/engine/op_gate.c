/* How softmax and squeeze_excite run: image by image, in f32. */
#include <math.h>
#include <string.h>

#include "train/engine/op.h"

enum { ROWS = 4 }; /* arrays of an image's size in a lane's scratch */

static size_t size_of(const slc_call *c)
{
    return slc_shape_size(c->node->out);
}

static size_t softmax_scratch(const slc_net_node *node, size_t n, size_t threads)
{
    (void)n, (void)threads;
    return SLC_LANES * ROWS * slc_shape_size(node->out) * sizeof(float);
}

static void softmax_row(float *x, size_t c)
{
    float top = -INFINITY;
    double sum = 0;
    for (size_t k = 0; k < c; k++)
        top = fmaxf(top, x[k]);
    for (size_t k = 0; k < c; k++)
        sum += x[k] = expf(x[k] - top);
    for (size_t k = 0; k < c; k++)
        x[k] = (float)(x[k] / sum);
}

static void softmax_row_back(float *dx, const float *y, const float *dy, size_t c)
{
    double dot = 0;
    for (size_t k = 0; k < c; k++)
        dot += (double)y[k] * dy[k];
    for (size_t k = 0; k < c; k++)
        dx[k] = y[k] * (float)(dy[k] - dot);
}

static void softmax_image(const slc_call *c, size_t n, float *s, bool back)
{
    const size_t size = size_of(c), width = c->node->out.c;
    float *dy = s + size, *dx = dy + size;
    c->k->to_f32(s, slc_shift(c->ex, back ? c->y : c->x[0], n * size), size);
    if (!back) {
        for (size_t i = 0; i < size; i += width)
            softmax_row(s + i, width);
        c->k->from_f32(slc_shift(c->ex, c->y, n * size), false, s, size);
        return;
    }
    c->k->to_f32(dy, slc_shift(c->ex, c->dy, n * size), size);
    for (size_t i = 0; i < size; i += width)
        softmax_row_back(dx + i, s + i, dy + i, width);
    c->k->from_f32(slc_shift(c->ex, c->dx[0], n * size), c->add_dx[0], dx, size);
}

static void softmax(const slc_call *c, bool back)
{
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t lane = 0; lane < SLC_LANES; lane++) {
        size_t lo, hi;
        slc_lane(c->n, 1, lane, &lo, &hi);
        for (size_t n = lo; n < hi; n++)
            softmax_image(c, n, (float *)c->scratch + lane * ROWS * size_of(c), back);
    }
}

static void softmax_forward(const slc_call *c)
{
    softmax(c, false);
}

static void softmax_backward(const slc_call *c)
{
    softmax(c, true);
}

const slc_run slc_run_softmax = {
    .layer = "softmax",
    .keeps_y = true,
    .scratch = softmax_scratch,
    .forward = softmax_forward,
    .backward = softmax_backward,
};

/* squeeze_excite keeps, per image, means m and gates g (c each) and hidden h (q). A lane's
 * scratch: an image, its gradient, and the sums of the four gradients. */
static size_t squeeze_of(const slc_net_node *node)
{
    return (size_t)((const slc_se_settings *)node->settings)->squeeze;
}

static size_t se_saved(const slc_net_node *node, size_t n)
{
    return n * (2 * node->out.c + squeeze_of(node)) * sizeof(float);
}

static size_t se_sums(const slc_net_node *node)
{
    const size_t c = node->out.c, q = squeeze_of(node);
    return 2 * c * q + c + q;
}

static size_t se_lane(const slc_net_node *node)
{
    return 2 * slc_shape_size(node->out) + 2 * node->out.c + se_sums(node);
}

static size_t se_scratch(const slc_net_node *node, size_t n, size_t threads)
{
    (void)n, (void)threads;
    return SLC_LANES * se_lane(node) * sizeof(float);
}

static void se_one(const slc_call *c, size_t n, float *x)
{
    const size_t channels = c->node->out.c, q = squeeze_of(c->node), size = size_of(c);
    float *m = (float *)c->saved + n * (2 * channels + q), *g = m + channels,
          *h = g + channels;
    c->k->to_f32(x, slc_shift(c->ex, c->x[0], n * size), size);
    memset(m, 0, channels * sizeof(*m));
    for (size_t i = 0; i < size; i++)
        m[i % channels] += x[i];
    for (size_t k = 0; k < channels; k++)
        m[k] /= (float)(size / channels);
    for (size_t j = 0; j < q; j++) {
        float sum = c->t[1][j];
        for (size_t k = 0; k < channels; k++)
            sum += c->t[0][j * channels + k] * m[k];
        h[j] = fmaxf(sum, 0);
    }
    for (size_t k = 0; k < channels; k++) {
        float sum = c->t[3][k];
        for (size_t j = 0; j < q; j++)
            sum += c->t[2][k * q + j] * h[j];
        g[k] = 1 / (1 + expf(-sum));
    }
    for (size_t i = 0; i < size; i++)
        x[i] *= g[i % channels];
    c->k->from_f32(slc_shift(c->ex, c->y, n * size), false, x, size);
}

/* sums: gradients of fc1.weight, fc1.bias, fc2.weight, fc2.bias, added to. */
static void se_one_back(const slc_call *c, size_t n, float *x, float *sums)
{
    const size_t channels = c->node->out.c, q = squeeze_of(c->node), size = size_of(c);
    const float *m = (const float *)c->saved + n * (2 * channels + q), *g = m + channels;
    const float *h = g + channels;
    float *dy = x + size, *dg = dy + size, *dm = dg + channels;
    float *d1 = sums, *b1 = d1 + q * channels, *d2 = b1 + q, *b2 = d2 + q * channels;
    c->k->to_f32(x, slc_shift(c->ex, c->x[0], n * size), size);
    c->k->to_f32(dy, slc_shift(c->ex, c->dy, n * size), size);
    memset(dg, 0, 2 * channels * sizeof(*dg));
    for (size_t i = 0; i < size; i++)
        dg[i % channels] += x[i] * dy[i];
    for (size_t k = 0; k < channels; k++)
        b2[k] += dg[k] *= g[k] * (1 - g[k]);
    for (size_t j = 0; j < q; j++) {
        float dh = 0;
        for (size_t k = 0; k < channels; k++) {
            d2[k * q + j] += dg[k] * h[j];
            dh += dg[k] * c->t[2][k * q + j];
        }
        if (h[j] <= 0) continue;
        b1[j] += dh;
        for (size_t k = 0; k < channels; k++) {
            d1[j * channels + k] += dh * m[k];
            dm[k] += dh * c->t[0][j * channels + k];
        }
    }
    const float share = (float)channels / (float)size;
    for (size_t i = 0; i < size; i++)
        dy[i] = dy[i] * g[i % channels] + dm[i % channels] * share;
    if (c->dx[0])
        c->k->from_f32(slc_shift(c->ex, c->dx[0], n * size), c->add_dx[0], dy, size);
}

static void se(const slc_call *c, bool back)
{
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t lane = 0; lane < SLC_LANES; lane++) {
        float *x = (float *)c->scratch + lane * se_lane(c->node);
        float *sums = x + se_lane(c->node) - se_sums(c->node);
        size_t lo, hi;
        slc_lane(c->n, 1, lane, &lo, &hi);
        memset(sums, 0, se_sums(c->node) * sizeof(*sums));
        for (size_t n = lo; n < hi; n++)
            if (back)
                se_one_back(c, n, x, sums);
            else
                se_one(c, n, x);
    }
}

static void se_forward(const slc_call *c)
{
    se(c, false);
}

static void se_backward(const slc_call *c)
{
    const size_t channels = c->node->out.c, q = squeeze_of(c->node);
    const size_t size[4] = {q * channels, q, q * channels, channels};
    size_t start = se_lane(c->node) - se_sums(c->node);
    se(c, true);
    for (size_t t = 0; t < 4; start += size[t++])
        for (size_t i = 0; c->dt[t] && i < size[t]; i++) {
            double sum = c->add_dt ? c->dt[t][i] : 0;
            for (size_t lane = 0; lane < SLC_LANES; lane++)
                sum += ((const float *)c->scratch)[lane * se_lane(c->node) + start + i];
            c->dt[t][i] = (float)sum;
        }
}

const slc_run slc_run_squeeze_excite = {
    .layer = "squeeze_excite",
    .keeps_x = true,
    .saved = se_saved,
    .scratch = se_scratch,
    .forward = se_forward,
    .backward = se_backward,
};
