/* Element types and layouts of batches and tensors, and the sixteen-bit float formats. */
#ifndef BASE_DTYPE_H
#define BASE_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum slc_dtype { SLC_U8, SLC_F32, SLC_BF16, SLC_F16, SLC_DTYPE_COUNT } slc_dtype;
typedef enum slc_layout { SLC_NHWC, SLC_NCHW } slc_layout;

static inline size_t slc_dtype_size(slc_dtype type)
{
    static const uint8_t size[SLC_DTYPE_COUNT] = {1, 4, 2, 2};
    return size[type];
}

/* bfloat16 is the upper half of a float: rounding to nearest, ties to even; NaN stays NaN. */
static inline uint16_t slc_bf16_from_f32(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof(u));
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((u >> 16) | 0x40u);
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

static inline float slc_f32_from_bf16(uint16_t b)
{
    const uint32_t u = (uint32_t)b << 16;
    float f;
    memcpy(&f, &u, sizeof(f));
    return f;
}

#endif
