/* Distortions by a field of displacements: elastic, grid_distortion. */
#include <math.h>
#include <string.h>

#include "augment/kernel/filter.h"
#include "augment/kernel/noise.h"
#include "augment/kernel/warp.h"
#include "augment/keys.h"
#include "augment/op/enhance.h"
#include "base/num.h"

static slc_warp_sample_fn *sampler(int interpolation, slc_isa isa)
{
    return interpolation == 0   ? slc_sample_nearest[isa]
           : interpolation == 1 ? slc_sample_bilinear[isa]
                                : slc_sample_bicubic[isa];
}

static slc_warp_source source_of(const slc_image *in, const slc_reals *fill)
{
    slc_warp_source source = {in->px, in->w, in->h, in->channels, in->stride, {0}};
    slc_fill_of(fill, source.fill);
    return source;
}

/* To 1 / 2048 px, rounded down. */
static int32_t position(float v)
{
    const float far = 0x1p28f;
    v = v * (float)SLC_WARP_ONE;
    v = v < -far ? -far : v > far ? far : v;
    const int32_t whole = (int32_t)v;
    return whole - (v < (float)whole);
}

/* at[i] is shift[i] away from first + i * step. */
static void positions(int32_t *restrict at, const float *restrict shift, float first,
                      float step, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        at[i] = position(first + (float)i * step + shift[i]);
}

/* ---- elastic ---- */

typedef struct elastic_settings {
    slc_reals alpha, sigma, fill;
    int interpolation;
    double p;
} elastic_settings;

static const slc_param elastic_params[] = {
    {"alpha", SLC_FIELD(elastic_settings, alpha), .lo = 0, .hi = 1e5, .min_count = 1,
     .max_count = 2, .initial = "50", .help = "strength, or [x, y]"},
    {"sigma", SLC_FIELD(elastic_settings, sigma), .lo = 0, .hi = 100, .min_count = 1,
     .max_count = 2, .initial = "5", .unit = "px", .help = "smoothness, or [x, y]"},
    SLC_SAMPLING(elastic_settings, "bilinear"),
    SLC_FILL(elastic_settings, "colour outside"),
    SLC_CHANCE(elastic_settings, "1"),
    {0}};

static bool elastic_draw(const void *set, slc_at *at, slc_draw *out)
{
    const elastic_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_seed(at);
    return true;
}

enum { BEHIND = 63 }; /* values that a filter may read behind its last */

/* torchvision's kernel: an odd number of taps, about 8 sigma; reach is half of it. */
typedef struct gauss {
    float *weight;
    const float **rows; /* what each tap stands on */
    size_t reach;
} gauss;

static bool gauss_make(gauss *g, slc_arena *arena, double sigma)
{
    size_t taps = sigma > 0 ? (size_t)(8 * sigma + 1) : 1;
    if (taps % 2 == 0) taps++;
    g->reach = taps / 2;
    g->weight = slc_arena_alloc(arena, taps * sizeof(float));
    g->rows = slc_arena_alloc(arena, taps * sizeof(*g->rows));
    if (!g->weight || !g->rows) return false;
    double sum = 0;
    for (size_t i = 0; i < taps; i++) {
        const double x = (double)i - (double)g->reach;
        sum += g->weight[i] = sigma > 0 ? (float)exp(-0.5 * x * x / (sigma * sigma)) : 1;
    }
    for (size_t i = 0; i < taps; i++)
        g->weight[i] = (float)(g->weight[i] / sum);
    return true;
}

/* Where tap i of a line of n lies when it is reflected at the ends, however long it is. */
static size_t reflected(ptrdiff_t i, size_t n)
{
    const ptrdiff_t period = 2 * (ptrdiff_t)n - 2;
    if (n == 1) return 0;
    i %= period;
    if (i < 0) i += period;
    return (size_t)(i < (ptrdiff_t)n ? i : period - i);
}

/* Blurs each line of w, with its ends reflected into the padding first. */
static void blur_across(float *field, size_t w, size_t h, const gauss *g, float *line,
                        const slc_filters *f)
{
    for (size_t t = 0; t <= 2 * g->reach; t++)
        g->rows[t] = line + t;
    for (size_t y = 0; y < h; y++) {
        float *row = field + y * w;
        memcpy(line + g->reach, row, w * sizeof(*row));
        for (size_t i = 0; i < g->reach; i++) {
            line[i] = row[reflected((ptrdiff_t)i - (ptrdiff_t)g->reach, w)];
            line[g->reach + w + i] = row[reflected((ptrdiff_t)(w + i), w)];
        }
        f->weigh(row, g->rows, g->weight, 2 * g->reach + 1, w);
    }
}

