/* Instruction sets we have kernels for, each a superset of the one before. */
#ifndef BASE_ISA_H
#define BASE_ISA_H

#include <stdbool.h>

#include "base/attr.h"

typedef enum slc_isa {
    SLC_ISA_C,
    SLC_ISA_AVX2,   /* with FMA and F16C */
    SLC_ISA_AVX512, /* F, BW, VL, DQ, VNNI, VBMI: Ice Lake, Zen 4 and later */
    SLC_ISA_COUNT
} slc_isa;

/* The best set this machine and its operating system support, capped by the environment's
 * SLUICE_ISA (c, avx2, avx512) if that is set. Pure apart from the environment: callers ask
 * once and pass the answer down. */
SLC_API slc_isa slc_isa_detect(void);

/* Whether matrix tiles of bf16 (AMX) can be used here: the compiler, the processor and its
 * operating system have them, and SLUICE_ISA is not set. */
SLC_API bool slc_isa_tiles(void);

SLC_API const char *slc_isa_name(slc_isa isa);

/* Flushes denormals to zero (FTZ and DAZ) in the calling thread. */
SLC_API void slc_isa_flush_denormals(void);

#endif
