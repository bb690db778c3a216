/* The kernels, for one type and one instruction set. Define before including:
 *   T            uint16_t (bf16) or float
 *   IS_BF16      1 or 0
 *   TABLE        name of the table to define
 * Tails shorter than a vector go through a padded copy. */
#include "train/engine/kernel_vec.h"

INLINE vecf load(const T *p)
{
#if IS_BF16
    return (vecf)(widen_h(*(const vech_any *)p) << 16);
#else
    return *(const vecf_any *)p;
#endif
}

INLINE void store(T *p, vecf v)
{
#if IS_BF16
    const vecu u = (vecu)v;
    *(vech_any *)p = narrow_h((u + 0x7fff + ((u >> 16) & 1)) >> 16);
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

/* The same, of what is read from end to end: what lies a page ahead is asked for, which the
 * processor by itself does not dare (from a shared cache twice as fast, Emerald Rapids). */
INLINE vecf stream_n(const T *p, size_t n)
{
    __builtin_prefetch((const char *)p + 4096);
    return load_n(p, n);
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

INLINE void put(T *p, bool add, vecf v, size_t n)
{
    if (add) v += load_n(p, n);
    store_n(p, v, n);
}

/* A kernel's work on rows i to i + rows, channels k to k + n; rows is a constant where it is
 * called, and n is V but for the last channels. */
typedef void row_step(void *job, size_t i, size_t rows, size_t k, size_t n);

INLINE void over_channels(row_step *f, void *job, size_t i, size_t rows, size_t k,
                          size_t end)
{
    for (; k + V <= end; k += V)
        f(job, i, rows, k, V);
    if (k < end) f(job, i, rows, k, end - k);
}

/* Row by row: memory is read as it lies. Short rows are taken TOGETHER, so that what belongs
 * to a channel is loaded once for them. */
enum { TOGETHER = 4, SHORT = 64 };

INLINE void over_rows(row_step *f, void *job, size_t i, size_t to, size_t k, size_t end)
{
    for (; end - k <= SHORT && i + TOGETHER <= to; i += TOGETHER)
        over_channels(f, job, i, TOGETHER, k, end);
    for (; i < to; i++)
        over_channels(f, job, i, 1, k, end);
}

/* Sums are made in f32 over FLUSH_ROWS rows, for STRIP channels at a time, and go into
 * doubles from there. */
#ifndef FLUSH_ROWS
#define FLUSH_ROWS 64
#endif
enum { STRIP = 1024 };

/* Two sums for each channel from start on. */
typedef struct strip {
    vecf first[STRIP / V], second[STRIP / V];
    size_t start;
} strip;

INLINE vecf *first_of(strip *s, size_t k)
{
    return s->first + (k - s->start) / V;
}

INLINE vecf *second_of(strip *s, size_t k)
{
    return s->second + (k - s->start) / V;
}

/* Runs f, which adds to s; second may be NULL. */
INLINE void over_strips(row_step *f, void *job, strip *s, size_t rows, size_t c,
                        double *first, double *second)
{
    memset(first, 0, c * sizeof(*first));
    if (second) memset(second, 0, c * sizeof(*second));
    for (size_t k = 0; k < c; k += STRIP)
        for (size_t r = 0; r < rows; r += FLUSH_ROWS) {
            const size_t n = c - k < STRIP ? c - k : STRIP;
            s->start = k;
            memset(s->first, 0, (n + V - 1) / V * sizeof(vecf));
            if (second) memset(s->second, 0, (n + V - 1) / V * sizeof(vecf));
            over_rows(f, job, r, r + FLUSH_ROWS < rows ? r + FLUSH_ROWS : rows, k, k + n);
            for (size_t j = 0; j < n; j++)
                first[k + j] += s->first[j / V][j % V];
            for (size_t j = 0; second && j < n; j++)
                second[k + j] += s->second[j / V][j % V];
        }
}

typedef struct stats_job {
    const T *x;
    size_t c;
    const float *pivot;
    strip *sums;
} stats_job;

INLINE void stats_step(void *job, size_t i, size_t rows, size_t k, size_t n)
{
    const stats_job *j = job;
    const vecf pivot = load_fn(j->pivot + k, n);
    vecf *sum = first_of(j->sums, k), *square = second_of(j->sums, k);
    vecf s = *sum, q = *square;
    UNROLL(4)
    for (size_t r = 0; r < rows; r++) {
        const vecf d = stream_n(j->x + (i + r) * j->c + k, n) - pivot;
        s += d;
        q += d * d;
    }
    *sum = s, *square = q;
}

static void stats(const void *x, size_t rows, size_t c, const float *pivot, double *sum,
                  double *square)
{
    strip sums;
    stats_job job = {x, c, pivot, &sums};
    over_strips(stats_step, &job, &sums, rows, c, sum, square);
}

typedef struct column_job {
    const T *x;
    size_t c;
    strip *sums;
} column_job;

INLINE void column_step(void *job, size_t i, size_t rows, size_t k, size_t n)
{
    const column_job *j = job;
    vecf *sum = first_of(j->sums, k), s = *sum;
    UNROLL(4)
    for (size_t r = 0; r < rows; r++)
        s += stream_n(j->x + (i + r) * j->c + k, n);
    *sum = s;
}

static void column_sums(const void *x, size_t rows, size_t c, double *sum)
{
    strip sums;
    column_job job = {x, c, &sums};
    over_strips(column_step, &job, &sums, rows, c, sum, NULL);
}

typedef struct affine_job {
    T *y;
    const T *x, *add;
    size_t c;
    slc_affine f;
} affine_job;

INLINE void affine_step(void *job, size_t i, size_t rows, size_t k, size_t n)
{
    const affine_job *j = job;
    const vecf a = load_fn(j->f.a + k, n), b = load_fn(j->f.b + k, n);
    const vecf lo = splat(j->f.lo), hi = splat(j->f.hi);
    UNROLL(4)
    for (size_t r = 0; r < rows; r++) {
        const size_t at = (i + r) * j->c + k;
        vecf t = stream_n(j->x + at, n) * a + b;
        if (j->add) t += stream_n(j->add + at, n);
        store_n(j->y + at, vmin(vmax(t, lo), hi), n);
    }
}

static void affine(void *y, const void *x, const void *add, size_t rows, size_t c,
                   const slc_affine *at)
{
    affine_job job = {y, x, add, c, *at};
    over_rows(affine_step, &job, 0, rows, 0, c);
}

/* dy where the clamp let through, else 0. */
INLINE vecf gated(vecf dy, vecf y, float lo, float hi)
{
    return (vecf)((veci)dy & (y > lo) & (y < hi));
}

typedef struct back_job {
    const T *x, *dy, *y;
    T *dx, *dadd;
    bool add_dx, add_dadd;
    size_t c;
    slc_affine_back f;
    strip *sums;
} back_job;

/* The gradient before the clamp, at one place. */
INLINE vecf back_gate(const back_job *j, size_t at, vecf x, vecf a, vecf b, size_t n)
{
    const vecf dy = stream_n(j->dy + at, n);
    if (j->f.open) return dy;
    const vecf y = j->y ? stream_n(j->y + at, n) : x * a + b;
    return gated(dy, y, j->f.forward.lo, j->f.forward.hi);
}

INLINE void sums_step(void *job, size_t i, size_t rows, size_t k, size_t n)
{
    const back_job *j = job;
    const vecf a = load_fn(j->f.forward.a + k, n), b = load_fn(j->f.forward.b + k, n);
    const vecf mean = load_fn(j->f.mean + k, n);
    vecf *s = first_of(j->sums, k), *q = second_of(j->sums, k);
    vecf sum = *s, dot = *q;
    UNROLL(4)
    for (size_t r = 0; r < rows; r++) {
        const size_t at = (i + r) * j->c + k;
        const vecf x = stream_n(j->x + at, n), g = back_gate(j, at, x, a, b, n);
        if (j->dadd) store_n(j->dadd + at, g, n);
        sum += g;
        dot += g * (x - mean);
    }
    *s = sum, *q = dot;
}

static void affine_sums(void *g, const void *x, const void *dy, const void *y,
                        size_t rows, size_t c, const slc_affine_back *at, double *sum,
                        double *dot)
{
    strip sums;
    back_job job = {.x = x, .dy = dy, .y = y, .dadd = g, .c = c, .f = *at, .sums = &sums};
    over_strips(sums_step, &job, &sums, rows, c, sum, dot);
}

INLINE void back_step(void *job, size_t i, size_t rows, size_t k, size_t n)
{
    const back_job *j = job;
    const slc_affine_back *f = &j->f;
    const vecf a = load_fn(f->forward.a + k, n), b = load_fn(f->forward.b + k, n);
    const vecf mean = load_fn(f->mean + k, n), p = load_fn(f->p + k, n);
    const vecf q = load_fn(f->q + k, n), s = load_fn(f->r + k, n);
    UNROLL(4)
    for (size_t r = 0; r < rows; r++) {
        const size_t at = (i + r) * j->c + k;
        const vecf x = stream_n(j->x + at, n), g = back_gate(j, at, x, a, b, n);
        if (j->dx) put(j->dx + at, j->add_dx, p * g + q * (x - mean) + s, n);
        if (j->dadd) put(j->dadd + at, j->add_dadd, g, n);
    }
}

static void affine_back(void *dx, bool add_dx, void *dadd, bool add_dadd, const void *x,
                        const void *dy, const void *y, size_t rows, size_t c,
                        const slc_affine_back *at)
{
    back_job job = {x, dy, y, dx, dadd, add_dx, add_dadd, c, *at, NULL};
    over_rows(back_step, &job, 0, rows, 0, c);
}

/* i walks over count numbers, n of them at a time. */
#define EACH_V(count)                                                                    \
    for (size_t i = 0, n = V; i < (count) && (n = (count)-i < V ? (count)-i : V); i += V)

INLINE void act_all(slc_act kind, float a, T *y, const T *x, size_t count)
{
    vecf slope;
    size_t i = 0;
    UNROLL(2)
    for (; i + V <= count; i += V)
        store_n(y + i, act_one(kind, a, stream_n(x + i, V), &slope), V);
    if (i < count)
        store_n(y + i, act_one(kind, a, load_n(x + i, count - i), &slope), count - i);
}

INLINE void act_back_all(slc_act kind, float a, T *dx, bool add, const T *x, const T *dy,
                         size_t count)
{
    vecf slope;
    size_t i = 0;
    UNROLL(2)
    for (; i + V <= count; i += V) {
        act_one(kind, a, stream_n(x + i, V), &slope);
        put(dx + i, add, stream_n(dy + i, V) * slope, V);
    }
    if (i < count) {
        act_one(kind, a, load_n(x + i, count - i), &slope);
        put(dx + i, add, load_n(dy + i, count - i) * slope, count - i);
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

#include "train/engine/kernel_pixels.h"
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
    .pixel_product = pixel_product,
    .pixel_pack = pixel_pack,
    .pixel_learn = pixel_learn,
#endif
    .to_f32 = to_f32,
    .from_f32 = from_f32,
};
