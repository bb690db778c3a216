/* Random resized crop, the standard look of ImageNet training (Szegedy et al. 2015): a box
 * of random area and proportions, resized. One resampling, whose box the decoder can use. */
#include <math.h>

#include "augment/op.h"

enum { X, Y, W, H };

typedef struct settings {
    slc_reals size, scale, ratio;
    int interpolation;
    bool antialias;
} settings;

static const slc_param params[] = {
    {"size", SLC_FIELD(settings, size), .whole = true, .lo = 1, .hi = SLC_MAX_SIDE,
     .min_count = 1, .max_count = 2, .unit = "px", .help = "side, or [height, width]"},
    {"scale", SLC_FIELD(settings, scale), .lo = 1e-6, .hi = 1, .min_count = 1,
     .max_count = 2, .initial = "[0.08, 1]", .unit = "ratio",
     .help = "part of the area to draw from"},
    {"ratio", SLC_FIELD(settings, ratio), .lo = 1e-3, .hi = 1e3, .min_count = 1,
     .max_count = 2, .initial = "[0.75, 1.3333333333333333]", .unit = "ratio",
     .help = "width / height to draw from, evenly in the logarithm"},
    {"interpolation", SLC_FIELD(settings, interpolation), .choices = slc_filter_names,
     .initial = "bilinear", .help = "filter"},
    {"antialias", SLC_FIELD(settings, antialias), .initial = "true",
     .help = "widen the filter when shrinking"},
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    if (s->scale.n == 2 && s->scale.v[0] > s->scale.v[1])
        return slc_fail(err, SLC_EINVAL, "scale: %g is above %g", s->scale.v[0],
                        s->scale.v[1]);
    if (s->ratio.n == 2 && s->ratio.v[0] > s->ratio.v[1])
        return slc_fail(err, SLC_EINVAL, "ratio: %g is above %g", s->ratio.v[0],
                        s->ratio.v[1]);
    return slc_filter_check(s->interpolation, s->antialias, false, err);
}

/* After ten misses: the largest centred box whose proportions are allowed. */
static void fall_back(const settings *s, const slc_at *at, slc_draw *out)
{
    const double lo = s->ratio.v[0], hi = s->ratio.v[s->ratio.n - 1];
    const double have = (double)at->w / (double)at->h;
    double w = (double)at->w, h = (double)at->h;
    if (have < lo) h = fmin(rint(w / lo), h);
    if (have > hi) w = fmin(rint(h * hi), w);
    out->v[W] = fmax(w, 1);
    out->v[H] = fmax(h, 1);
    out->v[X] = floor(((double)at->w - out->v[W]) / 2);
    out->v[Y] = floor(((double)at->h - out->v[H]) / 2);
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    const double area = (double)at->w * (double)at->h;
    const double lo = log(s->ratio.v[0]), hi = log(s->ratio.v[s->ratio.n - 1]);

    for (int attempt = 0; attempt < 10; attempt++) {
        const double target = area * slc_draw_range(at, &s->scale);
        const double ratio = exp(slc_draw_uniform(at, lo, hi));
        const double w = rint(sqrt(target * ratio)), h = rint(sqrt(target / ratio));
        if (w <= 0 || h <= 0 || w > (double)at->w || h > (double)at->h) continue;
        out->v[W] = w;
        out->v[H] = h;
        out->v[Y] = (double)slc_draw_below(at, at->h - (size_t)h + 1);
        out->v[X] = (double)slc_draw_below(at, at->w - (size_t)w + 1);
        return true;
    }
    fall_back(s, at, out);
    return true;
}

static slc_status resample(const void *set, const slc_draw *drawn, size_t w, size_t h,
                           slc_resample *out, slc_err *err)
{
    const settings *s = set;
    const double *v = drawn->v;
    if (v[X] + v[W] > (double)w || v[Y] + v[H] > (double)h || v[W] < 1 || v[H] < 1)
        return slc_fail(err, SLC_EINVAL,
                        "random_resized_crop: %g x %g px does not fit into %zu x %zu px",
                        v[W], v[H], w, h);
    *out = (slc_resample){.x0 = v[X],
                          .y0 = v[Y],
                          .x1 = v[X] + v[W],
                          .y1 = v[Y] + v[H],
                          .filter = (slc_filter)s->interpolation,
                          .no_antialias = !s->antialias};
    slc_size_of(&s->size, &out->h, &out->w);
    return SLC_OK;
}

static bool size(const void *set, size_t *w, size_t *h)
{
    const settings *s = set;
    slc_size_of(&s->size, h, w);
    return true;
}

const slc_op slc_op_random_resized_crop = {
    .entry = {"random_resized_crop",
              "cut out a box of random area and shape, and resize it",
              "Szegedy et al., CVPR 2015; torchvision RandomResizedCrop", params,
              sizeof(settings)},
    .value = {"x", "y", "w", "h"},
    .exactness = "bit-exact for the same box (exact decoding)",
    .peer = "torchvision 0.14 RandomResizedCrop on Pillow 9.4 images",
    .example = "{size: 224}",
    .prepare = prepare,
    .draw = draw,
    .size = size,
    .resample = resample,
};
