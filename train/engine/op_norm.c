/* How normalisations run. Batch norm takes a following add and clamp in; sums over the
 * batch are made by lane, in double, and joined in order. */
#include <math.h>
#include <string.h>

#include "train/engine/op.h"

/* What forward leaves for backward: c floats each. */
enum { MEAN, INV, A, B, KEPT };

static size_t saved(const slc_net_node *node, size_t n)
{
    (void)n;
    return KEPT * node->out.c * sizeof(float);
}

static size_t scratch(const slc_net_node *node, size_t n, size_t threads)
{
    (void)n, (void)threads;
    return (2 * SLC_LANES * sizeof(double) + 4 * sizeof(float)) * node->out.c;
}

static float *kept(const slc_call *c, int which)
{
    return (float *)c->saved + (size_t)which * c->node->out.c;
}

/* Both sums of lane i. */
static double *lane_sums(const slc_call *c, size_t i)
{
    return (double *)c->scratch + i * 2 * c->node->out.c;
}

static double total_of(const slc_call *c, const double *lanes, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < SLC_LANES; i++)
        sum += lanes[i * 2 * c->node->out.c + k];
    return sum;
}

static double total(const slc_call *c, size_t k)
{
    return total_of(c, c->scratch, k);
}

static size_t rows_of(const slc_call *c)
{
    return c->n * c->node->out.h * c->node->out.w;
}

/* Sums over the batch of x - pivot and of its square, by lane. They may have been made with x,
 * in bf16: then the pivot is 0, and what that loses of a small variance bf16 had not kept. Else
 * it is the first pixel. */
static const double *sum_up(const slc_call *c, float *pivot)
{
    const size_t channels = c->node->out.c;
    if (c->ex->sums_of == c->task->in[0]) {
        memset(pivot, 0, channels * sizeof(*pivot));
        return c->ex->sums;
    }
    c->k->to_f32(pivot, c->x[0], channels);
    SLC_LANES_SHARED (c, i) {
        size_t lo, hi;
        slc_lane(rows_of(c), 1, i, &lo, &hi);
        c->k->stats(slc_shift(c->ex, c->x[0], lo * channels), hi - lo, channels, pivot,
                    lane_sums(c, i), lane_sums(c, i) + channels);
    }
    return c->scratch;
}

/* Mean and 1 / root of this batch; running averages move. */
static void measure(const slc_call *c, float *mean, float *inv, float *running_mean,
                    float *running_var)
{
    const slc_norm_settings *s = c->node->settings;
    const size_t channels = c->node->out.c, rows = rows_of(c);
    const double *lanes = sum_up(c, mean);
    for (size_t k = 0; k < channels; k++) {
        const double d = total_of(c, lanes, k) / (double)rows;
        const double var =
            fmax(total_of(c, lanes, channels + k) / (double)rows - d * d, 0);
        mean[k] = (float)(mean[k] + d);
        inv[k] = (float)(1 / sqrt(var + s->eps));
        if (c->again) continue;
        running_mean[k] =
            (float)((1 - s->momentum) * running_mean[k] + s->momentum * mean[k]);
        running_var[k] = (float)((1 - s->momentum) * running_var[k] +
                                 s->momentum * var * (double)rows / (double)(rows - 1));
    }
}

/* Mean, 1 / root, and with scale and shift the factors of y = a x + b. */
static void find_factors(const slc_call *c)
{
    const slc_norm_settings *s = c->node->settings;
    const size_t channels = c->node->out.c, at = (size_t)s->scale + s->shift;
    float *mean = kept(c, MEAN), *inv = kept(c, INV), *a = kept(c, A), *b = kept(c, B);
    if (c->mode == SLC_MODE_TRAIN && !c->task->frozen)
        measure(c, mean, inv, c->t[at], c->t[at + 1]);
    else
        for (size_t k = 0; k < channels; k++) {
            mean[k] = c->t[at][k];
            inv[k] = (float)(1 / sqrt(c->t[at + 1][k] + s->eps));
        }
    for (size_t k = 0; k < channels; k++) {
        a[k] = inv[k] * (s->scale ? c->t[0][k] : 1);
        b[k] = (s->shift ? c->t[s->scale][k] : 0) - mean[k] * a[k];
    }
}

static void batch_forward(const slc_call *c)
{
    const size_t channels = c->node->out.c;
    if (!c->again || c->task->lazy < 0) find_factors(c);
    if (c->task->unmade) return;
    const slc_affine f = {kept(c, A), kept(c, B), c->task->lo, c->task->hi};
    SLC_LANES_SHARED (c, i) {
        size_t lo, hi;
        slc_lane(rows_of(c), 1, i, &lo, &hi);
        c->k->affine(slc_shift(c->ex, c->y, lo * channels),
                     slc_shift(c->ex, c->x[0], lo * channels),
                     slc_shift(c->ex, c->add, lo * channels), hi - lo, channels, &f);
    }
}

