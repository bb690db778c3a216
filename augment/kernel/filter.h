/* Neighbourhood arithmetic on rows of n interleaved bytes; step is the number of channels.
 * dst must not overlap what is read, except blend's.
 *
 *   smooth   Pillow's SMOOTH filter [1 1 1; 1 5 1; 1 1 1] / 13 with its rounding, for bytes
 *            step <= i < n - step; the others are not written
 *   median3  the middle of the nine neighbours, same bytes
 *   median5  the middle of 5 x 5 values, as median; step to 4; reads n + 79 bytes of each row
 *   median   the middle of size x size values (odd, to 15): dst[i] of rows[0..size-1][i + t * step],
 *            t < size; reads up to 63 bytes more
 *   blend    Image.blend(a, b, alpha): a + alpha * (b - a) in float32, cut off towards zero
 *            and clamped; |alpha| to 2^20; dst may be a or b
 *   down     dst[i] = sum over t of taps[t] * rows[t][i], in order, float32; reads up to 63
 *            bytes more of each row
 *   weigh    the same of rows of float32
 *   even_down    a sum for an odd count of symmetric taps in 1 / 65,536, of which all together
 *            are at most one and the outer ones below a half: the middle row and pairs of rows
 *            from the outermost inwards, each product cut off at 1 / 128, and half of what that
 *            may lose added, so that dst, in 1 / 128, is within count / 4 + 2 of the sum; reads
 *            as down
 *   even_across  dst[i] = the same sum along a row in 1 / 128 (to 255 and a quarter), over t of
 *            taps[t] * src[i + t * step], rounded; src has (count - 1) * step more values, and
 *            up to 63 beyond them are read
 *   nearest  dst[i] = src[i], which lies in 0 to 255.5, rounded half to even
 *   add      sum[i] += weight * src[i], float32, product rounded first
 *   cut      dst[i] = src[i] cut off towards zero
 *   box_across  dst = (last - first) * weight[0] + (before + after) * weight[1], in 2^-24,
 *            rounded (Pillow's BoxBlur); first and last are running sums of the row
 *   box_down one row further down: sum += last - before, then dst of it in the same way
 *   between  dst[i] between the four levels of corners[i]: right[i] of the way to the right,
 *            then under of the way down, in float32, rounded half to even
 *
 * One body for every instruction set (filter_body.h); exact: all give the same bytes. */
#ifndef AUGMENT_KERNEL_FILTER_H
#define AUGMENT_KERNEL_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"

/* Four levels: above left, above right, below left, below right, from the lowest byte up. */
typedef uint32_t slc_corners;

typedef struct slc_filters {
    void (*smooth)(uint8_t *dst, const uint8_t *above, const uint8_t *row,
                   const uint8_t *below, size_t n, size_t step);
    void (*median3)(uint8_t *dst, const uint8_t *above, const uint8_t *row,
                    const uint8_t *below, size_t n, size_t step);
    void (*median5)(uint8_t *dst, const uint8_t *const rows[5], size_t n, size_t step);
    void (*median)(uint8_t *dst, const uint8_t *const *rows, size_t size, size_t n,
                   size_t step);
    void (*blend)(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n,
                  float alpha);
    void (*down)(float *dst, const uint8_t *const *rows, const float *taps, size_t count,
                 size_t n);
    void (*weigh)(float *dst, const float *const *rows, const float *taps, size_t count,
                  size_t n);
    void (*even_down)(uint16_t *dst, const uint8_t *const *rows, const uint16_t *taps,
                      size_t count, size_t n);
    void (*even_across)(uint8_t *dst, const uint16_t *src, const uint16_t *taps,
                        size_t count, size_t n, size_t step);
    void (*nearest)(uint8_t *dst, const float *src, size_t n);
    void (*add)(float *sum, const uint8_t *src, float weight, size_t n);
    void (*cut)(uint8_t *dst, const float *src, size_t n);
    void (*box_across)(uint8_t *dst, const uint32_t *first, const uint32_t *last,
                       const uint8_t *before, const uint8_t *after,
                       const uint32_t weight[2], size_t n);
    void (*box_down)(uint8_t *dst, uint32_t *sum, const uint8_t *before,
                     const uint8_t *last, const uint8_t *after, const uint32_t weight[2],
                     size_t n);
    void (*between)(uint8_t *dst, const slc_corners *corners, const float *right,
                    float under, size_t n);
} slc_filters;

extern const slc_filters slc_filters_c; /* the definition */
extern const slc_filters slc_filters_avx2, slc_filters_avx512;

extern const slc_filters *const slc_filters_of[SLC_ISA_COUNT];

#endif
