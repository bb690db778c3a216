/* Activations: y = f(x), element by element; each a function and its derivative. */
#include <math.h>

#include "train/layer.h"

typedef struct pair {
    double y, slope;
} pair;

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static pair relu(double x, double ceiling)
{
    if (ceiling > 0 && x >= ceiling) return (pair){ceiling, 0};
    return x > 0 ? (pair){x, 1} : (pair){0, 0};
}

static pair leaky_relu(double x, double slope)
{
    return x > 0 ? (pair){x, 1} : (pair){slope * x, slope};
}

static pair elu(double x, double alpha)
{
    return x > 0 ? (pair){x, 1} : (pair){alpha * expm1(x), alpha * exp(x)};
}

static pair gelu(double x, double a)
{
    const double cdf = 0.5 * erfc(-x * 0x1.6a09e667f3bcdp-1);    /* 1 / sqrt(2) */
    const double pdf = 0x1.988453365a88ep-2 * exp(-0.5 * x * x); /* 1 / sqrt(2 pi) */
    (void)a;
    return (pair){x * cdf, cdf + x * pdf};
}

static pair silu(double x, double a)
{
    const double s = logistic(x);
    (void)a;
    return (pair){x * s, s * (1 + x * (1 - s))};
}

static pair sigmoid(double x, double a)
{
    const double s = logistic(x);
    (void)a;
    return (pair){s, s * (1 - s)};
}

static pair tangent(double x, double a)
{
    const double t = tanh(x);
    (void)a;
    return (pair){t, 1 - t * t};
}

static pair hard_swish(double x, double a)
{
    (void)a;
    if (x <= -3) return (pair){0, 0};
    if (x >= 3) return (pair){x, 1};
    return (pair){x * (x + 3) / 6, (2 * x + 3) / 6};
}

static pair (*const function[SLC_ACT_COUNT])(double x, double a) = {
    [SLC_ACT_RELU] = relu,    [SLC_ACT_LEAKY_RELU] = leaky_relu,
    [SLC_ACT_ELU] = elu,      [SLC_ACT_GELU] = gelu,
    [SLC_ACT_SILU] = silu,    [SLC_ACT_SIGMOID] = sigmoid,
    [SLC_ACT_TANH] = tangent, [SLC_ACT_HARD_SWISH] = hard_swish,
};

static void forward(const slc_ref *r, slc_act kind)
{
    const slc_act_settings *s = r->settings;
    for (size_t i = 0; i < r->n * slc_shape_size(r->out); i++)
        r->y[i] = function[kind](r->x[0][i], s->a).y;
}

static void backward(const slc_ref *r, slc_act kind)
{
    const slc_act_settings *s = r->settings;
    for (size_t i = 0; r->dx[0] && i < r->n * slc_shape_size(r->out); i++)
        r->dx[0][i] = r->dy[i] * function[kind](r->x[0][i], s->a).slope;
}

static double flops(const void *settings, const slc_shape *in, slc_shape out)
{
    (void)settings, (void)in;
    return (double)slc_shape_size(out);
}

static const slc_param none[] = {{0}};
static const slc_param relu_params[] = {{"max", SLC_FIELD(slc_act_settings, a), .lo = 0,
                                         .hi = 1e30, .initial = "0",
                                         .help = "ceiling (6: relu6); 0 = none"},
                                        {0}};
static const slc_param leaky_params[] = {{"slope", SLC_FIELD(slc_act_settings, a),
                                          .lo = 0, .hi = 1, .initial = "0.01",
                                          .help = "slope below zero"},
                                         {0}};
static const slc_param elu_params[] = {{"alpha", SLC_FIELD(slc_act_settings, a),
                                        .lo = 1e-6, .hi = 100, .initial = "1",
                                        .help = "minus the limit at minus infinity"},
                                       {0}};

/* One descriptor per activation. */
#define ACT(id, kind, table, text, paper)                                                \
    static void id##_forward(const slc_ref *r)                                           \
    {                                                                                    \
        forward(r, kind);                                                                \
    }                                                                                    \
    static void id##_backward(const slc_ref *r)                                          \
    {                                                                                    \
        backward(r, kind);                                                               \
    }                                                                                    \
    const slc_layer slc_layer_##id = {                                                   \
        .entry = {.name = #id,                                                           \
                  .summary = text,                                                       \
                  .source = paper,                                                       \
                  .params = table,                                                       \
                  .settings_size = sizeof(slc_act_settings)},                            \
        .flops = flops,                                                                  \
        .forward = id##_forward,                                                         \
        .backward = id##_backward,                                                       \
    };

ACT(relu, SLC_ACT_RELU, relu_params, "max(x, 0)", "Nair & Hinton, ICML 2010")
ACT(leaky_relu, SLC_ACT_LEAKY_RELU, leaky_params, "x, or slope x below zero",
    "Maas, Hannun & Ng, ICML 2013")
ACT(elu, SLC_ACT_ELU, elu_params, "x, or alpha (exp(x) - 1) below zero",
    "Clevert et al., ICLR 2016 (arXiv:1511.07289)")
ACT(gelu, SLC_ACT_GELU, none, "x times the normal distribution function of x",
    "Hendrycks & Gimpel 2016 (arXiv:1606.08415), exact form")
ACT(silu, SLC_ACT_SILU, none, "x times the logistic function of x",
    "Elfwing et al. 2017 (arXiv:1702.03118)")
ACT(sigmoid, SLC_ACT_SIGMOID, none, "1 / (1 + exp(-x))", "logistic function")
ACT(tanh, SLC_ACT_TANH, none, "hyperbolic tangent",
    "LeCun et al., Efficient BackProp (1998)")
ACT(hard_swish, SLC_ACT_HARD_SWISH, none, "x relu6(x + 3) / 6",
    "Howard et al., ICCV 2019 (arXiv:1905.02244)")

static const slc_layer *const layer_of[SLC_ACT_COUNT] = {
    [SLC_ACT_RELU] = &slc_layer_relu, [SLC_ACT_LEAKY_RELU] = &slc_layer_leaky_relu,
    [SLC_ACT_ELU] = &slc_layer_elu,   [SLC_ACT_GELU] = &slc_layer_gelu,
    [SLC_ACT_SILU] = &slc_layer_silu, [SLC_ACT_SIGMOID] = &slc_layer_sigmoid,
    [SLC_ACT_TANH] = &slc_layer_tanh, [SLC_ACT_HARD_SWISH] = &slc_layer_hard_swish,
};

slc_act slc_act_of(const slc_layer *layer)
{
    slc_act kind = 0;
    while (kind < SLC_ACT_COUNT && layer_of[kind] != layer)
        kind++;
    return kind;
}
