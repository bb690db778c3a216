/* Samplers: which sample stands where in an epoch.
 *
 * A pure function of (seed, epoch, position): nothing is stored between calls, any position is
 * computed alone, so a run can resume anywhere and be split over machines. */
#ifndef LOADER_SAMPLER_H
#define LOADER_SAMPLER_H

#include "base/rng.h"
#include "loader/loader.h"

typedef struct slc_sampler slc_sampler; /* immutable; Threads: any number may use one */

/* Uses of the settings: source (borrowed), batch, shuffle, sample_by, repeats, tail, seed, rank,
 * world. views: of each sample, in a row (five_crop). Errors: SLC_EINVAL, SLC_ENOMEM. */
SLC_API SLC_CHECKED slc_status slc_sampler_create(slc_sampler **out,
                                                  const slc_loader_settings *settings,
                                                  uint32_t views, slc_err *err);
SLC_API void slc_sampler_destroy(slc_sampler **sampler);

/* This rank's positions and batches in an epoch, and the most positions a batch may have. All
 * ranks have the same number of each. */
SLC_API uint64_t slc_sampler_positions(const slc_sampler *sampler);
SLC_API uint64_t slc_sampler_batches(const slc_sampler *sampler);
SLC_API size_t slc_sampler_most(const slc_sampler *sampler);
/* The first position of a batch, and how many it has. */
SLC_API uint64_t slc_sampler_batch(const slc_sampler *sampler, uint64_t number,
                                   size_t *n);

/* The order of one epoch: what is worth computing once. */
typedef struct slc_order {
    uint64_t epoch;
    slc_perm perm;
} slc_order;
SLC_API slc_order slc_sampler_order(const slc_sampler *sampler, uint64_t epoch);

/* What stands at a position. view counts the looks at one sample within an epoch: its number in
 * a row, or the position itself where samples may return. real is false for positions that
 * only fill up the last batch or the shares of the ranks. */
typedef struct slc_pick {
    uint64_t index;
    uint32_t view;
    bool real;
} slc_pick;
SLC_API slc_pick slc_sampler_at(const slc_sampler *sampler, const slc_order *order,
                                uint64_t position);

/* Another sample of the same class (any sample if unlabelled), drawn by (seed, epoch, index,
 * attempt); the sampler must have been made for on_error SUBSTITUTE. */
SLC_API uint64_t slc_sampler_substitute(const slc_sampler *sampler, uint64_t epoch,
                                        uint64_t index, uint32_t attempt);

#endif
