/* Losses on the way to a file: jpeg (encoded and decoded in memory) and downscale. */
#include <math.h>
#include <string.h>

#include "augment/codec.h"
#include "augment/keys.h"
#include "augment/op.h"
#include "augment/op/enhance.h"

typedef struct settings {
    slc_reals amount;
    double p;
} settings;

static const slc_param jpeg_params[] = {
    {"quality", SLC_FIELD(settings, amount), .lo = 1, .hi = 100, .min_count = 1,
     .max_count = 2, .initial = "[50, 95]", .help = "1 to 100; one value or a range"},
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param downscale_params[] = {
    {"scale", SLC_FIELD(settings, amount), .lo = 0.001, .hi = 1, .min_count = 1,
     .max_count = 2, .initial = "0.25", .unit = "ratio",
     .help = "of the sides; one value or a range"},
    SLC_CHANCE(settings, "1"),
    {0}};

static slc_status jpeg_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    for (size_t i = 0; i < s->amount.n; i++)
        if (s->amount.v[i] != floor(s->amount.v[i]))
            return slc_fail(err, SLC_EINVAL, "quality: %g is not a whole number",
                            s->amount.v[i]);
    return slc_range_check("quality", &s->amount, err);
}

static bool jpeg_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = (double)slc_draw_int(at, (int64_t)s->amount.v[0],
                                     (int64_t)s->amount.v[s->amount.n > 1 ? 1 : 0]);
    return true;
}

static slc_status jpeg_area(const slc_context *context, const slc_draw *drawn,
                            const slc_image *in, slc_work *work, slc_image *out,
                            slc_err *err)
{
    slc_decoder *own = NULL;
    slc_image back = {0};
    slc_status status = SLC_OK;
    (void)context;
    if (!work->decoder) status = slc_decoder_create(&own, err);
    if (!status)
        status = slc_jpeg_trip(own ? own : work->decoder, (int)drawn->v[0], in,
                               &work->arena, &back, err);
    for (size_t y = 0; !status && y < out->h; y++)
        memcpy(out->px + y * out->stride, back.px + y * back.stride,
               out->w * out->channels);
    slc_decoder_destroy(&own);
    return status;
}

static slc_status scale_prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return slc_range_check("scale", &((settings *)set)->amount, err);
}

static bool scale_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->amount);
    return true;
}

/* Which of in pixels each of out takes; the position is summed up as Pillow does it, which
 * decides ties. */
static void nearest(size_t *from, size_t in, size_t out)
{
    const double step = (double)in / (double)out;
    double at = step * 0.5;
    for (size_t i = 0; i < out; i++, at += step)
        from[i] = at >= (double)in ? in - 1 : (size_t)at;
}

/* The same after n pixels were made small and n again. */
static slc_status there_and_back(size_t **from, size_t n, size_t small, slc_arena *arena,
                                 slc_err *err)
{
    size_t *there = slc_arena_alloc(arena, small * sizeof(*there));
    *from = slc_arena_alloc(arena, n * sizeof(**from));
    if (!there || !*from) return slc_fail(err, SLC_ENOMEM, "downscale: no memory");
    nearest(there, n, small);
    nearest(*from, small, n);
    for (size_t i = 0; i < n; i++)
        (*from)[i] = there[(*from)[i]];
    return SLC_OK;
}

static size_t smaller(size_t n, double scale)
{
    const double side = floor((double)n * scale + 0.5);
    return side < 1 ? 1 : (size_t)side;
}

static slc_status scale_area(const slc_context *context, const slc_draw *drawn,
                             const slc_image *in, slc_work *work, slc_image *out,
                             slc_err *err)
{
    const size_t w = smaller(in->w, drawn->v[0]), h = smaller(in->h, drawn->v[0]);
    const size_t c = in->channels;
    size_t *xs, *ys;
    (void)context;
    slc_status status = there_and_back(&xs, in->w, w, &work->arena, err);
    if (!status) status = there_and_back(&ys, in->h, h, &work->arena, err);
    if (status) return status;
    for (size_t y = 0; y < in->h; y++) {
        const uint8_t *src = in->px + ys[y] * in->stride;
        uint8_t *dst = out->px + y * out->stride;
        if (c == 1)
            for (size_t x = 0; x < in->w; x++)
                dst[x] = src[xs[x]];
        else
            for (size_t x = 0; x < in->w; x++)
                memcpy(dst + 3 * x, src + 3 * xs[x], 3);
    }
    return SLC_OK;
}

const slc_op slc_op_jpeg = {
    .entry = {"jpeg", "compress as JPEG and decode again",
              "torchvision v2 JPEG; libjpeg-turbo, 4:2:0", jpeg_params, sizeof(settings)},
    .value = {"quality"},
    .exactness = "bit-exact with the same libjpeg-turbo",
    .peer = "Pillow 9.4 save(\"JPEG\", quality) and open",
    .neutral = "{p: 0}",
    .prepare = jpeg_prepare,
    .draw = jpeg_draw,
    .area = jpeg_area,
};

const slc_op slc_op_downscale = {
    .entry = {"downscale", "make small and large again by the nearest pixel",
              "Albumentations Downscale", downscale_params, sizeof(settings)},
    .value = {"scale"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 resize(NEAREST) there and back",
    .neutral = "{scale: 1}",
    .prepare = scale_prepare,
    .draw = scale_draw,
    .area = scale_area,
};
