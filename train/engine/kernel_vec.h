/* Vectors of V numbers, as wide as a register, and functions of them. */
#ifndef TRAIN_ENGINE_KERNEL_VEC_H
#define TRAIN_ENGINE_KERNEL_VEC_H

#include <math.h>
#include <string.h>

#include "train/engine/kernel.h"

#ifdef __FMA__
#include <immintrin.h>
#endif
#ifdef __AVX512F__
enum { V = 16 };
#else
enum { V = 8 }; /* a vector wider than a register lives in memory */
#endif
typedef float vecf __attribute__((vector_size(4 * V)));
typedef int32_t veci __attribute__((vector_size(4 * V)));
typedef uint32_t vecu __attribute__((vector_size(4 * V)));
typedef uint16_t vech __attribute__((vector_size(2 * V)));
typedef float vecf_any __attribute__((vector_size(4 * V), aligned(4), may_alias));
typedef uint16_t vech_any __attribute__((vector_size(2 * V), aligned(2), may_alias));
typedef uint8_t vecb __attribute__((vector_size(V)));
#define INLINE static inline __attribute__((always_inline))
/* Before a loop over an array that should live in registers. Unrolled, and checked address by
 * address by a sanitizer, it would take minutes to compile. */
#define PRAGMA(text) _Pragma(#text)
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define UNROLL(n)
#else
#define UNROLL(n) PRAGMA(GCC unroll n)
#endif

INLINE vecf splat(float f)
{
    return f - (vecf){0};
}

INLINE vecf pick(veci where, vecf yes, vecf no)
{
    return (vecf)((where & (veci)yes) | (~where & (veci)no));
}

/* NaN in a stays. */
INLINE vecf vmax(vecf a, vecf b)
{
#if defined __AVX512F__
    return (vecf)_mm512_max_ps((__m512)b, (__m512)a);
#elif defined __FMA__
    return (vecf)_mm256_max_ps((__m256)b, (__m256)a);
#else
    return pick(a < b, b, a);
#endif
}

INLINE vecf vmin(vecf a, vecf b)
{
#if defined __AVX512F__
    return (vecf)_mm512_min_ps((__m512)b, (__m512)a);
#elif defined __FMA__
    return (vecf)_mm256_min_ps((__m256)b, (__m256)a);
#else
    return pick(a > b, b, a);
#endif
}

/* Halves of words and bytes to words and back: the compiler would do it in pieces. */
INLINE vecu widen_h(vech h)
{
#if defined __AVX512F__
    return (vecu)_mm512_cvtepu16_epi32((__m256i)h);
#else
    return __builtin_convertvector(h, vecu);
#endif
}

INLINE vech narrow_h(vecu u)
{
#if defined __AVX512F__
    return (vech)_mm512_cvtepi32_epi16((__m512i)u);
#else
    return __builtin_convertvector(u, vech);
#endif
}

INLINE veci widen_b(vecb b)
{
#if defined __AVX512F__
    return (veci)_mm512_cvtepu8_epi32((__m128i)b);
#elif defined __AVX2__
    uint64_t all;
    memcpy(&all, &b, sizeof(all));
    return (veci)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)all));
#else
    return __builtin_convertvector(b, veci);
#endif
}

INLINE vecb narrow_b(veci i)
{
#if defined __AVX512F__
    return (vecb)_mm512_cvtepi32_epi8((__m512i)i);
#else
    return __builtin_convertvector(i, vecb);
#endif
}

INLINE vecf load_f(const float *p)
{
    return *(const vecf_any *)p;
}

