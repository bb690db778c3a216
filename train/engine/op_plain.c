/* How layers without sums over the batch run: activations, pooling, dropout, joins. */
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "train/engine/op.h"

static size_t size_of(const slc_call *c)
{
    return slc_shape_size(c->node->out);
}

/* Runs body with lo, hi: a lane's share of count numbers, in whole vectors. */
#define EACH_LANE(c, count, unit, body)                                                  \
    do {                                                                                 \
        const size_t count_ = (count);                                                   \
        SLC_LANES_SHARED (c, lane) {                                                     \
            size_t lo, hi;                                                               \
            slc_lane(count_, unit, lane, &lo, &hi);                                      \
            if (lo < hi) {                                                               \
                body;                                                                    \
            }                                                                            \
        }                                                                                \
    } while (0)

#define AT(p, i) slc_shift(c->ex, p, i)

static float slope_of(const slc_call *c)
{
    return (float)((const slc_act_settings *)c->node->settings)->a;
}

static void act_forward(const slc_call *c)
{
    const slc_act kind = slc_act_of(c->node->layer);
    EACH_LANE(c, c->n * size_of(c), 64,
              c->k->act(kind, slope_of(c), AT(c->y, lo), AT(c->x[0], lo), hi - lo));
}

/* relu may have run in place; the sign of its output tells as much as that of its input. */
static void act_backward(const slc_call *c)
{
    const slc_act kind = slc_act_of(c->node->layer);
    const void *x = c->task->op->keeps_y ? c->y : c->x[0];
    EACH_LANE(c, c->n * size_of(c), 64,
              c->k->act_back(kind, slope_of(c), AT(c->dx[0], lo), c->add_dx[0], AT(x, lo),
                             AT(c->dy, lo), hi - lo));
}

#define ACT(id)                                                                          \
    const slc_run slc_run_##id = {                                                       \
        .layer = #id,                                                                    \
        .keeps_x = true,                                                                 \
        .forward = act_forward,                                                          \
        .backward = act_backward,                                                        \
    };
ACT(elu)
ACT(gelu)
ACT(hard_swish)
ACT(leaky_relu)
ACT(sigmoid)
ACT(silu)
ACT(tanh)

const slc_run slc_run_relu = {
    .layer = "relu",
    .keeps_y = true,
    .in_place = true,
    .forward = act_forward,
    .backward = act_backward,
};

static slc_window window_of(const slc_call *c)
{
    const slc_pool_settings *s = c->node->settings;
    return (slc_window){.in = c->node->in[0],
                        .out = c->node->out,
                        .kernel = (size_t)s->kernel,
                        .stride = (size_t)(s->stride ? s->stride : s->kernel),
                        .padding = (size_t)s->padding,
                        .dilation = 1,
                        .count_padding = s->count_padding};
}

static size_t index_bytes(const slc_net_node *node, size_t n)
{
    return n * slc_shape_size(node->out);
}

static void max_forward(const slc_call *c)
{
    const slc_window w = window_of(c);
    const size_t in = slc_shape_size(w.in), out = slc_shape_size(w.out);
    const bool keep = c->mode == SLC_MODE_TRAIN;
    EACH_LANE(c, c->n, 1,
              for (size_t n = lo; n < hi; n++) c->k->max_pool(
                  AT(c->y, n * out), keep ? (uint8_t *)c->saved + n * out : NULL,
                  AT(c->x[0], n * in), &w));
}

static void max_backward(const slc_call *c)
{
    const slc_window w = window_of(c);
    const size_t in = slc_shape_size(w.in), out = slc_shape_size(w.out);
    EACH_LANE(c, c->n, 1,
              for (size_t n = lo; n < hi; n++) c->k->max_pool_back(
                  AT(c->dx[0], n * in), c->add_dx[0], (const uint8_t *)c->saved + n * out,
                  AT(c->dy, n * out), &w));
}

