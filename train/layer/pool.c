/* Pooling: the largest or the mean of a window, or the mean of a whole plane. */
#include "train/layer.h"

#define WINDOW(most)                                                                     \
    {"kernel",                                                                           \
     SLC_FIELD(slc_pool_settings, kernel),                                               \
     .lo = 1,                                                                            \
     .hi = most,                                                                         \
     .initial = "2",                                                                     \
     .unit = "px",                                                                       \
     .help = "side of the window"},                                                      \
        {"stride",                                                                       \
         SLC_FIELD(slc_pool_settings, stride),                                           \
         .lo = 0,                                                                        \
         .hi = 4096,                                                                     \
         .initial = "0",                                                                 \
         .unit = "px",                                                                   \
         .help = "step between windows; 0 = the kernel's side"},                         \
    {                                                                                    \
        "padding", SLC_FIELD(slc_pool_settings, padding),                                \
            .lo = 0, .hi = 127, .initial = "0", .unit = "px",                            \
            .help = "border around the image"                                            \
    }

static const slc_param max_params[] = {WINDOW(16),
                                       {0}} /* a place in the window is a byte */;
static const slc_param avg_params[] = {
    WINDOW(255),
    {"count_padding", SLC_FIELD(slc_pool_settings, count_padding), .initial = "true",
     .help = "divide by the whole window even at the border"},
    {0}};

static slc_status shape(const void *settings, const slc_shape *in, size_t inputs,
                        slc_shape *out, slc_err *err)
{
    const slc_pool_settings *s = settings;
    const int64_t stride = s->stride ? s->stride : s->kernel;
    (void)inputs;
    if (2 * s->padding > s->kernel)
        return slc_fail(err, SLC_EINVAL,
                        "padding %lld is more than half the kernel, %lld",
                        (long long)s->padding, (long long)s->kernel);
    *out = (slc_shape){in->c, slc_window_out(in->h, s->kernel, stride, s->padding, 1),
                       slc_window_out(in->w, s->kernel, stride, s->padding, 1)};
    if (out->h == 0 || out->w == 0)
        return slc_fail(err, SLC_EDATA,
                        "a %lld x %lld window does not fit into %zu x %zu px",
                        (long long)s->kernel, (long long)s->kernel, in->h, in->w);
    return SLC_OK;
}

static slc_status global_shape(const void *settings, const slc_shape *in, size_t inputs,
                               slc_shape *out, slc_err *err)
{
    (void)settings, (void)inputs, (void)err;
    *out = (slc_shape){in->c, 1, 1};
    return SLC_OK;
}

static double flops(const void *settings, const slc_shape *in, slc_shape out)
{
    (void)settings, (void)out;
    return (double)slc_shape_size(*in);
}

/* The part of a window that lies inside: rows r0 to r1, columns c0 to c1. */
typedef struct window {
    size_t r0, r1, c0, c1;
} window;

static void span(size_t at, const slc_pool_settings *s, size_t size, size_t *lo,
                 size_t *hi)
{
    const int64_t start = (int64_t)at * (s->stride ? s->stride : s->kernel) - s->padding;
    const int64_t end = start + s->kernel;
    *lo = start < 0 ? 0 : (size_t)start;
    *hi = end > (int64_t)size ? size : (size_t)end;
}

static window window_at(const slc_ref *r, size_t o)
{
    window w;
    span(o / r->out.w, r->settings, r->in[0].h, &w.r0, &w.r1);
    span(o % r->out.w, r->settings, r->in[0].w, &w.c0, &w.c1);
    return w;
}

/* Position of the first of the largest. */
static size_t largest(const double *plane, size_t width, window w)
{
    size_t best = w.r0 * width + w.c0;
    for (size_t y = w.r0; y < w.r1; y++)
        for (size_t x = w.c0; x < w.c1; x++)
            if (plane[y * width + x] > plane[best]) best = y * width + x;
    return best;
}

static void max_pass(const slc_ref *r, bool back)
{
    const size_t from = r->in[0].h * r->in[0].w, to = r->out.h * r->out.w;
    for (size_t i = 0; i < r->n * r->out.c * to; i++) {
        const size_t plane = i / to * from;
        const size_t best =
            plane + largest(r->x[0] + plane, r->in[0].w, window_at(r, i % to));
        if (back)
            r->dx[0][best] += r->dy[i];
        else
            r->y[i] = r->x[0][best];
    }
}

static void avg_pass(const slc_ref *r, bool back)
{
    const slc_pool_settings *s = r->settings;
    const size_t from = r->in[0].h * r->in[0].w, to = r->out.h * r->out.w;
    for (size_t i = 0; i < r->n * r->out.c * to; i++) {
        const window w = window_at(r, i % to);
        const size_t count = s->count_padding ? (size_t)(s->kernel * s->kernel)
                                              : (w.r1 - w.r0) * (w.c1 - w.c0);
        if (!back) r->y[i] = 0;
        for (size_t y = w.r0; y < w.r1; y++)
            for (size_t x = w.c0; x < w.c1; x++) {
                const size_t at = i / to * from + y * r->in[0].w + x;
                if (back)
                    r->dx[0][at] += r->dy[i] / (double)count;
                else
                    r->y[i] += r->x[0][at] / (double)count;
            }
    }
}

static bool cleared(const slc_ref *r)
{
    for (size_t i = 0; r->dx[0] && i < r->n * slc_shape_size(r->in[0]); i++)
        r->dx[0][i] = 0;
    return r->dx[0] != NULL;
}

static void max_forward(const slc_ref *r)
{
    max_pass(r, false);
}

static void max_backward(const slc_ref *r)
{
    if (cleared(r)) max_pass(r, true);
}

static void avg_forward(const slc_ref *r)
{
    avg_pass(r, false);
}

static void avg_backward(const slc_ref *r)
{
    if (cleared(r)) avg_pass(r, true);
}

static void global_forward(const slc_ref *r)
{
    const size_t area = r->in[0].h * r->in[0].w;
    for (size_t p = 0; p < r->n * r->out.c; p++) {
        double sum = 0;
        for (size_t i = 0; i < area; i++)
            sum += r->x[0][p * area + i];
        r->y[p] = sum / (double)area;
    }
}

static void global_backward(const slc_ref *r)
{
    const size_t area = r->in[0].h * r->in[0].w;
    for (size_t i = 0; r->dx[0] && i < r->n * r->out.c * area; i++)
        r->dx[0][i] = r->dy[i / area] / (double)area;
}

const slc_layer slc_layer_max_pool = {
    .entry = {.name = "max_pool",
              .summary = "largest number of each window",
              .source = "PyTorch nn.MaxPool2d",
              .params = max_params,
              .settings_size = sizeof(slc_pool_settings)},
    .shape = shape,
    .flops = flops,
    .forward = max_forward,
    .backward = max_backward,
};

const slc_layer slc_layer_avg_pool = {
    .entry = {.name = "avg_pool",
              .summary = "mean of each window",
              .source = "PyTorch nn.AvgPool2d",
              .params = avg_params,
              .settings_size = sizeof(slc_pool_settings)},
    .shape = shape,
    .flops = flops,
    .forward = avg_forward,
    .backward = avg_backward,
};

const slc_layer slc_layer_global_avg_pool = {
    .entry = {.name = "global_avg_pool",
              .summary = "mean of each channel's plane, as a vector",
              .source = "Lin, Chen & Yan, ICLR 2014 (arXiv:1312.4400)"},
    .shape = global_shape,
    .flops = flops,
    .forward = global_forward,
    .backward = global_backward,
};
