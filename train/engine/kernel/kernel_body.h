/* The kernels, for one type and one instruction set. Define before including:
 *   T            uint16_t (bf16) or float
 *   IS_BF16      1 or 0
 *   TABLE        name of the table to define
 * Tails shorter than a vector go through a padded copy. */
#include <math.h>
#include <string.h>

#include "train/engine/kernel/kernel.h"

#ifndef KERNEL_TYPES
#define KERNEL_TYPES
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

INLINE v16 load(const T *p)
{
#if IS_BF16
    const u16v wide = __builtin_convertvector(*(const h16_any *)p, u16v) << 16;
    return (v16)wide;
#else
    return *(const v16_any *)p;
#endif
}

INLINE void store(T *p, v16 v)
{
#if IS_BF16
    const u16v u = (u16v)v;
    *(h16_any *)p = __builtin_convertvector((u + 0x7fff + ((u >> 16) & 1)) >> 16, h16);
#else
    *(v16_any *)p = v;
#endif
}

/* Up to 16 numbers; the missing ones are 0. */
INLINE v16 load_n(const T *p, size_t n)
{
    T part[V] = {0};
    if (n >= V) return load(p);
    memcpy(part, p, n * sizeof(T));
    return load(part);
}

INLINE void store_n(T *p, v16 v, size_t n)
{
    T part[V];
    if (n >= V) {
        store(p, v);
        return;
    }
    store(part, v);
    memcpy(p, part, n * sizeof(T));
}

INLINE v16 load_fn(const float *p, size_t n)
{
    float part[V] = {0};
    if (n >= V) return load_f(p);
    memcpy(part, p, n * sizeof(float));
    return load_f(part);
}

INLINE void add_n(double *sum, v16 v, size_t n)
{
    float part[V];
    memcpy(part, &v, sizeof(part));
    for (size_t i = 0; i < n && i < V; i++)
        sum[i] += part[i];
}

/* Rows whose partial sums are kept in f32 before they go into doubles. */
#ifndef FLUSH_ROWS
#define FLUSH_ROWS 64
#endif

/* vectors (a constant where it is called) times 16 channels, or fewer if n is short. */
INLINE void stats_block(const T *x, size_t rows, size_t c, const float *pivot,
                        double *sum, double *square, size_t vectors, size_t n)
{
    v16 at[4];
    for (size_t v = 0; v < vectors; v++)
        at[v] = load_fn(pivot + v * V, n);
    for (size_t r = 0; r < rows; r += FLUSH_ROWS) {
        v16 s[4] = {0}, q[4] = {0};
        const size_t end = r + FLUSH_ROWS < rows ? r + FLUSH_ROWS : rows;
        for (size_t i = r; i < end; i++)
            for (size_t v = 0; v < vectors; v++) {
                const v16 d = load_n(x + i * c + v * V, n) - at[v];
                s[v] += d;
                q[v] += d * d;
            }
        for (size_t v = 0; v < vectors; v++) {
            add_n(sum + v * V, s[v], n);
            add_n(square + v * V, q[v], n);
        }
    }
}

/* Runs block(channel, vectors, n) over c channels, four vectors at a time. */
#define EACH_BLOCK(c, call)                                                              \
    do {                                                                                 \
        size_t k = 0;                                                                    \
        for (; k + 4 * V <= (c); k += 4 * V)                                             \
            call(4, V);                                                                  \
        for (; k + V <= (c); k += V)                                                     \
            call(1, V);                                                                  \
        if (k < (c)) call(1, (c)-k);                                                     \
    } while (0)

static void stats(const void *x_, size_t rows, size_t c, const float *pivot, double *sum,
                  double *square)
{
    const T *x = x_;
    memset(sum, 0, c * sizeof(*sum));
    memset(square, 0, c * sizeof(*square));
#define CALL(vectors, n)                                                                 \
    stats_block(x + k, rows, c, pivot + k, sum + k, square + k, vectors, n)
    EACH_BLOCK(c, CALL);
#undef CALL
}

