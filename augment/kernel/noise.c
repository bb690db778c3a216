#include "augment/kernel/noise.h"

#define NOISE slc_noise_c
#include "augment/kernel/noise_body.h"

const slc_noise *const slc_noise_of[SLC_ISA_COUNT] = {
    [SLC_ISA_C] = &slc_noise_c,
#if defined(__x86_64__)
    [SLC_ISA_AVX2] = &slc_noise_c, /* AVX2 gained 1.15 at most */
    [SLC_ISA_AVX512] = &slc_noise_avx512,
#endif
};
