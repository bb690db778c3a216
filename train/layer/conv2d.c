/* Convolution (cross-correlation) of images with a bank of filters.
 *
 *   y[n][k][i][j] = b[k] + sum over c, u, v of
 *       w[k][c][u][v] * x[n][c][i * stride + u * dilation - padding][...]
 *
 * with groups, output k sees only the inputs of its group. */
#include "train/layer.h"

static const slc_param params[] = {
    {"out", SLC_FIELD(slc_conv_settings, out), .lo = 1, .hi = 65536,
     .help = "output channels"},
    {"kernel", SLC_FIELD(slc_conv_settings, kernel), .lo = 1, .hi = 4096, .initial = "3",
     .unit = "px", .help = "side of the filters"},
    {"stride", SLC_FIELD(slc_conv_settings, stride), .lo = 1, .hi = 4096, .initial = "1",
     .unit = "px", .help = "step between outputs"},
    {"padding", SLC_FIELD(slc_conv_settings, padding), .lo = 0, .hi = 4096,
     .initial = "0", .unit = "px", .help = "zeros around the image"},
    {"dilation", SLC_FIELD(slc_conv_settings, dilation), .lo = 1, .hi = 4096,
     .initial = "1", .unit = "px", .help = "step between the taps of a filter"},
    {"groups", SLC_FIELD(slc_conv_settings, groups), .lo = 1, .hi = 65536, .initial = "1",
     .help = "groups of channels; as many as inputs: depthwise"},
    {"bias", SLC_FIELD(slc_conv_settings, bias), .initial = "true",
     .help = "add a number per output channel"},
    {0}};

static slc_status shape(const void *settings, const slc_shape *in, size_t inputs,
                        slc_shape *out, slc_err *err)
{
    const slc_conv_settings *s = settings;
    (void)inputs;
    if (in->c % (size_t)s->groups != 0 || s->out % s->groups != 0)
        return slc_fail(
            err, SLC_EDATA,
            "%zu input and %lld output channels do not divide into %lld groups", in->c,
            (long long)s->out, (long long)s->groups);
    out->c = (size_t)s->out;
    out->h = slc_window_out(in->h, s->kernel, s->stride, s->padding, s->dilation);
    out->w = slc_window_out(in->w, s->kernel, s->stride, s->padding, s->dilation);
    if (out->h == 0 || out->w == 0)
        return slc_fail(
            err, SLC_EDATA,
            "a %lld x %lld filter does not fit into %zu x %zu px, padding %lld",
            (long long)s->kernel, (long long)s->kernel, in->h, in->w,
            (long long)s->padding);
    return SLC_OK;
}

static size_t tensors(const void *settings, const slc_shape *in,
                      slc_tensor_spec spec[SLC_MAX_TENSORS])
{
    const slc_conv_settings *s = settings;
    const size_t k = (size_t)s->kernel, cg = in->c / (size_t)s->groups;
    spec[0] = (slc_tensor_spec){.suffix = "weight",
                                .role = SLC_ROLE_WEIGHT,
                                .rank = 4,
                                .dim = {(size_t)s->out, cg, k, k}};
    spec[1] = (slc_tensor_spec){.suffix = "bias",
                                .role = SLC_ROLE_BIAS,
                                .rank = 1,
                                .dim = {(size_t)s->out},
                                .fan_in = cg * k * k};
    spec[0].init = spec[1].init = "fan_in_uniform";
    return s->bias ? 2 : 1;
}

static double flops(const void *settings, const slc_shape *in, slc_shape out)
{
    const slc_conv_settings *s = settings;
    const double inputs = (double)in->c / (double)s->groups;
    return 2 * (double)s->kernel * (double)s->kernel * inputs *
           (double)slc_shape_size(out);
}

/* One pass over all pairs of an output and a tap that hits the image; what happens at
 * each is the caller's. */
typedef struct pair {
    size_t y, x, w; /* positions in the three arrays */
} pair;
typedef void pair_fn(const slc_ref *r, pair at);

static void each_tap(const slc_ref *r, size_t n, size_t k, size_t i, size_t j,
                     pair_fn *fn)
{
    const slc_conv_settings *s = r->settings;
    const slc_shape in = r->in[0], out = r->out;
    const size_t cg = in.c / (size_t)s->groups, kg = out.c / (size_t)s->groups;
    const size_t side = (size_t)s->kernel;
    for (size_t t = 0; t < cg * side * side; t++) {
        const size_t c = t / side / side, u = t / side % side, v = t % side;
        const int64_t row = (int64_t)(i * s->stride + u * s->dilation) - s->padding;
        const int64_t col = (int64_t)(j * s->stride + v * s->dilation) - s->padding;
        if (row < 0 || col < 0 || row >= (int64_t)in.h || col >= (int64_t)in.w) continue;
        const size_t plane = n * in.c + k / kg * cg + c;
        fn(r, (pair){((n * out.c + k) * out.h + i) * out.w + j,
                     (plane * in.h + (size_t)row) * in.w + (size_t)col,
                     k * cg * side * side + t});
    }
}

static void each_pair(const slc_ref *r, pair_fn *fn)
{
    for (size_t n = 0; n < r->n; n++)
        for (size_t k = 0; k < r->out.c; k++)
            for (size_t i = 0; i < r->out.h; i++)
                for (size_t j = 0; j < r->out.w; j++)
                    each_tap(r, n, k, i, j, fn);
}

static void multiply(const slc_ref *r, pair at)
{
    r->y[at.y] += r->t[0][at.w] * r->x[0][at.x];
}

static void pull(const slc_ref *r, pair at)
{
    r->dx[0][at.x] += r->t[0][at.w] * r->dy[at.y];
}

static void learn(const slc_ref *r, pair at)
{
    r->dt[0][at.w] += r->x[0][at.x] * r->dy[at.y];
}

static void forward(const slc_ref *r)
{
    const slc_conv_settings *s = r->settings;
    const size_t area = r->out.h * r->out.w, all = r->n * r->out.c * area;
    for (size_t i = 0; i < all; i++)
        r->y[i] = s->bias ? r->t[1][i / area % r->out.c] : 0;
    each_pair(r, multiply);
}

static void backward(const slc_ref *r)
{
    const slc_conv_settings *s = r->settings;
    const size_t area = r->out.h * r->out.w, all = r->n * r->out.c * area;
    const size_t taps = r->in[0].c / (size_t)s->groups * (size_t)(s->kernel * s->kernel);
    if (r->dx[0]) {
        for (size_t i = 0; i < r->n * slc_shape_size(r->in[0]); i++)
            r->dx[0][i] = 0;
        each_pair(r, pull);
    }
    for (size_t i = 0; i < r->out.c * taps; i++)
        r->dt[0][i] = 0;
    each_pair(r, learn);
    if (!s->bias) return;
    for (size_t k = 0; k < r->out.c; k++)
        r->dt[1][k] = 0;
    for (size_t i = 0; i < all; i++)
        r->dt[1][i / area % r->out.c] += r->dy[i];
}

const slc_layer slc_layer_conv2d = {
    .entry = {.name = "conv2d",
              .summary = "convolution with a bank of filters",
              .source = "LeCun et al., Proc. IEEE 86 (1998)",
              .params = params,
              .settings_size = sizeof(slc_conv_settings)},
    .shape = shape,
    .tensors = tensors,
    .flops = flops,
    .forward = forward,
    .backward = backward,
};
