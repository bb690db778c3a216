#include "train/compare.h"

#include <math.h>

#include "base/rng.h"

/* 2 P(X <= min(b, c)) for X ~ Binomial(b + c, 1/2), at most 1; sums of logarithms. */
static double mcnemar(uint64_t b, uint64_t c)
{
    const uint64_t n = b + c, k = b < c ? b : c;
    double sum = 0;
    if (n == 0) return 1;
    for (uint64_t i = 0; i <= k; i++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) -
                   lgamma((double)(n - i) + 1) - (double)n * log(2));
    return fmin(1, 2 * sum);
}

enum { BINS = 1001 }; /* for percentiles without a list */

/* The difference at which part of all resamples lie below; bins span from to to. */
static double percentile(const uint64_t *count, uint64_t total, double part, double from,
                         double to)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < BINS; i++) {
        seen += count[i];
        if ((double)seen >= part * (double)total)
            return from + (to - from) * (double)i / (BINS - 1);
    }
    return to;
}

/* An image gives +1, -1 or 0: only how often each does matters, so that a resample draws from
 * three numbers. The bins span six standard deviations to each side. */
static void bootstrap(slc_comparison *c, uint64_t resamples, uint64_t seed)
{
    uint64_t count[BINS] = {0};
    const double wide = 6 * sqrt((double)(c->only_a + c->only_b) + 1) / (double)c->n;
    const double from = c->difference - wide, to = c->difference + wide;
    for (uint64_t r = 0; r < resamples; r++) {
        slc_rng rng = slc_rng_at(seed, 0, r, SLC_SLOT_SAMPLER);
        int64_t sum = 0;
        for (uint64_t i = 0; i < c->n; i++) {
            const uint64_t pick = slc_rng_below(&rng, c->n);
            sum += pick < c->only_b ? 1 : pick < c->only_b + c->only_a ? -1 : 0;
        }
        const double at = ((double)sum / (double)c->n - from) / (to - from);
        count[(size_t)lround(fmin(1, fmax(0, at)) * (BINS - 1))]++;
    }
    c->lo = percentile(count, resamples, 0.025, from, to);
    c->hi = percentile(count, resamples, 0.975, from, to);
}

slc_comparison slc_compare(const uint8_t *right_a, const uint8_t *right_b, uint64_t n,
                           uint64_t resamples, uint64_t seed)
{
    slc_comparison c = {.n = n, .p_value = 1};
    for (uint64_t i = 0; i < n; i++) {
        c.both += right_a[i] && right_b[i];
        c.only_a += right_a[i] && !right_b[i];
        c.only_b += !right_a[i] && right_b[i];
    }
    if (n == 0) return c;
    c.top1_a = (double)(c.both + c.only_a) / (double)n;
    c.top1_b = (double)(c.both + c.only_b) / (double)n;
    c.difference = c.top1_b - c.top1_a;
    c.p_value = mcnemar(c.only_a, c.only_b);
    bootstrap(&c, resamples, seed);
    return c;
}

static double likelihood(const float *logits, const int32_t *labels, size_t n,
                         size_t classes, double heat)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const float *z = logits + i * classes;
        double top = (double)z[0], mass = 0;
        if (labels[i] < 0) continue;
        for (size_t c = 1; c < classes; c++)
            if ((double)z[c] > top) top = (double)z[c];
        for (size_t c = 0; c < classes; c++)
            mass += exp(((double)z[c] - top) / heat);
        sum += log(mass) - ((double)z[labels[i]] - top) / heat;
    }
    return sum;
}

double slc_fit_temperature(const float *logits, const int32_t *labels, size_t n,
                           size_t classes)
{
    const double golden = 0.61803398874989485;
    double lo = log(1.0 / 20), hi = log(20);
    double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);
    double fa = likelihood(logits, labels, n, classes, exp(a));
    double fb = likelihood(logits, labels, n, classes, exp(b));
    if (n == 0 || fa == 0) return 1;
    while (hi - lo > 1e-6) {
        if (fa < fb) {
            hi = b, b = a, fb = fa;
            a = hi - golden * (hi - lo);
            fa = likelihood(logits, labels, n, classes, exp(a));
        } else {
            lo = a, a = b, fa = fb;
            b = lo + golden * (hi - lo);
            fb = likelihood(logits, labels, n, classes, exp(b));
        }
    }
    return exp((lo + hi) / 2);
}
