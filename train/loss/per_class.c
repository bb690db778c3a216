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

static double binary_row(const void *of, const float *z, const row_target *t,
                         size_t classes, const float *weight, double scale, float *dz)
{
    const settings *s = of;
    return row(binary, s->smoothing, z, t, classes, weight, scale, dz);
}

static double square_row(const void *of, const float *z, const row_target *t,
                         size_t classes, const float *weight, double scale, float *dz)
{
    const settings *s = of;
    return row(square, s->smoothing, z, t, classes, weight, scale, dz);
}

static void run(row_loss *loss_of, const settings *s, const row_batch *b)
{
    row_run(loss_of, s, b, row_mass_sum(b->targets, b->n, NULL),
            s->sum ? 1 : 1 / (double)b->classes);
}

static void bce(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    run(binary_row, of,
        &(row_batch){logits, targets, n, classes, weight, value, dlogits, each});
}

static void mse(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    run(square_row, of,
        &(row_batch){logits, targets, n, classes, weight, value, dlogits, each});
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
