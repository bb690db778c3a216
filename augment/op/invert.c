/* Invert: the negative of the picture. */
#include "augment/keys.h"

typedef struct settings {
    double p;
} settings;

static const slc_param params[] = {SLC_CHANCE(settings, "0.5"), {0}};

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    (void)out;
    return slc_draw_chance(at, s->p);
}

static void lut(const void *set, const slc_draw *drawn, uint8_t table[3][256])
{
    (void)set, (void)drawn;
    for (size_t c = 0; c < 3; c++)
        for (unsigned i = 0; i < 256; i++)
            table[c][i] = (uint8_t)(255 - i);
}

const slc_op slc_op_invert = {
    .entry = {"invert", "turn into the negative", "Pillow ImageOps.invert", params,
              sizeof(settings)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 ImageOps.invert",
    .neutral = "{p: 0}",
    .draw = draw,
    .lut = lut,
};
