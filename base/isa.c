#include "base/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <xmmintrin.h>
#if SLC_HAVE_AMX && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum {
    F16C = 1 << 29
}; /* CPUID leaf 1, ecx; not every compiler's cpu_supports knows it */

static bool have_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & F16C);
}

/* __builtin_cpu_supports also asks whether the operating system keeps the registers. */
static slc_isa best(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !have_f16c())
        return SLC_ISA_C;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512vbmi"))
        return SLC_ISA_AVX2;
    return SLC_ISA_AVX512;
}

void slc_isa_flush_denormals(void)
{
    _mm_setcsr(_mm_getcsr() | 0x8040); /* FTZ is bit 15, DAZ bit 6 */
}

#else

static slc_isa best(void)
{
    return SLC_ISA_C;
}

#if defined(__aarch64__)
void slc_isa_flush_denormals(void)
{
    unsigned long control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | 1ul << 24));
}
#else
void slc_isa_flush_denormals(void)
{
}
#endif
#endif

const char *slc_isa_name(slc_isa isa)
{
    static const char *const name[SLC_ISA_COUNT] = {
        [SLC_ISA_C] = "c",
        [SLC_ISA_AVX2] = "avx2",
        [SLC_ISA_AVX512] = "avx512",
    };
    return name[isa];
}

slc_isa slc_isa_detect(void)
{
    const slc_isa found = best();
    const char *cap = getenv("SLUICE_ISA");
    if (!cap) return found;
    for (int i = 0; i < (int)found; i++)
        if (strcmp(cap, slc_isa_name((slc_isa)i)) == 0) return (slc_isa)i;
    return found;
}

#if SLC_HAVE_AMX && defined(__x86_64__) && defined(__linux__)
enum {
    LEAF = 7,
    AMX_BF16 = 1 << 22,
    AMX_TILE = 1 << 24,      /* leaf 7, edx */
    AVX512_BF16 = 1 << 5,    /* leaf 7.1, eax */
    ASK_PERMISSION = 0x1023, /* arch_prctl's ARCH_REQ_XCOMP_PERM */
    TILE_DATA = 18
};

/* The operating system keeps tiles for a process that has asked; asking again is free. */
bool slc_isa_tiles(void)
{
    unsigned a, b, c, d, a1, rest;
    if (slc_isa_detect() < SLC_ISA_AVX512 || getenv("SLUICE_ISA")) return false;
    return __get_cpuid_count(LEAF, 0, &a, &b, &c, &d) &&
           __get_cpuid_count(LEAF, 1, &a1, &rest, &rest, &rest) && (d & AMX_BF16) &&
           (d & AMX_TILE) && (a1 & AVX512_BF16) &&
           syscall(SYS_arch_prctl, ASK_PERMISSION, TILE_DATA) == 0;
}
#else
bool slc_isa_tiles(void)
{
    return false;
}
#endif
