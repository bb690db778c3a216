/* Muon: momentum made orthogonal, so that every direction of a weight matrix learns at the same
 * pace. The iteration is run on the matrix times its transpose: products of the smaller side
 * only, but for the first and the last. */
#include "train/optim.h"

#include <math.h>
#include <string.h>

#include "train/gemm.h"

typedef struct settings {
    slc_optim_common common;
    double momentum, plain_momentum;
    int64_t steps;
    int adjust;
    bool nesterov, normalize;
} settings;

enum { ADJUST_NONE, ADJUST_ORIGINAL, ADJUST_RMS };
static const char *const adjusts[] = {"none", "original", "match_rms_adamw", NULL};

static const slc_param params[] = {
    {"lr", SLC_FIELD(settings, common.lr), .lo = 0, .hi = 1e6, .initial = "0.02",
     .help = "base learning rate"},
    {"weight_decay", SLC_FIELD(settings, common.weight_decay), .lo = 0, .hi = 1e3,
     .initial = "0", .help = "matrices shrink by lr * weight_decay; as sgd's elsewhere"},
    {"momentum", SLC_FIELD(settings, momentum), .lo = 0, .hi = 0.999999,
     .initial = "0.95", .help = "share of the old buffer that is kept, matrices"},
    {"plain_momentum", SLC_FIELD(settings, plain_momentum), .lo = 0, .hi = 0.999999,
     .initial = "0.9", .help = "the same for all that is moved as by sgd"},
    {"nesterov", SLC_FIELD(settings, nesterov), .initial = "true",
     .help = "look ahead along the buffer"},
    {"steps", SLC_FIELD(settings, steps), .lo = 1, .hi = 6, .initial = "5",
     .help = "Newton-Schulz iterations; more than 6 would blow rounding up"},
    {"adjust", SLC_FIELD(settings, adjust), .choices = adjusts, .initial = "original",
     .help = "rate by shape, rows a columns b: none; original, sqrt(max(1, a / b)); "
             "match_rms_adamw, 0.2 sqrt(max(a, b))"},
    {"normalize", SLC_FIELD(settings, normalize), .initial = "false",
     .help = "bring matrices to length sqrt(rows) first (for weights before batch norm)"},
    {0}};

/* Single-threaded: the stepper shares tensors out. */
static void multiply(float *to, const float *a, const float *b, size_t side)
{
    slc_gemm(false, false, side, side, side, a, side, b, side, 0, to, side);
}

static size_t shorter(size_t rows, size_t columns)
{
    return rows < columns ? rows : columns;
}

/* Four matrices of the shorter side, and the direction: 24 MB a thread for ResNet-50, 680 MB for
 * VGG-16's first linear layer. */
static size_t scratch(size_t rows, size_t n)
{
    const size_t side = shorter(rows, n / rows);
    return 4 * side * side + n;
}

static double length(const float *v, size_t n)
{
    double lane[8] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        lane[i % 8] += (double)v[i] * (double)v[i];
    for (size_t k = 0; k < 8; k++)
        sum += lane[k];
    return sqrt(sum);
}

/* One number of the buffer moves on; the direction. */
static float blend(float *b, float g, float mu, bool nesterov)
{
    *b = mu * *b + g;
    return nesterov ? g + mu * *b : *b;
}

/* What makes d orthogonal when it is multiplied by it from its shorter side; d has length 1.
 * x' = (a + b x x^T + c (x x^T)^2) x, three constants of Jordan's. Gram matrices and all that
 * grows from them are symmetric and commute. Each is made from the one before it, and what rounding
 * leaves there of directions that d has not, 1e-8, grows by 12 a time: steps are few. */
static float *orthogonal(const float *d, size_t rows, size_t columns, size_t steps,
                         float *room)
{
    static const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    const size_t side = shorter(rows, columns), size = side * side;
    const bool wide = rows <= columns;
    float *gram = room, *turn = gram + size, *all = turn + size, *free = all + size;
    slc_gemm(!wide, wide, side, side, wide ? columns : rows, d, columns, d, columns, 0,
             gram, side);
    for (size_t t = 0; t < steps; t++) {
        multiply(turn, gram, gram, side);
        for (size_t i = 0; i < size; i++)
            turn[i] = b * gram[i] + c * turn[i];
        for (size_t i = 0; i < side; i++)
            turn[i * side + i] += a;
        if (t == 0) {
            memcpy(all, turn, size * sizeof(*all));
        } else {
            multiply(free, turn, all, side);
            float *const was = all;
            all = free, free = was;
        }
        if (t + 1 == steps) break;
        multiply(free, turn, gram, side);
        multiply(gram, free, turn, side);
    }
    return all;
}

static double adjusted(const settings *s, size_t rows, size_t columns)
{
    const double a = (double)rows, b = (double)columns;
    if (s->adjust == ADJUST_ORIGINAL) return sqrt(fmax(1, a / b));
    return s->adjust == ADJUST_RMS ? 0.2 * sqrt(fmax(a, b)) : 1;
}

static void run_matrix(const settings *s, const slc_step *at, size_t n, float *restrict w,
                       const float *restrict g, float *buffer)
{
    const size_t rows = at->rows, columns = n / rows, side = shorter(rows, columns);
    float *const d = at->scratch, *const room = d + n;
    const double mu = at->momentum >= 0 ? at->momentum : s->momentum;
    for (size_t i = 0; i < n; i++)
        d[i] = blend(&buffer[i], g[i], (float)mu, s->nesterov);
    const float by = (float)(1 / (length(d, n) + 1e-7));
    for (size_t i = 0; i < n; i++)
        d[i] *= by;
    const double was = s->normalize ? length(w, n) : 0;
    const double fit = was > 0 ? sqrt((double)rows) / was : 1;
    const float keep = (float)(fit * (1 - at->lr * at->decay));
    for (size_t i = 0; i < n; i++)
        w[i] *= keep;
    float *const all = orthogonal(d, rows, columns, (size_t)s->steps, room);
    const float lr = (float)(at->lr * adjusted(s, rows, columns));
    for (size_t i = 0; i < side * side; i++)
        all[i] *= -lr;
    if (rows <= columns)
        slc_gemm(false, false, rows, columns, rows, all, rows, d, columns, 1, w, columns);
    else
        slc_gemm(false, false, rows, columns, columns, d, columns, all, columns, 1, w,
                 columns);
}

static void run(const void *of, const slc_step *at, size_t n, float *restrict w,
                const float *restrict g, float *const slot[SLC_MAX_SLOTS])
{
    const settings *s = of;
    if (at->rows > 1 && n > at->rows && !at->plain) {
        run_matrix(s, at, n, w, g, slot[0]);
        return;
    }
    const double mu = at->momentum >= 0 ? at->momentum : s->plain_momentum;
    const float lr = (float)at->lr, decay = (float)at->decay;
    for (size_t i = 0; i < n; i++)
        w[i] -= lr * blend(&slot[0][i], g[i] + decay * w[i], (float)mu, s->nesterov);
}

const slc_optim slc_optim_muon = {
    .entry = {.name = "muon",
              .summary = "momentum made orthogonal, for weights that are matrices",
              .source = "Jordan et al. 2024 (kellerjordan.github.io/posts/muon); as "
                        "torch.optim.Muon, with SGD for the rest",
              .params = params,
              .settings_size = sizeof(settings)},
    .slots = 1,
    .run = run,
    .by_tensor = true,
    .scratch = scratch,
};
