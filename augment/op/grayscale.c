/* Grayscale and random_grayscale: Pillow's luma. */
#include <string.h>

#include "augment/kernel/tint.h"
#include "augment/keys.h"
#include "augment/op.h"

typedef struct settings {
    int64_t channels;
    double p;
} settings;

static const slc_param params[] = {{"channels", SLC_FIELD(settings, channels), .lo = 1,
                                    .hi = 3, .initial = "1", .help = "of the result"},
                                   {0}};
static const slc_param random_params[] = {SLC_CHANCE(settings, "0.1"), {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    if (((settings *)set)->channels == 2)
        return slc_fail(err, SLC_EINVAL, "channels: expected 1 or 3");
    return SLC_OK;
}

static size_t channels(const void *set, size_t in_channels)
{
    (void)in_channels;
    return (size_t)((const settings *)set)->channels;
}

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    (void)out;
    return slc_draw_chance(at, ((const settings *)set)->p);
}

static void row(const slc_tint *tint, uint8_t *dst, size_t to, const uint8_t *src,
                size_t from, size_t w)
{
    if (from == 3 && to == 1)
        tint->grey(dst, src, w);
    else if (from == 3)
        tint->grey3(dst, src, w);
    else if (to == 1)
        memcpy(dst, src, w);
    else
        for (size_t x = 0; x < w; x++)
            memset(dst + 3 * x, src[x], 3);
}

static slc_status area(const slc_context *context, const slc_draw *drawn,
                       const slc_image *in, slc_work *work, slc_image *out, slc_err *err)
{
    (void)context, (void)drawn, (void)err;
    for (size_t y = 0; y < in->h; y++)
        row(slc_tints[work->isa], out->px + y * out->stride, out->channels,
            in->px + y * in->stride, in->channels, in->w);
    return SLC_OK;
}

const slc_op slc_op_grayscale = {
    .entry = {"grayscale", "take the colour out",
              "ITU-R BT.601 luma, as Pillow convert(\"L\")", params, sizeof(settings)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 convert(\"L\"), torchvision Grayscale",
    .prepare = prepare,
    .channels = channels,
    .area = area,
};

const slc_op slc_op_random_grayscale = {
    .entry = {"random_grayscale", "take the colour out by chance",
              "torchvision RandomGrayscale", random_params, sizeof(settings)},
    .exactness = "bit-exact",
    .peer = "torchvision RandomGrayscale",
    .neutral = "{p: 0}",
    .draw = draw,
    .area = area,
};
