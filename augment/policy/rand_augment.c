/* RandAugment: some moves, all of one strength. TrivialAugment: one move of any strength. */
#include <stdbool.h>
#include <string.h>

#include "augment/policy/space.h"

enum { MOVES = SLC_MOVE_INVERT, MAX_OPS = 10, MAX_BINS = 1000 };

typedef struct settings {
    int64_t num_ops, magnitude, num_magnitude_bins;
    slc_space space;
    slc_texts moves;
    size_t count; /* of the moves to choose from; set by prepare */
    uint8_t move[SLC_MOVE_COUNT];
} settings;

#define BINS                                                                             \
    {                                                                                    \
        "num_magnitude_bins", SLC_FIELD(settings, num_magnitude_bins),                   \
            .lo = 2, .hi = MAX_BINS, .initial = "31", .help = "strengths in all"         \
    }

#define MOVES_PARAM                                                                      \
    {                                                                                    \
        "moves", SLC_FIELD(settings, moves),                                             \
            .choices = slc_move_names, .initial = "[]",                                  \
            .help = "which ones; [] for torchvision's fourteen: all but invert"          \
    }

static const slc_param rand_params[] = {
    {"num_ops", SLC_FIELD(settings, num_ops), .lo = 0, .hi = MAX_OPS, .initial = "2",
     .help = "moves one after the other"},
    {"magnitude", SLC_FIELD(settings, magnitude), .lo = 0, .hi = MAX_BINS - 1,
     .initial = "9", .help = "their strength, a bin counted from 0"},
    BINS,
    MOVES_PARAM,
    SLC_SPACE_PARAMS(settings, "nearest"),
    {0}};
static const slc_param trivial_params[] = {
    {"magnitude", SLC_FIELD(settings, magnitude), .lo = -1, .hi = MAX_BINS - 1,
     .initial = "-1", .help = "one strength, a bin counted from 0; -1: any"},
    BINS,
    MOVES_PARAM,
    SLC_SPACE_PARAMS(settings, "nearest"),
    {0}};

static slc_status prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    (void)arena;
    if (s->magnitude >= s->num_magnitude_bins)
        return slc_fail(err, SLC_EINVAL, "magnitude: %lld is not one of %lld bins",
                        (long long)s->magnitude, (long long)s->num_magnitude_bins);
    if (s->moves.n > SLC_MOVE_COUNT)
        return slc_fail(err, SLC_EINVAL, "moves: %zu are more than there are",
                        s->moves.n);
    s->count = s->moves.n ? s->moves.n : MOVES;
    for (size_t i = 0; i < s->count; i++) {
        s->move[i] = (uint8_t)i;
        for (uint8_t k = 0; s->moves.n && slc_move_names[k]; k++)
            if (strcmp(s->moves.v[i], slc_move_names[k]) == 0) s->move[i] = k;
    }
    return SLC_OK;
}

/* One of the moves, and its sign. */
static void draw_move(slc_at *at, const settings *s, const slc_reach *reach, int bin,
                      double out[2])
{
    const slc_move move = (slc_move)s->move[slc_draw_below(at, s->count)];
    const int bins = (int)s->num_magnitude_bins;
    const double m = slc_move_magnitude(move, reach, bin, bins);
    const bool minus = slc_draw_chance(at, 0.5);
    out[0] = (double)move;
    out[1] = minus && slc_move_is_signed(move) ? -m : m;
}

static bool rand_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    const slc_reach reach = {.shear = 0.3,
                             .rotate = 30,
                             .enhance = 0.9,
                             .translate_w = 150.0 / 331.0 * (double)at->w,
                             .translate_h = 150.0 / 331.0 * (double)at->h,
                             .posterize_from = 8,
                             .posterize_span = 4};
    for (int64_t i = 0; i < s->num_ops; i++)
        draw_move(at, s, &reach, (int)s->magnitude, out->v + 2 * i);
    return true;
}

static bool trivial_draw(const void *set, slc_at *at, slc_draw *out)
{
    static const slc_reach reach = {.shear = 0.99,
                                    .rotate = 135,
                                    .enhance = 0.99,
                                    .translate_w = 32,
                                    .translate_h = 32,
                                    .posterize_from = 8,
                                    .posterize_span = 6};
    const settings *s = set;
    const int any = (int)slc_draw_below(at, (uint64_t)s->num_magnitude_bins);
    draw_move(at, s, &reach, s->magnitude < 0 ? any : (int)s->magnitude, out->v);
    return true;
}

static size_t rand_expand(const slc_context *context, const slc_draw *drawn,
                          slc_call *calls)
{
    const settings *s = context->settings;
    size_t count = 0;
    for (int64_t i = 0; i < s->num_ops; i++)
        count +=
            slc_move_call((slc_move)drawn->v[2 * i], drawn->v[2 * i + 1], calls + count);
    return count;
}

static size_t trivial_expand(const slc_context *context, const slc_draw *drawn,
                             slc_call *calls)
{
    (void)context;
    return slc_move_call((slc_move)drawn->v[0], drawn->v[1], calls);
}

static slc_status children(const void *set, slc_arena *arena, const slc_node **list,
                           slc_err *err)
{
    return slc_space_children(&((const settings *)set)->space, arena, list, err);
}

const slc_op slc_op_rand_augment = {
    .entry = {"rand_augment", "some moves of one strength",
              "Cubuk et al., CVPRW 2020, arXiv:1909.13719, as torchvision RandAugment",
              rand_params, sizeof(settings)},
    .value = {"move0",      "magnitude0", "move1",      "magnitude1", "move2",
              "magnitude2", "move3",      "magnitude3", "move4",      "magnitude4",
              "move5",      "magnitude5", "move6",      "magnitude6", "move7",
              "magnitude7", "move8",      "magnitude8", "move9",      "magnitude9"},
    .exactness = "bit-exact (nearest)",
    .peer = "torchvision 0.14 RandAugment on PIL images, same draws",
    .neutral = "{num_ops: 0}",
    .prepare = prepare,
    .draw = rand_draw,
    .expand = rand_expand,
    .children = children,
};

const slc_op slc_op_trivial_augment_wide = {
    .entry = {"trivial_augment_wide", "one move of any strength",
              "Müller & Hutter, ICCV 2021, arXiv:2103.10158, as torchvision "
              "TrivialAugmentWide",
              trivial_params, sizeof(settings)},
    .value = {"move", "magnitude"},
    .exactness = "bit-exact (nearest)",
    .peer = "torchvision 0.14 TrivialAugmentWide on PIL images, same draws",
    .prepare = prepare,
    .draw = trivial_draw,
    .expand = trivial_expand,
    .children = children,
};
