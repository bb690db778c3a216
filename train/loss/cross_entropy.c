/* Cross-entropy between softmax(logits) and a smoothed, possibly mixed target. */
#include "train/loss/row.h"

typedef struct settings {
    double smoothing;
} settings;

static const slc_param params[] = {
    {"smoothing", SLC_FIELD(settings, smoothing), .lo = 0, .hi = 1, .initial = "0",
     .help = "part of the target spread evenly over all classes"},
    {0}};

/* sum_c q_c (-log p_c) with q the weighted target; its gradient is p sum(q) - q. */
static double row(const settings *s, const float *z, const row_target *t, size_t classes,
                  const float *weight, double scale, float *dz)
{
    const double lse = row_lse(z, classes);
    double loss = 0, mass = 0;
    for (size_t c = 0; c < classes; c++) {
        const double q =
            row_smooth(t, c, s->smoothing, classes) * (weight ? (double)weight[c] : 1);
        mass += q;
        loss += q * (lse - (double)z[c]);
    }
    for (size_t c = 0; dz && c < classes; c++) {
        const double q =
            row_smooth(t, c, s->smoothing, classes) * (weight ? (double)weight[c] : 1);
        dz[c] = (float)((exp((double)z[c] - lse) * mass - q) * scale);
    }
    return loss;
}

static void run(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    const double sum = row_mass_sum(targets, n, weight);
    const double scale = sum > 0 ? 1 / sum : 0;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        const row_target t = row_target_of(targets, i);
        float *dz = dlogits ? dlogits + i * classes : NULL;
        double loss = 0;
        if (t.counts)
            loss = row(of, logits + i * classes, &t, classes, weight, scale, dz);
        else
            row_clear(dz, classes);
        total += loss;
        if (each) each[i] = (float)loss;
    }
    *value = total * scale;
}

const slc_loss slc_loss_cross_entropy = {
    .entry = {.name = "cross_entropy",
              .summary = "-log of the softmax at the target, with smoothing",
              .source = "as torch.nn.CrossEntropyLoss; smoothing: Szegedy et al., CVPR "
                        "2016",
              .params = params,
              .settings_size = sizeof(settings)},
    .run = run,
};