INLINE void column_block(const T *x, size_t rows, size_t c, double *sum, size_t vectors,
                         size_t n)
{
    for (size_t r = 0; r < rows; r += FLUSH_ROWS) {
        v16 s[4] = {0};
        const size_t end = r + FLUSH_ROWS < rows ? r + FLUSH_ROWS : rows;
        for (size_t i = r; i < end; i++)
            for (size_t v = 0; v < vectors; v++)
                s[v] += load_n(x + i * c + v * V, n);
        for (size_t v = 0; v < vectors; v++)
            add_n(sum + v * V, s[v], n);
    }
}

static void column_sums(const void *x_, size_t rows, size_t c, double *sum)
{
    const T *x = x_;
    memset(sum, 0, c * sizeof(*sum));
#define CALL(vectors, n) column_block(x + k, rows, c, sum + k, vectors, n)
    EACH_BLOCK(c, CALL);
#undef CALL
}

INLINE void affine_block(T *y, const T *x, const T *add, size_t rows, size_t c, size_t k,
                         const slc_affine *at, size_t vectors, size_t n)
{
    v16 a[4], b[4];
    const v16 lo = splat(at->lo), hi = splat(at->hi);
    for (size_t v = 0; v < vectors; v++) {
        a[v] = load_fn(at->a + k + v * V, n);
        b[v] = load_fn(at->b + k + v * V, n);
    }
    for (size_t i = k; i < rows * c; i += c)
        for (size_t v = 0; v < vectors; v++) {
            v16 t = load_n(x + i + v * V, n) * a[v] + b[v];
            if (add) t += load_n(add + i + v * V, n);
            store_n(y + i + v * V, vmin(vmax(t, lo), hi), n);
        }
}

static void affine(void *y, const void *x, const void *add, size_t rows, size_t c,
                   const slc_affine *at)
{
#define CALL(vectors, n) affine_block(y, x, add, rows, c, k, at, vectors, n)
    EACH_BLOCK(c, CALL);
#undef CALL
}

/* dy where the clamp let through, else 0. */
INLINE v16 gated(v16 dy, v16 y, const slc_affine *at)
{
    return (v16)((i16v)dy & (y > at->lo) & (y < at->hi));
}

INLINE void sums_block(const T *x, const T *dy, const T *y, size_t rows, size_t c,
                       size_t k, const slc_affine_back *at, double *sum, double *dot,
                       size_t vectors, size_t n)
{
    v16 a[4], b[4], m[4];
    for (size_t v = 0; v < vectors; v++) {
        a[v] = load_fn(at->forward.a + k + v * V, n);
        b[v] = load_fn(at->forward.b + k + v * V, n);
        m[v] = load_fn(at->mean + k + v * V, n);
    }
    for (size_t r = 0; r < rows; r += FLUSH_ROWS) {
        v16 s[4] = {0}, q[4] = {0};
        const size_t end = r + FLUSH_ROWS < rows ? r + FLUSH_ROWS : rows;
        for (size_t i = r * c + k; i < end * c; i += c)
            for (size_t v = 0; v < vectors; v++) {
                const v16 in = load_n(x + i + v * V, n);
                const v16 out = y ? load_n(y + i + v * V, n) : in * a[v] + b[v];
                const v16 g = gated(load_n(dy + i + v * V, n), out, &at->forward);
                s[v] += g;
                q[v] += g * (in - m[v]);
            }
        for (size_t v = 0; v < vectors; v++) {
            add_n(sum + k + v * V, s[v], n);
            add_n(dot + k + v * V, q[v], n);
        }
    }
}

static void affine_sums(const void *x, const void *dy, const void *y, size_t rows,
                        size_t c, const slc_affine_back *at, double *sum, double *dot)
{
    memset(sum, 0, c * sizeof(*sum));
    memset(dot, 0, c * sizeof(*dot));
#define CALL(vectors, n) sums_block(x, dy, y, rows, c, k, at, sum, dot, vectors, n)
    EACH_BLOCK(c, CALL);
#undef CALL
}

INLINE void put(T *p, bool add, v16 v, size_t n)
{
    if (add) v += load_n(p, n);
    store_n(p, v, n);
}

