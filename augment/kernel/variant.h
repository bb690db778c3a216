/* Entries of a kernel's table: the variant for an instruction set where it was built, else the
 * C definition. SLC_AVX2(slc_blend) is slc_blend_avx2 or slc_blend_c. */
#ifndef AUGMENT_KERNEL_VARIANT_H
#define AUGMENT_KERNEL_VARIANT_H

#if defined(__x86_64__)
#define SLC_AVX2(name) name##_avx2
#define SLC_AVX512(name) name##_avx512
#else
#define SLC_AVX2(name) name##_c
#define SLC_AVX512(name) name##_c
#endif

#endif
