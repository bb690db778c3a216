/* Every combination of evenly spaced values; the last dimension moves fastest. */
#include "train/search.h"

typedef struct settings {
    int64_t points;
} settings;

enum { MOST_COUNTED = 1000000 }; /* a larger grid is not looked through for doubles */

static const slc_param params[] = {
    {"points", SLC_FIELD(settings, points), .lo = 1, .hi = 1000, .initial = "5",
     .help = "values of each real dimension (ints and choices: all of theirs)"},
    {0},
};

static uint64_t values_of(const settings *s, const slc_dim *dim)
{
    const size_t cells = slc_dim_cells(dim);
    return cells ? cells : (uint64_t)s->points;
}

/* Saturates: a grid too large to count has no end in practice. */
static uint64_t product(const settings *s, const slc_space *space)
{
    uint64_t total = 1;
    for (size_t i = 0; i < space->n; i++)
        if (__builtin_mul_overflow(total, values_of(s, &space->dim[i]), &total))
            return UINT64_MAX;
    return total;
}

/* Point number index of all combinations. False if a dimension that is not used there has any but
 * its first value: the same trial stands in the grid already. */
static bool point(const settings *s, const slc_space *space, uint64_t index, double *unit)
{
    bool first[SLC_MAX_DIMS];
    for (size_t i = space->n; i-- > 0;) {
        const uint64_t values = values_of(s, &space->dim[i]);
        const double at = (double)(index % values);
        first[i] = index % values == 0;
        /* Reals take both ends; cells take their middles. */
        if (slc_dim_cells(&space->dim[i]))
            unit[i] = (at + 0.5) / (double)values;
        else
            unit[i] = values == 1 ? 0.5 : at / (double)(values - 1);
        index /= values;
    }
    for (size_t i = 0; i < space->n; i++)
        if (!first[i] && !slc_dim_active(space, i, unit)) return false;
    return true;
}

static uint64_t count(const void *set, const slc_space *space)
{
    double unit[SLC_MAX_DIMS];
    const uint64_t all = product(set, space);
    uint64_t different = 0;
    if (all > MOST_COUNTED) return all;
    for (uint64_t i = 0; i < all; i++)
        different += point(set, space, i, unit);
    return different;
}

static slc_status suggest(const void *set, const slc_history *history, double *unit,
                          slc_err *err)
{
    const uint64_t all = product(set, history->space);
    uint64_t before = history->trial;

    for (uint64_t i = 0; i < all; i++)
        if (point(set, history->space, i, unit) && before-- == 0) return SLC_OK;
    return slc_fail(err, SLC_EINVAL, "grid: all points have been tried");
}

const slc_search slc_search_grid = {
    .entry = {.name = "grid",
              .summary = "every combination of evenly spaced values",
              .source = "full factorial design",
              .params = params,
              .settings_size = sizeof(settings)},
    .suggest = suggest,
    .count = count,
};
