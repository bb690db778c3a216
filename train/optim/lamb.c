/* LAMB: Adam's direction, scaled per tensor to the length of the weights. */
#include "train/optim.h"

#include <math.h>

typedef struct settings {
    slc_optim_common common;
    double beta1, beta2, eps;
} settings;

static const slc_param params[] = {
    {"lr", SLC_FIELD(settings, common.lr), .lo = 0, .hi = 1e6, .initial = "0.001",
     .help = "base learning rate"},
    {"weight_decay", SLC_FIELD(settings, common.weight_decay), .lo = 0, .hi = 1e3,
     .initial = "0.01", .help = "added to the direction as weight_decay * w"},
    {"beta1", SLC_FIELD(settings, beta1), .lo = 0, .hi = 0.999999, .initial = "0.9",
     .help = "decay of the mean of gradients"},
    {"beta2", SLC_FIELD(settings, beta2), .lo = 0, .hi = 0.9999999, .initial = "0.999",
     .help = "decay of the mean of squared gradients"},
    {"eps", SLC_FIELD(settings, eps), .lo = 0, .hi = 1e3, .initial = "1e-6",
     .help = "added to the root"},
    {0}};

/* |w| / |u|, or 1 where one of them is nothing: a fresh zero tensor can then move. */
static double trust(double w2, double u2)
{
    return w2 > 0 && u2 > 0 ? sqrt(w2) / sqrt(u2) : 1;
}

static void run(const void *of, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    const settings *s = of;
    float *restrict m = slot[0], *restrict v = slot[1];
    const double beta1 = at->momentum >= 0 ? at->momentum : s->beta1;
    const double t = (double)at->step;
    const float b1 = (float)beta1, a1 = (float)(1 - beta1);
    const float b2 = (float)s->beta2, a2 = (float)(1 - s->beta2), eps = (float)s->eps;
    const float m_scale = (float)(1 / (1 - pow(beta1, t)));
    const float v_scale = (float)(1 / (1 - pow(s->beta2, t)));
    const float decay = (float)at->decay;
    double w2 = 0, u2 = 0; /* index order: the same for any number of threads */
    for (size_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + a1 * g[i];
        v[i] = b2 * v[i] + a2 * g[i] * g[i];
        const float u = m[i] * m_scale / (sqrtf(v[i] * v_scale) + eps) + decay * w[i];
        w2 += (double)w[i] * (double)w[i];
        u2 += (double)u * (double)u;
    }
    const float lr = (float)(at->lr * trust(w2, u2));
    for (size_t i = 0; i < n; i++) {
        const float u = m[i] * m_scale / (sqrtf(v[i] * v_scale) + eps) + decay * w[i];
        w[i] -= lr * u;
    }
}

const slc_optim slc_optim_lamb = {
    .entry = {.name = "lamb",
              .summary = "Adam's direction at a length set by each tensor's norm",
              .source = "You et al., ICLR 2020 (arXiv:1904.00962), algorithm 2",
              .params = params,
              .settings_size = sizeof(settings)},
    .slots = 2,
    .run = run,
    .by_tensor = true,
};
