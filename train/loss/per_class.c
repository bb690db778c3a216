/* Losses that treat every class by itself: binary cross-entropy and squared error. */
#include "train/loss/row.h"

typedef struct settings {
    double smoothing;
    bool sum;
} settings;

static const slc_param params[] = {
    {"smoothing", SLC_FIELD(settings, smoothing), .lo = 0, .hi = 1, .initial = "0",
     .help = "part of the target spread evenly over all classes"},
    {"sum", SLC_FIELD(settings, sum), .initial = "false",
     .help = "add the classes up instead of taking their mean"},
    {0}};

/* Loss of one logit against target t in [0, 1], and its derivative in *slope. */
typedef double one_class(double z, double t, double *slope);

static double binary(double z, double t, double *slope)
{
    *slope = 1 / (1 + exp(-z)) - t;
    return fmax(z, 0) - z * t + log1p(exp(-fabs(z)));
}

static double square(double z, double t, double *slope)
{
    *slope = 2 * (z - t);
    return (z - t) * (z - t);
}

static double row(one_class *loss_of, double smoothing, const float *z,
                  const row_target *t, size_t classes, const float *weight, double scale,
                  float *dz)
{
    double loss = 0;
    for (size_t c = 0; c < classes; c++) {
        const double w = weight ? (double)weight[c] : 1;
        double slope;
        loss += w * loss_of((double)z[c], row_smooth(t, c, smoothing, classes), &slope);
        if (dz) dz[c] = (float)(w * slope * scale);
    }
    return loss;
}

static void run(one_class *loss_of, const settings *s, const float *logits,
                const slc_targets *targets, size_t n, size_t classes, const float *weight,
                double *value, float *dlogits, float *each)
{
    const double count = row_mass_sum(targets, n, NULL);
    const double share = s->sum ? 1 : 1 / (double)classes;
    const double scale = count > 0 ? share / count : 0;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        const row_target t = row_target_of(targets, i);
        float *dz = dlogits ? dlogits + i * classes : NULL;
        double loss = 0;
        if (t.counts)
            loss = row(loss_of, s->smoothing, logits + i * classes, &t, classes, weight,
                       scale, dz);
        else
            row_clear(dz, classes);
        total += loss;
        if (each) each[i] = (float)(loss * share);
    }
    *value = total * scale;
}

static void bce(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    run(binary, of, logits, targets, n, classes, weight, value, dlogits, each);
}

static void mse(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    run(square, of, logits, targets, n, classes, weight, value, dlogits, each);
}

const slc_loss slc_loss_bce = {
    .entry = {.name = "bce",
              .summary =
                  "binary cross-entropy of every class; weights scale, they do not "
                  "divide",
              .source =
                  "as torch.nn.BCEWithLogitsLoss; Wightman et al., arXiv:2110.00476",
              .params = params,
              .settings_size = sizeof(settings)},
    .run = bce,
};

const slc_loss slc_loss_mse = {
    .entry = {.name = "mse",
              .summary = "squared distance of the logits to the target vector",
              .source = "as torch.nn.MSELoss on one-hot targets",
              .params = params,
              .settings_size = sizeof(settings)},
    .run = mse,
};
