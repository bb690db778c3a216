#include "augment/kernel/noise.h"

#define NOISE slc_noise_avx512
#include "augment/kernel/noise_body.h"
