/* Whitening on the way into the batch: every pixel is freed of what its neighbours tell. */
#include "augment/whiten.h"

#include "augment/op.h"

typedef struct settings {
    const char *file;
    slc_whitening z;
} settings;

static const slc_param params[] = {
    {"file", SLC_FIELD(settings, file), .help = "what `sluice stats --zca FILE` wrote"},
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    return slc_whitening_read(&s->z, s->file, arena, err);
}

static slc_status tail(const void *set, const slc_draw *drawn, size_t w, size_t h,
                       size_t channels, slc_tail *out, slc_work *work, slc_err *err)
{
    const settings *s = set;
    (void)drawn;
    if (w != s->z.w || h != s->z.h || channels != s->z.channels)
        return slc_fail(
            err, SLC_EINVAL,
            "whiten: measured on %zu x %zu px and %zu channels, not %zu x %zu "
            "and %zu",
            s->z.w, s->z.h, s->z.channels, w, h, channels);
    if (out->normalized) return slc_fail(err, SLC_EINVAL, "whiten: normalised already");
    out->normalized = true;
    out->dims = w * h * channels;
    out->mean = s->z.mean;
    out->matrix = s->z.matrix;
    out->centred = slc_arena_alloc(&work->arena, out->dims * sizeof(float));
    return out->centred ? SLC_OK : slc_fail(err, SLC_ENOMEM, "whiten: no memory");
}

const slc_op slc_op_whiten = {
    .entry = {"whiten", "decorrelate all pixels (ZCA)",
              "Krizhevsky 2009; torchvision LinearTransformation", params,
              sizeof(settings)},
    .exactness = "to rounding: sums of float32 in another order",
    .peer = "torchvision 0.14 LinearTransformation",
    .prepare = prepare,
    .tail = tail,
};
