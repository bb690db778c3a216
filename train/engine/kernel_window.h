/* Kernels with a sliding window: part of kernel_body.h, and included by it alone. */

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
    vecf best = load_n(x + place(w, oy, ox, u0, v0) + k, n);
    veci where = (veci){0} + (int32_t)(u0 * w->kernel + v0);
    for (size_t u = u0; u < u1; u++)
        for (size_t v = v0; v < v1; v++) {
            const vecf at = load_n(x + place(w, oy, ox, u, v) + k, n);
            const veci more = at > best;
            best = pick(more, at, best);
            where = (more & (int32_t)(u * w->kernel + v)) | (~more & where);
        }
    const size_t out = (oy * w->out.w + ox) * w->out.c + k;
    store_n(y + out, best, n);
    if (!index) return;
    const vecb small = narrow_b(where);
    memcpy(index + out, &small, n);
}

/* Windows that tile the picture, as most do: no pixel is in two of them. */
INLINE bool tiling(const slc_window *w, size_t kernel)
{
    return w->kernel == kernel && w->stride == kernel && !w->padding && w->dilation == 1;
}

/* Runs call(out, in, k, n) for every window, its first pixel and n channels from k on. */
#define EACH_WINDOW(w, call)                                                             \
    for (size_t o = 0; o < (w)->out.h * (w)->out.w; o++) {                               \
        const size_t c = (w)->in.c;                                                      \
        const size_t to = o * c, from = place(w, o / (w)->out.w, o % (w)->out.w, 0, 0);  \
        size_t k = 0;                                                                    \
        for (; k + V <= c; k += V)                                                       \
            call(to + k, from + k, V);                                                   \
        if (k < c) call(to + k, from + k, c - k);                                        \
    }

/* Windows of 2 x 2 pixels that tile the picture. */
INLINE void max_two(T *y, uint8_t *index, const T *x, size_t row, size_t c, size_t n)
{
    const vecf at[4] = {load_n(x, n), load_n(x + c, n), load_n(x + row, n),
                        load_n(x + row + c, n)};
    vecf best = at[0];
    veci where = {0};
    for (int32_t i = 1; i < 4; i++) {
        const veci more = at[i] > best;
        best = pick(more, at[i], best);
        where = (more & i) | (~more & where);
    }
    store_n(y, best, n);
    if (!index) return;
    const vecb small = narrow_b(where);
    memcpy(index, &small, n);
}

static void max_pool_two(T *y, uint8_t *index, const T *x, const slc_window *w)
{
    const size_t row = w->in.w * w->in.c;
#define CALL(to, from, n)                                                                \
    max_two(y + (to), index ? index + (to) : NULL, x + (from), row, c, n)
    EACH_WINDOW(w, CALL)
#undef CALL
}

static void max_pool(void *y, uint8_t *index, const void *x, const slc_window *w)
{
    const size_t c = w->in.c;
    if (tiling(w, 2)) {
        max_pool_two(y, index, x, w);
        return;
    }
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
                         const slc_window *w, size_t y, size_t x, const size_t rows[2],
                         const size_t columns[2], size_t k, size_t n)
{
    vecf g = splat(0);
    for (size_t r = rows[0]; r < rows[1]; r++)
        for (size_t c = columns[0]; c < columns[1]; c++) {
            const size_t tap = (y + w->padding - r * w->stride) * w->kernel +
                               (x + w->padding - c * w->stride);
            const size_t at = (r * w->out.w + c) * w->out.c + k;
            vecb chosen = {0};
            if (n >= V)
                memcpy(&chosen, index + at, V);
            else
                memcpy(&chosen, index + at, n);
            const veci here = widen_b(chosen) == (int32_t)tap;
            g += (vecf)((veci)load_n(dy + at, n) & here);
        }
    put(dx + (y * w->in.w + x) * w->in.c + k, add, g, n);
}

INLINE void max_two_back(T *dx, bool add, const uint8_t *index, const T *dy, size_t row,
                         size_t c, size_t n)
{
    const vecf g = load_n(dy, n);
    vecb chosen = {0};
    memcpy(&chosen, index, n);
    const veci where = widen_b(chosen);
    for (int32_t i = 0; i < 4; i++)
        put(dx + (i / 2) * row + (i % 2) * c, add, (vecf)((veci)g & (where == i)), n);
}

/* Pixels past the last window get nothing. */
static void max_pool_two_back(T *dx, bool add, const uint8_t *index, const T *dy,
                              const slc_window *w)
{
    const size_t row = w->in.w * w->in.c, wide = 2 * w->out.w * w->in.c;
    for (size_t y = 0; !add && y < w->in.h; y++) {
        const size_t seen = y < 2 * w->out.h ? wide : 0;
        memset(dx + y * row + seen, 0, (row - seen) * sizeof(T));
    }
#define CALL(to, from, n)                                                                \
    max_two_back(dx + (from), add, index + (to), dy + (to), row, c, n)
    EACH_WINDOW(w, CALL)
#undef CALL
}

static void max_pool_back(void *dx, bool add, const uint8_t *index, const void *dy,
                          const slc_window *w)
{
    const size_t c = w->in.c;
    if (tiling(w, 2)) {
        max_pool_two_back(dx, add, index, dy, w);
        return;
    }
    for (size_t y = 0; y < w->in.h; y++) {
        size_t rows[2], columns[2];
        windows_with(w, y, w->out.h, &rows[0], &rows[1]);
        for (size_t x = 0; x < w->in.w; x++) {
            size_t k = 0;
            windows_with(w, x, w->out.w, &columns[0], &columns[1]);
            for (; k + V <= c; k += V)
                max_back_one(dx, add, index, dy, w, y, x, rows, columns, k, V);
            if (k < c) max_back_one(dx, add, index, dy, w, y, x, rows, columns, k, c - k);
        }
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
            vecf s = splat(0);
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
            vecf s = splat(0);
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
            vecf s = bias ? load_fn(bias + k, n) : splat(0);
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
            vecf s = splat(0);
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
            vecf s = splat(0);
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
