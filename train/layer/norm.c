/* Normalisations: x minus the mean, over the root of variance + eps, times a scale, plus a
 * shift. They differ in the set over which mean and variance are taken:
 *
 *   batch_norm   each channel, over images and pixels (training: of this batch; evaluating:
 *                running averages)
 *   group_norm   each image and group of channels, over the group's channels and pixels
 *   layer_norm   each image, over all its channels and pixels; scale and shift per element */
#include <math.h>

#include "train/layer.h"

#define EPS                                                                              \
    {                                                                                    \
        "eps", SLC_FIELD(slc_norm_settings, eps),                                        \
            .lo = 1e-30, .hi = 1, .initial = "1e-5", .help = "added to the variance"     \
    }
#define AFFINE                                                                           \
    {"scale", SLC_FIELD(slc_norm_settings, scale), .initial = "true",                    \
     .help = "learn a factor (weight)"},                                                 \
    {                                                                                    \
        "shift", SLC_FIELD(slc_norm_settings, shift), .initial = "true",                 \
                                                      .help = "learn a summand (bias)"   \
    }

static const slc_param batch_params[] = {
    EPS,
    {"momentum", SLC_FIELD(slc_norm_settings, momentum), .lo = 0, .hi = 1,
     .initial = "0.1", .help = "weight of the newest batch in the running averages"},
    AFFINE,
    {0}};
static const slc_param layer_params[] = {EPS, AFFINE, {0}};
static const slc_param group_params[] = {{"groups", SLC_FIELD(slc_norm_settings, groups),
                                          .lo = 1, .hi = 65536,
                                          .help = "groups of channels"},
                                         EPS,
                                         AFFINE,
                                         {0}};

/* Scale and shift, those that exist, in this order. */
static size_t affine(const slc_norm_settings *s, slc_tensor_spec *spec, size_t rank,
                     const slc_shape *in)
{
    size_t count = 0;
    slc_tensor_spec one = {.suffix = "weight",
                           .role = SLC_ROLE_NORM,
                           .rank = rank,
                           .dim = {in->c, in->h, in->w},
                           .init = "ones"};
    if (rank == 1) one.dim[1] = one.dim[2] = 0;
    if (s->scale) spec[count++] = one;
    one.suffix = "bias";
    one.init = "zeros";
    if (s->shift) spec[count++] = one;
    return count;
}

static size_t batch_tensors(const void *settings, const slc_shape *in,
                            slc_tensor_spec spec[SLC_MAX_TENSORS])
{
    size_t count = affine(settings, spec, 1, in);
    slc_tensor_spec one = {.suffix = "running_mean",
                           .role = SLC_ROLE_BUFFER,
                           .rank = 1,
                           .dim = {in->c},
                           .init = "zeros"};
    spec[count++] = one;
    one.suffix = "running_var";
    one.init = "ones";
    spec[count++] = one;
    return count;
}

static size_t group_tensors(const void *settings, const slc_shape *in,
                            slc_tensor_spec spec[SLC_MAX_TENSORS])
{
    return affine(settings, spec, 1, in);
}

static size_t layer_tensors(const void *settings, const slc_shape *in,
                            slc_tensor_spec spec[SLC_MAX_TENSORS])
{
    return affine(settings, spec, in->h == 1 && in->w == 1 ? 1 : 3, in);
}

static slc_status group_shape(const void *settings, const slc_shape *in, size_t inputs,
                              slc_shape *out, slc_err *err)
{
    const slc_norm_settings *s = settings;
    (void)inputs;
    if (in->c % (size_t)s->groups != 0)
        return slc_fail(err, SLC_EDATA, "%zu channels do not divide into %lld groups",
                        in->c, (long long)s->groups);
    *out = *in;
    return SLC_OK;
}

static double flops(const void *settings, const slc_shape *in, slc_shape out)
{
    (void)settings, (void)in;
    return 4.0 * (double)slc_shape_size(out);
}

/* One set of numbers that share mean and variance: images n0 to n1, elements i0 to i1. */
typedef struct set {
    size_t n0, n1, i0, i1, area;
    bool by_element; /* scale and shift per element, not per channel */
    bool fixed;      /* mean and variance are constants: nothing flows through them */
    double mean, inv;
} set;

static void moments(const slc_ref *r, set *s)
{
    const slc_norm_settings *settings = r->settings;
    const size_t size = slc_shape_size(r->in[0]);
    const double count = (double)((s->n1 - s->n0) * (s->i1 - s->i0));
    double sum = 0, square = 0;
    for (size_t n = s->n0; n < s->n1; n++)
        for (size_t i = s->i0; i < s->i1; i++)
            sum += r->x[0][n * size + i];
    s->mean = sum / count;
    for (size_t n = s->n0; n < s->n1; n++)
        for (size_t i = s->i0; i < s->i1; i++)
            square += pow(r->x[0][n * size + i] - s->mean, 2);
    s->inv = 1 / sqrt(square / count + settings->eps);
}

static void apply(const slc_ref *r, const set *s)
{
    const slc_norm_settings *settings = r->settings;
    const size_t size = slc_shape_size(r->in[0]);
    for (size_t n = s->n0; n < s->n1; n++)
        for (size_t i = s->i0; i < s->i1; i++) {
            const size_t k = s->by_element ? i : i / s->area;
            double y = (r->x[0][n * size + i] - s->mean) * s->inv;
            if (settings->scale) y *= r->t[0][k];
            if (settings->shift) y += r->t[settings->scale][k];
            r->y[n * size + i] = y;
        }
}

