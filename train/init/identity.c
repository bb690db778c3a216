/* Inits that keep what comes in: eye, dirac, orthogonal. */
#include <math.h>
#include <string.h>

#include "train/net.h"

typedef struct settings {
    double gain;
    int64_t groups;
} settings;

static const slc_param dirac_params[] = {
    {"groups", SLC_FIELD(settings, groups), .lo = 1, .hi = 65536, .initial = "1",
     .help = "blocks of outputs that each start as the identity"},
    {0}};
static const slc_param orthogonal_params[] = {{"gain", SLC_FIELD(settings, gain), .lo = 0,
                                               .hi = 100, .initial = "1",
                                               .help = "length of the rows"},
                                              {0}};

static void eye(const void *s, const slc_fill *what, slc_rng *rng, float *out)
{
    const size_t columns = what->size / what->dim[0];
    (void)s, (void)rng;
    for (size_t i = 0; i < what->size; i++)
        out[i] = i / columns == i % columns;
}

/* Output k of each group passes input k on: a one in the middle of the filter. */
static void dirac(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    const settings *s = set;
    const size_t area = what->rank == 4 ? what->dim[2] * what->dim[3] : 1;
    const size_t middle =
        what->rank == 4 ? what->dim[2] / 2 * what->dim[3] + what->dim[3] / 2 : 0;
    const size_t per_group = what->dim[0] / (size_t)s->groups;
    (void)rng;
    memset(out, 0, what->size * sizeof(*out));
    for (size_t k = 0; k < what->dim[0]; k++) {
        const size_t c = k % (per_group ? per_group : 1);
        if (c < what->dim[1]) out[(k * what->dim[1] + c) * area + middle] = 1;
    }
}

/* The first outputs pass the inputs on, the rest start as PyTorch's default. */
static void partial_dirac(const void *s, const slc_fill *what, slc_rng *rng, float *out)
{
    const size_t area = what->rank == 4 ? what->dim[2] * what->dim[3] : 1;
    const size_t same = what->dim[0] < what->dim[1] ? what->dim[0] : what->dim[1];
    const double bound = 1 / sqrt((double)what->fan_in);
    (void)s;
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)slc_rng_uniform(rng, -bound, bound);
    slc_fill first = *what;
    first.dim[0] = same;
    first.size = same * what->dim[1] * area;
    dirac(&(settings){.groups = 1}, &first, rng, out);
}

/* Gram-Schmidt, twice for accuracy, on vectors of normal numbers: rows if there are fewer
 * rows than columns, else columns. Vector i starts at out + i * next, its elements are
 * step apart. */
static void orthogonal(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    const settings *s = set;
    const size_t rows = what->dim[0], columns = what->size / rows;
    const bool wide = rows <= columns;
    const size_t count = wide ? rows : columns, length = wide ? columns : rows;
    const size_t next = wide ? columns : 1, step = wide ? 1 : columns;
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)slc_rng_normal(rng);
    for (size_t i = 0; i < count; i++) {
        float *v = out + i * next;
        for (size_t again = 0; again < 2 * i; again++) {
            const float *u = out + again % i * next;
            double dot = 0;
            for (size_t k = 0; k < length; k++)
                dot += (double)u[k * step] * v[k * step];
            for (size_t k = 0; k < length; k++)
                v[k * step] = (float)(v[k * step] - dot * u[k * step]);
        }
        double square = 0;
        for (size_t k = 0; k < length; k++)
            square += (double)v[k * step] * v[k * step];
        for (size_t k = 0; k < length; k++)
            v[k * step] = (float)(v[k * step] / sqrt(square));
    }
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)(s->gain * out[i]);
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

INIT(dirac, dirac_params, "each output passes one input on", "PyTorch nn.init.dirac_")
INIT(eye, NULL, "the identity matrix", "PyTorch nn.init.eye_")
INIT(partial_dirac, NULL, "dirac, and more outputs at random",
     "Jordan 2024 (arXiv:2404.00498)")
INIT(orthogonal, orthogonal_params, "orthonormal rows or columns",
     "Saxe, McClelland & Ganguli, ICLR 2014 (arXiv:1312.6120)")
