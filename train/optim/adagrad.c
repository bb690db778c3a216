/* Adagrad: the root of the sum of all squared gradients so far divides the step. */
#include "train/optim.h"

#include <math.h>

typedef struct settings {
    slc_optim_common common;
    double lr_decay, initial, eps;
} settings;

static const slc_param params[] = {
    {"lr", SLC_FIELD(settings, common.lr), .lo = 0, .hi = 1e6, .initial = "0.01",
     .help = "base learning rate"},
    {"weight_decay", SLC_FIELD(settings, common.weight_decay), .lo = 0, .hi = 1e3,
     .initial = "0", .help = "added to the gradient as weight_decay * w"},
    {"lr_decay", SLC_FIELD(settings, lr_decay), .lo = 0, .hi = 1e3, .initial = "0",
     .help = "the rate of step t is lr / (1 + (t - 1) lr_decay)"},
    {"initial_accumulator", SLC_FIELD(settings, initial), .lo = 0, .hi = 1e6,
     .initial = "0", .help = "what the sum of squares starts from"},
    {"eps", SLC_FIELD(settings, eps), .lo = 0, .hi = 1e3, .initial = "1e-10",
     .help = "added to the root"},
    {0}};

static void run(const void *of, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    const settings *s = of;
    float *restrict sum = slot[0];
    const float lr = (float)(at->lr / (1 + (double)(at->step - 1) * s->lr_decay));
    const float decay = (float)at->decay, eps = (float)s->eps;
    const float start = at->step == 1 ? (float)s->initial : 0;
    for (size_t i = 0; i < n; i++) {
        const float d = g[i] + decay * w[i];
        sum[i] = sum[i] + start + d * d;
        w[i] -= lr * d / (sqrtf(sum[i]) + eps);
    }
}

const slc_optim slc_optim_adagrad = {
    .entry = {.name = "adagrad",
              .summary = "steps shrink with the sum of squared gradients",
              .source = "Duchi et al., JMLR 12 (2011); as torch.optim.Adagrad",
              .params = params,
              .settings_size = sizeof(settings)},
    .slots = 1,
    .run = run,
};
