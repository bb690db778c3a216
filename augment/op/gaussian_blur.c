/* Gaussian blur as torchvision defines it: an odd kernel, reflected borders, one sigma for both
 * directions. torchvision sums a two-dimensional kernel in float32, this one two one-dimensional
 * ones in fixed point, with 1 / 128 of a level between them. Before rounding these are off by less
 * than 0.8 levels (kernel/gaussian.h), torchvision's by at most 101 * 101 * 255 / 2^24 < 0.16:
 * together less than one, and what is less than one apart rounds to at most one apart. */
#include <math.h>

#include "augment/kernel/filter.h"
#include "augment/kernel/gaussian.h"
#include "augment/keys.h"
#include "augment/op/bordered.h"
#include "augment/op/enhance.h"

typedef struct settings {
    slc_reals kernel_size, sigma;
    double p;
} settings;

static const slc_param params[] = {
    {"kernel_size", SLC_FIELD(settings, kernel_size), .lo = 1, .hi = SLC_MAX_GAUSSIAN,
     .min_count = 1, .max_count = 2, .initial = "5", .unit = "px",
     .help = "odd: one number, or [width, height] as in torchvision"},
    {"sigma", SLC_FIELD(settings, sigma), .lo = 0.001, .hi = 1000, .min_count = 1,
     .max_count = 2, .initial = "[0.1, 2.0]", .unit = "px",
     .help = "standard deviation; one value or a range"},
    SLC_CHANCE(settings, "1"),
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    const settings *s = set;
    (void)arena;
    for (size_t i = 0; i < s->kernel_size.n; i++)
        if (fmod(s->kernel_size.v[i], 2) != 1)
            return slc_fail(err, SLC_EINVAL, "kernel_size: %g is not odd",
                            s->kernel_size.v[i]);
    return slc_range_check("sigma", &s->sigma, err);
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_range(at, &s->sigma);
    return true;
}

static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    const settings *s = context->settings;
    const slc_reals *size = &s->kernel_size;
    const slc_filters *f = slc_filters_of[work->isa];
    uint16_t across[SLC_MAX_GAUSSIAN], down[SLC_MAX_GAUSSIAN];
    const size_t kw = slc_gaussian_taps(across, (size_t)size->v[0], drawn->v[0]);
    const size_t kh =
        slc_gaussian_taps(down, (size_t)size->v[size->n > 1 ? 1 : 0], drawn->v[0]);
    const size_t c = in->channels, wide = (in->w + kw - 1) * c;
    slc_image from;

    const slc_status status =
        slc_bordered(&from, in, kw / 2, kh / 2, slc_reflect_at, &work->arena, err);
    if (status) return status;
    uint16_t *sums = slc_arena_alloc(&work->arena, (wide + 64) * sizeof(*sums));
    if (!sums) return slc_fail(err, SLC_ENOMEM, "gaussian_blur: no memory");
    for (size_t y = 0; y < in->h; y++) {
        const uint8_t *rows[SLC_MAX_GAUSSIAN];
        for (size_t t = 0; t < kh; t++)
            rows[t] =
                from.px +
                ((ptrdiff_t)(y + t) - (ptrdiff_t)(kh / 2)) * (ptrdiff_t)from.stride -
                kw / 2 * c;
        f->even_down(sums, rows, down, kh, wide);
        f->even_across(out->px + y * out->stride, sums, across, kw, in->w * c, c);
    }
    return SLC_OK;
}

const slc_op slc_op_gaussian_blur = {
    .entry = {"gaussian_blur", "blur with a Gaussian", "torchvision GaussianBlur", params,
              sizeof(settings)},
    .value = {"sigma"},
    .exactness = "at most 1 level",
    .peer = "torchvision 0.14 gaussian_blur",
    .neutral = "{kernel_size: 1}",
    .prepare = prepare,
    .draw = draw,
    .area = area,
};