slc_affine slc_norm_made(const slc_exec *ex, const slc_task *t)
{
    const float *saved = (const float *)((const char *)ex->block + t->saved_at);
    return (slc_affine){saved + A * t->node->out.c, saved + B * t->node->out.c, t->lo,
                        t->hi};
}

static void give(const slc_call *c, size_t which, size_t k, double value)
{
    if (!c->dt[which]) return;
    c->dt[which][k] = (float)value + (c->add_dt ? c->dt[which][k] : 0);
}

/* Sums over the batch, gradients of scale and shift, and the factors of dx. g: see
 * affine_sums. */
static void back_factors(const slc_call *c, slc_affine_back *f, const void *y, void *g,
                         float *p, float *q, float *r)
{
    const slc_norm_settings *s = c->node->settings;
    const size_t channels = c->node->out.c, rows = rows_of(c);
    const float *inv = kept(c, INV), *a = kept(c, A);
    SLC_LANES_SHARED (c, i) {
        size_t lo, hi;
        slc_lane(rows, 1, i, &lo, &hi);
        c->k->affine_sums(
            slc_shift(c->ex, g, lo * channels), slc_shift(c->ex, c->x[0], lo * channels),
            slc_shift(c->ex, c->dy, lo * channels), slc_shift(c->ex, y, lo * channels),
            hi - lo, channels, f, lane_sums(c, i), lane_sums(c, i) + channels);
    }
    for (size_t k = 0; k < channels; k++) {
        const double sum = total(c, k), dot = total(c, channels + k);
        const double fixed = c->task->frozen ? 0 : 1;
        if (s->scale) give(c, 0, k, dot * inv[k]);
        if (s->shift) give(c, s->scale, k, sum);
        p[k] = a[k];
        q[k] = (float)(-fixed * a[k] * inv[k] * inv[k] * dot / (double)rows);
        r[k] = (float)(-fixed * a[k] * sum / (double)rows);
    }
}

/* The first pass leaves what passes the clamp in dadd, where the second reads it, unless dadd
 * holds something to add to. */
static void batch_backward(const slc_call *c)
{
    const size_t channels = c->node->out.c;
    float *p = (float *)(lane_sums(c, SLC_LANES)), *q = p + channels, *r = q + channels;
    const bool gives = c->dadd && !c->add_dadd;
    slc_affine_back f = {{kept(c, A), kept(c, B), c->task->lo, c->task->hi},
                         false,
                         kept(c, MEAN),
                         p,
                         q,
                         r};
    const void *y = c->add && c->task->fused_clamp ? c->y : NULL;
    back_factors(c, &f, y, gives ? c->dadd : NULL, p, q, r);
    f.open = gives;
    if (gives && !c->dx[0]) return;
    SLC_LANES_SHARED (c, i) {
        size_t lo, hi;
        slc_lane(rows_of(c), 1, i, &lo, &hi);
        const size_t at = lo * channels;
        c->k->affine_back(slc_shift(c->ex, c->dx[0], at), c->add_dx[0],
                          gives ? NULL : slc_shift(c->ex, c->dadd, at), c->add_dadd,
                          slc_shift(c->ex, c->x[0], at),
                          slc_shift(c->ex, gives ? c->dadd : c->dy, at),
                          slc_shift(c->ex, y, at), hi - lo, channels, &f);
    }
}

const slc_run slc_run_batch_norm = {
    .layer = "batch_norm",
    .keeps_x = true,
    .back_in_place = true,
    .again_is_cheap = true,
    .saved = saved,
    .scratch = scratch,
    .forward = batch_forward,
    .backward = batch_backward,
};

/* layer_norm and group_norm: image by image in f32. A thread's scratch holds x, dy and the
 * result; gradients of scale and shift are summed by lane. */
static size_t groups_of(const slc_call *c)
{
    const slc_norm_settings *s = c->node->settings;
    return s->groups ? (size_t)s->groups : 1;
}

/* Scale and shift per number of the image (layer_norm), or per channel. Element i is at
 * pixel i / c, channel i % c; PyTorch's order is channels first. */
static size_t parameter(const slc_call *c, size_t i)
{
    const slc_shape o = c->node->out;
    const slc_norm_settings *s = c->node->settings;
    return s->groups ? i % o.c : i % o.c * o.h * o.w + i / o.c;
}

static size_t image_scratch(const slc_net_node *node, size_t n, size_t threads)
{
    (void)n, (void)threads;
    return SLC_LANES * 5 * slc_shape_size(node->out) * sizeof(float);
}