INLINE void back_block(T *dx, bool add_dx, T *dadd, bool add_dadd, const T *x,
                       const T *dy, const T *y, size_t rows, size_t c, size_t k,
                       const slc_affine_back *at, size_t vectors, size_t n)
{
    v16 a[4], b[4], m[4], p[4], q[4], r[4];
    for (size_t v = 0; v < vectors; v++) {
        a[v] = load_fn(at->forward.a + k + v * V, n);
        b[v] = load_fn(at->forward.b + k + v * V, n);
        m[v] = load_fn(at->mean + k + v * V, n);
        p[v] = load_fn(at->p + k + v * V, n);
        q[v] = load_fn(at->q + k + v * V, n);
        r[v] = load_fn(at->r + k + v * V, n);
    }
    for (size_t i = k; i < rows * c; i += c)
        for (size_t v = 0; v < vectors; v++) {
            const v16 in = load_n(x + i + v * V, n);
            const v16 out = y ? load_n(y + i + v * V, n) : in * a[v] + b[v];
            const v16 g = gated(load_n(dy + i + v * V, n), out, &at->forward);
            if (dadd) put(dadd + i + v * V, add_dadd, g, n);
            if (dx) put(dx + i + v * V, add_dx, p[v] * g + q[v] * (in - m[v]) + r[v], n);
        }
}

static void affine_back(void *dx, bool add_dx, void *dadd, bool add_dadd, const void *x,
                        const void *dy, const void *y, size_t rows, size_t c,
                        const slc_affine_back *at)
{
#define CALL(vectors, n)                                                                 \
    back_block(dx, add_dx, dadd, add_dadd, x, dy, y, rows, c, k, at, vectors, n)
    EACH_BLOCK(c, CALL);
#undef CALL
}

/* i walks over count numbers, n of them at a time. */
#define EACH_16(count)                                                                   \
    for (size_t i = 0, n = V; i < (count) && (n = (count)-i < V ? (count)-i : V); i += V)

INLINE void act_all(slc_act kind, float a, T *y, const T *x, size_t count)
{
    v16 slope;
    EACH_16(count) store_n(y + i, act_one(kind, a, load_n(x + i, n), &slope), n);
}

INLINE void act_back_all(slc_act kind, float a, T *dx, bool add, const T *x, const T *dy,
                         size_t count)
{
    EACH_16(count)
    {
        v16 slope;
        act_one(kind, a, load_n(x + i, n), &slope);
        put(dx + i, add, load_n(dy + i, n) * slope, n);
    }
}

/* A loop of its own for each kind, so that the switch leaves it. */
#define EACH_ACT(call)                                                                   \
    switch (kind) {                                                                      \
    case SLC_ACT_RELU: call(SLC_ACT_RELU); break;                                        \
    case SLC_ACT_LEAKY_RELU: call(SLC_ACT_LEAKY_RELU); break;                            \
    case SLC_ACT_ELU: call(SLC_ACT_ELU); break;                                          \
    case SLC_ACT_GELU: call(SLC_ACT_GELU); break;                                        \
    case SLC_ACT_SILU: call(SLC_ACT_SILU); break;                                        \
    case SLC_ACT_SIGMOID: call(SLC_ACT_SIGMOID); break;                                  \
    case SLC_ACT_TANH: call(SLC_ACT_TANH); break;                                        \
    case SLC_ACT_HARD_SWISH: call(SLC_ACT_HARD_SWISH); break;                            \
    case SLC_ACT_COUNT: break;                                                           \
    }

static void act(slc_act kind, float a, void *y, const void *x, size_t count)
{
#define CALL(which) act_all(which, a, y, x, count)
    EACH_ACT(CALL)
#undef CALL
}

static void act_back(slc_act kind, float a, void *dx, bool add, const void *x,
                     const void *dy, size_t count)
{
#define CALL(which) act_back_all(which, a, dx, add, x, dy, count)
    EACH_ACT(CALL)
#undef CALL
}

static void scale(void *y_, bool add, const void *x_, float by, size_t count)
{
    T *y = y_;
    const T *x = x_;
    EACH_16(count) put(y + i, add, load_n(x + i, n) * by, n);
}

