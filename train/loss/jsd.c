/* Jensen-Shannon consistency: views of one picture should be answered alike.
 *
 * The batch holds each picture `views` times in a row (loader: {repeats: 3}). The first view
 * is trained with cross-entropy, and all of them are pulled to their mean distribution:
 *     JSD = 1/K sum_k sum_c p_kc (log p_kc - log M_c),  M = 1/K sum_k p_k
 * whose derivative with respect to p_kc is (log p_kc - log M_c) / K: the rest cancels. */
#include "train/loss/row.h"

enum { MAX_VIEWS = 8 };

typedef struct settings {
    int64_t views;
    double alpha, smoothing;
} settings;

static const slc_param params[] = {
    {"views", SLC_FIELD(settings, views), .lo = 2, .hi = MAX_VIEWS, .initial = "3",
     .help = "views of one picture, in a row"},
    {"alpha", SLC_FIELD(settings, alpha), .lo = 0, .hi = 1e3, .initial = "12",
     .help = "weight of the consistency"},
    {"smoothing", SLC_FIELD(settings, smoothing), .lo = 0, .hi = 1, .initial = "0",
     .help = "part of the target spread evenly over all classes"},
    {0}};

static double log_mean(const float *z, const double *lse, size_t views, size_t classes,
                       size_t c)
{
    double mean = 0;
    for (size_t k = 0; k < views; k++)
        mean += exp((double)z[k * classes + c] - lse[k]) / (double)views;
    return log(fmax(mean, 1e-300));
}

/* Adds the gradient of scale * JSD to dz (may be NULL) and returns JSD. */
static double agree(const float *z, size_t views, size_t classes, double scale, float *dz)
{
    double lse[MAX_VIEWS], pull[MAX_VIEWS] = {0}, loss = 0;
    for (size_t k = 0; k < views; k++)
        lse[k] = row_lse(z + k * classes, classes);
    for (size_t c = 0; c < classes; c++) {
        const double m = log_mean(z, lse, views, classes, c);
        for (size_t k = 0; k < views; k++) {
            const double log_p = (double)z[k * classes + c] - lse[k];
            pull[k] += exp(log_p) * (log_p - m) / (double)views;
        }
    }
    for (size_t k = 0; k < views; k++)
        loss += pull[k];
    for (size_t c = 0; dz && c < classes; c++) {
        const double m = log_mean(z, lse, views, classes, c);
        for (size_t k = 0; k < views; k++) {
            const double log_p = (double)z[k * classes + c] - lse[k];
            const double a = (log_p - m) / (double)views;
            dz[k * classes + c] += (float)(exp(log_p) * (a - pull[k]) * scale);
        }
    }
    return loss;
}

static void run(const void *of, const float *logits, const slc_targets *targets, size_t n,
                size_t classes, const float *weight, double *value, float *dlogits,
                float *each)
{
    const settings *s = of;
    const size_t views = (size_t)s->views;
    double sum = 0, groups = (double)(n / views), total = 0, apart = 0;
    for (size_t i = 0; i < n; i += views) {
        const row_target t = row_target_of(targets, i);
        sum += row_mass(&t, weight);
    }
    const double scale = sum > 0 ? 1 / sum : 0;
    for (size_t i = 0; i < n; i++) {
        const row_target t = row_target_of(targets, i);
        float *dz = dlogits ? dlogits + i * classes : NULL;
        double loss = 0;
        row_clear(dz, classes);
        if (t.counts && i % views == 0)
            loss = row_cross_entropy(s->smoothing, logits + i * classes, &t, classes,
                                     weight, scale, dz);
        total += loss;
        if (each) each[i] = (float)loss;
    }
    for (size_t i = 0; i + views <= n; i += views)
        apart += agree(logits + i * classes, views, classes, s->alpha / groups,
                       dlogits ? dlogits + i * classes : NULL);
    *value = total * scale + (groups > 0 ? s->alpha * apart / groups : 0);
}

const slc_loss slc_loss_jsd = {
    .entry = {.name = "jsd",
              .summary = "cross-entropy of the first view, consistency of all",
              .source = "Hendrycks et al., AugMix, ICLR 2020 (arXiv:1912.02781)",
              .params = params,
              .settings_size = sizeof(settings)},
    .run = run,
};
