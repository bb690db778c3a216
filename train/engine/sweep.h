/* How pixels are laid out for convolutions on matrix tiles: what a sum over a filter's taps
 * reads, copied so that every tap's pixels follow one another, a part of the batch at a time.
 * Channels-last bf16. Threads: pure, but for the memory that is written. */
#ifndef TRAIN_ENGINE_SWEEP_H
#define TRAIN_ENGINE_SWEEP_H

#include "train/engine/engine.h"

enum { SLC_MAX_TAPS = 49, SLC_MAX_COLUMN = 160 };

/* Inputs at one distance from outputs. */
typedef struct slc_tap {
    ptrdiff_t y, x;
    size_t index; /* in the filter */
    size_t variant, row,
        column; /* where it is laid out: which copy, how far down and across */
} slc_tap;

/* A copy of the inputs: row i, column j holds input (i, j) * step + (y, x), or zeros. */
typedef struct slc_variant {
    ptrdiff_t y, x;
} slc_variant;

/* One pass over a grid of outputs. */
typedef struct slc_sweep {
    const slc_geom *geom;
    slc_shape in, out;
    size_t h, w;                 /* of the grid */
    size_t wide;                 /* columns laid out */
    size_t step;                 /* inputs from one place of the grid to the next */
    size_t out_step, y0, x0;     /* the outputs it makes */
    size_t taps, variants, more; /* more: rows laid out beyond the grid's */
    size_t depth;                /* numbers of a laid out pixel: a multiple of 32 */
    bool columns, joined;
    size_t u; /* where its weights begin */
    slc_tap tap[SLC_MAX_TAPS];
    slc_variant variant[SLC_MAX_TAPS];
} slc_sweep;

/* A part of the batch: rows of images. */
typedef struct slc_part {
    size_t image, images, row, rows;
} slc_part;

/* The sweep of a convolution, or for its weight gradient (learns): of ins channels and filter
 * taps, which are one tap of all inputs under the filter if ins is not the input's. geom must
 * stay. */
void slc_sweep_forward(slc_sweep *s, const slc_geom *geom, size_t ins, size_t filter,
                       bool learns);

/* Of the data gradient of pixels (y0, x0) modulo the stride. */
void slc_sweep_back(slc_sweep *s, const slc_geom *geom, size_t y0, size_t x0);

/* Places that a copy of a part has, rows and columns of zeros among them. */
size_t slc_sweep_places(const slc_sweep *s, slc_part u);

/* Cuts the batch into a multiple of least parts, if there is so much of it, of about so many
 * bytes, each for a place: whole images, or rows of one. Returns how many. */
size_t slc_sweep_cut(const slc_sweep *s, size_t each, size_t bytes, size_t least,
                     slc_part *first);
slc_part slc_sweep_part(const slc_sweep *s, const slc_part *first, size_t i);

/* Row y of an image; NULL: outside. */
const uint16_t *slc_sweep_row(const slc_sweep *s, const uint16_t *from, size_t image,
                              ptrdiff_t y);

/* The pixels under the filter with its corner at (y, x), tap by tap. */
void slc_sweep_column(const slc_sweep *s, const uint16_t *from, size_t image, ptrdiff_t y,
                      ptrdiff_t x, uint16_t *to);

/* All copies of a part. */
void slc_sweep_lay(const slc_sweep *s, const uint16_t *from, slc_part u, uint16_t *to);

#endif
