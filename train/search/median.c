/* Median stopping: a trial ends when the best it has had so far is worse than the median of
 * what the others had on average by the same epoch. */
#include <math.h>
#include <stdlib.h>

#include "train/study.h"

enum { MOST = 512 }; /* trials that are compared with */

typedef struct settings {
    int64_t startup, warmup;
} settings;

static const slc_param params[] = {
    {"startup", SLC_FIELD(settings, startup), .lo = 1, .hi = MOST, .initial = "5",
     .help = "trials that must have got as far before any is stopped"},
    {"warmup", SLC_FIELD(settings, warmup), .lo = 0, .hi = 100000, .initial = "1",
     .unit = "epochs", .help = "epochs in which no trial is stopped"},
    {0},
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double mean_until(const slc_pacer_trial *trial, uint64_t end)
{
    double sum = 0;
    uint64_t known = 0;
    for (uint64_t e = 0; e < end; e++)
        if (!isnan(trial->score[e])) {
            sum += trial->score[e];
            known++;
        }
    return known ? sum / (double)known : NAN;
}

static bool stop(const void *set, const slc_pacer_trial *all, size_t n, size_t at)
{
    const settings *s = set;
    const uint64_t end = all[at].epochs;
    double others[MOST], mine = INFINITY;
    size_t count = 0;

    if (end <= (uint64_t)s->warmup) return false;
    for (uint64_t e = 0; e < end; e++)
        mine = fmin(mine, all[at].score[e]);
    for (size_t i = 0; i < n && count < MOST; i++) {
        if (i == at || all[i].epochs < end) continue;
        const double mean = mean_until(&all[i], end);
        if (!isnan(mean)) others[count++] = mean;
    }
    if (count < (size_t)s->startup) return false;
    qsort(others, count, sizeof(double), by_value);
    const double median = 0.5 * (others[(count - 1) / 2] + others[count / 2]);
    return mine > median;
}

const slc_pacer slc_pacer_median = {
    .entry = {.name = "median",
              .summary = "stop what is worse than the median",
              .source = "Golovin et al., Vizier, KDD 2017",
              .params = params,
              .settings_size = sizeof(settings)},
    .stop = stop,
};
