/* Lion: steps of one length, in the direction of the sign of a blend. */
#include "train/optim.h"

typedef struct settings {
    slc_optim_common common;
    double beta1, beta2;
} settings;

static const slc_param params[] = {
    {"lr", SLC_FIELD(settings, common.lr), .lo = 0, .hi = 1e6, .initial = "1e-4",
     .help = "base learning rate: the length of every step"},
    {"weight_decay", SLC_FIELD(settings, common.weight_decay), .lo = 0, .hi = 1e3,
     .initial = "0", .help = "shrinks the weights by lr * weight_decay"},
    {"beta1", SLC_FIELD(settings, beta1), .lo = 0, .hi = 1, .initial = "0.9",
     .help = "share of the old mean in the direction"},
    {"beta2", SLC_FIELD(settings, beta2), .lo = 0, .hi = 1, .initial = "0.99",
     .help = "decay of the mean of gradients"},
    {0}};

static void run(const void *of, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    const settings *s = of;
    float *restrict m = slot[0];
    const float b1 = (float)(at->momentum >= 0 ? at->momentum : s->beta1);
    const float b2 = (float)s->beta2, a2 = (float)(1 - s->beta2);
    const float lr = (float)at->lr, shrink = (float)(at->lr * at->decay);
    for (size_t i = 0; i < n; i++) {
        const float c = b1 * m[i] + (1 - b1) * g[i];
        const float sign = (float)((c > 0) - (c < 0));
        w[i] -= shrink * w[i] + lr * sign;
        m[i] = b2 * m[i] + a2 * g[i];
    }
}

const slc_optim slc_optim_lion = {
    .entry = {.name = "lion",
              .summary = "sign of a momentum blend, decoupled decay",
              .source = "Chen et al., NeurIPS 2023 (arXiv:2302.06675), algorithm 2",
              .params = params,
              .settings_size = sizeof(settings)},
    .slots = 1,
    .run = run,
};