/* a b + c, rounded once where the machine can. */
INLINE vecf vfma(vecf a, vecf b, vecf c)
{
#if defined __AVX512F__
    return (vecf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined __FMA__
    return (vecf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* exp to 2 ulp: 2^k times a polynomial of the rest (Cephes). */
INLINE vecf vexp(vecf x)
{
    x = vmin(vmax(x, splat(-87.3f)), splat(88.3f));
    const vecf magic = splat(0x1.8p23f);
    const vecf k = (x * 1.44269504f + magic) - magic;
    vecf r = vfma(k, splat(-0.693359375f), x);
    r = vfma(k, splat(2.12194440e-4f), r);
    vecf p = splat(1.9875691500e-4f);
    p = vfma(p, r, splat(1.3981999507e-3f));
    p = vfma(p, r, splat(8.3334519073e-3f));
    p = vfma(p, r, splat(4.1665795894e-2f));
    p = vfma(p, r, splat(1.6666665459e-1f));
    p = vfma(p, r, splat(5.0000001201e-1f));
    p = vfma(p * r, r, r) + 1.0f;
    const veci e = (__builtin_convertvector(k, veci) + 127) << 23;
    return p * (vecf)e;
}

INLINE vecf vlogistic(vecf x)
{
    return 1.0f / (1.0f + vexp(-x));
}

/* Normal distribution function by Abramowitz & Stegun 7.1.26, |error| < 1.5e-7; and
 * density. */
INLINE vecf vnormal(vecf x, vecf *density)
{
    const vecf z = (vecf)((veci)x & 0x7fffffff);
    const vecf t = 1.0f / (1.0f + z * (0.3275911f * 0.70710678f));
    const vecf e = vexp(z * z * -0.5f);
    vecf p = splat(1.061405429f);
    p = vfma(p, t, splat(-1.453152027f));
    p = vfma(p, t, splat(1.421413741f));
    p = vfma(p, t, splat(-0.284496736f));
    p = vfma(p, t, splat(0.254829592f));
    const vecf tail = p * t * e * 0.5f;
    *density = e * 0.39894228f;
    return pick(x > 0, 1.0f - tail, tail);
}

#if IS_BF16
INLINE vecf vreciprocal(vecf x) /* to 2^-14 */
{
#if defined __AVX512F__
    return (vecf)_mm512_rcp14_ps((__m512)x);
#else
    return 1.0f / x;
#endif
}

/* The same for bf16, for x < 0 to 2^-9 of it, else to 2^-12: 1 / (1 + exp(-u)), u an odd
 * polynomial, fitted to log(P / (1 - P)) for |x| < 5.5; beyond that it is 0 or 1. */
INLINE vecf vnormal_short(vecf x, vecf *density)
{
    const float a = 1.5933119f, b = 7.5622150e-2f, c = -9.7110249e-4f, d = 8.6942068e-6f,
                of2 = -1.44269504f;
    const veci low = x <= -5.5f, far = low | (x >= 5.5f);
    x = vmin(vmax(x, splat(-5.5f)), splat(5.5f));
    const vecf z = x * x;
    vecf u = vfma(splat(d * of2), z, splat(c * of2));
    u = vfma(u, z, splat(b * of2));
    u = vfma(u, z, splat(a * of2)) * x;
    const vecf magic = splat(0x1.8p23f), k = u + magic; /* 2^u to 2^-13 */
    const vecf r = u - (k - magic);
    vecf e = vfma(splat(5.5001500e-2f), r, splat(2.4221168e-1f));
    e = vfma(vfma(e, r, splat(6.9328364e-1f)), r, splat(1));
    e = (vecf)((veci)e + ((veci)k << 23));
    const vecf s = vreciprocal(1.0f + e);
    vecf slope = vfma(splat(7 * d), z, splat(5 * c));
    slope = vfma(vfma(slope, z, splat(3 * b)), z, splat(a));
    *density = pick(far, splat(0), s * (1.0f - s) * slope);
    return pick(low, splat(0), s);
}
#endif

/* f(x), and its slope. */
INLINE vecf act_one(slc_act kind, float a, vecf x, vecf *slope)
{
    const vecf zero = splat(0), one = splat(1);
    vecf s, t;
    switch (kind) {
    case SLC_ACT_RELU: {
        const float top = a > 0 ? a : INFINITY;
        *slope = pick((x > 0) & (x < top), one, zero);
        return vmin(vmax(x, zero), splat(top));
    }
    case SLC_ACT_LEAKY_RELU: *slope = pick(x > 0, one, splat(a)); return x * *slope;
    case SLC_ACT_ELU:
        t = vexp(vmin(x, zero)) * a;
        *slope = pick(x > 0, one, t);
        return pick(x > 0, x, t - a);
    case SLC_ACT_GELU:
#if IS_BF16
        s = vnormal_short(x, &t);
#else
        s = vnormal(x, &t);
#endif
        *slope = s + x * t;
        return x * s;
    case SLC_ACT_SILU:
        s = vlogistic(x);
        *slope = s * (1.0f + x * (1.0f - s));
        return x * s;
    case SLC_ACT_SIGMOID:
        s = vlogistic(x);
        *slope = s * (1.0f - s);
        return s;
    case SLC_ACT_TANH: /* the small ones by series: the difference would cancel */
        s = 2.0f * vlogistic(2.0f * x) - 1.0f;
        t = x * x;
        s = pick(t < 0.01f, x * (1.0f - t * (0.33333333f - t * 0.13333333f)), s);
        *slope = 1.0f - s * s;
        return s;
    case SLC_ACT_HARD_SWISH:
        *slope = pick(x > 3.0f, one, pick(x < -3.0f, zero, (2.0f * x + 3.0f) / 6.0f));
        return x * vmin(vmax(x + 3.0f, zero), splat(6)) / 6.0f;
    case SLC_ACT_COUNT: break;
    }
    *slope = one;
    return x;
}

#endif
