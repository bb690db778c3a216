/* The eight symmetries of the square: flips, transposition, quarter turns. */
#include "augment/keys.h"

typedef struct chance {
    double p;
} chance;

static const slc_param chance_params[] = {SLC_CHANCE(chance, "0.5"), {0}};

static bool chance_draw(const void *set, slc_at *at, slc_draw *out)
{
    (void)out;
    return slc_draw_chance(at, ((const chance *)set)->p);
}

static slc_symmetry hflip(const void *set, const slc_draw *drawn)
{
    (void)set, (void)drawn;
    return SLC_SYM_HFLIP;
}

static slc_symmetry vflip(const void *set, const slc_draw *drawn)
{
    (void)set, (void)drawn;
    return SLC_SYM_VFLIP;
}

static slc_symmetry transpose(const void *set, const slc_draw *drawn)
{
    (void)set, (void)drawn;
    return SLC_SYM_TRANSPOSE;
}

/* Quarter turns keep the size of squares alone. */
static bool square(const void *set, size_t *w, size_t *h)
{
    (void)set;
    return *w == *h;
}

const slc_op slc_op_hflip = {
    .entry = {"hflip", "mirror left and right", "torchvision RandomHorizontalFlip",
              chance_params, sizeof(chance)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 Image.transpose(FLIP_LEFT_RIGHT)",
    .neutral = "{p: 0}",
    .example = "{p: 1}",
    .draw = chance_draw,
    .alternates = true,
    .symmetry = hflip,
};

const slc_op slc_op_vflip = {
    .entry = {"vflip", "mirror top and bottom", "torchvision RandomVerticalFlip",
              chance_params, sizeof(chance)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 Image.transpose(FLIP_TOP_BOTTOM)",
    .neutral = "{p: 0}",
    .example = "{p: 1}",
    .draw = chance_draw,
    .alternates = true,
    .symmetry = vflip,
};

const slc_op slc_op_transpose = {
    .entry = {"transpose", "swap rows and columns", "Albumentations Transpose",
              chance_params, sizeof(chance)},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 Image.transpose(TRANSPOSE)",
    .neutral = "{p: 0}",
    .example = "{p: 1}",
    .draw = chance_draw,
    .size = square,
    .symmetry = transpose,
};

/* ---- rot90 ---- */

typedef struct turn {
    slc_reals turns;
    double p;
} turn;

static const slc_param turn_params[] = {
    {"turns", SLC_FIELD(turn, turns), .lo = 0, .hi = 3, .min_count = 1, .max_count = 2,
     .initial = "[0, 3]",
     .help = "quarter turns counter-clockwise, or the range to draw from"},
    SLC_CHANCE(turn, "1"),
    {0}};

static bool turn_draw(const void *set, slc_at *at, slc_draw *out)
{
    const turn *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = (double)slc_draw_int(at, (int64_t)s->turns.v[0],
                                     (int64_t)s->turns.v[s->turns.n - 1]);
    return true;
}

static slc_symmetry turn_symmetry(const void *set, const slc_draw *drawn)
{
    static const slc_symmetry turns[4] = {SLC_SYM_NONE, SLC_SYM_ROT90, SLC_SYM_ROT180,
                                          SLC_SYM_ROT270};
    (void)set;
    return turns[(unsigned)drawn->v[0] & 3];
}

static slc_status turn_prepare(void *set, slc_arena *arena, slc_err *err)
{
    const turn *s = set;
    (void)arena;
    for (size_t i = 0; i < s->turns.n; i++)
        if (s->turns.v[i] != (double)(int)s->turns.v[i])
            return slc_fail(err, SLC_EINVAL, "turns: %g is not a whole number",
                            s->turns.v[i]);
    if (s->turns.v[0] > s->turns.v[s->turns.n - 1])
        return slc_fail(err, SLC_EINVAL, "turns: the range is upside down");
    return SLC_OK;
}

const slc_op slc_op_rot90 = {
    .entry = {"rot90", "turn by quarters", "Albumentations RandomRotate90; numpy.rot90",
              turn_params, sizeof(turn)},
    .value = {"turns"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 Image.transpose(ROTATE_90, ROTATE_180, ROTATE_270)",
    .neutral = "{turns: 0}",
    .example = "{turns: 1}",
    .prepare = turn_prepare,
    .draw = turn_draw,
    .size = square,
    .symmetry = turn_symmetry,
};

/* ---- symmetry ---- */

static const char *const names[] = {"any",        "none",      "hflip",  "vflip",
                                    "rot180",     "transpose", "rot270", "rot90",
                                    "transverse", NULL};

typedef struct eight {
    int which;
    double p;
} eight;

static const slc_param eight_params[] = {
    {"which", SLC_FIELD(eight, which), .choices = names, .initial = "any",
     .help = "one of the eight, or any: drawn evenly"},
    SLC_CHANCE(eight, "1"),
    {0}};

static bool eight_draw(const void *set, slc_at *at, slc_draw *out)
{
    const eight *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = s->which ? s->which - 1 : (double)slc_draw_below(at, 8);
    return true;
}

static slc_symmetry eight_symmetry(const void *set, const slc_draw *drawn)
{
    (void)set;
    return (slc_symmetry)((unsigned)drawn->v[0] & 7);
}

const slc_op slc_op_symmetry = {
    .entry = {"symmetry", "one of the eight symmetries of the square",
              "Albumentations D4", eight_params, sizeof(eight)},
    .value = {"symmetry"},
    .exactness = "bit-exact",
    .peer = "Pillow 9.4 Image.transpose",
    .neutral = "{which: none}",
    .draw = eight_draw,
    .size = square,
    .symmetry = eight_symmetry,
};
