/* Resize: to a short side, a long side, or a box in one of four manners. */
#include <math.h>

#include "augment/keys.h"

enum { AUTO, SHORT, LONG, STRETCH, FIT, FILL, PAD };
static const char *const modes[] = {"auto", "short", "long", "stretch",
                                    "fit",  "fill",  "pad",  NULL};

typedef struct settings {
    slc_reals size, fill;
    int mode, interpolation;
    int64_t max_size;
    bool antialias, linear_light;
} settings;

static const slc_param params[] = {
    {"size", SLC_FIELD(settings, size), .whole = true, .lo = 1, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .unit = "px",
     .help = "one side, or [height, width]"},
    {"mode", SLC_FIELD(settings, mode), .choices = modes, .initial = "auto",
     .help = "auto: one number is the short side, two are stretched to; short, long: "
             "that side; "
             "fit: inside the box; fill: cover it and crop; pad: fit on a canvas"},
    {"max_size", SLC_FIELD(settings, max_size), .lo = 0, .hi = SLC_MAX_SIDE,
     .initial = "0", .unit = "px", .help = "most of the long side; 0: no limit"},
    {"interpolation", SLC_FIELD(settings, interpolation), .choices = slc_filter_names,
     .initial = "bilinear", .help = "filter"},
    {"antialias", SLC_FIELD(settings, antialias), .initial = "true",
     .help = "widen the filter when shrinking"},
    {"linear_light", SLC_FIELD(settings, linear_light), .initial = "false",
     .help = "filter light, not sRGB values"},
    SLC_FILL(settings, "canvas colour of mode pad"),
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    (void)arena;
    if (s->mode == AUTO) s->mode = s->size.n == 1 ? SHORT : STRETCH;
    if ((s->mode == SHORT || s->mode == LONG) && s->size.n != 1)
        return slc_fail(err, SLC_EINVAL, "size: mode %s takes one number",
                        modes[s->mode]);
    if (s->max_size && s->mode != SHORT)
        return slc_fail(err, SLC_EINVAL, "max_size: only for the short side");
    if (s->max_size && (double)s->max_size <= s->size.v[0])
        return slc_fail(err, SLC_EINVAL, "max_size: %lld is not larger than size %g",
                        (long long)s->max_size, s->size.v[0]);
    return slc_filter_check(s->interpolation, s->antialias, s->linear_light, err);
}

/* An edge, from the other's new length; torchvision truncates. */
static size_t other(double side, size_t of, size_t by)
{
    const double v = trunc(side * (double)of / (double)by);
    return v < 1 ? 1 : (size_t)v;
}

static void by_side(const settings *s, size_t w, size_t h, slc_resample *out)
{
    const size_t low = w <= h ? w : h, high = w <= h ? h : w;
    size_t new_low = (size_t)s->size.v[0], new_high = other(s->size.v[0], high, low);
    if (s->mode == LONG) {
        new_high = (size_t)s->size.v[0];
        new_low = other(s->size.v[0], low, high);
    } else if (s->max_size && new_high > (size_t)s->max_size) {
        new_low = other((double)s->max_size, new_low, new_high);
        new_high = (size_t)s->max_size;
    }
    out->w = w <= h ? new_low : new_high;
    out->h = w <= h ? new_high : new_low;
}

/* Pillow ImageOps.contain: the larger size inside the box that keeps the proportions. */
static void contain(size_t w, size_t h, size_t box_w, size_t box_h, slc_resample *out)
{
    const double have = (double)w / (double)h, want = (double)box_w / (double)box_h;
    out->w = box_w;
    out->h = box_h;
    if (have > want) out->h = (size_t)rint((double)h / (double)w * (double)box_w);
    if (have < want) out->w = (size_t)rint((double)w / (double)h * (double)box_h);
    if (out->w < 1) out->w = 1;
    if (out->h < 1) out->h = 1;
}

/* Pillow ImageOps.fit: the largest centred box with the wanted proportions. */
static void cover(size_t w, size_t h, size_t box_w, size_t box_h, slc_resample *out)
{
    const double have = (double)w / (double)h, want = (double)box_w / (double)box_h;
    double cw = (double)w, ch = (double)h;
    if (have > want) cw = want * (double)h;
    if (have < want) ch = (double)w / want;
    out->x0 = ((double)w - cw) * 0.5;
    out->y0 = ((double)h - ch) * 0.5;
    out->x1 = fmin(out->x0 + cw, (double)w);
    out->y1 = fmin(out->y0 + ch, (double)h);
    out->w = box_w;
    out->h = box_h;
    out->see_outside = true;
}

static slc_status resample(const void *set, const slc_draw *drawn, size_t w, size_t h,
                           slc_resample *out, slc_err *err)
{
    const settings *s = set;
    size_t box_w, box_h;
    (void)drawn, (void)err;

    slc_size_of(&s->size, &box_h, &box_w);
    *out = (slc_resample){.x1 = (double)w,
                          .y1 = (double)h,
                          .w = box_w,
                          .h = box_h,
                          .filter = (slc_filter)s->interpolation,
                          .no_antialias = !s->antialias,
                          .linear_light = s->linear_light};
    slc_fill_of(&s->fill, out->fill);
    if (s->mode == SHORT || s->mode == LONG) by_side(s, w, h, out);
    if (s->mode == FIT || s->mode == PAD) contain(w, h, box_w, box_h, out);
    if (s->mode == FILL) cover(w, h, box_w, box_h, out);
    if (s->mode == PAD && (out->w != box_w || out->h != box_h)) {
        out->canvas_w = box_w;
        out->canvas_h = box_h;
        out->at_x = (size_t)rint((double)(box_w - out->w) * 0.5);
        out->at_y = (size_t)rint((double)(box_h - out->h) * 0.5);
    }
    return SLC_OK;
}

static bool size(const void *set, size_t *w, size_t *h)
{
    const settings *s = set;
    if (s->mode == STRETCH || s->mode == FILL || s->mode == PAD) {
        slc_size_of(&s->size, h, w);
        return true;
    }
    if (!*w || !*h) return false;
    slc_resample out = {0};
    const slc_status status = resample(set, &(slc_draw){0}, *w, *h, &out, NULL);
    *w = out.w;
    *h = out.h;
    return !status;
}

const slc_op slc_op_resize = {
    .entry = {"resize", "change the size", "Pillow Image.resize; torchvision Resize",
              params, sizeof(settings)},
    .exactness =
        "bit-exact with antialias (nearest to lanczos); mitchell, catmull_rom and "
        "cubic_bspline are stb_image_resize's",
    .peer = "Pillow 9.4 Image.resize, ImageOps.contain, fit, pad",
    .example = "{size: [224, 224]}",
    .prepare = prepare,
    .size = size,
    .resample = resample,
};
