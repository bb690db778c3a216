/* Draws: every random decision of an op is a pure function of (key, slot, count), in one of
 * three modes over the epochs. */
#include <math.h>

#include "augment/op.h"
#include "base/hash.h"

enum { STRATA = 10 }; /* parts of a range in stratified mode */

const char *const slc_draw_mode_names[] = {"iid", "alternate", "stratified", NULL};

bool slc_op_draws(const slc_op *op, slc_draw_mode mode)
{
    if (!op->draw || op->views) return false;
    if (mode == SLC_DRAW_ALTERNATE) return op->alternates;
    return mode != SLC_DRAW_STRATIFIED || !op->unordered;
}

slc_at slc_at_make(const slc_key *key, uint32_t slot, slc_draw_mode mode, size_t w,
                   size_t h, size_t channels)
{
    return (slc_at){.w = w,
                    .h = h,
                    .channels = channels,
                    .key = *key,
                    .slot = slot,
                    .mode = mode,
                    .rng = slc_rng_at(key->seed, key->epoch, key->index, slot)};
}

/* What stays the same for an image over all epochs names its own order of strata. */
static uint64_t own_seed(const slc_at *at)
{
    const uint64_t name[3] = {at->key.index, at->slot, at->count};
    return slc_hash64(name, sizeof(name), at->key.seed);
}

/* Epoch e takes place e % n of the (e / n)-th order of n strata. */
static uint64_t stratum(const slc_at *at, uint64_t n)
{
    const slc_perm perm = slc_perm_make(own_seed(at), at->key.epoch / n, n);
    return slc_perm_at(&perm, at->key.epoch % n);
}

/* [0, 1) */
static double unit(slc_at *at)
{
    double u = slc_rng_unit(&at->rng);
    if (at->mode == SLC_DRAW_STRATIFIED) u = ((double)stratum(at, STRATA) + u) / STRATA;
    at->count++;
    return u;
}

bool slc_draw_chance(slc_at *at, double p)
{
    if (at->mode != SLC_DRAW_ALTERNATE) return unit(at) < p;
    slc_rng first = slc_rng_at(at->key.seed, 0, at->key.index, at->slot);
    for (uint32_t i = 0; i < at->count; i++)
        (void)slc_rng_unit(&first);
    (void)slc_rng_unit(&at->rng);
    at->count++;
    return (slc_rng_unit(&first) < p) != (at->key.epoch & 1);
}

double slc_draw_uniform(slc_at *at, double lo, double hi)
{
    return lo + (hi - lo) * unit(at);
}

double slc_draw_range(slc_at *at, const slc_reals *range)
{
    return slc_draw_uniform(at, range->v[0], range->v[range->n > 1 ? 1 : 0]);
}

uint64_t slc_draw_below(slc_at *at, uint64_t n)
{
    if (at->mode == SLC_DRAW_STRATIFIED && n > 1) {
        const uint64_t part = stratum(at, n);
        (void)unit(at);
        return part;
    }
    at->count++;
    return slc_rng_below(&at->rng, n);
}

int64_t slc_draw_int(slc_at *at, int64_t lo, int64_t hi)
{
    return lo + (int64_t)slc_draw_below(at, (uint64_t)(hi - lo) + 1);
}

double slc_draw_normal(slc_at *at)
{
    at->count++;
    return slc_rng_normal(&at->rng);
}

double slc_draw_seed(slc_at *at)
{
    at->count++;
    return (double)(slc_rng_u64(&at->rng) >> 12);
}
