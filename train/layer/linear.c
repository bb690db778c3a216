/* y = W x + b over the features of an image; and DropConnect, the same with each weight
 * dropped with probability p while training (one mask per step), the kept ones scaled by
 * 1 / (1 - p). */
#include "train/layer.h"

#define COMMON                                                                           \
    {"out", SLC_FIELD(slc_linear_settings, out), .lo = 1, .hi = 1 << 24,                 \
     .help = "outputs"},                                                                 \
    {                                                                                    \
        "bias", SLC_FIELD(slc_linear_settings, bias), .initial = "true",                 \
                                                      .help = "add a number per output"  \
    }

static const slc_param linear_params[] = {COMMON, {0}};
static const slc_param drop_params[] = {
    COMMON,
    {"p", SLC_FIELD(slc_linear_settings, p), .lo = 0, .hi = 0.99, .initial = "0.5",
     .unit = "probability", .help = "chance of a weight to be dropped"},
    {0}};

static slc_status shape(const void *settings, const slc_shape *in, size_t inputs,
                        slc_shape *out, slc_err *err)
{
    const slc_linear_settings *s = settings;
    (void)inputs;
    if (in->h != 1 || in->w != 1)
        return slc_fail(err, SLC_EDATA,
                        "expected a vector, got %zu x %zu x %zu; put flatten or "
                        "global_avg_pool before it",
                        in->c, in->h, in->w);
    *out = (slc_shape){(size_t)s->out, 1, 1};
    return SLC_OK;
}

static size_t tensors(const void *settings, const slc_shape *in,
                      slc_tensor_spec spec[SLC_MAX_TENSORS])
{
    const slc_linear_settings *s = settings;
    const size_t out = (size_t)s->out;
    spec[0] = (slc_tensor_spec){
        .suffix = "weight", .role = SLC_ROLE_WEIGHT, .rank = 2, .dim = {out, in->c}};
    spec[1] = (slc_tensor_spec){.suffix = "bias",
                                .role = SLC_ROLE_BIAS,
                                .rank = 1,
                                .dim = {out},
                                .fan_in = in->c};
    spec[0].init = spec[1].init = "fan_in_uniform";
    return s->bias ? 2 : 1;
}

static double flops(const void *settings, const slc_shape *in, slc_shape out)
{
    (void)settings;
    return 2.0 * (double)in->c * (double)out.c;
}

/* What weight i is multiplied by. */
static double keep(const slc_ref *r, size_t i)
{
    const slc_linear_settings *s = r->settings;
    if (s->p == 0 || r->mode == SLC_MODE_EVAL) return 1;
    const bool drop = slc_net_word(&r->rng, i) < (uint32_t)(s->p * 4294967296.0);
    return drop ? 0 : 1 / (1 - s->p);
}

static void forward(const slc_ref *r)
{
    const slc_linear_settings *s = r->settings;
    const size_t in = r->in[0].c, out = r->out.c;
    for (size_t i = 0; i < r->n * out; i++)
        r->y[i] = s->bias ? r->t[1][i % out] : 0;
    for (size_t i = 0; i < in * out; i++) {
        const double w = keep(r, i) * r->t[0][i];
        for (size_t n = 0; n < r->n; n++)
            r->y[n * out + i / in] += w * r->x[0][n * in + i % in];
    }
}

static void backward(const slc_ref *r)
{
    const slc_linear_settings *s = r->settings;
    const size_t in = r->in[0].c, out = r->out.c;
    for (size_t i = 0; r->dx[0] && i < r->n * in; i++)
        r->dx[0][i] = 0;
    for (size_t i = 0; i < in * out; i++) {
        const double kept = keep(r, i);
        r->dt[0][i] = 0;
        for (size_t n = 0; n < r->n; n++) {
            const double dy = kept * r->dy[n * out + i / in];
            r->dt[0][i] += dy * r->x[0][n * in + i % in];
            if (r->dx[0]) r->dx[0][n * in + i % in] += dy * r->t[0][i];
        }
    }
    for (size_t k = 0; s->bias && k < out; k++) {
        r->dt[1][k] = 0;
        for (size_t n = 0; n < r->n; n++)
            r->dt[1][k] += r->dy[n * out + k];
    }
}

#define LINEAR(id, text, paper)                                                          \
    const slc_layer slc_layer_##id = {                                                   \
        .entry = {.name = #id,                                                           \
                  .summary = text,                                                       \
                  .source = paper,                                                       \
                  .params = id##_params,                                                 \
                  .settings_size = sizeof(slc_linear_settings)},                         \
        .shape = shape,                                                                  \
        .tensors = tensors,                                                              \
        .flops = flops,                                                                  \
        .forward = forward,                                                              \
        .backward = backward,                                                            \
    };
#define drop_connect_params drop_params

LINEAR(linear, "matrix times vector plus bias", "PyTorch nn.Linear")
LINEAR(drop_connect, "linear whose weights are dropped at random while training",
       "Wan et al., ICML 2013")
