/* Flips: two of the eight symmetries of the square, by chance. */
#include "augment/op.h"

typedef struct settings {
    double p;
} settings;

static const slc_param params[] = {{"p", SLC_FIELD(settings, p), .lo = 0, .hi = 1,
                                    .initial = "0.5", .help = "chance to flip"},
                                   {0}};

static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    (void)out;
    return slc_draw_chance(at, s->p);
}

static slc_symmetry hflip(const void *set, const slc_draw *drawn)
{
    (void)set, (void)drawn;
    return SLC_SYM_HFLIP;
}

const slc_op slc_op_hflip = {
    .entry = {"hflip", "mirror left and right", "torchvision RandomHorizontalFlip",
              params, sizeof(settings)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 Image.transpose(FLIP_LEFT_RIGHT)",
    .neutral = "{p: 0}",
    .draw = draw,
    .symmetry = hflip,
};
