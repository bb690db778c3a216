/* Products of pixels, wherever they lie, with weights in panels: part of kernel_body.h, and
 * included by it after kernel_winograd.h, whose products these resemble. */

/* Inputs whose products are summed before the sum goes to memory: with them a panel is 16 KB,
 * half of a first-level cache. */
enum { DEPTH = 16 * 1024 / sizeof(float) / PANEL };

/* y (+)= the sums of rows pixels x, from input k on, with a panel u of as many inputs. */
INLINE void pixel_rows(float *const *y, size_t at, bool add, const float *const *x,
                       size_t k, size_t depth, const float *u, size_t rows, size_t left,
                       size_t right)
{
    vecf sum[ROWS][2] = {0};
    const float *from[ROWS];
    UNROLL(12)
    for (size_t r = 0; r < rows; r++)
        from[r] = x[r] + k;
    for (size_t c = 0; c < depth; c++, u += PANEL) {
        const vecf a = load_f(u), b = load_f(u + V);
        UNROLL(12)
        for (size_t r = 0; r < rows; r++) {
            const vecf in = splat(from[r][c]);
            sum[r][0] = vfma(in, a, sum[r][0]);
            sum[r][1] = vfma(in, b, sum[r][1]);
        }
    }
    UNROLL(12)
    for (size_t r = 0; r < rows; r++) {
        float *to = y[r] + at;
        tile_store(to, add ? tile_load(to, left) + sum[r][0] : sum[r][0], left);
        if (!right) continue;
        tile_store(to + V, add ? tile_load(to + V, right) + sum[r][1] : sum[r][1], right);
    }
}

/* Asks for numbers k to k + depth of up to ROWS pixels, which come next. */
INLINE void pixel_fetch(const float *const *x, size_t rows, size_t k, size_t depth)
{
    enum { LINE = 64 / sizeof(float) };
    for (size_t r = 0; r < rows && r < ROWS; r++)
        for (size_t c = 0; c < depth; c += LINE)
            __builtin_prefetch(x[r] + k + c);
}

static void pixel_product(float *const *y, bool add, const float *const *x, size_t rows,
                          size_t in, const float *u, size_t out)
{
    for (size_t k = 0; k < in; k += DEPTH, add = true) {
        const size_t depth = in - k < DEPTH ? in - k : DEPTH;
        for (size_t j = 0; j < out; j += PANEL) {
            const float *panel = u + j * in + k * PANEL;
            const size_t left = out - j < V ? out - j : V;
            const size_t right = out - j < V ? 0 : out - j < PANEL ? out - j - V : V;
#define CALL(i, n)                                                                       \
    do {                                                                                 \
        if (j == 0) pixel_fetch(x + (i) + (n), rows - (i) - (n), k, depth);              \
        if (right == V)                                                                  \
            pixel_rows(y + (i), j, add, x + (i), k, depth, panel, n, V, V);              \
        else                                                                             \
            pixel_rows(y + (i), j, add, x + (i), k, depth, panel, n, left, right);       \
    } while (0)
            EACH_ROWS(rows, CALL);
#undef CALL
        }
    }
}

/* Pixels into panels: to is [c / PANEL][room][PANEL]. */
static void pixel_pack(float *to, const float *const *x, size_t rows, size_t c,
                       size_t room)
{
    enum { AHEAD = 8 }; /* pixels */
    for (size_t i = 0; i < rows; i++, to += PANEL) {
        const float *const next = x[i + AHEAD < rows ? i + AHEAD : i];
        size_t k = 0;
        for (; k + V <= c; k += V) {
            __builtin_prefetch(next + k);
            *(vecf_any *)(to + k / PANEL * PANEL * room + k % PANEL) = load_f(x[i] + k);
        }
        if (k < c)
            memcpy(to + k / PANEL * PANEL * room + k % PANEL, x[i] + k,
                   (c - k) * sizeof(float));
    }
}

static void pixel_learn(float *to, bool add, const float *m, const float *v, size_t rows,
                        size_t out, size_t room)
{
    for (size_t r = 0; r < rows; r += DEPTH)
        learn_panel(to, add || r > 0, m + r * PANEL, v + r * PANEL,
                    rows - r < DEPTH ? rows - r : DEPTH, DEPTH, out, room);
}
