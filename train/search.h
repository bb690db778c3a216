/* Hyper-parameter search: a space written in the recipe, ways to choose the next point in it,
 * and the study file that remembers what was tried.
 *
 * In a recipe any value may be replaced by what it is to be drawn from:
 *     lr: {log: [1e-4, 1]}          uniform in the logarithm
 *     momentum: {uniform: [0, 0.99]}
 *     width: {int: [8, 64], step: 8}
 *     name: {choice: [sgd, adamw]}
 *     beta2: {log: [0.9, 0.999], when: {optim.name: adamw}}    only if that key has that value
 */
#ifndef TRAIN_SEARCH_H
#define TRAIN_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/node.h"
#include "base/params.h"

enum { SLC_MAX_DIMS = 32 };

typedef enum slc_dim_kind { SLC_DIM_REAL, SLC_DIM_INT, SLC_DIM_CHOICE } slc_dim_kind;

typedef struct slc_dim {
    const char *path; /* "optim.lr", "augment.2.cutout.size" */
    slc_dim_kind kind;
    bool log;
    double lo, hi, step;       /* numbers; step of an int, >= 1 */
    size_t choices;            /* CHOICE */
    const slc_node *choice;    /* first of them */
    const char *when, *equals; /* condition, or NULL */
} slc_dim;

typedef struct slc_space {
    slc_dim dim[SLC_MAX_DIMS];
    size_t n;
} slc_space;

/* Collects the dimensions of a recipe in document order. Errors: SLC_EINVAL with line: bounds
 * that contradict, log of a number <= 0, an empty choice, a condition on an unknown key, a
 * dimension under data (it would change the split), more than SLC_MAX_DIMS, none at all. */
SLC_API SLC_CHECKED slc_status slc_space_read(slc_space *out, const slc_node *recipe,
                                              slc_arena *arena, slc_err *err);

/* Writes the point unit[0..n) of the unit cube into a copy of the recipe: every dimension
 * becomes its value; those whose condition does not hold are left out, and so is the tune section,
 * which is no part of a run. */
SLC_API slc_node *slc_space_apply(const slc_space *space, const slc_node *recipe,
                                  const double *unit, slc_arena *arena);

/* The value at u in [0, 1) as text: "0.0316", "24", "adamw" (a choice: as YAML). */
SLC_API void slc_dim_text(const slc_dim *dim, double u, char *buffer, size_t size);
/* u moved to the middle of the cell that gives the same value: what models learn from. */
SLC_API double slc_dim_snap(const slc_dim *dim, double u);
/* Whether the point uses dimension d: false if its condition names another dimension that has
 * another value there, or that is not used itself. */
SLC_API bool slc_dim_active(const slc_space *space, size_t d, const double *unit);
/* How many different values a dimension has; 0 for reals. */
SLC_API size_t slc_dim_cells(const slc_dim *dim);

/* What is known when the next trial is chosen. Lower values are better. */
typedef struct slc_history {
    const slc_space *space;
    size_t n;              /* finished trials */
    const double *unit;    /* n x space->n, snapped */
    const double *value;   /* n, all finite */
    size_t pending;        /* trials under way elsewhere */
    const double *waiting; /* pending x space->n */
    uint64_t seed, trial;  /* trial: number of the one to be chosen, from 0 */
} slc_history;

/* A way to choose. One file in train/search and one line in search_list.h. */
typedef struct slc_search {
    slc_entry entry;
    /* Fills unit[0..space->n). Pure: the same history gives the same point. */
    slc_status (*suggest)(const void *settings, const slc_history *history, double *unit,
                          slc_err *err);
    /* How many trials there are at all; NULL = no end. */
    uint64_t (*count)(const void *settings, const slc_space *space);
} slc_search;

extern SLC_API const slc_search
    *const slc_searches[]; /* sorted by name, NULL at the end */

/* --- the parts, for tests and for those who search something else ---------------------- */

enum { SLC_SOBOL_DIMS = SLC_MAX_DIMS };
/* Point index of the Sobol sequence (Joe & Kuo 2008 direction numbers), unscrambled: point 0 is
 * the origin. With a seed other than 0 every dimension gets a keyed digital shift. */
SLC_API void slc_sobol(uint64_t index, size_t dims, uint64_t seed, double *out);

/* Gaussian process with a Matern-5/2 kernel, a length scale per dimension, and noise:
 * k(a, b) = s (1 + r + r^2 / 3) exp(-r), r^2 = 5 sum ((a_i - b_i) / l_i)^2.
 * (Rasmussen & Williams 2006, eq. 2.25, 2.26, 4.17) */
typedef struct slc_gp slc_gp;
typedef struct slc_gp_hyper {
    double signal;               /* s, a variance */
    double noise;                /* variance added to the diagonal */
    double length[SLC_MAX_DIMS]; /* l */
} slc_gp_hyper;
/* x: n x dims, y: n; copied. Errors: SLC_EINVAL if the kernel matrix is not positive definite. */
SLC_API SLC_CHECKED slc_status slc_gp_create(slc_gp **out, const double *x,
                                             const double *y, size_t n, size_t dims,
                                             const slc_gp_hyper *hyper, slc_err *err);
SLC_API void slc_gp_destroy(slc_gp **gp);
SLC_API void slc_gp_predict(const slc_gp *gp, const double *x, double *mean,
                            double *variance);
/* Log marginal likelihood and, if gradient is not NULL, its derivatives with respect to the
 * logarithms of signal, noise, length[0]...: dims + 2 numbers. */
SLC_API double slc_gp_likelihood(const slc_gp *gp, double *gradient);
/* Moves *hyper to a local maximum of likelihood times a weak log-normal prior. */
SLC_API SLC_CHECKED slc_status slc_gp_fit(const double *x, const double *y, size_t n,
                                          size_t dims, slc_gp_hyper *hyper, size_t steps,
                                          slc_err *err);
/* Expected improvement below best: Jones, Schonlau & Welch 1998. */
SLC_API double slc_expected_improvement(double mean, double variance, double best);

#endif
