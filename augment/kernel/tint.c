#include "augment/kernel/tint.h"

#include "augment/kernel/planes_c.h"

#define TINT slc_tint_c
#include "augment/kernel/tint_body.h"

const slc_tint *const slc_tints[SLC_ISA_COUNT] = {
    [SLC_ISA_C] = &slc_tint_c,
#if defined(__x86_64__)
    [SLC_ISA_AVX2] = &slc_tint_avx2,
    [SLC_ISA_AVX512] = &slc_tint_avx512,
#endif
};
