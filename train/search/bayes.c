/* Bayesian search: a Gaussian process is fitted to what is known, and the next point is where
 * it expects the most improvement. Trials under way count as if they had turned out as the
 * model expects ("kriging believer", Ginsbourger et al. 2010), so that several processes
 * do not choose the same point. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/search.h"

enum { CANDIDATES = 512, ROUNDS = 3, LOCAL = 128, FIT_STEPS = 60, CLIFF = 2 };

typedef struct settings {
    int64_t startup;
} settings;

static const slc_param params[] = {
    {"startup", SLC_FIELD(settings, startup), .lo = 0, .hi = 10000, .initial = "0",
     .help = "quasi-random trials before the model is used; 0 = twice the dimensions, "
             "and one"},
    {0},
};

/* The data a model learns from: values standardised, waiting trials appended. */
typedef struct data {
    size_t n, dims;
    double *x, *y;
} data;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A rate too high makes a net guess: a cliff that a smooth model would spend itself on. What is
 * worse than the median by more than CLIFF times its distance from the best counts as that bad
 * (of 60 searches on a net's surrogate, 49 instead of 44 beat chance). room: n numbers. */
static void level_cliffs(data *d, double *room)
{
    memcpy(room, d->y, d->n * sizeof(double));
    qsort(room, d->n, sizeof(double), by_value);
    const double median = room[(d->n - 1) / 2];
    const double worst = median + CLIFF * (median - room[0]);
    for (size_t i = 0; i < d->n; i++)
        d->y[i] = fmin(d->y[i], worst);
}

static void standardize(data *d)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < d->n; i++)
        mean += d->y[i] / (double)d->n;
    for (size_t i = 0; i < d->n; i++)
        square += (d->y[i] - mean) * (d->y[i] - mean) / (double)d->n;
    const double sd = square > 1e-24 ? sqrt(square) : 1;
    for (size_t i = 0; i < d->n; i++)
        d->y[i] = (d->y[i] - mean) / sd;
}

static double least(const data *d, size_t n)
{
    double best = d->y[0];
    for (size_t i = 1; i < n; i++)
        best = fmin(best, d->y[i]);
    return best;
}

static double score(const slc_gp *gp, const slc_space *space, const double *u,
                    double best)
{
    double snapped[SLC_MAX_DIMS], mean, variance;
    for (size_t i = 0; i < space->n; i++)
        snapped[i] = slc_dim_snap(&space->dim[i], u[i]);
    slc_gp_predict(gp, snapped, &mean, &variance);
    return slc_expected_improvement(mean, variance, best);
}

/* Sobol points over the whole cube, then ever smaller clouds around the best so far. */
static void maximize(const slc_gp *gp, const slc_history *h, const double *incumbent,
                     double best, double *unit)
{
    const size_t dims = h->space->n;
    slc_rng rng = slc_rng_at(h->seed, 2, h->trial, SLC_SLOT_SEARCH);
    double top = -1, u[SLC_MAX_DIMS];

    for (uint64_t i = 0; i < CANDIDATES; i++) {
        slc_sobol(i, dims, h->seed + 77 + h->trial, u);
        const double value = score(gp, h->space, u, best);
        if (value > top) {
            top = value;
            memcpy(unit, u, dims * sizeof(double));
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        double centre[2][SLC_MAX_DIMS];
        memcpy(centre[0], unit, dims * sizeof(double));
        memcpy(centre[1], incumbent, dims * sizeof(double));
        for (int i = 0; i < LOCAL; i++) {
            for (size_t d = 0; d < dims; d++) {
                const double width = 0.1 * pow(0.3, round);
                const double t = centre[i & 1][d] + width * slc_rng_normal(&rng);
                /* A cell is left for any other at random now and then. */
                const bool jump =
                    slc_dim_cells(&h->space->dim[d]) && slc_rng_unit(&rng) < 0.2;
                u[d] = jump ? slc_rng_unit(&rng) : fmin(fmax(t, 0), 1);
            }
            const double value = score(gp, h->space, u, best);
            if (value > top) {
                top = value;
                memcpy(unit, u, dims * sizeof(double));
            }
        }
    }
}

/* Gives the waiting trials the values the model expects of them. */
static void believe(const slc_gp *gp, data *d, const slc_history *h)
{
    for (size_t i = 0; i < h->pending; i++) {
        double *x = d->x + (h->n + i) * d->dims, variance;
        memcpy(x, h->waiting + i * d->dims, d->dims * sizeof(double));
        slc_gp_predict(gp, x, &d->y[h->n + i], &variance);
    }
    d->n = h->n + h->pending;
}

static slc_status choose(const slc_history *h, data *d, double *unit, slc_err *err)
{
    slc_gp *gp = NULL;
    slc_gp_hyper hyper = {.signal = 1, .noise = 1e-3};
    slc_status st;
    size_t first = 0;

    for (size_t i = 0; i < d->dims; i++)
        hyper.length[i] = 0.5;
    st = slc_gp_fit(d->x, d->y, d->n, d->dims, &hyper, FIT_STEPS, err);
    if (st == SLC_OK) st = slc_gp_create(&gp, d->x, d->y, d->n, d->dims, &hyper, err);
    if (st == SLC_OK && h->pending) {
        believe(gp, d, h);
        slc_gp_destroy(&gp);
        st = slc_gp_create(&gp, d->x, d->y, d->n, d->dims, &hyper, err);
    }
    if (st == SLC_OK) {
        for (size_t i = 1; i < h->n; i++)
            if (d->y[i] < d->y[first]) first = i;
        maximize(gp, h, d->x + first * d->dims, least(d, h->n), unit);
    }
    slc_gp_destroy(&gp);
    return st;
}

static slc_status suggest(const void *set, const slc_history *h, double *unit,
                          slc_err *err)
{
    const settings *s = set;
    const size_t dims = h->space->n, room = h->n + h->pending;
    const size_t startup = s->startup ? (size_t)s->startup : 2 * dims + 1;

    if (h->n < 2 || h->n + h->pending < startup) {
        slc_sobol(h->trial, dims, h->seed + 1, unit);
        return SLC_OK;
    }
    data d = {.n = h->n, .dims = dims};
    d.x = malloc(room * dims * sizeof(double));
    d.y = malloc(2 * room * sizeof(double));
    slc_status st =
        d.x && d.y ? SLC_OK : slc_fail(err, SLC_ENOMEM, "bayes: out of memory");
    if (st == SLC_OK) {
        memcpy(d.x, h->unit, h->n * dims * sizeof(double));
        memcpy(d.y, h->value, h->n * sizeof(double));
        level_cliffs(&d, d.y + room);
        standardize(&d);
        st = choose(h, &d, unit, err);
    }
    free(d.x);
    free(d.y);
    return st;
}

const slc_search slc_search_bayes = {
    .entry = {.name = "bayes",
              .summary = "Gaussian process, Matern-5/2, expected improvement",
              .source = "Snoek, Larochelle & Adams, NIPS 2012; Jones et al. 1998",
              .params = params,
              .settings_size = sizeof(settings)},
    .suggest = suggest,
};
