/* Filter coefficients of a resize along one axis, as Pillow 9.4 computes them: double
 * precision, normalised, then 22-bit fixed point (libImaging/Resample.c). */
#ifndef AUGMENT_KERNEL_TAPS_H
#define AUGMENT_KERNEL_TAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { SLC_TAP_BITS = 22 }; /* 32 - 8 bits of pixel - 2 of headroom */

/* What a filter is: its value at x (in source pixels at scale 1) and how far it reaches. */
typedef struct slc_kernel_filter {
    double (*at)(double x);
    double support;
} slc_kernel_filter;

/* Output position i is the sum over t < count[i] of coef[i * room + t] * in[first[i] + t]. */
typedef struct slc_taps {
    size_t out, room; /* room is a multiple of 4; what is behind count[i] is 0 */
    int32_t *first, *count;
    int32_t *coef;
    /* The same coefficients in signed digits of base 256, four taps to a word, for dot products
     * of bytes: quad[(i * room / 4 + t / 4) * 3 + digit], digit 0 the lowest. */
    uint32_t *quad;
} slc_taps;

/* Taps for a source of in px whose part [from, to) becomes out px. clamp: no antialias, taps
 * outside the source count for its border pixel (as torch and OpenCV do), else they are left
 * out and the others grow. False if memory ran out. */
bool slc_taps_make(slc_taps *taps, slc_arena *arena, const slc_kernel_filter *filter,
                   size_t in, double from, double to, size_t out, bool clamp);

/* How many output positions, from the first, read no further than limit bytes into a row of
 * three channels if they read 16 bytes for every four taps. */
size_t slc_taps_safe(const slc_taps *taps, size_t limit);

extern const slc_kernel_filter slc_filter_box, slc_filter_bilinear, slc_filter_hamming,
    slc_filter_bicubic, slc_filter_bicubic_sharp /* a = -0.75 */, slc_filter_lanczos;

#endif
