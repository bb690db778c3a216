/* Adam and AdamW: one loop, the decay inside or outside the gradient. */
#include "train/optim.h"

#include <math.h>

typedef struct settings {
    slc_optim_common common;
    double beta1, beta2, eps;
    bool amsgrad;
} settings;

#define ADAM_PARAMS(decay)                                                                 \
    {"lr",                                                                                 \
     SLC_FIELD(settings, common.lr),                                                       \
     .lo = 0,                                                                              \
     .hi = 1e6,                                                                            \
     .initial = "0.001",                                                                   \
     .help = "base learning rate"},                                                        \
        {"weight_decay",   SLC_FIELD(settings, common.weight_decay),   .lo = 0, .hi = 1e3, \
         .initial = decay, .help = "see the summary for where it acts"},                   \
        {"beta1",          SLC_FIELD(settings, beta1),                                     \
         .lo = 0,          .hi = 0.999999,                                                 \
         .initial = "0.9", .help = "decay of the mean of gradients"},                      \
        {"beta2",                                                                          \
         SLC_FIELD(settings, beta2),                                                       \
         .lo = 0,                                                                          \
         .hi = 0.9999999,                                                                  \
         .initial = "0.999",                                                               \
         .help = "decay of the mean of squared gradients"},                                \
        {"eps",     SLC_FIELD(settings, eps), .lo = 0,                                     \
         .hi = 1e3, .initial = "1e-8",        .help = "added to the root"},                \
        {"amsgrad", SLC_FIELD(settings, amsgrad), .initial = "false",                      \
         .help = "divide by the largest root so far (Reddi et al., ICLR 2018)"},           \
    {                                                                                      \
        0                                                                                  \
    }

static const slc_param adam_params[] = {ADAM_PARAMS("0")};
static const slc_param adamw_params[] = {ADAM_PARAMS("0.01")};

static size_t need(const void *of)
{
    return ((const settings *)of)->amsgrad ? 3 : 2;
}

/* What is the same for all weights of a step. */
typedef struct plan {
    float b1, b2, a1, a2; /* a = 1 - b, rounded once */
    float eps, step, v_scale, decay, shrink;
} plan;

/* m and v are averages of d = g + decay w and d^2;
 * w <- w - shrink w - step m / (sqrt(v) v_scale + eps), v_scale = 1 / sqrt(1 - b2^t). */
static void plain(const plan *p, size_t n, float *restrict w, const float *restrict g,
                  float *restrict m, float *restrict v)
{
    for (size_t i = 0; i < n; i++) {
        const float d = g[i] + p->decay * w[i];
        m[i] = p->b1 * m[i] + p->a1 * d;
        v[i] = p->b2 * v[i] + p->a2 * d * d;
        w[i] -= p->shrink * w[i] + p->step * m[i] / (sqrtf(v[i]) * p->v_scale + p->eps);
    }
}

static void amsgrad(const plan *p, size_t n, float *restrict w, const float *restrict g,
                    float *const slot[SLC_MAX_SLOTS])
{
    float *restrict m = slot[0], *restrict v = slot[1], *restrict top = slot[2];
    for (size_t i = 0; i < n; i++) {
        const float d = g[i] + p->decay * w[i];
        m[i] = p->b1 * m[i] + p->a1 * d;
        v[i] = p->b2 * v[i] + p->a2 * d * d;
        top[i] = top[i] > v[i] ? top[i] : v[i];
        w[i] -= p->shrink * w[i] + p->step * m[i] / (sqrtf(top[i]) * p->v_scale + p->eps);
    }
}

static void step(const settings *s, const slc_step *at, bool decoupled, size_t n,
                 float *restrict w, const float *restrict g,
                 float *const slot[SLC_MAX_SLOTS])
{
    const double b1 = at->momentum >= 0 ? at->momentum : s->beta1;
    const double t = (double)at->step;
    const plan p = {
        .b1 = (float)b1,
        .b2 = (float)s->beta2,
        .a1 = (float)(1 - b1),
        .a2 = (float)(1 - s->beta2),
        .eps = (float)s->eps,
        .step = (float)(at->lr / (1 - pow(b1, t))),
        .v_scale = (float)(1 / sqrt(1 - pow(s->beta2, t))),
        .decay = decoupled ? 0 : (float)at->decay,
        .shrink = decoupled ? (float)(at->lr * at->decay) : 0,
    };
    if (s->amsgrad)
        amsgrad(&p, n, w, g, slot);
    else
        plain(&p, n, w, g, slot[0], slot[1]);
}

static void adam(const void *of, const slc_step *at, size_t n, float *restrict w,
                 const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    step(of, at, false, n, w, g, slot);
}

static void adamw(const void *of, const slc_step *at, size_t n, float *restrict w,
                  const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    step(of, at, true, n, w, g, slot);
}

const slc_optim slc_optim_adam = {
    .entry = {.name = "adam",
              .summary = "adaptive moments; weight decay joins the gradient",
              .source = "Kingma & Ba, ICLR 2015 (arXiv:1412.6980); as torch.optim.Adam",
              .params = adam_params,
              .settings_size = sizeof(settings)},
    .slots = 3,
    .need = need,
    .run = adam,
};

const slc_optim slc_optim_adamw = {
    .entry = {.name = "adamw",
              .summary = "Adam with decoupled weight decay",
              .source = "Loshchilov & Hutter, ICLR 2019 (arXiv:1711.05101); as "
                        "torch.optim.AdamW",
              .params = adamw_params,
              .settings_size = sizeof(settings)},
    .slots = 3,
    .need = need,
    .run = adamw,
};
