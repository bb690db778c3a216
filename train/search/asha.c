/* Asynchronous successive halving: trials pause on rungs at first, first * eta, first * eta^2 ...
 * epochs, and whenever a process is free, a trial among the best 1 / eta of its rung goes on
 * from its own checkpoint; only if there is none does a new trial start at the bottom. */
#include <math.h>

#include "train/study.h"

typedef struct settings {
    int64_t eta, first;
} settings;

static const slc_param params[] = {
    {"eta", SLC_FIELD(settings, eta), .lo = 2, .hi = 64, .initial = "3",
     .help = "one in so many goes on from each rung"},
    {"first", SLC_FIELD(settings, first), .lo = 1, .hi = 100000, .initial = "1",
     .unit = "epochs", .help = "length of the first rung"},
    {0},
};

static uint64_t until(const void *set, uint64_t rung, uint64_t epochs)
{
    const settings *s = set;
    uint64_t at = (uint64_t)s->first;
    while (rung-- > 0 && at < epochs)
        at *= (uint64_t)s->eta;
    return at < epochs ? at : epochs;
}

/* The best score a trial had by the end of a rung; infinity if it never got there. */
static double at_rung(const slc_pacer_trial *trial, uint64_t end)
{
    double best = INFINITY;
    if (trial->epochs < end) return best;
    for (uint64_t e = 0; e < end; e++)
        best = fmin(best, trial->score[e]); /* fmin passes over NaN */
    return best;
}

/* How many trials did better on this rung; the lower number wins a tie. */
static size_t rank_of(const slc_pacer_trial *all, size_t n, size_t at, uint64_t end)
{
    const double mine = at_rung(&all[at], end);
    size_t better = 0;
    for (size_t i = 0; i < n; i++) {
        const double other = at_rung(&all[i], end);
        better += other < mine || (other == mine && i < at);
    }
    return better;
}

static size_t promote(const void *set, const slc_pacer_trial *all, size_t n,
                      uint64_t epochs)
{
    const settings *s = set;
    uint64_t highest = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].rung > highest) highest = all[i].rung;

    for (uint64_t rung = highest + 1; rung-- > 0;) {
        const uint64_t end = until(s, rung, epochs);
        size_t reached = 0;
        if (end >= epochs) continue; /* the last rung leads nowhere */
        for (size_t i = 0; i < n; i++)
            reached += at_rung(&all[i], end) < INFINITY;
        for (size_t i = 0; i < n; i++)
            if (all[i].paused && all[i].rung == rung &&
                rank_of(all, n, i, end) < reached / (size_t)s->eta)
                return i;
    }
    return n;
}

const slc_pacer slc_pacer_asha = {
    .entry = {.name = "asha",
              .summary = "asynchronous successive halving; promoted trials continue",
              .source = "Li et al., MLSys 2020 (arXiv:1810.05934)",
              .params = params,
              .settings_size = sizeof(settings)},
    .until = until,
    .promote = promote,
};