static void sum(void *y_, const void *a_, const void *b_, size_t count)
{
    T *y = y_;
    const T *a = a_, *b = b_;
    EACH_16(count) store_n(y + i, load_n(a + i, n) + load_n(b + i, n), n);
}

static void drop(void *y_, bool add, const void *x_, size_t first, size_t count,
                 const slc_rng *rng, uint32_t least, float by)
{
    T *y = y_;
    const T *x = x_;
    uint32_t word[4], counter[4] = {0, rng->counter[1], rng->counter[2], rng->counter[3]};
    EACH_16(count)
    {
        float factor[V] = {0};
        for (size_t j = 0; j < n; j++) {
            if (j == 0 || ((first + i + j) & 3) == 0) {
                counter[0] = (uint32_t)((first + i + j) >> 2);
                slc_philox(counter, rng->key, word);
            }
            factor[j] = word[(first + i + j) & 3] < least ? 0 : by;
        }
        put(y + i, add, load_n(x + i, n) * load_f(factor), n);
    }
}

/* The part of window o (of a row or column of outputs) that lies inside: taps t0 to t1. */
INLINE void taps_inside(const slc_window *w, size_t o, size_t size, size_t *t0,
                        size_t *t1)
{
    const size_t start = o * w->stride;
    size_t lo = 0, hi = w->kernel;
    while (lo < hi && start + lo * w->dilation < w->padding)
        lo++;
    while (hi > lo && start + (hi - 1) * w->dilation >= size + w->padding)
        hi--;
    *t0 = lo, *t1 = hi;
}

INLINE size_t place(const slc_window *w, size_t oy, size_t ox, size_t u, size_t v)
{
    const size_t y = oy * w->stride + u * w->dilation - w->padding;
    const size_t x = ox * w->stride + v * w->dilation - w->padding;
    return (y * w->in.w + x) * w->in.c;
}

INLINE void max_one(T *y, uint8_t *index, const T *x, const slc_window *w, size_t oy,
                    size_t ox, size_t k, size_t n)
{
    size_t u0, u1, v0, v1;
    taps_inside(w, oy, w->in.h, &u0, &u1);
    taps_inside(w, ox, w->in.w, &v0, &v1);
    v16 best = load_n(x + place(w, oy, ox, u0, v0) + k, n);
    i16v where = (i16v){0} + (int32_t)(u0 * w->kernel + v0);
    for (size_t u = u0; u < u1; u++)
        for (size_t v = v0; v < v1; v++) {
            const v16 at = load_n(x + place(w, oy, ox, u, v) + k, n);
            const i16v more = at > best;
            best = pick(more, at, best);
            where = (more & (int32_t)(u * w->kernel + v)) | (~more & where);
        }
    const size_t out = (oy * w->out.w + ox) * w->out.c + k;
    store_n(y + out, best, n);
    if (!index) return;
    typedef uint8_t b16 __attribute__((vector_size(16)));
    const b16 small = __builtin_convertvector(where, b16);
    memcpy(index + out, &small, n);
}

static void max_pool(void *y, uint8_t *index, const void *x, const slc_window *w)
{
    const size_t c = w->in.c;
    for (size_t o = 0; o < w->out.h * w->out.w; o++) {
        size_t k = 0;
        for (; k + V <= c; k += V)
            max_one(y, index, x, w, o / w->out.w, o % w->out.w, k, V);
        if (k < c) max_one(y, index, x, w, o / w->out.w, o % w->out.w, k, c - k);
    }
}

/* Every input gathers from the windows that chose it: no clearing, no scattering. Window o
 * holds input i as its tap i + padding - o * stride, if that is 0 to kernel - 1. */
INLINE void windows_with(const slc_window *w, size_t i, size_t outs, size_t *o0,
                         size_t *o1)
{
    const size_t at = i + w->padding;
    *o0 = at < w->kernel ? 0 : (at - w->kernel) / w->stride + 1;
    *o1 = at / w->stride + 1 < outs ? at / w->stride + 1 : outs;
}

