/* RMSprop in PyTorch's form: the root is taken before eps is added. */
#include "train/optim.h"

#include <math.h>

typedef struct settings {
    slc_optim_common common;
    double alpha, eps, momentum;
    bool centered;
} settings;

static const slc_param params[] = {
    {"lr", SLC_FIELD(settings, common.lr), .lo = 0, .hi = 1e6, .initial = "0.01",
     .help = "base learning rate"},
    {"weight_decay", SLC_FIELD(settings, common.weight_decay), .lo = 0, .hi = 1e3,
     .initial = "0", .help = "added to the gradient as weight_decay * w"},
    {"alpha", SLC_FIELD(settings, alpha), .lo = 0, .hi = 1, .initial = "0.99",
     .help = "decay of the mean of squared gradients"},
    {"eps", SLC_FIELD(settings, eps), .lo = 0, .hi = 1e3, .initial = "1e-8",
     .help = "added to the root"},
    {"momentum", SLC_FIELD(settings, momentum), .lo = 0, .hi = 1, .initial = "0",
     .help = "share of the old buffer that is kept"},
    {"centered", SLC_FIELD(settings, centered), .initial = "false",
     .help = "divide by the standard deviation instead of the root mean square"},
    {0}};

/* Slots: mean of squares, momentum buffer, mean of gradients. */
static size_t need(const void *of)
{
    const settings *s = of;
    return s->centered ? 3 : s->momentum > 0 ? 2 : 1;
}

static float root(float v, float mean, bool centered)
{
    return sqrtf(centered ? v - mean * mean : v);
}

static void run(const void *of, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    const settings *s = of;
    float *restrict v = slot[0], *restrict b = slot[1], *restrict mean = slot[2];
    const float lr = (float)at->lr, decay = (float)at->decay, eps = (float)s->eps;
    const float a = (float)s->alpha, rest = (float)(1 - s->alpha);
    const float mu = (float)(at->momentum >= 0 ? at->momentum : s->momentum);
    const bool centered = s->centered, moves = s->momentum > 0;
    for (size_t i = 0; i < n; i++) {
        const float d = g[i] + decay * w[i];
        v[i] = a * v[i] + rest * d * d;
        if (centered) mean[i] = a * mean[i] + rest * d;
        const float u = d / (root(v[i], centered ? mean[i] : 0, centered) + eps);
        if (moves) b[i] = mu * b[i] + u;
        w[i] -= lr * (moves ? b[i] : u);
    }
}

const slc_optim slc_optim_rmsprop = {
    .entry = {.name = "rmsprop",
              .summary = "steps divided by a running root mean square",
              .source =
                  "Tieleman & Hinton, Coursera lecture 6.5 (2012); centered: Graves "
                  "(arXiv:1308.0850); as torch.optim.RMSprop",
              .params = params,
              .settings_size = sizeof(settings)},
    .slots = 3,
    .need = need,
    .run = run,
};