static void pull(const slc_ref *r, const set *s)
{
    const slc_norm_settings *settings = r->settings;
    const size_t size = slc_shape_size(r->in[0]);
    const double count = (double)((s->n1 - s->n0) * (s->i1 - s->i0));
    double sum = 0, dot = 0;
    for (size_t n = s->n0; n < s->n1; n++)
        for (size_t i = s->i0; i < s->i1; i++) {
            const size_t k = s->by_element ? i : i / s->area;
            const double dy = r->dy[n * size + i];
            const double hat = (r->x[0][n * size + i] - s->mean) * s->inv;
            if (settings->scale) r->dt[0][k] += dy * hat;
            if (settings->shift) r->dt[settings->scale][k] += dy;
            const double g = dy * (settings->scale ? r->t[0][k] : 1);
            sum += g, dot += g * hat;
        }
    if (s->fixed) sum = dot = 0;
    for (size_t n = s->n0; r->dx[0] && n < s->n1; n++)
        for (size_t i = s->i0; i < s->i1; i++) {
            const size_t k = s->by_element ? i : i / s->area;
            const double hat = (r->x[0][n * size + i] - s->mean) * s->inv;
            const double g = r->dy[n * size + i] * (settings->scale ? r->t[0][k] : 1);
            r->dx[0][n * size + i] = s->inv * (g - sum / count - hat * dot / count);
        }
}

static void clear(const slc_ref *r, size_t size)
{
    const slc_norm_settings *s = r->settings;
    for (size_t t = 0; t < (size_t)s->scale + s->shift; t++)
        for (size_t i = 0; i < size; i++)
            r->dt[t][i] = 0;
}

static void batch(const slc_ref *r, void (*act)(const slc_ref *, const set *))
{
    const slc_norm_settings *settings = r->settings;
    const size_t area = r->in[0].h * r->in[0].w;
    const size_t at = (size_t)settings->scale + settings->shift;
    for (size_t c = 0; c < r->in[0].c; c++) {
        set s = {
            0, r->n, c * area, (c + 1) * area, area, false, r->mode != SLC_MODE_TRAIN,
            0, 0};
        moments(r, &s);
        if (s.fixed) s.mean = r->t[at][c];
        if (s.fixed) s.inv = 1 / sqrt(r->t[at + 1][c] + settings->eps);
        act(r, &s);
    }
}

static void by_image(const slc_ref *r, size_t groups, bool by_element,
                     void (*act)(const slc_ref *, const set *))
{
    const size_t size = slc_shape_size(r->in[0]) / groups;
    for (size_t i = 0; i < r->n * groups; i++) {
        set s = {i / groups,
                 i / groups + 1,
                 i % groups * size,
                 (i % groups + 1) * size,
                 r->in[0].h * r->in[0].w,
                 by_element,
                 false,
                 0,
                 0};
        moments(r, &s);
        act(r, &s);
    }
}

static void batch_forward(const slc_ref *r)
{
    batch(r, apply);
}

static void batch_backward(const slc_ref *r)
{
    clear(r, r->in[0].c);
    batch(r, pull);
}

static void layer_forward(const slc_ref *r)
{
    by_image(r, 1, true, apply);
}

static void layer_backward(const slc_ref *r)
{
    clear(r, slc_shape_size(r->in[0]));
    by_image(r, 1, true, pull);
}

static void group_forward(const slc_ref *r)
{
    by_image(r, (size_t)((const slc_norm_settings *)r->settings)->groups, false, apply);
}

static void group_backward(const slc_ref *r)
{
    clear(r, r->in[0].c);
    by_image(r, (size_t)((const slc_norm_settings *)r->settings)->groups, false, pull);
}

const slc_layer slc_layer_batch_norm = {
    .entry = {.name = "batch_norm",
              .summary = "normalise each channel over the batch",
              .source = "Ioffe & Szegedy, ICML 2015; running variance unbiased (PyTorch)",
              .params = batch_params,
              .settings_size = sizeof(slc_norm_settings)},
    .tensors = batch_tensors,
    .flops = flops,
    .forward = batch_forward,
    .backward = batch_backward,
};

const slc_layer slc_layer_layer_norm = {
    .entry = {.name = "layer_norm",
              .summary = "normalise each image over all its numbers",
              .source = "Ba, Kiros & Hinton 2016 (arXiv:1607.06450)",
              .params = layer_params,
              .settings_size = sizeof(slc_norm_settings)},
    .tensors = layer_tensors,
    .flops = flops,
    .forward = layer_forward,
    .backward = layer_backward,
};

const slc_layer slc_layer_group_norm = {
    .entry = {.name = "group_norm",
              .summary = "normalise groups of channels of each image",
              .source = "Wu & He, ECCV 2018 (arXiv:1803.08494)",
              .params = group_params,
              .settings_size = sizeof(slc_norm_settings)},
    .shape = group_shape,
    .tensors = group_tensors,
    .flops = flops,
    .forward = group_forward,
    .backward = group_backward,
};