INLINE void max_back_one(T *dx, bool add, const uint8_t *index, const T *dy,
                         const slc_window *w, size_t y, size_t x, size_t k, size_t n)
{
    size_t r0, r1, c0, c1;
    v16 g = splat(0);
    windows_with(w, y, w->out.h, &r0, &r1);
    windows_with(w, x, w->out.w, &c0, &c1);
    for (size_t r = r0; r < r1; r++)
        for (size_t c = c0; c < c1; c++) {
            typedef uint8_t b16 __attribute__((vector_size(16)));
            const size_t tap = (y + w->padding - r * w->stride) * w->kernel +
                               (x + w->padding - c * w->stride);
            const size_t at = (r * w->out.w + c) * w->out.c + k;
            b16 chosen = {0};
            if (n >= V)
                memcpy(&chosen, index + at, V);
            else
                memcpy(&chosen, index + at, n);
            const i16v here = __builtin_convertvector(chosen, i16v) == (int32_t)tap;
            g += (v16)((i16v)load_n(dy + at, n) & here);
        }
    put(dx + (y * w->in.w + x) * w->in.c + k, add, g, n);
}

static void max_pool_back(void *dx, bool add, const uint8_t *index, const void *dy,
                          const slc_window *w)
{
    const size_t c = w->in.c;
    for (size_t i = 0; i < w->in.h * w->in.w; i++) {
        size_t k = 0;
        for (; k + V <= c; k += V)
            max_back_one(dx, add, index, dy, w, i / w->in.w, i % w->in.w, k, V);
        if (k < c)
            max_back_one(dx, add, index, dy, w, i / w->in.w, i % w->in.w, k, c - k);
    }
}

INLINE float share(const slc_window *w, size_t oy, size_t ox)
{
    size_t u0, u1, v0, v1;
    if (w->count_padding) return 1.0f / (float)(w->kernel * w->kernel);
    taps_inside(w, oy, w->in.h, &u0, &u1);
    taps_inside(w, ox, w->in.w, &v0, &v1);
    return 1.0f / (float)((u1 - u0) * (v1 - v0));
}

static void avg_pool(void *y_, const void *x_, const slc_window *w)
{
    T *y = y_;
    const T *x = x_;
    for (size_t o = 0; o < w->out.h * w->out.w; o++) {
        const size_t oy = o / w->out.w, ox = o % w->out.w;
        size_t u0, u1, v0, v1;
        taps_inside(w, oy, w->in.h, &u0, &u1);
        taps_inside(w, ox, w->in.w, &v0, &v1);
        const float part = share(w, oy, ox);
        for (size_t k = 0; k < w->in.c; k += V) {
            const size_t n = w->in.c - k < V ? w->in.c - k : V;
            v16 s = splat(0);
            for (size_t u = u0; u < u1; u++)
                for (size_t v = v0; v < v1; v++)
                    s += load_n(x + place(w, oy, ox, u, v) + k, n);
            store_n(y + o * w->out.c + k, s * part, n);
        }
    }
}

static void avg_pool_back(void *dx_, bool add, const void *dy_, const slc_window *w)
{
    T *dx = dx_;
    const T *dy = dy_;
    for (size_t i = 0; i < w->in.h * w->in.w; i++) {
        size_t r0, r1, c0, c1;
        windows_with(w, i / w->in.w, w->out.h, &r0, &r1);
        windows_with(w, i % w->in.w, w->out.w, &c0, &c1);
        for (size_t k = 0; k < w->in.c; k += V) {
            const size_t n = w->in.c - k < V ? w->in.c - k : V;
            v16 s = splat(0);
            for (size_t r = r0; r < r1; r++)
                for (size_t c = c0; c < c1; c++)
                    s += load_n(dy + (r * w->out.w + c) * w->out.c + k, n) *
                         share(w, r, c);
            put(dx + i * w->in.c + k, add, s, n);
        }
    }
}

