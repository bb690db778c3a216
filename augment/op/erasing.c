/* Erasing: random_erasing (before normalize on pixels, after it on normalised values),
 * coarse_dropout and grid_mask. */
#include <math.h>
#include <string.h>

#include "augment/kernel/move.h"
#include "augment/kernel/noise.h"
#include "augment/keys.h"
#include "augment/op.h"
#include "augment/op/enhance.h"
#include "base/num.h"

enum { TRIES = 10, MAX_HOLES = 1000 };

/* ---- random_erasing ---- */

typedef struct erasing_settings {
    slc_reals scale, ratio;
    slc_texts value;
    double p;
    bool noise; /* from value, by prepare */
    double level[3];
} erasing_settings;

static const slc_param erasing_params[] = {
    SLC_CHANCE(erasing_settings, "0.5"),
    {"scale", SLC_FIELD(erasing_settings, scale), .lo = 0, .hi = 1, .min_count = 2,
     .max_count = 2, .initial = "[0.02, 0.33]", .unit = "ratio",
     .help = "range of the erased share of the area"},
    {"ratio", SLC_FIELD(erasing_settings, ratio), .lo = 1e-3, .hi = 1e3, .min_count = 2,
     .max_count = 2, .initial = "[0.3, 3.3]", .unit = "ratio",
     .help = "range of height / width, drawn evenly in its logarithm"},
    {"value", SLC_FIELD(erasing_settings, value), .min_count = 1, .max_count = 3,
     .one_or_all = true, .initial = "[0]",
     .help = "what is put there: random, one number, or one for each channel; in levels "
             "before normalize, in normalised units after it"},
    {0}};

static slc_status erasing_prepare(void *set, slc_arena *arena, slc_err *err)
{
    erasing_settings *s = set;
    slc_status status;
    (void)arena;
    if ((status = slc_range_check("scale", &s->scale, err))) return status;
    if ((status = slc_range_check("ratio", &s->ratio, err))) return status;
    s->noise = s->value.n == 1 && strcmp(s->value.v[0], "random") == 0;
    if (s->noise) return SLC_OK;
    if (s->value.n != 1 && s->value.n != 3)
        return slc_fail(err, SLC_EINVAL, "value: expected random, one number or three");
    for (size_t c = 0; c < 3; c++) {
        const char *text = s->value.v[s->value.n > 1 ? c : 0];
        if (!slc_parse_real(text, &s->level[c]))
            return slc_fail(err, SLC_EINVAL,
                            "value: \"%s\" is neither a number nor random", text);
    }
    return SLC_OK;
}

enum { X, Y, W, H, SEED };

/* torchvision's: ten tries at a box that is smaller than the image both ways. */
static bool erasing_draw(const void *set, slc_at *at, slc_draw *out)
{
    const erasing_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    for (int i = 0; i < TRIES; i++) {
        const double area = (double)at->w * (double)at->h * slc_draw_range(at, &s->scale);
        const double ratio =
            exp(slc_draw_uniform(at, log(s->ratio.v[0]), log(s->ratio.v[1])));
        const double h = rint(sqrt(area * ratio)), w = rint(sqrt(area / ratio));
        if (!(h < (double)at->h && w < (double)at->w)) continue;
        out->v[Y] = (double)slc_draw_int(at, 0, (int64_t)((double)at->h - h));
        out->v[X] = (double)slc_draw_int(at, 0, (int64_t)((double)at->w - w));
        out->v[W] = w;
        out->v[H] = h;
        out->v[SEED] = s->noise ? slc_draw_seed(at) : (double)NAN;
        return true;
    }
    return false;
}

static uint8_t to_level(double v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5);
}

/* Even noise over all levels, a stream for each row of the box. */
static void noise_row(uint8_t *px, size_t n, double seed, size_t y, slc_isa isa)
{
    slc_rng rng = slc_rng_at((uint64_t)seed, 0, y, 0);
    uint16_t number[SLC_NOISE_BITS];
    for (size_t i = 0; i < n; i++) {
        if (i % SLC_NOISE_BITS == 0) {
            slc_noise_of[isa]->bits(number, rng.key, rng.counter);
            rng.counter[0] += SLC_NOISE_BLOCKS;
        }
        px[i] = (uint8_t)number[i % SLC_NOISE_BITS];
    }
}