static void blur_down(float *out, const float *field, size_t w, size_t h, const gauss *g,
                      const slc_filters *f)
{
    for (size_t y = 0; y < h; y++) {
        for (size_t t = 0; t <= 2 * g->reach; t++)
            g->rows[t] =
                field + reflected((ptrdiff_t)(y + t) - (ptrdiff_t)g->reach, h) * w;
        f->weigh(out + y * w, g->rows, g->weight, 2 * g->reach + 1, w);
    }
}

/* Noise in [-1, 1), in steps of 2^-15. */
static void noise(float *field, size_t n, uint64_t seed, uint32_t axis, slc_isa isa)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint16_t bits[SLC_NOISE_BITS];
    for (size_t i = 0; i < n; i += SLC_NOISE_BITS) {
        const uint32_t counter[4] = {(uint32_t)(i / 8), 0, axis, 0};
        const size_t left = n - i < SLC_NOISE_BITS ? n - i : SLC_NOISE_BITS;
        slc_noise_of[isa]->bits(bits, key, counter);
        for (size_t k = 0; k < left; k++)
            field[i + k] = (float)((int32_t)bits[k] - 0x8000) * 0x1p-15f;
    }
}

/* One axis of the displacement in px: smoothed noise times scale, into out. */
static bool displace(float *out, float *scratch, const slc_image *in, slc_work *work,
                     uint64_t seed, uint32_t axis, const slc_reals *sigma, double scale)
{
    gauss gx, gy;
    const size_t n = in->w * in->h;
    slc_arena *arena = &work->arena;
    const slc_filters *f = slc_filters_of[work->isa];
    if (!gauss_make(&gx, arena, sigma->v[0]) ||
        !gauss_make(&gy, arena, sigma->v[sigma->n - 1]))
        return false;
    float *line = slc_arena_alloc(arena, (in->w + 2 * gx.reach + BEHIND) * sizeof(*line));
    if (!line) return false;
    noise(scratch, n, seed, axis, work->isa);
    blur_across(scratch, in->w, in->h, &gx, line, f);
    blur_down(out, scratch, in->w, in->h, &gy, f);
    for (size_t i = 0; i < n; i++)
        out[i] *= (float)scale;
    return true;
}

static slc_status elastic_area(const slc_context *context, const slc_draw *drawn,
                               const slc_image *in, slc_work *work, slc_image *out,
                               slc_err *err)
{
    const elastic_settings *s = context->settings;
    const slc_warp_source source = source_of(in, &s->fill);
    const uint64_t seed = (uint64_t)drawn->v[0];
    const double w = (double)in->w, h = (double)in->h;
    size_t n;
    slc_arena *arena = &work->arena;

    if (!slc_mul3(in->w, in->h, sizeof(float), &n))
        return slc_fail(err, SLC_ELIMIT, "elastic: image too large");
    float *dx = slc_arena_alloc(arena, n), *dy = slc_arena_alloc(arena, n),
          *scratch = slc_arena_alloc(arena, n + BEHIND * sizeof(float));
    int32_t *xs = slc_arena_alloc(arena, 2 * in->w * sizeof(*xs));
    /* torchvision divides x by the height and y by the width, in units of half a side. */
    if (!dx || !dy || !scratch || !xs ||
        !displace(dx, scratch, in, work, seed, 0, &s->sigma, s->alpha.v[0] / h * w / 2) ||
        !displace(dy, scratch, in, work, seed, 1, &s->sigma,
                  s->alpha.v[s->alpha.n - 1] / w * h / 2))
        return slc_fail(err, SLC_ENOMEM, "elastic: no memory");
    int32_t *ys = xs + in->w;
    for (size_t y = 0; y < in->h; y++) {
        positions(xs, dx + y * in->w, 0.5f, 1, (int32_t)in->w);
        positions(ys, dy + y * in->w, (float)y + 0.5f, 0, (int32_t)in->w);
        sampler(s->interpolation, work->isa)(out->px + y * out->stride, &source, xs, ys,
                                             in->w);
    }
    return SLC_OK;
}

const slc_op slc_op_elastic = {
    .entry = {"elastic", "bend by smooth random displacements",
              "Simard, Steinkraus & Platt, ICDAR 2003; torchvision ElasticTransform",
              elastic_params, sizeof(elastic_settings)},
    .value = {"seed"},
    .exactness =
        "same formula; torch's noise is another, and it blends with the fill at the "
        "border",
    .peer = "torchvision 0.14 ElasticTransform",
    .neutral = "{alpha: 0}",
    .draw = elastic_draw,
    .unordered = true,
    .area = elastic_area,
};