static void depthwise(void *y_, const void *x_, const float *weight, const float *bias,
                      const slc_window *w)
{
    T *y = y_;
    const T *x = x_;
    const size_t c = w->in.c;
    for (size_t o = 0; o < w->out.h * w->out.w; o++) {
        const size_t oy = o / w->out.w, ox = o % w->out.w;
        size_t u0, u1, v0, v1;
        taps_inside(w, oy, w->in.h, &u0, &u1);
        taps_inside(w, ox, w->in.w, &v0, &v1);
        for (size_t k = 0; k < c; k += V) {
            const size_t n = c - k < V ? c - k : V;
            v16 s = bias ? load_fn(bias + k, n) : splat(0);
            for (size_t u = u0; u < u1; u++)
                for (size_t v = v0; v < v1; v++)
                    s += load_n(x + place(w, oy, ox, u, v) + k, n) *
                         load_fn(weight + (u * w->kernel + v) * c + k, n);
            store_n(y + o * c + k, s, n);
        }
    }
}

/* Input i gathers from the outputs it fed: output o through tap (i + padding - o stride) /
 * dilation, where that is a whole number. */
static void depthwise_data(void *dx_, const void *dy_, const float *weight,
                           const slc_window *w)
{
    T *dx = dx_;
    const T *dy = dy_;
    const size_t c = w->in.c, side = w->kernel;
    for (size_t i = 0; i < w->in.h * w->in.w; i++) {
        const size_t y = i / w->in.w + w->padding, x = i % w->in.w + w->padding;
        for (size_t k = 0; k < c; k += V) {
            const size_t n = c - k < V ? c - k : V;
            v16 s = splat(0);
            for (size_t t = 0; t < side * side; t++) {
                const size_t dv = t % side * w->dilation, du = t / side * w->dilation;
                if (y < du || x < dv || (y - du) % w->stride || (x - dv) % w->stride)
                    continue;
                const size_t oy = (y - du) / w->stride, ox = (x - dv) / w->stride;
                if (oy >= w->out.h || ox >= w->out.w) continue;
                s += load_n(dy + (oy * w->out.w + ox) * c + k, n) *
                     load_fn(weight + t * c + k, n);
            }
            store_n(dx + i * c + k, s, n);
        }
    }
}

static void depthwise_weights(float *dw, const void *x_, const void *dy_,
                              const slc_window *w)
{
    const T *x = x_, *dy = dy_;
    const size_t c = w->in.c, side = w->kernel;
    for (size_t t = 0; t < side * side; t++)
        for (size_t k = 0; k < c; k += V) {
            const size_t n = c - k < V ? c - k : V;
            v16 s = splat(0);
            for (size_t oy = 0; oy < w->out.h; oy++) {
                const size_t y = oy * w->stride + t / side * w->dilation;
                if (y < w->padding || y >= w->in.h + w->padding) continue;
                for (size_t ox = 0; ox < w->out.w; ox++) {
                    const size_t at = ox * w->stride + t % side * w->dilation;
                    if (at < w->padding || at >= w->in.w + w->padding) continue;
                    s += load_n(x + place(w, oy, ox, t / side, t % side) + k, n) *
                         load_n(dy + (oy * w->out.w + ox) * c + k, n);
                }
            }
            float part[V];
            memcpy(part, &s, sizeof(part));
            for (size_t j = 0; j < n; j++)
                dw[t * c + k + j] += part[j];
        }
}

static void to_f32(float *y, const void *x_, size_t count)
{
    const T *x = x_;
    size_t i = 0;
    for (; i + V <= count; i += V)
        *(v16_any *)(y + i) = load(x + i);
    for (; i < count; i++) {
        const v16 one = load_n(x + i, 1);
        y[i] = one[0];
    }
}

static void from_f32(void *y_, bool add, const float *x, size_t count)
{
    T *y = y_;
    EACH_16(count) put(y + i, add, load_fn(x + i, n), n);
}

const slc_kernels TABLE = {
    .stats = stats,
    .affine = affine,
    .affine_sums = affine_sums,
    .affine_back = affine_back,
    .column_sums = column_sums,
    .act = act,
    .act_back = act_back,
    .scale = scale,
    .sum = sum,
    .drop = drop,
    .max_pool = max_pool,
    .max_pool_back = max_pool_back,
    .avg_pool = avg_pool,
    .avg_pool_back = avg_pool_back,
    .depthwise = depthwise,
    .depthwise_data = depthwise_data,
    .depthwise_weights = depthwise_weights,
    .to_f32 = to_f32,
    .from_f32 = from_f32,
};
