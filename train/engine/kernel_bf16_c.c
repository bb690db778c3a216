/* The kernels for bf16, compiled for c. */
#include <stdint.h>
#define T uint16_t
#define IS_BF16 1
#define TABLE slc_kernels_c_bf16
#include "train/engine/kernel_body.h"