static void avg_forward(const slc_call *c)
{
    const slc_window w = window_of(c);
    const size_t in = slc_shape_size(w.in), out = slc_shape_size(w.out);
    EACH_LANE(c, c->n, 1,
              for (size_t n = lo; n < hi; n++)
                  c->k->avg_pool(AT(c->y, n * out), AT(c->x[0], n * in), &w));
}

static void avg_backward(const slc_call *c)
{
    const slc_window w = window_of(c);
    const size_t in = slc_shape_size(w.in), out = slc_shape_size(w.out);
    EACH_LANE(c, c->n, 1,
              for (size_t n = lo; n < hi; n++) c->k->avg_pool_back(
                  AT(c->dx[0], n * in), c->add_dx[0], AT(c->dy, n * out), &w));
}

/* Sums of columns of one image, then the mean. */
static size_t global_scratch(const slc_net_node *node, size_t n, size_t threads)
{
    (void)n, (void)threads;
    return SLC_LANES * node->out.c * (sizeof(double) + sizeof(float));
}

static void global_one(const slc_call *c, size_t n, size_t lane)
{
    const size_t channels = c->node->out.c, area = c->node->in[0].h * c->node->in[0].w;
    double *sum = (double *)c->scratch + lane * channels;
    float *mean =
        (float *)((double *)c->scratch + SLC_LANES * channels) + lane * channels;
    c->k->column_sums(AT(c->x[0], n * area * channels), area, channels, sum);
    for (size_t k = 0; k < channels; k++)
        mean[k] = (float)(sum[k] / (double)area);
    c->k->from_f32(AT(c->y, n * channels), false, mean, channels);
}

static void global_forward(const slc_call *c)
{
    EACH_LANE(c, c->n, 1, for (size_t n = lo; n < hi; n++) global_one(c, n, lane));
}

static void global_backward(const slc_call *c)
{
    const size_t channels = c->node->out.c, area = c->node->in[0].h * c->node->in[0].w;
    EACH_LANE(c, c->n, 1,
              for (size_t i = lo * area; i < hi * area; i++)
                  c->k->scale(AT(c->dx[0], i * channels), c->add_dx[0],
                              AT(c->dy, i / area * channels), 1 / (float)area, channels));
}

/* What is dropped, and the factor of the rest: 0 and 1 when nothing is. */
typedef struct odds {
    uint32_t least;
    float by;
} odds;

static odds odds_of(const slc_call *c, bool path)
{
    const slc_drop_settings *s = c->node->settings;
    if (c->mode == SLC_MODE_EVAL || (path && c->mode == SLC_MODE_MC))
        return (odds){0, s->classic ? (float)(1 - s->p) : 1};
    return (odds){(uint32_t)(s->p * 4294967296.0),
                  s->classic ? 1 : (float)(1 / (1 - s->p))};
}

static void drop(const slc_call *c, void *to, bool add, const void *from)
{
    const odds o = odds_of(c, false);
    EACH_LANE(c, c->n * size_of(c), 64,
              if (o.least) c->k->drop(AT(to, lo), add, AT(from, lo), lo, hi - lo, &c->rng,
                                      o.least, o.by);
              else c->k->scale(AT(to, lo), add, AT(from, lo), o.by, hi - lo));
}

static void drop_forward(const slc_call *c)
{
    drop(c, c->y, false, c->x[0]);
}

static void drop_backward(const slc_call *c)
{
    drop(c, c->dx[0], c->add_dx[0], c->dy);
}

static void path(const slc_call *c, void *to, bool add, const void *from)
{
    const odds o = odds_of(c, true);
    const size_t size = size_of(c);
    EACH_LANE(c, c->n, 1,
              for (size_t n = lo; n < hi; n++)
                  c->k->scale(AT(to, n * size), add, AT(from, n * size),
                              slc_net_word(&c->rng, n) < o.least ? 0 : o.by, size));
}

static void path_forward(const slc_call *c)
{
    path(c, c->y, false, c->x[0]);
}

static void path_backward(const slc_call *c)
{
    path(c, c->dx[0], c->add_dx[0], c->dy);
}

