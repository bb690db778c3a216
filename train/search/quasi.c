/* Quasi-random points: the Sobol sequence under a keyed digital shift fills the space more
 * evenly than chance, whatever the number of trials turns out to be. */
#include "train/search.h"

static slc_status suggest(const void *settings, const slc_history *history, double *unit,
                          slc_err *err)
{
    (void)settings;
    (void)err;
    slc_sobol(history->trial, history->space->n, history->seed + 1, unit);
    return SLC_OK;
}

const slc_search slc_search_quasi = {
    .entry = {.name = "quasi",
              .summary = "Sobol points under a random shift",
              .source = "Joe & Kuo, SIAM J. Sci. Comput. 30 (2008)"},
    .suggest = suggest,
};
