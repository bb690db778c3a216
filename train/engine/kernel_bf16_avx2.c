/* The kernels for bf16, compiled for avx2. */
#include <stdint.h>
#define T uint16_t
#define IS_BF16 1
#define TABLE slc_kernels_avx2_bf16
#include "train/engine/kernel_body.h"
