/* Cross-entropy between softmax(logits) and a smoothed, possibly mixed target. */
#include "train/loss/row.h"

typedef struct settings {
    double smoothing;
} settings;

static const slc_param params[] = {
    {"smoothing", SLC_FIELD(settings, smoothing), .lo = 0, .hi = 1, .initial = "0",
     .help = "part of the target spread evenly over all classes"},
    {0}};

static double row(const void *of, const float *z, const row_target *t, size_t classes,
                  const float *weight, double scale, float *dz)
{
    const settings *s = of;
    return row_cross_entropy(s->smoothing, z, t, classes, weight, scale, dz);
}

static void run(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    row_run(row, of,
            &(row_batch){logits, targets, n, classes, weight, value, dlogits, each},
            row_mass_sum(targets, n, weight), 1);
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
