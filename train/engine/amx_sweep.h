/* How pixels are laid out for convolutions on matrix tiles: what a sum over a filter's taps
 * reads, copied so that every tap's pixels follow one another, a part of the batch at a time.
 * Channels-last bf16. Threads: pure, but for the memory that is written. */
#ifndef TRAIN_ENGINE_AMX_SWEEP_H
#define TRAIN_ENGINE_AMX_SWEEP_H

#include "train/engine/engine.h"

enum { SLC_MAX_TAPS = 49 };

/* Inputs at one distance from outputs. */
typedef struct slc_tap {
    ptrdiff_t y, x;
    size_t index;                /* in the filter */
    size_t variant, row, column; /* which copy it lies in, how far down and across */
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
    size_t depth;                /* numbers multiplied at a place: a multiple of 32 */
    size_t pitch;                /* numbers from a place to the next */
    /* Taps are rows of the filter, which lie in rows of the picture as they are: pitch is step
     * pixels. Else a place has depth numbers of its own. */
    bool runs;
    bool joined; /* one copy: zeros behind a row are those in front of the next */
    size_t u;    /* where its weights begin */
    slc_tap tap[SLC_MAX_TAPS];
    slc_variant variant[SLC_MAX_TAPS];
} slc_sweep;

/* A part of the batch: rows of images. */
typedef struct slc_part {
    size_t image, images, row, rows;
} slc_part;

/* The sweep of a convolution, or for its weight gradient (learns). Taps are the filter's, of
 * ins inputs; if that is more than the picture has, they are its rows. geom must stay. */
void slc_sweep_forward(slc_sweep *s, const slc_geom *geom, size_t ins, bool learns);

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

/* All copies of a part, and what tiles read behind the last; or one copy of one of its images,
 * at its place in to. norm: what becomes of inputs on the way, or NULL; not of runs. */
void slc_sweep_lay(const slc_sweep *s, const uint16_t *from,
                   const struct slc_affine *norm, slc_part u, uint16_t *to);
void slc_sweep_lay_image(const slc_sweep *s, const uint16_t *from,
                         const struct slc_affine *norm, slc_part u, size_t variant,
                         size_t image, uint16_t *to);

/* Numbers that it writes. */
size_t slc_sweep_laid(const slc_sweep *s, slc_part u);

#endif
