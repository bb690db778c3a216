/* Independent uniform points: the baseline every other search must beat. */
#include "base/rng.h"
#include "train/search.h"

static slc_status suggest(const void *settings, const slc_history *history, double *unit,
                          slc_err *err)
{
    (void)settings;
    (void)err;
    slc_rng rng = slc_rng_at(history->seed, 0, history->trial, SLC_SLOT_SEARCH);
    for (size_t i = 0; i < history->space->n; i++)
        unit[i] = slc_rng_unit(&rng);
    return SLC_OK;
}

const slc_search slc_search_random = {
    .entry = {.name = "random",
              .summary = "independent uniform points",
              .source = "Bergstra & Bengio, JMLR 13 (2012)"},
    .suggest = suggest,
};
