/* 64 interleaved RGB pixels to planes and back: the definition. */
#ifndef AUGMENT_KERNEL_PLANES_C_H
#define AUGMENT_KERNEL_PLANES_C_H

#include <stdint.h>

enum { SLC_PLANES_BLOCK = 64 };

static inline void split(uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b,
                         const uint8_t *src)
{
    for (int i = 0; i < SLC_PLANES_BLOCK; i++) {
        r[i] = src[3 * i];
        g[i] = src[3 * i + 1];
        b[i] = src[3 * i + 2];
    }
}

static inline void merge(uint8_t *dst, const uint8_t *r, const uint8_t *g,
                         const uint8_t *b)
{
    for (int i = 0; i < SLC_PLANES_BLOCK; i++) {
        dst[3 * i] = r[i];
        dst[3 * i + 1] = g[i];
        dst[3 * i + 2] = b[i];
    }
}

#endif
