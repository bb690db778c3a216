/* Tree-structured Parzen estimator: points are split into the best few and the rest, each part
 * becomes a density, and the next point is the one, of a few drawn from the good density,
 * where the ratio good / rest is largest. Dimensions are independent. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/search.h"

typedef struct settings {
    int64_t startup, candidates;
} settings;

static const slc_param params[] = {
    {"startup", SLC_FIELD(settings, startup), .lo = 2, .hi = 10000, .initial = "10",
     .help = "random trials before the estimator is used"},
    {"candidates", SLC_FIELD(settings, candidates), .lo = 1, .hi = 10000, .initial = "24",
     .help = "points drawn from the good density, of which the best is taken"},
    {0},
};

/* One dimension's observations of one part, with the width of each one's kernel. */
typedef struct parzen {
    size_t n;
    double *at, *width;
} parzen;

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

/* A Gaussian cut off at 0 and 1. */
static double kernel(double u, double at, double width)
{
    const double z = (u - at) / width;
    const double mass = normal_cdf((1 - at) / width) - normal_cdf(-at / width);
    return exp(-0.5 * z * z) * 0.39894228040143267794 / (width * fmax(mass, 1e-12));
}

/* The observations and a flat prior, all with equal weight. */
static double density(const parzen *p, double u)
{
    double sum = 1;
    for (size_t i = 0; i < p->n; i++)
        sum += kernel(u, p->at[i], p->width[i]);
    return sum / (double)(p->n + 1);
}

static double mass_of_cell(const parzen *p, const slc_dim *dim, double u)
{
    const size_t cells = slc_dim_cells(dim);
    double count = 1;
    for (size_t i = 0; i < p->n; i++)
        count += slc_dim_snap(dim, p->at[i]) == u ? (double)cells : 0;
    return count / (double)(p->n + 1);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A kernel reaches to its farther neighbour, but not below 1 / min(100, n + 1) ("magic clip",
 * as Bergstra's and Optuna's estimators do). */
static void set_widths(parzen *p)
{
    const double least = 1 / fmin(100, (double)p->n + 2);
    qsort(p->at, p->n, sizeof(double), by_value);
    for (size_t i = 0; i < p->n; i++) {
        const double left = p->at[i] - (i ? p->at[i - 1] : 0);
        const double right = (i + 1 < p->n ? p->at[i + 1] : 1) - p->at[i];
        p->width[i] = fmin(fmax(fmax(left, right), least), 1);
    }
}

static double draw_from(const parzen *p, slc_rng *rng)
{
    const uint64_t i = slc_rng_below(rng, p->n + 1);
    if (i == p->n) return slc_rng_unit(rng);
    for (int tries = 0; tries < 100; tries++) {
        const double u = p->at[i] + p->width[i] * slc_rng_normal(rng);
        if (u >= 0 && u <= 1) return u;
    }
    return p->at[i];
}

/* Chooses one dimension; good and rest hold its observations. */
static double choose(const settings *s, const slc_dim *dim, parzen *good, parzen *rest,
                     slc_rng *rng)
{
    double best = 0.5, top = -1;
    const bool cells = slc_dim_cells(dim) > 0;

    set_widths(good);
    set_widths(rest);
    for (int64_t i = 0; i < s->candidates; i++) {
        const double u = slc_dim_snap(dim, draw_from(good, rng));
        const double ratio = dim->kind == SLC_DIM_CHOICE && cells
                                 ? mass_of_cell(good, dim, u) / mass_of_cell(rest, dim, u)
                                 : density(good, u) / density(rest, u);
        if (ratio > top) {
            top = ratio;
            best = u;
        }
    }
    return best;
}

/* How many of n values count as good: a tenth, at most 25. */
static size_t good_count(size_t n)
{
    const size_t tenth = (n + 9) / 10;
    return tenth < 25 ? tenth : 25;
}

static void split(const slc_history *h, double limit, size_t dim, parzen *good,
                  parzen *rest)
{
    const size_t most = good_count(h->n), dims = h->space->n;
    good->n = rest->n = 0;
    for (size_t i = 0; i < h->n; i++) {
        parzen *p = h->value[i] <= limit && good->n < most ? good : rest;
        p->at[p->n++] = h->unit[i * dims + dim];
    }
    for (size_t i = 0; i < h->pending; i++) /* a trial under way repels */
        rest->at[rest->n++] = h->waiting[i * dims + dim];
}

static slc_status suggest(const void *set, const slc_history *h, double *unit,
                          slc_err *err)
{
    const settings *s = set;
    const size_t dims = h->space->n, room = h->n + h->pending;
    slc_rng rng = slc_rng_at(h->seed, 3, h->trial, SLC_SLOT_SEARCH);

    if (h->n < (size_t)s->startup) {
        for (size_t i = 0; i < dims; i++)
            unit[i] = slc_rng_unit(&rng);
        return SLC_OK;
    }
    double *memory = malloc(5 * room * sizeof(double));
    if (!memory) return slc_fail(err, SLC_ENOMEM, "tpe: out of memory");
    double *sorted = memory + 4 * room;
    parzen good = {.at = memory, .width = memory + room};
    parzen rest = {.at = memory + 2 * room, .width = memory + 3 * room};

    memcpy(sorted, h->value, h->n * sizeof(double));
    qsort(sorted, h->n, sizeof(double), by_value);
    const double limit = sorted[good_count(h->n) - 1];
    for (size_t d = 0; d < dims; d++) {
        split(h, limit, d, &good, &rest);
        unit[d] = choose(s, &h->space->dim[d], &good, &rest, &rng);
    }
    free(memory);
    return SLC_OK;
}

const slc_search slc_search_tpe = {
    .entry = {.name = "tpe",
              .summary = "tree-structured Parzen estimator",
              .source = "Bergstra et al., NIPS 2011",
              .params = params,
              .settings_size = sizeof(settings)},
    .suggest = suggest,
};
