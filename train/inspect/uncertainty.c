#include "train/uncertainty.h"

#include <math.h>
#include <stdlib.h>

typedef struct sums {
    slc_doubt *out;
    size_t classes;
    double *mean, *square; /* per picture and class */
    double *entropy;       /* per picture: sum over passes */
    bool any, differs;     /* a picture seen; two passes */
    double passes;
} sums;

static double entropy_of(const double *p, size_t n)
{
    double sum = 0;
    for (size_t c = 0; c < n; c++)
        if (p[c] > 0) sum -= p[c] * log(p[c]);
    return sum;
}

static void add(void *user, const slc_prediction *p)
{
    sums *s = user;
    double *mean = s->mean + p->index * s->classes,
           *square = s->square + p->index * s->classes;
    for (size_t c = 0; c < s->classes; c++) {
        const double before = s->passes > 0 ? mean[c] / s->passes : p->probs[c];
        s->differs |= fabs(before - p->probs[c]) > 1e-6;
        mean[c] += p->probs[c];
        square[c] += p->probs[c] * p->probs[c];
    }
    s->entropy[p->index] += entropy_of(p->probs, s->classes);
    s->out[p->index].seen = s->any = true;
    s->out[p->index].label = p->label;
}

static void settle(const sums *s, slc_doubt *d, uint64_t i, double passes)
{
    double *mean = s->mean + i * s->classes;
    for (size_t c = 0; c < s->classes; c++) {
        mean[c] /= passes;
        if (c == 0 || mean[c] > mean[d->best]) d->best = c;
    }
    d->confidence = mean[d->best];
    d->entropy = entropy_of(mean, s->classes);
    d->mutual = fmax(0, d->entropy - s->entropy[i] / passes);
    d->variance = fmax(0, s->square[i * s->classes + d->best] / passes -
                              d->confidence * d->confidence);
}

static slc_status run_passes(sums *s, const slc_trained *t,
                             const slc_loader_settings *settings, uint64_t passes,
                             const atomic_int *stop, slc_err *err)
{
    slc_status st = SLC_OK;
    slc_loader_settings how = *settings;
    for (uint64_t k = 0; st == SLC_OK && k < passes; k++, how.log = NULL) {
        slc_loader *loader = NULL;
        slc_metric metric = {0};
        st = slc_loader_open(&loader, &how, err);
        if (st == SLC_OK)
            st = slc_trained_eval(t, loader,
                                  &(slc_eval_settings){.stop = stop,
                                                       .mode = SLC_MODE_MC,
                                                       .pass = k,
                                                       .on_prediction = add,
                                                       .user = s},
                                  &metric, err);
        s->passes += 1;
        slc_metric_free(&metric);
        slc_loader_close(&loader);
    }
    if (st == SLC_OK && passes > 1 && s->any && !s->differs)
        st = slc_fail(err, SLC_EINVAL,
                      "%s: its net has no dropout: all passes give the same answer",
                      t->path);
    return st;
}

slc_status slc_doubt_run(const slc_trained *trained, const slc_loader_settings *settings,
                         uint64_t passes, const atomic_int *stop, slc_doubt *out,
                         slc_err *err)
{
    const uint64_t n = slc_source_count(settings->source);
    const size_t c = trained->class_count;
    sums s = {.out = out,
              .classes = c,
              .mean = calloc(n * c + 1, sizeof(double)),
              .square = calloc(n * c + 1, sizeof(double)),
              .entropy = calloc(n + 1, sizeof(double))};
    for (uint64_t i = 0; i < n; i++)
        out[i] = (slc_doubt){.index = i, .label = -1};
    slc_status st = s.mean && s.square && s.entropy
                        ? run_passes(&s, trained, settings, passes, stop, err)
                        : slc_fail(err, SLC_ENOMEM, "mc-dropout: out of memory");
    for (uint64_t i = 0; st == SLC_OK && i < n; i++)
        if (out[i].seen) settle(&s, &out[i], i, (double)passes);
    free(s.mean);
    free(s.square);
    free(s.entropy);
    return st;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double slc_auroc(double *low, size_t low_count, double *high, size_t high_count)
{
    double wins = 0;
    size_t below = 0, equal = 0;
    qsort(low, low_count, sizeof(*low), ascending);
    qsort(high, high_count, sizeof(*high), ascending);
    for (size_t i = 0; i < high_count; i++) {
        while (below < low_count && low[below] < high[i])
            below++;
        if (equal < below) equal = below;
        while (equal < low_count && low[equal] <= high[i])
            equal++;
        wins += (double)below + (double)(equal - below) / 2;
    }
    return low_count && high_count ? wins / ((double)low_count * (double)high_count)
                                   : 0.5;
}