static slc_status erasing_area(const slc_context *context, const slc_draw *drawn,
                               const slc_image *in, slc_work *work, slc_image *out,
                               slc_err *err)
{
    const erasing_settings *s = context->settings;
    const double *v = drawn->v;
    uint8_t fill[3];
    (void)in, (void)err;
    for (size_t c = 0; c < 3; c++)
        fill[c] = to_level(s->level[c]);
    for (size_t y = 0; y < (size_t)v[H]; y++) {
        uint8_t *px =
            out->px + ((size_t)v[Y] + y) * out->stride + (size_t)v[X] * out->channels;
        if (s->noise)
            noise_row(px, (size_t)v[W] * out->channels, v[SEED], y, work->isa);
        else
            slc_paint(px, (size_t)v[W], out->channels, fill);
    }
    return SLC_OK;
}

static slc_status erasing_tail(const void *set, const slc_draw *drawn, size_t w, size_t h,
                               size_t channels, slc_tail *tail, slc_work *work,
                               slc_err *err)
{
    const erasing_settings *s = set;
    const double *v = drawn->v;
    (void)w, (void)h, (void)channels, (void)work;
    if (tail->erased == SLC_MAX_ERASED)
        return slc_fail(err, SLC_EINVAL, "random_erasing: more than %d boxes",
                        SLC_MAX_ERASED);
    const size_t i = tail->erased++;
    tail->erase[i].box =
        (slc_rect){(size_t)v[X], (size_t)v[Y], (size_t)v[W], (size_t)v[H]};
    tail->erase[i].noise = s->noise;
    tail->erase[i].seed = s->noise ? v[SEED] : 0;
    for (size_t c = 0; c < 3; c++)
        tail->erase[i].value[c] = (float)s->level[c];
    return SLC_OK;
}

const slc_op slc_op_random_erasing = {
    .entry = {"random_erasing", "erase a box",
              "Zhong et al., AAAI 2020, arXiv:1708.04896, as torchvision RandomErasing",
              erasing_params, sizeof(erasing_settings)},
    .value = {"x", "y", "w", "h", "seed"},
    .exactness = "exact by definition",
    .peer = "torchvision RandomErasing, same box",
    .neutral = "{p: 0}",
    .prepare = erasing_prepare,
    .draw = erasing_draw,
    .area = erasing_area,
    .in_place = true,
    .tail = erasing_tail,
};

/* ---- coarse_dropout ---- */

typedef struct dropout_settings {
    slc_reals holes, height, width, fill;
    double p;
} dropout_settings;

static const slc_param dropout_params[] = {
    {"holes", SLC_FIELD(dropout_settings, holes), .lo = 1, .hi = MAX_HOLES,
     .min_count = 1, .max_count = 2, .initial = "[1, 2]",
     .help = "how many boxes; one value or a range"},
    {"height", SLC_FIELD(dropout_settings, height), .lo = 0, .hi = 1, .min_count = 1,
     .max_count = 2, .initial = "[0.1, 0.2]", .unit = "ratio",
     .help = "of the image's height; one value or a range"},
    {"width", SLC_FIELD(dropout_settings, width), .lo = 0, .hi = 1, .min_count = 1,
     .max_count = 2, .initial = "[0.1, 0.2]", .unit = "ratio",
     .help = "of the image's width; one value or a range"},
    SLC_FILL(dropout_settings, "their colour"),
    SLC_CHANCE(dropout_settings, "0.5"),
    {0}};

static slc_status dropout_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const dropout_settings *s = set;
    slc_status status = slc_range_check("holes", &s->holes, err);
    (void)arena;
    if (!status) status = slc_range_check("height", &s->height, err);
    return status ? status : slc_range_check("width", &s->width, err);
}

static bool dropout_draw(const void *set, slc_at *at, slc_draw *out)
{
    const dropout_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = (double)slc_draw_int(at, (int64_t)s->holes.v[0],
                                     (int64_t)s->holes.v[s->holes.n > 1 ? 1 : 0]);
    out->v[1] = slc_draw_seed(at);
    return true;
}

/* The side of a hole: at least one pixel unless the share is 0. */
static size_t side_of(slc_rng *rng, const slc_reals *share, size_t n)
{
    const double part = slc_rng_uniform(rng, share->v[0], share->v[share->n > 1 ? 1 : 0]);
    const size_t side = (size_t)(part * (double)n);
    return side == 0 && part > 0 ? 1 : slc_min(side, n);
}

