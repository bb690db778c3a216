/* Noise: Gaussian, shot (Poisson), salt and pepper. Each row has a stream of its own, grown from
 * one drawn seed, so that rows can be computed in any order. */
#include <math.h>
#include <string.h>

#include "augment/kernel/noise.h"
#include "augment/keys.h"
#include "augment/op.h"
#include "augment/op/enhance.h"

enum {
    LEVELS = 65536, /* of a sixteen-bit number */
    MAX_PHOTONS = 1000,
    MAX_COUNT = 2048, /* more photons than any level gets in 2^16 tries */
    FAST_STARTS = 32,
};

typedef struct settings {
    double mean;
    slc_reals amount, share;
    double p;
    const float *normal; /* LEVELS: quantiles of N(0, 1), made by prepare */
} settings;

static const slc_param gaussian_params[] = {
    {"mean", SLC_FIELD(settings, mean), .lo = -1, .hi = 1, .initial = "0",
     .unit = "ratio", .help = "of 255"},
    SLC_RANGE("sigma", settings, amount, 0, 10, "0.1", "ratio",
              "standard deviation, of 255; one value or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param shot_params[] = {
    SLC_RANGE("photons", settings, amount, 1, MAX_PHOTONS, "[12, 60]", "photon",
              "that white stands for; one value or a range"),
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param salt_params[] = {
    SLC_RANGE("amount", settings, amount, 0, 1, "[0.01, 0.06]", "ratio",
              "share of pixels replaced; one value or a range"),
    {"salt_vs_pepper", SLC_FIELD(settings, share), .lo = 0, .hi = 1, .min_count = 1,
     .max_count = 2, .initial = "[0.4, 0.6]", .unit = "ratio",
     .help = "share of white among them; one value or a range"},
    SLC_CHANCE(settings, "1"),
    {0}};

static slc_status range_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    const slc_status status = slc_range_check("range", &s->amount, err);
    return status ? status : slc_range_check("salt_vs_pepper", &s->share, err);
}

/* The inverse of the normal distribution (Acklam's rational approximation, 1e-9 relative). */
static double quantile(double p)
{
    static const double a[6] = {-3.969683028665376e+01, 2.209460984245205e+02,
                                -2.759285104469687e+02, 1.383577518672690e+02,
                                -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[5] = {-5.447609879822406e+01, 1.615858368580409e+02,
                                -1.556989798598866e+02, 6.680131188771972e+01,
                                -1.328068155288572e+01};
    static const double c[6] = {-7.784894002430293e-03, -3.223964580411365e-01,
                                -2.400758277161838e+00, -2.549732539343734e+00,
                                4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[4] = {7.784695709041462e-03, 3.224671290700398e-01,
                                2.445134137142996e+00, 3.754408661907416e+00};
    if (p > 0.5) return -quantile(1 - p);
    if (p < 0.02425) {
        const double q = sqrt(-2 * log(p));
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    }
    const double q = p - 0.5, r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

static slc_status gaussian_prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    float *normal = slc_arena_alloc(arena, LEVELS * sizeof(*normal));
    if (!normal) return slc_fail(err, SLC_ENOMEM, "no memory for a table");
    for (int i = 0; i < LEVELS; i++)
        normal[i] = (float)quantile((i + 0.5) / LEVELS);
    s->normal = normal;
    return range_prepare(set, arena, err);
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->amount);
    out->v[1] = slc_draw_seed(at);
    if (s->share.n) out->v[2] = slc_draw_range(at, &s->share);
    return true;
}

/* Sixteen-bit numbers for a row, part by part. */
typedef struct source {
    const slc_noise *noise;
    slc_rng rng;
    uint16_t number[SLC_NOISE_BITS];
} source;

static void start_row(source *s, double seed, size_t y, slc_isa isa)
{
    s->noise = slc_noise_of[isa];
    s->rng = slc_rng_at((uint64_t)seed, 0, y, 0);
}

static void more(source *s)
{
    s->noise->bits(s->number, s->rng.key, s->rng.counter);
    s->rng.counter[0] += SLC_NOISE_BLOCKS;
}

static slc_status gaussian_area(const slc_context *context, const slc_draw *drawn,
                                const slc_image *in, slc_work *work, slc_image *out,
                                slc_err *err)
{
    const settings *s = context->settings;
    const float gain = (float)(255 * drawn->v[0]), offset = (float)(255 * s->mean);
    const size_t n = in->w * in->channels;
    source from;
    (void)err;
    for (size_t y = 0; y < in->h; y++) {
        uint8_t *px = out->px + y * out->stride;
        start_row(&from, drawn->v[1], y, work->isa);
        for (size_t i = 0; i < n; i += SLC_NOISE_BITS) {
            more(&from);
            const size_t m = n - i < SLC_NOISE_BITS ? n - i : SLC_NOISE_BITS;
            from.noise->shift(px + i, px + i, from.number, s->normal, gain, offset, m);
        }
    }
    return SLC_OK;
}

/* Poisson counts by inversion: for each level the sums of its probabilities in units of 2^-16,
 * and where to start looking for a number by its high bits. */
typedef struct shots {
    uint32_t offset[257];
    uint16_t start[256][FAST_STARTS];
    uint32_t *sum; /* the levels' sums one after another, each ending at 65536 */
} shots;

static bool make_shots(shots *t, double photons, slc_arena *arena)
{
    uint32_t used = 0;
    size_t room = 0;
    for (int level = 0; level < 256; level++) {
        const double mean = level / 255.0 * photons;
        room += (size_t)(mean + 12 * sqrt(mean) + 24);
    }
    t->sum = slc_arena_alloc(arena, room * sizeof(*t->sum));
    if (!t->sum) return false;
    for (int level = 0; level < 256; level++) {
        const double mean = level / 255.0 * photons, most = mean + 12 * sqrt(mean) + 22;
        const double log_mean = mean > 0 ? log(mean) : 0;
        double total = 0, log_factorial = 0;
        int fast = 0;
        t->offset[level] = used;
        for (int k = 0; k < most; k++) {
            if (k > 0) log_factorial += log(k);
            total += exp(k * log_mean - mean - log_factorial);
            if (mean == 0) total = 1;
            const uint32_t sum = total >= 1 ? LEVELS : (uint32_t)(total * LEVELS + 0.5);
            t->sum[used++] = sum;
            while (fast < FAST_STARTS && (uint32_t)fast * (LEVELS / FAST_STARTS) < sum)
                t->start[level][fast++] = (uint16_t)k;
            if (sum >= LEVELS) break;
        }
        t->sum[used - 1] = LEVELS;
        while (fast < FAST_STARTS)
            t->start[level][fast++] = (uint16_t)(used - 1 - t->offset[level]);
    }
    t->offset[256] = used;
    return true;
}

static inline uint32_t count(const shots *t, uint8_t level, uint16_t number)
{
    const uint32_t *sum = t->sum + t->offset[level];
    uint32_t k = t->start[level][number / (LEVELS / FAST_STARTS)];
    while (sum[k] <= number)
        k++;
    return k;
}

static slc_status shot_area(const slc_context *context, const slc_draw *drawn,
                            const slc_image *in, slc_work *work, slc_image *out,
                            slc_err *err)
{
    const size_t n = in->w * in->channels;
    const double photons = drawn->v[0];
    uint8_t value[MAX_COUNT];
    source from;
    shots *t = slc_arena_alloc(&work->arena, sizeof(*t));
    (void)context;
    if (!t || !make_shots(t, photons, &work->arena))
        return slc_fail(err, SLC_ENOMEM, "shot_noise: no memory");
    for (int k = 0; k < MAX_COUNT; k++) {
        const double v = k * 255 / photons + 0.5;
        value[k] = (uint8_t)(v > 255 ? 255 : v);
    }
    for (size_t y = 0; y < in->h; y++) {
        uint8_t *px = out->px + y * out->stride;
        start_row(&from, drawn->v[1], y, work->isa);
        for (size_t i = 0; i < n; i++) {
            if (i % SLC_NOISE_BITS == 0) more(&from);
            px[i] = value[count(t, px[i], from.number[i % SLC_NOISE_BITS])];
        }
    }
    return SLC_OK;
}

/* Two numbers for a pixel: together 32 bits, enough for small shares. */
static slc_status salt_area(const slc_context *context, const slc_draw *drawn,
                            const slc_image *in, slc_work *work, slc_image *out,
                            slc_err *err)
{
    const double amount = drawn->v[0] * 0x1p32, white = amount * drawn->v[2];
    source from;
    (void)context, (void)err;
    for (size_t y = 0; y < in->h; y++) {
        uint8_t *px = out->px + y * out->stride;
        start_row(&from, drawn->v[1], y, work->isa);
        for (size_t x = 0; x < in->w; x++) {
            const size_t i = 2 * x % SLC_NOISE_BITS;
            if (i == 0) more(&from);
            const double u = from.number[i] + 65536.0 * from.number[i + 1];
            if (u < amount)
                memset(px + x * in->channels, u < white ? 255 : 0, in->channels);
        }
    }
    return SLC_OK;
}

const slc_op slc_op_gaussian_noise = {
    .entry = {"gaussian_noise", "add normally distributed noise",
              "torchvision GaussianNoise", gaussian_params, sizeof(settings)},
    .value = {"sigma", "seed"},
    .exactness = "exact by definition: 2^16 quantiles of N(0, 1), within 4.4 sigma",
    .neutral = "{sigma: 0}",
    .prepare = gaussian_prepare,
    .draw = draw,
    .area = gaussian_area,
    .in_place = true,
};

const slc_op slc_op_shot_noise = {
    .entry = {"shot_noise", "count photons",
              "Hendrycks & Dietterich, ICLR 2019, arXiv:1903.12261", shot_params,
              sizeof(settings)},
    .value = {"photons", "seed"},
    .exactness = "exact by definition: Poisson by inversion of 16-bit numbers",
    .neutral = "{p: 0}",
    .prepare = range_prepare,
    .draw = draw,
    .area = shot_area,
    .in_place = true,
};

const slc_op slc_op_salt_pepper = {
    .entry = {"salt_pepper", "replace pixels by white and black",
              "Gonzalez & Woods, Digital Image Processing", salt_params,
              sizeof(settings)},
    .value = {"amount", "seed", "salt_vs_pepper"},
    .exactness = "exact by definition",
    .neutral = "{amount: 0}",
    .prepare = range_prepare,
    .draw = draw,
    .area = salt_area,
    .in_place = true,
};
