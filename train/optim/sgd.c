/* Stochastic gradient descent with momentum, in PyTorch's form: the learning rate is outside
 * the buffer, the first step fills it undamped. */
#include "train/optim.h"

typedef struct settings {
    slc_optim_common common;
    double momentum, dampening;
    bool nesterov, decoupled;
} settings;

static const slc_param params[] = {
    {"lr", SLC_FIELD(settings, common.lr), .lo = 0, .hi = 1e6, .initial = "0.1",
     .help = "base learning rate"},
    {"weight_decay", SLC_FIELD(settings, common.weight_decay), .lo = 0, .hi = 1e3,
     .initial = "0", .help = "added to the gradient as weight_decay * w"},
    {"momentum", SLC_FIELD(settings, momentum), .lo = 0, .hi = 1, .initial = "0.9",
     .help = "share of the old buffer that is kept"},
    {"dampening", SLC_FIELD(settings, dampening), .lo = 0, .hi = 1, .initial = "0",
     .help = "how much the new gradient is damped"},
    {"nesterov", SLC_FIELD(settings, nesterov), .initial = "false",
     .help = "look ahead along the buffer"},
    {"decoupled", SLC_FIELD(settings, decoupled), .initial = "false",
     .help = "shrink the weights by lr * weight_decay instead (SGDW)"},
    {0}};

static size_t need(const void *of)
{
    return ((const settings *)of)->momentum > 0 ? 1 : 0;
}

static void plain(size_t n, float *restrict w, const float *restrict g, float lr,
                  float decay, float shrink)
{
    for (size_t i = 0; i < n; i++)
        w[i] -= shrink * w[i] + lr * (g[i] + decay * w[i]);
}

static void run(const void *of, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    const settings *s = of;
    const float mu = (float)(at->momentum >= 0 ? at->momentum : s->momentum);
    const float lr = (float)at->lr;
    const float decay = s->decoupled ? 0 : (float)at->decay;
    const float shrink = s->decoupled ? (float)(at->lr * at->decay) : 0;
    if (s->momentum <= 0) {
        plain(n, w, g, lr, decay, shrink);
        return;
    }
    float *restrict b = slot[0];
    const float fresh = at->step == 1 ? 1 : (float)(1 - s->dampening);
    /* Nesterov steps along g + mu b, the plain form along b. */
    const float of_g = s->nesterov ? 1 : 0, of_b = s->nesterov ? mu : 1;
    for (size_t i = 0; i < n; i++) {
        const float d = g[i] + decay * w[i];
        b[i] = mu * b[i] + fresh * d;
        w[i] -= shrink * w[i] + lr * (of_g * d + of_b * b[i]);
    }
}

const slc_optim slc_optim_sgd = {
    .entry = {.name = "sgd",
              .summary = "gradient descent with momentum",
              .source = "Sutskever et al., ICML 2013; as torch.optim.SGD",
              .params = params,
              .settings_size = sizeof(settings)},
    .slots = 1,
    .need = need,
    .run = run,
};
