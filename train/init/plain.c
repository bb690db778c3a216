/* Inits that ask nothing of the tensor's shape. */
#include <math.h>

#include "train/net.h"

typedef struct settings {
    double value, mean, std, lo, hi;
} settings;

static const slc_param constant_params[] = {
    {"value", SLC_FIELD(settings, value), .initial = "0", .help = "of every weight"},
    {0}};
static const slc_param normal_params[] = {
    {"mean", SLC_FIELD(settings, mean), .initial = "0", .help = "of the distribution"},
    {"std", SLC_FIELD(settings, std), .lo = 0, .hi = 1e6, .initial = "1",
     .help = "standard deviation"},
    {0}};
static const slc_param trunc_params[] = {
    {"mean", SLC_FIELD(settings, mean), .initial = "0", .help = "of the distribution"},
    {"std", SLC_FIELD(settings, std), .lo = 0, .hi = 1e6, .initial = "1",
     .help = "standard deviation before cutting"},
    {"lo", SLC_FIELD(settings, lo), .initial = "-2", .help = "least value"},
    {"hi", SLC_FIELD(settings, hi), .initial = "2", .help = "largest value"},
    {0}};
static const slc_param uniform_params[] = {
    {"lo", SLC_FIELD(settings, lo), .initial = "0", .help = "least value"},
    {"hi", SLC_FIELD(settings, hi), .initial = "1", .help = "largest value"},
    {0}};

static void fill(const slc_fill *what, float value, float *out)
{
    for (size_t i = 0; i < what->size; i++)
        out[i] = value;
}

static void constant(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    (void)rng;
    fill(what, (float)((const settings *)set)->value, out);
}

static void zeros(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    (void)set, (void)rng;
    fill(what, 0, out);
}

static void ones(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    (void)set, (void)rng;
    fill(what, 1, out);
}

static void normal(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    const settings *s = set;
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)(s->mean + s->std * slc_rng_normal(rng));
}

/* Draws again until inside; if the interval is far out in the tail, the nearer end. */
static void trunc_normal(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    const settings *s = set;
    for (size_t i = 0; i < what->size; i++) {
        double v = s->lo - 1;
        for (int tries = 0; tries < 1000 && (v < s->lo || v > s->hi); tries++)
            v = s->mean + s->std * slc_rng_normal(rng);
        out[i] = (float)fmin(fmax(v, s->lo), s->hi);
    }
}

static void uniform(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    const settings *s = set;
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)slc_rng_uniform(rng, s->lo, s->hi);
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

INIT(constant, constant_params, "one value everywhere", "PyTorch nn.init.constant_")
INIT(zeros, NULL, "all zero", "PyTorch nn.init.zeros_")
INIT(ones, NULL, "all one", "PyTorch nn.init.ones_")
INIT(normal, normal_params, "normal distribution", "PyTorch nn.init.normal_")
INIT(trunc_normal, trunc_params, "normal distribution cut at both ends",
     "PyTorch nn.init.trunc_normal_")
INIT(uniform, uniform_params, "uniform distribution", "PyTorch nn.init.uniform_")
