#include "augment/kernel/pack.h"

#include <math.h>

#include "augment/kernel/variant.h"

float slc_norm_shortcut(const slc_norm *norm, size_t c, uint8_t px)
{
    const float v = px;
    const float x = fmaf(v, SLC_BY_255, v * SLC_REST_255) - norm->mean[c];
    return fmaf(x, norm->by_std[c], x * norm->rest_std[c]);
}

/* 1 / v as a sum of two floats. */
static void invert(float v, float *by, float *rest)
{
    *by = 1.0f / v;
    *rest = fmaf(-*by, v, 1.0f) / v;
}

void slc_norm_make(slc_norm *norm, const float mean[3], const float std[3])
{
    norm->arithmetic = true;
    for (size_t c = 0; c < 3; c++) {
        norm->mean[c] = mean[c];
        norm->std[c] = std[c];
        invert(std[c], &norm->by_std[c], &norm->rest_std[c]);
    }
    for (size_t c = 0; c < 3; c++)
        for (unsigned i = 0; i < 256; i++) {
            norm->table[c][i] = ((float)i / 255.0f - mean[c]) / std[c];
            if (slc_norm_shortcut(norm, c, (uint8_t)i) != norm->table[c][i])
                norm->arithmetic = false;
        }
}

/* Through the double format of rounding: the 13 bits that go are rounded by hand. */
uint16_t slc_f16_from_f32(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof(u));
    const uint16_t sign = (uint16_t)((u >> 16) & 0x8000u);
    u &= 0x7fffffffu;
    if (u > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((u >> 13) & 0x3ffu));
    if (u >= 0x47800000u) return (uint16_t)(sign | 0x7c00u); /* 65536 and above */
    if (u < 0x38800000u) { /* subnormal: units of 2^-24 */
        float a;
        memcpy(&a, &u, sizeof(a));
        return (uint16_t)(sign | (uint16_t)lrintf(a * 0x1p24f));
    }
    u += 0xfffu + ((u >> 13) & 1u);
    return (uint16_t)(sign | ((u - 0x38000000u) >> 13));
}

float slc_f32_from_f16(uint16_t h)
{
    const uint32_t exponent = (h >> 10) & 31u, mantissa = h & 0x3ffu;
    float f;
    if (exponent == 31)
        f = mantissa ? NAN : INFINITY;
    else if (exponent == 0)
        f = (float)mantissa * 0x1p-24f;
    else
        f = ldexpf((float)(mantissa | 0x400u), (int)exponent - 25);
    return h & 0x8000u ? -f : f;
}

void slc_element_put(void *dst, slc_dtype type, size_t i, float value)
{
    switch (type) {
    case SLC_U8:
        ((uint8_t *)dst)[i] = (uint8_t)lrintf(fminf(fmaxf(value, 0.0f), 255.0f));
        break;
    case SLC_F32: ((float *)dst)[i] = value; break;
    case SLC_BF16: ((uint16_t *)dst)[i] = slc_bf16_from_f32(value); break;
    case SLC_F16: ((uint16_t *)dst)[i] = slc_f16_from_f32(value); break;
    case SLC_DTYPE_COUNT: break;
    }
}

float slc_element_get(const void *src, slc_dtype type, size_t i)
{
    switch (type) {
    case SLC_U8: return ((const uint8_t *)src)[i];
    case SLC_F32: return ((const float *)src)[i];
    case SLC_BF16: return slc_f32_from_bf16(((const uint16_t *)src)[i]);
    case SLC_F16: return slc_f32_from_f16(((const uint16_t *)src)[i]);
    case SLC_DTYPE_COUNT: break;
    }
    return 0;
}

static void row_u8(const slc_pack *pack, uint8_t *dst, const uint8_t *src, size_t w)
{
    for (size_t c = 0; c < pack->channels; c++)
        for (size_t x = 0; x < w; x++)
            dst[c * pack->plane + x * pack->step] = src[x * pack->channels + c];
}

void slc_pack_row_c(const slc_pack *pack, void *dst, const uint8_t *src, size_t w)
{
    if (pack->type == SLC_U8) {
        row_u8(pack, dst, src, w);
        return;
    }
    for (size_t c = 0; c < pack->channels; c++) {
        const float *table = pack->norm->table[c];
        for (size_t x = 0; x < w; x++)
            slc_element_put(dst, pack->type, c * pack->plane + x * pack->step,
                            table[src[x * pack->channels + c]]);
    }
}

slc_pack_row_fn *const slc_pack_row[SLC_ISA_COUNT] = {
    slc_pack_row_c, SLC_AVX2(slc_pack_row), SLC_AVX512(slc_pack_row)};
