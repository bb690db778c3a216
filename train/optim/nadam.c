/* NAdam: Adam with Nesterov's look-ahead and a momentum that grows from step to step. */
#include "train/optim.h"

#include <math.h>

typedef struct settings {
    slc_optim_common common;
    double beta1, beta2, eps, momentum_decay;
} settings;

static const slc_param params[] = {
    {"lr", SLC_FIELD(settings, common.lr), .lo = 0, .hi = 1e6, .initial = "0.002",
     .help = "base learning rate"},
    {"weight_decay", SLC_FIELD(settings, common.weight_decay), .lo = 0, .hi = 1e3,
     .initial = "0", .help = "added to the gradient as weight_decay * w"},
    {"beta1", SLC_FIELD(settings, beta1), .lo = 0, .hi = 0.999999, .initial = "0.9",
     .help = "decay of the mean of gradients"},
    {"beta2", SLC_FIELD(settings, beta2), .lo = 0, .hi = 0.9999999, .initial = "0.999",
     .help = "decay of the mean of squared gradients"},
    {"eps", SLC_FIELD(settings, eps), .lo = 0, .hi = 1e3, .initial = "1e-8",
     .help = "added to the root"},
    {"momentum_decay", SLC_FIELD(settings, momentum_decay), .lo = 0, .hi = 1,
     .initial = "0.004", .help = "how fast the momentum grows towards beta1"},
    {0}};

static double mu_at(double b1, double growth, double t)
{
    return b1 * (1 - 0.5 * pow(0.96, t * growth));
}

/* mu_1 mu_2 ... mu_t; 1 minus it is all that is used, so it may end at 1e-20. */
static double product(double b1, double growth, uint64_t t)
{
    double p = 1;
    for (uint64_t i = 1; i <= t && p > 1e-20; i++)
        p *= mu_at(b1, growth, (double)i);
    return p;
}

static void run(const void *of, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    const settings *s = of;
    float *restrict m = slot[0], *restrict v = slot[1];
    const double b1 = at->momentum >= 0 ? at->momentum : s->beta1;
    const double t = (double)at->step;
    const double mu = mu_at(b1, s->momentum_decay, t);
    const double next = mu_at(b1, s->momentum_decay, t + 1);
    const double so_far = product(b1, s->momentum_decay, at->step);
    const float of_g = (float)(at->lr * (1 - mu) / (1 - so_far));
    const float of_m = (float)(at->lr * next / (1 - so_far * next));
    const float v_scale = (float)(1 / (1 - pow(s->beta2, t)));
    const float a1 = (float)b1, rest1 = (float)(1 - b1);
    const float a2 = (float)s->beta2, rest2 = (float)(1 - s->beta2), eps = (float)s->eps;
    const float decay = (float)at->decay;
    for (size_t i = 0; i < n; i++) {
        const float d = g[i] + decay * w[i];
        m[i] = a1 * m[i] + rest1 * d;
        v[i] = a2 * v[i] + rest2 * d * d;
        w[i] -= (of_g * d + of_m * m[i]) / (sqrtf(v[i] * v_scale) + eps);
    }
}

const slc_optim slc_optim_nadam = {
    .entry = {.name = "nadam",
              .summary = "Adam with Nesterov momentum",
              .source = "Dozat, ICLR workshop 2016; as torch.optim.NAdam since 2.0",
              .params = params,
              .settings_size = sizeof(settings)},
    .slots = 2,
    .run = run,
};
