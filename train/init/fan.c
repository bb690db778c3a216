/* Inits whose width follows from the fan: how many numbers a unit reads or feeds. */
#include <math.h>

#include "train/net.h"

typedef struct settings {
    double gain, a;
    int mode, nonlinearity;
} settings;

static const char *const modes[] = {"fan_in", "fan_out", NULL};
enum { LINEAR, SIGMOID, TANH, RELU, LEAKY_RELU, SELU };
static const char *const kinds[] = {"linear",     "sigmoid", "tanh", "relu",
                                    "leaky_relu", "selu",    NULL};

static const slc_param xavier_params[] = {{"gain", SLC_FIELD(settings, gain), .lo = 0,
                                           .hi = 100, .initial = "1",
                                           .help = "factor of the width"},
                                          {0}};
static const slc_param kaiming_params[] = {
    {"mode", SLC_FIELD(settings, mode), .choices = modes, .initial = "fan_in",
     .help = "keep the variance forward (fan_in) or backward (fan_out)"},
    {"nonlinearity", SLC_FIELD(settings, nonlinearity), .choices = kinds,
     .initial = "relu", .help = "what follows; it sets the gain"},
    {"a", SLC_FIELD(settings, a), .lo = 0, .hi = 100, .initial = "0",
     .help = "slope of leaky_relu"},
    {0}};

static double gain(const settings *s)
{
    switch (s->nonlinearity) {
    case TANH: return 5.0 / 3;
    case RELU: return sqrt(2);
    case LEAKY_RELU: return sqrt(2 / (1 + s->a * s->a));
    case SELU: return 0.75;
    default: return 1;
    }
}

static void normal(const slc_fill *what, double std, slc_rng *rng, float *out)
{
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)(std * slc_rng_normal(rng));
}

static void uniform(const slc_fill *what, double bound, slc_rng *rng, float *out)
{
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)slc_rng_uniform(rng, -bound, bound);
}

static double xavier_std(const settings *s, const slc_fill *what)
{
    return s->gain * sqrt(2.0 / (double)(what->fan_in + what->fan_out));
}

static double kaiming_std(const settings *s, const slc_fill *what)
{
    return gain(s) / sqrt((double)(s->mode == 0 ? what->fan_in : what->fan_out));
}

static void xavier_normal(const void *s, const slc_fill *what, slc_rng *rng, float *out)
{
    normal(what, xavier_std(s, what), rng, out);
}

static void xavier_uniform(const void *s, const slc_fill *what, slc_rng *rng, float *out)
{
    uniform(what, sqrt(3) * xavier_std(s, what), rng, out);
}

static void kaiming_normal(const void *s, const slc_fill *what, slc_rng *rng, float *out)
{
    normal(what, kaiming_std(s, what), rng, out);
}

static void kaiming_uniform(const void *s, const slc_fill *what, slc_rng *rng, float *out)
{
    uniform(what, sqrt(3) * kaiming_std(s, what), rng, out);
}

static void fan_in_uniform(const void *s, const slc_fill *what, slc_rng *rng, float *out)
{
    (void)s;
    uniform(what, 1 / sqrt((double)what->fan_in), rng, out);
}

#define INIT(id, table, text, paper)                                                     \
    const slc_init slc_init_##id = {                                                     \
        .entry = {.name = #id,                                                           \
                  .summary = text,                                                       \
                  .source = paper,                                                       \
                  .params = table,                                                       \
                  .settings_size = sizeof(settings)},                                    \
        .fill = id,                                                                      \
    };

INIT(xavier_normal, xavier_params, "normal, variance 2 / (fan_in + fan_out)",
     "Glorot & Bengio, AISTATS 2010")
INIT(xavier_uniform, xavier_params, "uniform, variance 2 / (fan_in + fan_out)",
     "Glorot & Bengio, AISTATS 2010")
INIT(kaiming_normal, kaiming_params, "normal, variance gain^2 / fan",
     "He et al., ICCV 2015 (arXiv:1502.01852)")
INIT(kaiming_uniform, kaiming_params, "uniform, variance gain^2 / fan",
     "He et al., ICCV 2015 (arXiv:1502.01852)")
INIT(fan_in_uniform, NULL, "uniform within 1 / sqrt(fan_in) of zero",
     "PyTorch's default for nn.Linear and nn.Conv2d")
