/* The kernels for f32, compiled for avx512. */
#define T float
#define IS_BF16 0
#define TABLE slc_kernels_avx512_f32
#include "train/engine/kernel_body.h"
