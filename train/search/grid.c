/* Every combination of evenly spaced values; the last dimension moves fastest. */
#include "train/search.h"

typedef struct settings {
    int64_t points;
} settings;

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
static uint64_t count(const void *set, const slc_space *space)
{
    uint64_t total = 1;
    for (size_t i = 0; i < space->n; i++)
        if (__builtin_mul_overflow(total, values_of(set, &space->dim[i]), &total))
            return UINT64_MAX;
    return total;
}

static slc_status suggest(const void *set, const slc_history *history, double *unit,
                          slc_err *err)
{
    const settings *s = set;
    const slc_space *space = history->space;
    uint64_t left = history->trial;

    if (left >= count(s, space))
        return slc_fail(err, SLC_EINVAL, "grid: all %llu points have been tried",
                        (unsigned long long)count(s, space));
    for (size_t i = space->n; i-- > 0;) {
        const uint64_t values = values_of(s, &space->dim[i]);
        const double at = (double)(left % values);
        /* Reals take both ends; cells take their middles. */
        if (slc_dim_cells(&space->dim[i]))
            unit[i] = (at + 0.5) / (double)values;
        else
            unit[i] = values == 1 ? 0.5 : at / (double)(values - 1);
        left /= values;
    }
    return SLC_OK;
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
