/* Taps of a Gaussian in fixed point, for the sums of filter.h. */
#ifndef AUGMENT_KERNEL_GAUSSIAN_H
#define AUGMENT_KERNEL_GAUSSIAN_H

#include <stddef.h>
#include <stdint.h>

enum { SLC_MAX_GAUSSIAN = 101 };

/* exp(-(x / sigma)^2 / 2) at the size (odd, to SLC_MAX_GAUSSIAN) whole numbers around 0, divided
 * by their sum, in 1 / 65,536; sigma > 0 px. Gives how many taps there are (odd): those that round
 * to nothing at both ends are left out. Each but the middle one is right to half a unit; that
 * takes what their rounding leaves, so that all together are one (a single tap is 65,535) and an
 * even area stays as it is.
 *
 * A sum of bytes is thus off by at most 255 * (size / 2) / 65,536 levels; with what even_down and
 * even_across cut off, and both done one after the other, by less than 0.8 levels before it is
 * rounded, for every size and sigma. */
size_t slc_gaussian_taps(uint16_t taps[SLC_MAX_GAUSSIAN], size_t size, double sigma);

#endif
