/* Vectors of sixteen, and functions of them. */
#ifndef TRAIN_ENGINE_KERNEL_VEC_H
#define TRAIN_ENGINE_KERNEL_VEC_H

#include <math.h>
#include <string.h>

#include "train/engine/kernel.h"

enum { V = 16 };
typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16v __attribute__((vector_size(64)));
typedef uint32_t u16v __attribute__((vector_size(64)));
typedef uint16_t h16 __attribute__((vector_size(32)));
typedef float v16_any __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t h16_any __attribute__((vector_size(32), aligned(2), may_alias));
#define INLINE static inline __attribute__((always_inline))

INLINE v16 splat(float f)
{
    return (v16){f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f};
}

INLINE v16 pick(i16v where, v16 yes, v16 no)
{
    return (v16)((where & (i16v)yes) | (~where & (i16v)no));
}

INLINE v16 vmax(v16 a, v16 b)
{
    return pick(a < b, b, a); /* NaN in a stays */
}

INLINE v16 vmin(v16 a, v16 b)
{
    return pick(a > b, b, a);
}

INLINE v16 load_f(const float *p)
{
    return *(const v16_any *)p;
}

/* exp to 2 ulp: 2^k times a polynomial of the rest (Cephes). */
INLINE v16 vexp(v16 x)
{
    x = vmin(vmax(x, splat(-87.3f)), splat(88.3f));
    const v16 magic = splat(0x1.8p23f);
    const v16 k = (x * 1.44269504f + magic) - magic;
    v16 r = x - k * 0.693359375f;
    r = r + k * 2.12194440e-4f;
    v16 p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const i16v e = (__builtin_convertvector(k, i16v) + 127) << 23;
    return p * (v16)e;
}

INLINE v16 vlogistic(v16 x)
{
    return 1.0f / (1.0f + vexp(-x));
}

/* Normal distribution function by Abramowitz & Stegun 7.1.26, |error| < 1.5e-7; and
 * density. */
INLINE v16 vnormal(v16 x, v16 *density)
{
    const v16 z = (v16)((i16v)x & 0x7fffffff);
    const v16 t = 1.0f / (1.0f + z * (0.3275911f * 0.70710678f));
    const v16 e = vexp(z * z * -0.5f);
    v16 p = splat(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const v16 tail = p * t * e * 0.5f;
    *density = e * 0.39894228f;
    return pick(x > 0, 1.0f - tail, tail);
}

/* f(x), and its slope. */
INLINE v16 act_one(slc_act kind, float a, v16 x, v16 *slope)
{
    const v16 zero = splat(0), one = splat(1);
    v16 s, t;
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
        s = vnormal(x, &t);
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
