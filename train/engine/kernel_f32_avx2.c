/* The kernels for f32, compiled for avx2. */
#define T float
#define IS_BF16 0
#define TABLE slc_kernels_avx2_f32
#include "train/engine/kernel_body.h"
