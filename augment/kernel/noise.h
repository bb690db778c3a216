/* Random bits by the row and what is made of them. Exact: every variant gives the same bytes.
 *
 * Bits come from Philox blocks first, first + 1, ... of one stream (base/rng.h): 64 blocks
 * make 512 sixteen-bit numbers, word k of block b as numbers 64 k + b (low half) and
 * 256 + 64 k + b (high half).
 *
 *   bits   out[0..512) of blocks first to first + 63
 *   shift  dst[i] = px + offset + gain * table[bits[i]], rounded to the nearest, clamped */
#ifndef AUGMENT_KERNEL_NOISE_H
#define AUGMENT_KERNEL_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

enum { SLC_NOISE_BLOCKS = 64, SLC_NOISE_BITS = 8 * SLC_NOISE_BLOCKS };

typedef struct slc_noise {
    void (*bits)(uint16_t out[SLC_NOISE_BITS], const uint32_t key[2],
                 const uint32_t counter[4]);
    void (*shift)(uint8_t *dst, const uint8_t *src, const uint16_t *bits,
                  const float *table, float gain, float offset, size_t n);
} slc_noise;

extern const slc_noise slc_noise_c; /* the definition */
extern const slc_noise slc_noise_avx512;

extern const slc_noise *const slc_noise_of[SLC_ISA_COUNT];

#endif
