/* Focal loss over the softmax: easy images count less. */
#include "train/loss/row.h"

typedef struct settings {
    double gamma, smoothing;
} settings;

static const slc_param params[] = {
    {"gamma", SLC_FIELD(settings, gamma), .lo = 0, .hi = 100, .initial = "2",
     .help = "how much less: the factor is (1 - p)^gamma"},
    {"smoothing", SLC_FIELD(settings, smoothing), .lo = 0, .hi = 1, .initial = "0",
     .help = "part of the target spread evenly over all classes"},
    {0}};

/* f(p) = -(1 - p)^g log p, and p f'(p) = g p (1 - p)^(g - 1) log p - (1 - p)^g. */
static double slope(double p, double log_p, double g)
{
    const double inner = g > 0 && p < 1 ? g * p * pow(1 - p, g - 1) * log_p : 0;
    return inner - pow(1 - p, g);
}

static double row(const void *of, const float *z, const row_target *t, size_t classes,
                  const float *weight, double scale, float *dz)
{
    const settings *s = of;
    const double lse = row_lse(z, classes);
    double loss = 0, sum = 0;
    for (size_t c = 0; c < classes; c++) {
        const double q = row_weighted(t, c, s->smoothing, classes, weight);
        const double log_p = (double)z[c] - lse, p = exp(log_p);
        loss -= q * pow(1 - p, s->gamma) * log_p;
        sum += q * slope(p, log_p, s->gamma);
    }
    for (size_t c = 0; dz && c < classes; c++) {
        const double q = row_weighted(t, c, s->smoothing, classes, weight);
        const double log_p = (double)z[c] - lse, p = exp(log_p);
        dz[c] = (float)((q * slope(p, log_p, s->gamma) - p * sum) * scale);
    }
    return loss;
}

static void run(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    row_run(row, of,
            &(row_batch){logits, targets, n, classes, weight, value, dlogits, each},
            row_mass_sum(targets, n, weight), 1);
}

const slc_loss slc_loss_focal = {
    .entry = {.name = "focal",
              .summary = "cross-entropy in which easy images count less",
              .source = "Lin et al., ICCV 2017 (arXiv:1708.02002), over the softmax",
              .params = params,
              .settings_size = sizeof(settings)},
    .run = run,
};
