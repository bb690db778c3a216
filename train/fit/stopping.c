#include "train/fit/stopping.h"

#include <math.h>
#include <stdio.h>

static const double *watched(int metric, const stopping_history *h)
{
    return metric == SLC_WATCH_TOP1 ? h->val_top1 : h->val_loss;
}

bool slc_stopping_better(int metric, double a, double b, double min_delta)
{
    return metric == SLC_WATCH_TOP1 ? a > b + min_delta : a < b - min_delta;
}

size_t slc_stopping_best(int metric, const stopping_history *h)
{
    size_t best = SIZE_MAX;
    const double *v = watched(metric, h);
    for (size_t i = 0; i < h->evaluations; i++)
        if (best == SIZE_MAX || slc_stopping_better(metric, v[i], v[best], 0)) best = i;
    return best;
}

static bool patience(const slc_early_stop *rule, const stopping_history *h, char *reason,
                     size_t size)
{
    const double *v = watched(rule->metric, h);
    size_t best = 0;
    for (size_t i = 1; i < h->evaluations; i++)
        if (slc_stopping_better(rule->metric, v[i], v[best], rule->min_delta)) best = i;
    const size_t waited = h->evaluations - 1 - best;
    if (waited < (size_t)rule->patience) return false;
    snprintf(reason, size, "no better validation %s for %zu evaluations",
             rule->metric == SLC_WATCH_TOP1 ? "top1" : "loss", waited);
    return true;
}

/* 100 (E_va / E_opt - 1): how much worse than its best, in per cent. */
static double generalisation_loss(const stopping_history *h)
{
    double best = h->val_loss[0];
    for (size_t i = 1; i < h->evaluations; i++)
        best = fmin(best, h->val_loss[i]);
    const double last = h->val_loss[h->evaluations - 1];
    return best > 0 ? 100 * (last / best - 1) : last > 0 ? INFINITY : 0;
}

/* 1000 (mean / min - 1) of the training loss over the last strip; 0 = no progress at all. */
static double progress(const stopping_history *h, size_t strip)
{
    double sum = 0, least = INFINITY;
    for (size_t i = h->epochs - strip; i < h->epochs; i++) {
        sum += h->train_loss[i];
        least = fmin(least, h->train_loss[i]);
    }
    return least > 0 ? 1000 * (sum / ((double)strip * least) - 1) : 0;
}

static bool gl(const slc_early_stop *rule, const stopping_history *h, char *reason,
               size_t size)
{
    const double loss = generalisation_loss(h);
    if (loss <= rule->alpha) return false;
    snprintf(reason, size, "GL: the validation loss is %.3g %% over its best (limit %g)",
             loss, rule->alpha);
    return true;
}

static bool pq(const slc_early_stop *rule, const stopping_history *h, char *reason,
               size_t size)
{
    const size_t strip = (size_t)rule->strip;
    if (h->epochs < strip || h->epochs % strip != 0) return false;
    const double loss = generalisation_loss(h), steps = progress(h, strip);
    const double q = steps > 0 ? loss / steps : INFINITY; /* defined as stop */
    if (q <= rule->alpha) return false;
    snprintf(reason, size,
             "PQ: generalisation loss over training progress is %.3g "
             "(limit %g)",
             q, rule->alpha);
    return true;
}

static bool up(const slc_early_stop *rule, const stopping_history *h, char *reason,
               size_t size)
{
    const size_t strip = (size_t)rule->strip, strips = (size_t)rule->strips;
    if (h->evaluations % strip != 0 || h->evaluations < strip * (strips + 1))
        return false;
    for (size_t k = 0; k < strips; k++) {
        const size_t end = h->evaluations - 1 - k * strip;
        if (h->val_loss[end] <= h->val_loss[end - strip]) return false;
    }
    snprintf(reason, size, "UP: the validation loss grew over %zu strips of %zu epochs",
             strips, strip);
    return true;
}

bool slc_stopping_says(const slc_early_stop *rule, const stopping_history *h,
                       char *reason, size_t size)
{
    static bool (*const rules[])(const slc_early_stop *, const stopping_history *, char *,
                                 size_t) = {[SLC_STOP_PATIENCE] = patience,
                                            [SLC_STOP_GL] = gl,
                                            [SLC_STOP_PQ] = pq,
                                            [SLC_STOP_UP] = up};
    if (!rule->on || h->evaluations == 0) return false;
    return rules[rule->rule](rule, h, reason, size);
}
