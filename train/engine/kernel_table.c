/* Which kernels run here. */
#include "train/engine/kernel.h"

const slc_kernels *slc_kernels_for(slc_isa isa, slc_dtype type)
{
    const bool bf16 = type == SLC_BF16;
#if defined(__x86_64__)
    if (isa >= SLC_ISA_AVX512)
        return bf16 ? &slc_kernels_avx512_bf16 : &slc_kernels_avx512_f32;
    if (isa >= SLC_ISA_AVX2) return bf16 ? &slc_kernels_avx2_bf16 : &slc_kernels_avx2_f32;
#endif
    (void)isa;
    return bf16 ? &slc_kernels_c_bf16 : &slc_kernels_c_f32;
}
