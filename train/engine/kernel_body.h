/* The kernels, for one type and one instruction set. Define before including:
 *   T            uint16_t (bf16) or float
 *   IS_BF16      1 or 0
 *   TABLE        name of the table to define
 * Tails shorter than a vector go through a padded copy. */
#include "train/engine/kernel_vec.h"

INLINE vecf load(const T *p)
{
#if IS_BF16
    const vecu wide = __builtin_convertvector(*(const vech_any *)p, vecu) << 16;
    return (vecf)wide;
#else
    return *(const vecf_any *)p;
#endif
}

INLINE void store(T *p, vecf v)
{
#if IS_BF16
    const vecu u = (vecu)v;
    *(vech_any *)p = __builtin_convertvector((u + 0x7fff + ((u >> 16) & 1)) >> 16, vech);
#else
    *(vecf_any *)p = v;
#endif
}

/* Up to V numbers; the missing ones are 0. */
INLINE vecf load_n(const T *p, size_t n)
{
    T part[V] = {0};
    if (n >= V) return load(p);
    memcpy(part, p, n * sizeof(T));
    return load(part);
}

INLINE void store_n(T *p, vecf v, size_t n)
{
    T part[V];
    if (n >= V) {
        store(p, v);
        return;
    }
    store(part, v);
    memcpy(p, part, n * sizeof(T));
}

INLINE vecf load_fn(const float *p, size_t n)
{
    float part[V] = {0};
    if (n >= V) return load_f(p);
    memcpy(part, p, n * sizeof(float));
    return load_f(part);
}

INLINE void add_n(double *sum, vecf v, size_t n)
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

/* vectors (a constant where it is called) times V channels, or fewer if n is short. */
INLINE void stats_block(const T *x, size_t rows, size_t c, const float *pivot,
                        double *sum, double *square, size_t vectors, size_t n)
{
    vecf at[4];
    for (size_t v = 0; v < vectors; v++)
        at[v] = load_fn(pivot + v * V, n);
    for (size_t r = 0; r < rows; r += FLUSH_ROWS) {
        vecf s[4] = {0}, q[4] = {0};
        const size_t end = r + FLUSH_ROWS < rows ? r + FLUSH_ROWS : rows;
        for (size_t i = r; i < end; i++)
            for (size_t v = 0; v < vectors; v++) {
                const vecf d = load_n(x + i * c + v * V, n) - at[v];
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
        vecf s[4] = {0};
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
    vecf a[4], b[4];
    const vecf lo = splat(at->lo), hi = splat(at->hi);
    for (size_t v = 0; v < vectors; v++) {
        a[v] = load_fn(at->a + k + v * V, n);
        b[v] = load_fn(at->b + k + v * V, n);
    }
    for (size_t i = k; i < rows * c; i += c)
        for (size_t v = 0; v < vectors; v++) {
            vecf t = load_n(x + i + v * V, n) * a[v] + b[v];
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
INLINE vecf gated(vecf dy, vecf y, const slc_affine *at)
{
    return (vecf)((veci)dy & (y > at->lo) & (y < at->hi));
}

INLINE void sums_block(const T *x, const T *dy, const T *y, size_t rows, size_t c,
                       size_t k, const slc_affine_back *at, double *sum, double *dot,
                       size_t vectors, size_t n)
{
    vecf a[4], b[4], m[4];
    for (size_t v = 0; v < vectors; v++) {
        a[v] = load_fn(at->forward.a + k + v * V, n);
        b[v] = load_fn(at->forward.b + k + v * V, n);
        m[v] = load_fn(at->mean + k + v * V, n);
    }
    for (size_t r = 0; r < rows; r += FLUSH_ROWS) {
        vecf s[4] = {0}, q[4] = {0};
        const size_t end = r + FLUSH_ROWS < rows ? r + FLUSH_ROWS : rows;
        for (size_t i = r * c + k; i < end * c; i += c)
            for (size_t v = 0; v < vectors; v++) {
                const vecf in = load_n(x + i + v * V, n);
                const vecf out = y ? load_n(y + i + v * V, n) : in * a[v] + b[v];
                const vecf g = gated(load_n(dy + i + v * V, n), out, &at->forward);
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

INLINE void put(T *p, bool add, vecf v, size_t n)
{
    if (add) v += load_n(p, n);
    store_n(p, v, n);
}

INLINE void back_block(T *dx, bool add_dx, T *dadd, bool add_dadd, const T *x,
                       const T *dy, const T *y, size_t rows, size_t c, size_t k,
                       const slc_affine_back *at, size_t vectors, size_t n)
{
    vecf a[4], b[4], m[4], p[4], q[4], r[4];
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
            const vecf in = load_n(x + i + v * V, n);
            const vecf out = y ? load_n(y + i + v * V, n) : in * a[v] + b[v];
            const vecf g = gated(load_n(dy + i + v * V, n), out, &at->forward);
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
#define EACH_V(count)                                                                    \
    for (size_t i = 0, n = V; i < (count) && (n = (count)-i < V ? (count)-i : V); i += V)

INLINE void act_all(slc_act kind, float a, T *y, const T *x, size_t count)
{
    vecf slope;
    EACH_V(count) store_n(y + i, act_one(kind, a, load_n(x + i, n), &slope), n);
}

INLINE void act_back_all(slc_act kind, float a, T *dx, bool add, const T *x, const T *dy,
                         size_t count)
{
    EACH_V(count)
    {
        vecf slope;
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
    EACH_V(count) put(y + i, add, load_n(x + i, n) * by, n);
}

static void sum(void *y_, const void *a_, const void *b_, size_t count)
{
    T *y = y_;
    const T *a = a_, *b = b_;
    EACH_V(count) store_n(y + i, load_n(a + i, n) + load_n(b + i, n), n);
}

static void drop(void *y_, bool add, const void *x_, size_t first, size_t count,
                 const slc_rng *rng, uint32_t least, float by)
{
    T *y = y_;
    const T *x = x_;
    uint32_t word[4], counter[4] = {0, rng->counter[1], rng->counter[2], rng->counter[3]};
    EACH_V(count)
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

#include "train/engine/kernel_window.h"
#if !IS_BF16
#include "train/engine/kernel_winograd.h"
#endif

static void to_f32(float *y, const void *x_, size_t count)
{
    const T *x = x_;
    size_t i = 0;
    for (; i + V <= count; i += V)
        *(vecf_any *)(y + i) = load(x + i);
    for (; i < count; i++) {
        const vecf one = load_n(x + i, 1);
        y[i] = one[0];
    }
}

static void from_f32(void *y_, bool add, const float *x, size_t count)
{
    T *y = y_;
    EACH_V(count) put(y + i, add, load_fn(x + i, n), n);
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
#if !IS_BF16
    .winograd_in = winograd_in,
    .winograd_spread = winograd_spread,
    .winograd_out = winograd_out,
    .winograd_weights = winograd_weights,
    .winograd_gather = winograd_gather,
    .panel = PANEL,
    .winograd_product = winograd_product,
    .winograd_learn = winograd_learn,
#endif
    .to_f32 = to_f32,
    .from_f32 = from_f32,
};