static slc_status dropout_area(const slc_context *context, const slc_draw *drawn,
                               const slc_image *in, slc_work *work, slc_image *out,
                               slc_err *err)
{
    const dropout_settings *s = context->settings;
    slc_rng rng = slc_rng_at((uint64_t)drawn->v[1], 0, 0, 0);
    uint8_t fill[3];
    (void)in, (void)work, (void)err;
    slc_fill_of(&s->fill, fill);
    for (int i = 0; i < (int)drawn->v[0]; i++) {
        const size_t w = side_of(&rng, &s->width, out->w),
                     h = side_of(&rng, &s->height, out->h);
        const size_t x = slc_rng_below(&rng, out->w - w + 1),
                     y = slc_rng_below(&rng, out->h - h + 1);
        for (size_t row = y; row < y + h; row++)
            slc_paint(out->px + row * out->stride + x * out->channels, w, out->channels,
                      fill);
    }
    return SLC_OK;
}

const slc_op slc_op_coarse_dropout = {
    .entry = {"coarse_dropout", "paint boxes of one colour",
              "Albumentations CoarseDropout", dropout_params, sizeof(dropout_settings)},
    .value = {"holes", "seed"},
    .exactness = "exact by definition",
    .neutral = "{height: 0}",
    .prepare = dropout_prepare,
    .draw = dropout_draw,
    .area = dropout_area,
    .in_place = true,
};

/* ---- grid_mask ---- */

typedef struct grid_settings {
    slc_reals size, fill;
    double ratio, p;
} grid_settings;

static const slc_param grid_params[] = {
    {"size", SLC_FIELD(grid_settings, size), .lo = 2, .hi = SLC_MAX_SIDE, .min_count = 1,
     .max_count = 2, .initial = "[32, 96]", .unit = "px",
     .help = "distance of the squares; one value or a range"},
    {"ratio", SLC_FIELD(grid_settings, ratio), .lo = 0, .hi = 1, .initial = "0.5",
     .unit = "ratio", .help = "side of a square, of their distance"},
    SLC_FILL(grid_settings, "their colour"),
    SLC_CHANCE(grid_settings, "0.5"),
    {0}};

static slc_status grid_prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return slc_range_check("size", &((grid_settings *)set)->size, err);
}

static bool grid_draw(const void *set, slc_at *at, slc_draw *out)
{
    const grid_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    const int64_t lo = (int64_t)s->size.v[0],
                  hi = (int64_t)s->size.v[s->size.n > 1 ? 1 : 0];
    const int64_t size = slc_draw_int(at, lo, hi);
    out->v[0] = (double)size;
    out->v[1] = (double)slc_draw_int(at, 0, size - 1);
    out->v[2] = (double)slc_draw_int(at, 0, size - 1);
    return true;
}

static slc_status grid_area(const slc_context *context, const slc_draw *drawn,
                            const slc_image *in, slc_work *work, slc_image *out,
                            slc_err *err)
{
    const grid_settings *s = context->settings;
    const size_t size = (size_t)drawn->v[0], x0 = (size_t)drawn->v[1],
                 y0 = (size_t)drawn->v[2];
    const size_t side = (size_t)rint((double)size * s->ratio);
    uint8_t fill[3];
    (void)in, (void)work, (void)err;
    slc_fill_of(&s->fill, fill);
    for (size_t y = 0; y < out->h; y++) {
        if ((y + size - y0) % size >= side) continue;
        uint8_t *row = out->px + y * out->stride;
        for (size_t x = 0; x < out->w; x++)
            if ((x + size - x0) % size < side)
                memcpy(row + x * out->channels, fill, out->channels);
    }
    return SLC_OK;
}

const slc_op slc_op_grid_mask = {
    .entry = {"grid_mask", "paint squares on a grid",
              "Chen et al., arXiv:2001.04086; DALI grid_mask", grid_params,
              sizeof(grid_settings)},
    .value = {"size", "x", "y"},
    .exactness = "exact by definition",
    .neutral = "{ratio: 0}",
    .prepare = grid_prepare,
    .draw = grid_draw,
    .area = grid_area,
    .in_place = true,
};