/* ---- grid_distortion ---- */

enum { MAX_STEPS = 12 };

typedef struct grid_settings {
    int64_t num_steps;
    slc_reals distort_limit, fill;
    int interpolation;
    double p;
} grid_settings;

static const slc_param grid_params[] = {
    {"num_steps", SLC_FIELD(grid_settings, num_steps), .lo = 1, .hi = MAX_STEPS,
     .initial = "5", .help = "cells along each side"},
    {"distort_limit", SLC_FIELD(grid_settings, distort_limit), .lo = -0.95, .hi = 10,
     .min_count = 1, .max_count = 2, .initial = "[-0.3, 0.3]", .unit = "ratio",
     .help = "how much wider or narrower a cell may be; one number d is [-d, d]"},
    SLC_SAMPLING(grid_settings, "bilinear"),
    SLC_FILL(grid_settings, "colour outside"),
    SLC_CHANCE(grid_settings, "0.5"),
    {0}};

static slc_status grid_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const grid_settings *s = set;
    (void)arena;
    if (s->distort_limit.n == 1 && fabs(s->distort_limit.v[0]) > 0.95)
        return slc_fail(err, SLC_EINVAL, "distort_limit: %g is above 0.95",
                        s->distort_limit.v[0]);
    return slc_around_check("distort_limit", &s->distort_limit, err);
}

/* The widths of the source cells, x first. */
static bool grid_draw(const void *set, slc_at *at, slc_draw *out)
{
    const grid_settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    for (size_t i = 0; i < 2 * MAX_STEPS; i++)
        out->v[i] = (double)NAN;
    for (int64_t i = 0; i < 2 * s->num_steps; i++)
        out->v[i] = 1 + slc_draw_around(at, &s->distort_limit);
    return true;
}

/* Positions of n output pixels along one side: cells of equal width show source cells whose
 * widths are in the drawn proportions and fill the side together. */
static void stretch(int32_t *at, size_t n, const double *cell, size_t cells)
{
    double sum = 0, before = 0;
    size_t k = 0;
    for (size_t i = 0; i < cells; i++)
        sum += cell[i];
    for (size_t i = 0; i < n; i++) {
        const double u = ((double)i + 0.5) / (double)n * (double)cells;
        while (k + 1 < cells && u >= (double)(k + 1))
            before += cell[k++];
        const double v = (before + cell[k] * (u - (double)k)) / sum * (double)n;
        const int32_t most = (int32_t)n * SLC_WARP_ONE - 1;
        const int32_t place = (int32_t)rint(v * SLC_WARP_ONE);
        at[i] = place < most ? place : most;
    }
}

static slc_status grid_area(const slc_context *context, const slc_draw *drawn,
                            const slc_image *in, slc_work *work, slc_image *out,
                            slc_err *err)
{
    const grid_settings *s = context->settings;
    const slc_warp_source source = source_of(in, &s->fill);
    const size_t cells = (size_t)s->num_steps;
    int32_t *xs = slc_arena_alloc(&work->arena, in->w * sizeof(*xs)),
            *ys = slc_arena_alloc(&work->arena, in->w * sizeof(*ys)),
            *rows = slc_arena_alloc(&work->arena, in->h * sizeof(*rows));

    if (!xs || !ys || !rows)
        return slc_fail(err, SLC_ENOMEM, "grid_distortion: no memory");
    stretch(xs, in->w, drawn->v, cells);
    stretch(rows, in->h, drawn->v + cells, cells);
    for (size_t y = 0; y < in->h; y++) {
        for (size_t x = 0; x < in->w; x++)
            ys[x] = rows[y];
        sampler(s->interpolation, work->isa)(out->px + y * out->stride, &source, xs, ys,
                                             in->w);
    }
    return SLC_OK;
}

const slc_op slc_op_grid_distortion = {
    .entry = {"grid_distortion", "make cells of a grid wider and narrower",
              "Albumentations GridDistortion (normalized)", grid_params,
              sizeof(grid_settings)},
    .value = {"c0",  "c1",  "c2",  "c3",  "c4",  "c5",  "c6",  "c7",
              "c8",  "c9",  "c10", "c11", "c12", "c13", "c14", "c15",
              "c16", "c17", "c18", "c19", "c20", "c21", "c22", "c23"},
    .exactness = "exact by definition",
    .neutral = "{distort_limit: 0, p: 1}",
    .example = "{p: 1}",
    .prepare = grid_prepare,
    .draw = grid_draw,
    .area = grid_area,
};
