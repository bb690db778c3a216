/* ZCA whitening (Bell & Sejnowski 1997; Krizhevsky 2009): measure it on a data set, keep it in a
 * file, and use it with the op `whiten: {file: zca.safetensors}`.
 *
 *   out = (x - mean) V diag(1 / sqrt(lambda + eps)) V'      x = px / 255, in NCHW order
 *
 * where V and lambda are the eigenvectors and eigenvalues of the covariance (LAPACK). */
#ifndef AUGMENT_WHITEN_H
#define AUGMENT_WHITEN_H

#include "augment/image.h"

enum { SLC_WHITEN_MAX_DIMS = 12288 }; /* 3 x 64 x 64 */

/* Adds up mean and covariance. Threads: one at a time. */
typedef struct slc_whiten slc_whiten;

/* For images of w x h px. Errors: SLC_ELIMIT if channels * w * h is over
 * SLC_WHITEN_MAX_DIMS, SLC_ENOMEM. */
SLC_API SLC_CHECKED slc_status slc_whiten_create(slc_whiten **out, size_t w, size_t h,
                                                 size_t channels, slc_err *err);
SLC_API void slc_whiten_destroy(slc_whiten **whiten);

/* Errors: SLC_EINVAL if the image has another size or number of channels. */
SLC_API SLC_CHECKED slc_status slc_whiten_add(slc_whiten *whiten, const slc_image *image,
                                              slc_err *err);

/* Computes the matrix from at least two images and writes a safetensors file with the tensors
 * "mean" [c, h, w] and "matrix" [c * h * w, c * h * w]. eps > 0. */
SLC_API SLC_CHECKED slc_status slc_whiten_save(slc_whiten *whiten, double eps,
                                               const char *path, slc_err *err);

/* Reads such a file; everything lives in arena. Errors: SLC_EDATA, SLC_EFORMAT. */
typedef struct slc_whitening {
    size_t w, h, channels;
    const float *mean, *matrix;
} slc_whitening;
SLC_API SLC_CHECKED slc_status slc_whitening_read(slc_whitening *out, const char *path,
                                                  slc_arena *arena, slc_err *err);

#endif
