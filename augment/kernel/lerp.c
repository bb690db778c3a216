#include "augment/kernel/lerp.h"

#include "augment/kernel/pack.h"

static void lerp_u8(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n, float l)
{
    const float rest = 1.0f - l;
    for (size_t i = 0; i < n; i++)
        dst[i] = (uint8_t)((float)a[i] * l + (float)b[i] * rest + 0.5f);
}

static void lerp_f32(float *dst, const float *a, const float *b, size_t n, float l)
{
    const float rest = 1.0f - l;
    for (size_t i = 0; i < n; i++)
        dst[i] = a[i] * l + b[i] * rest;
}

static void lerp_bf16(uint16_t *dst, const uint16_t *a, const uint16_t *b, size_t n,
                      float l)
{
    const float rest = 1.0f - l;
    for (size_t i = 0; i < n; i++)
        dst[i] = slc_bf16_from_f32(slc_f32_from_bf16(a[i]) * l +
                                   slc_f32_from_bf16(b[i]) * rest);
}

static void lerp_f16(uint16_t *dst, const uint16_t *a, const uint16_t *b, size_t n,
                     float l)
{
    const float rest = 1.0f - l;
    for (size_t i = 0; i < n; i++)
        dst[i] =
            slc_f16_from_f32(slc_f32_from_f16(a[i]) * l + slc_f32_from_f16(b[i]) * rest);
}

void slc_lerp_c(void *dst, const void *a, const void *b, size_t n, slc_dtype type,
                float lambda)
{
    switch (type) {
    case SLC_U8: lerp_u8(dst, a, b, n, lambda); break;
    case SLC_F32: lerp_f32(dst, a, b, n, lambda); break;
    case SLC_BF16: lerp_bf16(dst, a, b, n, lambda); break;
    case SLC_F16: lerp_f16(dst, a, b, n, lambda); break;
    case SLC_DTYPE_COUNT: break;
    }
}

slc_lerp_fn *const slc_lerp[SLC_ISA_COUNT] = {slc_lerp_c, slc_lerp_c, slc_lerp_c};
