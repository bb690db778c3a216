/* Kernels over channels-last numbers: rows of c channels, f32 or bf16 ("T"), arithmetic in
 * f32. Written once on vectors (kernel_body.h), compiled per instruction set and
 * type. Threads: safe on different outputs; callers cut the work. */
#ifndef TRAIN_ENGINE_KERNEL_KERNEL_H
#define TRAIN_ENGINE_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/isa.h"
#include "train/layer.h"

/* A window sliding over planes: pooling and depthwise convolution. */
typedef struct slc_window {
    slc_shape in, out;
    size_t kernel, stride, padding, dilation;
    bool count_padding;
} slc_window;

/* Batch norm as the kernels see it: y = clamp(x * a + b (+ add), lo, hi). */
typedef struct slc_affine {
    const float *a, *b; /* c of each */
    float lo, hi;
} slc_affine;

/* Its way back: g = dy where lo < y < hi, else 0;
 * dx = p * g + q * (x - mean) + r. */
typedef struct slc_affine_back {
    slc_affine forward;
    bool open; /* dy is g already */
    const float *mean, *p, *q, *r;
} slc_affine_back;

/* A tile of Winograd's: its corner in an image of h x w x c, and how far apart its planes
 * and their panels lie. Pixels outside the image are not written. */
typedef struct slc_tile {
    size_t c, h, w;
    ptrdiff_t y, x;
    size_t next, panel;
    const float *zeros; /* c of them: what lies outside */
    bool add;           /* pixels are added to what is there */
} slc_tile;

typedef struct slc_kernels {
    /* sum[k] and square[k]: sums of x - pivot and of its square, in double. */
    void (*stats)(const void *x, size_t rows, size_t c, const float *pivot, double *sum,
                  double *square);
    void (*affine)(void *y, const void *x, const void *add, size_t rows, size_t c,
                   const slc_affine *at);
    /* Sums of g and of g * (x - mean). y decides the clamp if it is not NULL, else it is
     * computed again from x. g, if not NULL, is where it goes: dy's place or another. */
    void (*affine_sums)(void *g, const void *x, const void *dy, const void *y,
                        size_t rows, size_t c, const slc_affine_back *at, double *sum,
                        double *dot);
    /* dadd, if not NULL, gets g (added to it if add_dadd). dx is added to if add_dx; else it
     * may be where x is. dx and dadd may be the same if dadd is added to. */
    void (*affine_back)(void *dx, bool add_dx, void *dadd, bool add_dadd, const void *x,
                        const void *dy, const void *y, size_t rows, size_t c,
                        const slc_affine_back *at);
    void (*column_sums)(const void *x, size_t rows, size_t c, double *sum);

    void (*act)(slc_act kind, float a, void *y, const void *x, size_t count);
    void (*act_back)(slc_act kind, float a, void *dx, bool add, const void *x,
                     const void *dy, size_t count);
    void (*scale)(void *y, bool add, const void *x, float by, size_t count);
    void (*sum)(void *y, const void *a, const void *b, size_t count);
    /* Numbers first.. of a batch, each times by, or 0 where its word is below least. */
    void (*drop)(void *y, bool add, const void *x, size_t first, size_t count,
                 const slc_rng *rng, uint32_t least, float by);

    /* One image each; index holds the place in the window (a byte per output). */
    void (*max_pool)(void *y, uint8_t *index, const void *x, const slc_window *w);
    void (*max_pool_back)(void *dx, bool add, const uint8_t *index, const void *dy,
                          const slc_window *w);
    void (*avg_pool)(void *y, const void *x, const slc_window *w);
    void (*avg_pool_back)(void *dx, bool add, const void *dy, const slc_window *w);

    /* Depthwise convolution of one image; weights as [kernel * kernel][c] f32. */
    void (*depthwise)(void *y, const void *x, const float *w, const float *bias,
                      const slc_window *win);
    void (*depthwise_data)(void *dx, const void *dy, const float *w,
                           const slc_window *win);
    void (*depthwise_weights)(float *dw, const void *x, const void *dy,
                              const slc_window *win); /* adds */

    /* Winograd's transforms, f32 only. A tile of 6 x 6 or of 4 x 4 pixels to 36 planes, and
     * planes to 4 x 4 pixels. */
    void (*winograd_in)(float *planes, const float *image, const slc_tile *t);
    void (*winograd_spread)(float *planes, const float *image, const slc_tile *t);
    void (*winograd_out)(float *image, const float *planes, const float *bias,
                         const slc_tile *t);
    /* n <= panel filters of 3 x 3, step numbers apart, to planes next apart, and back: n x 9
     * gradients. */
    void (*winograd_weights)(float *planes, size_t next, const float *w, size_t step,
                             size_t n, bool turned);
    void (*winograd_gather)(float *dw, bool add, const float *planes, size_t next,
                            size_t n);
    /* A plane of tiles x channels lies as [channel / panel][room][panel], room rows of which
     * the first are tiles. m[tile][out] = sum over in of v[tile][in] u[in][out], where u is
     * [out / panel][in][panel]. */
    size_t panel;
    void (*winograd_product)(float *m, const float *v, const float *u, size_t tiles,
                             size_t in, size_t out, size_t room);
    /* to[out][panel] (+)= sum over tiles of m[tile][out] v[tile][], of one panel v. */
    void (*winograd_learn)(float *to, bool add, const float *m, const float *v,
                           size_t tiles, size_t out, size_t room);

    /* y[i][k] (+)= sum over c of x[i][c] u[c][k]: pixels of in and of out channels, f32 only,
     * wherever they lie, and weights as above, [out / panel][in][panel]. */
    void (*pixel_product)(float *const *y, bool add, const float *const *x, size_t rows,
                          size_t in, const float *u, size_t out);
    /* Pixels of c channels into panels as above, [c / panel][room][panel]. */
    void (*pixel_pack)(float *to, const float *const *x, size_t rows, size_t c,
                       size_t room);
    /* As winograd_learn does, of pixels in panels; rows are taken in runs that leave panels in
     * the first-level cache. */
    void (*pixel_learn)(float *to, bool add, const float *m, const float *v, size_t rows,
                        size_t out, size_t room);

    void (*to_f32)(float *y, const void *x, size_t count);
    void (*from_f32)(void *y, bool add, const float *x, size_t count);
} slc_kernels;

extern const slc_kernels slc_kernels_c_f32, slc_kernels_c_bf16;
extern const slc_kernels slc_kernels_avx2_f32, slc_kernels_avx2_bf16;
extern const slc_kernels slc_kernels_avx512_f32, slc_kernels_avx512_bf16;

/* The best compiled-in table for a type (F32 or BF16). */
const slc_kernels *slc_kernels_for(slc_isa isa, slc_dtype type);

#endif