static void scale_forward(const slc_call *c)
{
    const slc_scale_settings *s = c->node->settings;
    EACH_LANE(c, c->n * size_of(c), 64,
              c->k->scale(AT(c->y, lo), false, AT(c->x[0], lo), (float)s->by, hi - lo));
}

static void scale_backward(const slc_call *c)
{
    const slc_scale_settings *s = c->node->settings;
    EACH_LANE(c, c->n * size_of(c), 64,
              c->k->scale(AT(c->dx[0], lo), c->add_dx[0], AT(c->dy, lo), (float)s->by,
                          hi - lo));
}

static void add_forward(const slc_call *c)
{
    for (size_t i = 1; i < c->task->inputs; i++) {
        const void *a = i == 1 ? c->x[0] : c->y;
        EACH_LANE(c, c->n * size_of(c), 64,
                  c->k->sum(AT(c->y, lo), AT(a, lo), AT(c->x[i], lo), hi - lo));
    }
}

static void add_backward(const slc_call *c)
{
    for (size_t i = 0; i < c->task->inputs; i++)
        if (c->dx[i])
            EACH_LANE(
                c, c->n * size_of(c), 64,
                c->k->scale(AT(c->dx[i], lo), c->add_dx[i], AT(c->dy, lo), 1, hi - lo));
}

static void concat(const slc_call *c, bool back)
{
    const slc_shape out = c->node->out;
    const size_t rows = c->n * out.h * out.w;
    size_t start = 0;
    for (size_t i = 0; i < c->task->inputs; i++) {
        const size_t width = c->node->in[i].c;
        if (!back)
            EACH_LANE(c, rows, 1,
                      for (size_t r = lo; r < hi; r++)
                          memcpy(AT(c->y, r * out.c + start), AT(c->x[i], r * width),
                                 width * slc_dtype_size(c->ex->type)));
        else if (c->dx[i])
            EACH_LANE(c, rows, 1,
                      for (size_t r = lo; r < hi; r++)
                          c->k->scale(AT(c->dx[i], r * width), c->add_dx[i],
                                      AT(c->dy, r * out.c + start), 1, width));
        start += width;
    }
}

static void concat_forward(const slc_call *c)
{
    concat(c, false);
}

static void concat_backward(const slc_call *c)
{
    concat(c, true);
}

/* From pixels of channels to planes of pixels, where someone asked for that order. */
static void flatten_one(const slc_call *c, size_t n, bool back)
{
    const slc_shape in = c->node->in[0];
    const size_t area = in.h * in.w, size = area * in.c;
    for (size_t i = 0; i < size; i++) {
        const size_t rows = n * size + i, planes = n * size + i % in.c * area + i / in.c;
        if (back)
            c->k->scale(AT(c->dx[0], rows), c->add_dx[0], AT(c->dy, planes), 1, 1);
        else
            memcpy(AT(c->y, planes), AT(c->x[0], rows), slc_dtype_size(c->ex->type));
    }
}

static void flatten(const slc_call *c, bool back)
{
    EACH_LANE(c, c->n, 1, for (size_t n = lo; n < hi; n++) flatten_one(c, n, back));
}

static void flatten_forward(const slc_call *c)
{
    flatten(c, false);
}

static void flatten_backward(const slc_call *c)
{
    flatten(c, true);
}

#define PLAIN(id, stem, ...)                                                             \
    const slc_run slc_run_##id = {.layer = #id,                                          \
                                  .forward = stem##_forward,                             \
                                  .backward = stem##_backward,                           \
                                  __VA_ARGS__};

PLAIN(max_pool, max, .saved = index_bytes)
PLAIN(avg_pool, avg, .keeps_x = false)
PLAIN(global_avg_pool, global, .scratch = global_scratch)
PLAIN(dropout, drop, .draws = true)
PLAIN(drop_path, path, .draws = true)
PLAIN(scale, scale, .keeps_x = false)
PLAIN(add, add, .keeps_x = false)
PLAIN(concat, concat, .keeps_x = false)
PLAIN(flatten, flatten, .keeps_x = false)
