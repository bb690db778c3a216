/* Normalize: (px / 255 - mean) / std per channel, on the way into the batch. */
#include "augment/kernel/pack.h"
#include "augment/op.h"

typedef struct settings {
    slc_reals mean, std;
    slc_norm *norm;
} settings;

static const slc_param params[] = {
    {"mean", SLC_FIELD(settings, mean), .lo = -1e6, .hi = 1e6, .min_count = 1,
     .max_count = 3, .one_or_all = true, .help = "of each channel, with white as 1"},
    {"std", SLC_FIELD(settings, std), .lo = 1e-6, .hi = 1e6, .min_count = 1,
     .max_count = 3, .one_or_all = true, .help = "standard deviation of each channel"},
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    float mean[3], std[3];
    if (s->mean.n == 2 || s->std.n == 2)
        return slc_fail(err, SLC_EINVAL, "mean and std take one or three numbers");
    s->norm = slc_arena_alloc(arena, sizeof(*s->norm));
    if (!s->norm) return slc_fail(err, SLC_ENOMEM, "no memory");
    for (size_t c = 0; c < 3; c++) {
        mean[c] = (float)s->mean.v[s->mean.n > c ? c : 0];
        std[c] = (float)s->std.v[s->std.n > c ? c : 0];
    }
    slc_norm_make(s->norm, mean, std);
    return SLC_OK;
}

static slc_status tail(const void *set, const slc_draw *drawn, size_t w, size_t h,
                       size_t channels, slc_tail *out, slc_work *work, slc_err *err)
{
    const settings *s = set;
    (void)drawn, (void)w, (void)h, (void)work;
    if (channels == 1 && (s->mean.n > 1 || s->std.n > 1))
        return slc_fail(err, SLC_EINVAL,
                        "normalize: three numbers for an image of one channel");
    if (out->normalized)
        return slc_fail(err, SLC_EINVAL, "normalize: normalised already");
    out->normalized = true;
    out->norm = s->norm;
    return SLC_OK;
}

const slc_op slc_op_normalize = {
    .entry = {"normalize", "subtract the mean, divide by the standard deviation",
              "torchvision Normalize", params, sizeof(settings)},
    .exactness = "bit-exact (float32)",
    .peer = "torchvision 0.14 ToTensor and Normalize",
    .example = "{mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}",
    .prepare = prepare,
    .tail = tail,
};
