/* Counter-based random numbers: a draw depends on where it is made, never on who makes it
 * or when, so results do not change with the number of threads.
 *
 * The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). A stream is named by (seed, epoch, item, slot); its n-th draw is a
 * pure function of those five numbers. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

#include "base/attr.h"

/* A position in one stream. A value: copying it forks the stream. */
typedef struct slc_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* block number, slot, item low, item high */
    uint32_t block[4];   /* the current block's output */
    uint32_t left;       /* words of it not yet drawn */
} slc_rng;

/* Slots at or above this one belong to the batch and to the engine, not to ops. */
enum {
    SLC_SLOT_MIX = 0x10000,     /* item = batch number */
    SLC_SLOT_INIT = 0x20000,    /* item = tensor number */
    SLC_SLOT_LAYER = 0x30000,   /* + layer number; item = step */
    SLC_SLOT_SAMPLER = 0x40000, /* orders and weighted choices */
    SLC_SLOT_SOURCE = 0x50000,  /* splits, substitutes */
    SLC_SLOT_SEARCH = 0x60000,  /* hyper-parameter search */
};

/* The bare bijection: ten rounds on counter under key. */
SLC_API void slc_philox(const uint32_t counter[4], const uint32_t key[2],
                        uint32_t out[4]);

/* The stream of one op (its slot in the policy) on one item of one epoch. */
SLC_API slc_rng slc_rng_at(uint64_t seed, uint64_t epoch, uint64_t item, uint32_t slot);

SLC_API uint32_t slc_rng_u32(slc_rng *rng); /* uniform bits */
SLC_API uint64_t slc_rng_u64(slc_rng *rng);
SLC_API uint64_t slc_rng_below(slc_rng *rng,
                               uint64_t n); /* unbiased, in [0, n); 0 if n is 0 */
SLC_API double slc_rng_unit(slc_rng *rng);  /* [0, 1), 53 bits */
SLC_API double slc_rng_uniform(slc_rng *rng, double lo,
                               double hi);   /* [lo, hi); lo if equal */
SLC_API double slc_rng_normal(slc_rng *rng); /* N(0, 1), Box-Muller, no state kept */
SLC_API double slc_rng_gamma(slc_rng *rng,
                             double shape); /* Marsaglia & Tsang 2000; any shape > 0 */
SLC_API double slc_rng_beta(slc_rng *rng, double a,
                            double b); /* X / (X + Y) of two gammas */

/* A keyed bijection on [0, n): where position p of an order lands. Feistel network on the
 * smallest even number of bits that holds n, with cycle walking: O(1) memory, any position
 * computed alone. n from 1 to 2^62. */
typedef struct slc_perm {
    uint64_t n;
    uint32_t half_bits;
    uint32_t key[2];
} slc_perm;
SLC_API slc_perm slc_perm_make(uint64_t seed, uint64_t epoch, uint64_t n);
SLC_API uint64_t slc_perm_at(const slc_perm *perm, uint64_t position);

#endif
