#include "augment/kernel/filter.h"

#define FILTERS slc_filters_c
#include "augment/kernel/filter_body.h"

const slc_filters *const slc_filters_of[SLC_ISA_COUNT] = {
    [SLC_ISA_C] = &slc_filters_c,
#if defined(__x86_64__)
    [SLC_ISA_AVX2] = &slc_filters_avx2,
    [SLC_ISA_AVX512] = &slc_filters_avx512,
#endif
};
