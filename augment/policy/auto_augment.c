/* AutoAugment: one of 25 learned pairs of moves. */
#include <math.h>

#include "augment/policy/space.h"

enum { SUB_POLICIES = 25, BINS = 10 };

typedef struct part {
    slc_move move;
    double p;
    int bin;
} part;

typedef part sub_policy[2];

#include "augment/policy/auto_augment_table.h"

typedef struct settings {
    int policy;
    slc_space space;
} settings;

static const char *const names[] = {"imagenet", "cifar10", "svhn", NULL};

static const slc_param params[] = {{"policy", SLC_FIELD(settings, policy),
                                    .choices = names, .initial = "imagenet",
                                    .help = "the data set it was learned on"},
                                   SLC_SPACE_PARAMS(settings, "nearest"),
                                   {0}};

/* Values: the sub-policy, and the magnitudes of its moves; NAN if one is left out. */
static bool draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    const slc_reach reach = {.shear = 0.3,
                             .rotate = 30,
                             .enhance = 0.9,
                             .translate_w = 150.0 / 331.0 * (double)at->w,
                             .translate_h = 150.0 / 331.0 * (double)at->h,
                             .posterize_from = 8,
                             .posterize_span = 4};
    const uint64_t which = slc_draw_below(at, SUB_POLICIES);
    out->v[0] = (double)which;
    for (int i = 0; i < 2; i++) {
        const part *of = &policies[s->policy][which][i];
        const bool go = slc_draw_chance(at, of->p), minus = slc_draw_chance(at, 0.5);
        const double m = slc_move_magnitude(of->move, &reach, of->bin, BINS);
        out->v[1 + i] = !go                                     ? (double)NAN
                        : minus && slc_move_is_signed(of->move) ? -m
                                                                : m;
    }
    return true;
}

static size_t expand(const slc_context *context, const slc_draw *drawn, slc_call *calls)
{
    const settings *s = context->settings;
    size_t count = 0;
    for (int i = 0; i < 2; i++)
        if (!isnan(drawn->v[1 + i]))
            count += slc_move_call(policies[s->policy][(int)drawn->v[0]][i].move,
                                   drawn->v[1 + i], calls + count);
    return count;
}

static slc_status children(const void *set, slc_arena *arena, const slc_node **list,
                           slc_err *err)
{
    return slc_space_children(&((const settings *)set)->space, arena, list, err);
}

const slc_op slc_op_auto_augment = {
    .entry = {"auto_augment", "one of 25 learned pairs of moves",
              "Cubuk et al., CVPR 2019, arXiv:1805.09501, as torchvision AutoAugment",
              params, sizeof(settings)},
    .value = {"sub_policy", "magnitude0", "magnitude1"},
    .exactness = "bit-exact (nearest)",
    .peer = "torchvision 0.14 AutoAugment on PIL images, same draws",
    .draw = draw,
    .expand = expand,
    .children = children,
};