static void image_moments(const slc_call *c, const float *x, size_t group, double *mean,
                          double *inv)
{
    const slc_norm_settings *s = c->node->settings;
    const size_t size = slc_shape_size(c->node->out), per = c->node->out.c / groups_of(c);
    double sum = 0, square = 0;
    const double count = (double)(size / groups_of(c));
    for (size_t i = 0; i < size; i++)
        if (i % c->node->out.c / per == group) sum += x[i];
    *mean = sum / count;
    for (size_t i = 0; i < size; i++)
        if (i % c->node->out.c / per == group) square += (x[i] - *mean) * (x[i] - *mean);
    *inv = 1 / sqrt(square / count + s->eps);
}

static void image_norm(const slc_call *c, const float *x, float *y)
{
    const slc_norm_settings *s = c->node->settings;
    const size_t size = slc_shape_size(c->node->out), per = c->node->out.c / groups_of(c);
    for (size_t g = 0; g < groups_of(c); g++) {
        double mean, inv;
        image_moments(c, x, g, &mean, &inv);
        for (size_t i = 0; i < size; i++) {
            if (i % c->node->out.c / per != g) continue;
            const size_t k = parameter(c, i);
            y[i] = (float)((x[i] - mean) * inv) * (s->scale ? c->t[0][k] : 1) +
                   (s->shift ? c->t[s->scale][k] : 0);
        }
    }
}

static void image_back(const slc_call *c, const float *x, const float *dy, float *dx,
                       float *dscale, float *dshift)
{
    const slc_norm_settings *s = c->node->settings;
    const size_t size = slc_shape_size(c->node->out), per = c->node->out.c / groups_of(c);
    const double count = (double)(size / groups_of(c));
    for (size_t g = 0; g < groups_of(c); g++) {
        double mean, inv, sum = 0, dot = 0;
        image_moments(c, x, g, &mean, &inv);
        for (size_t i = 0; i < size; i++) {
            if (i % c->node->out.c / per != g) continue;
            const size_t k = parameter(c, i);
            const double hat = (x[i] - mean) * inv,
                         w = dy[i] * (s->scale ? c->t[0][k] : 1.0);
            dscale[k] += (float)(dy[i] * hat);
            dshift[k] += dy[i];
            sum += w, dot += w * hat;
        }
        for (size_t i = 0; i < size; i++) {
            if (i % c->node->out.c / per != g) continue;
            const double hat = (x[i] - mean) * inv;
            const double w = dy[i] * (s->scale ? c->t[0][parameter(c, i)] : 1.0);
            dx[i] = (float)(inv * (w - sum / count - hat * dot / count));
        }
    }
}

static void image_forward(const slc_call *c)
{
    const size_t size = slc_shape_size(c->node->out);
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t lane = 0; lane < SLC_LANES; lane++) {
        float *x = (float *)c->scratch + lane * 5 * size, *y = x + size;
        size_t lo, hi;
        slc_lane(c->n, 1, lane, &lo, &hi);
        for (size_t n = lo; n < hi; n++) {
            c->k->to_f32(x, slc_shift(c->ex, c->x[0], n * size), size);
            image_norm(c, x, y);
            c->k->from_f32(slc_shift(c->ex, c->y, n * size), false, y, size);
        }
    }
}

static void image_backward(const slc_call *c)
{
    const slc_norm_settings *s = c->node->settings;
    const size_t size = slc_shape_size(c->node->out);
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t lane = 0; lane < SLC_LANES; lane++) {
        float *x = (float *)c->scratch + lane * 5 * size, *dy = x + size, *dx = dy + size;
        size_t lo, hi;
        memset(dx + size, 0, 2 * size * sizeof(*dx));
        slc_lane(c->n, 1, lane, &lo, &hi);
        for (size_t n = lo; n < hi; n++) {
            c->k->to_f32(x, slc_shift(c->ex, c->x[0], n * size), size);
            c->k->to_f32(dy, slc_shift(c->ex, c->dy, n * size), size);
            image_back(c, x, dy, dx, dx + size, dx + 2 * size);
            if (c->dx[0])
                c->k->from_f32(slc_shift(c->ex, c->dx[0], n * size), c->add_dx[0], dx,
                               size);
        }
    }
    const size_t count = s->groups ? c->node->out.c : size;
    for (size_t k = 0; k < count; k++) {
        double dscale = 0, dshift = 0;
        for (size_t lane = 0; lane < SLC_LANES; lane++) {
            const float *sums = (const float *)c->scratch + lane * 5 * size + 3 * size;
            dscale += sums[k], dshift += sums[size + k];
        }
        if (s->scale) give(c, 0, k, dscale);
        if (s->shift) give(c, s->scale, k, dshift);
    }
}

const slc_run slc_run_layer_norm = {
    .layer = "layer_norm",
    .keeps_x = true,
    .scratch = image_scratch,
    .forward = image_forward,
    .backward = image_backward,
};

const slc_run slc_run_group_norm = {
    .layer = "group_norm",
    .keeps_x = true,
    .scratch = image_scratch,
    .forward = image_forward,
    .backward = image_backward,
};
