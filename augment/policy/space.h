/* What the learned and random policies choose from: fifteen moves with a magnitude in one
 * number, each an ordinary op as a child. torchvision's names, units and order. */
#ifndef AUGMENT_POLICY_SPACE_H
#define AUGMENT_POLICY_SPACE_H

#include "augment/op.h"

typedef enum slc_move {
    SLC_MOVE_IDENTITY,
    SLC_MOVE_SHEAR_X, /* tangent of the angle */
    SLC_MOVE_SHEAR_Y,
    SLC_MOVE_TRANSLATE_X, /* px, cut off towards zero */
    SLC_MOVE_TRANSLATE_Y,
    SLC_MOVE_ROTATE,     /* deg, counter-clockwise */
    SLC_MOVE_BRIGHTNESS, /* factor - 1, as the next three */
    SLC_MOVE_COLOR,
    SLC_MOVE_CONTRAST,
    SLC_MOVE_SHARPNESS,
    SLC_MOVE_POSTERIZE, /* bits */
    SLC_MOVE_SOLARIZE,  /* threshold */
    SLC_MOVE_AUTOCONTRAST,
    SLC_MOVE_EQUALIZE,
    SLC_MOVE_INVERT,
    SLC_MOVE_COUNT
} slc_move;

/* How far a policy's moves go at their last bin. */
typedef struct slc_reach {
    double shear, rotate, enhance;
    double translate_w, translate_h; /* px */
    int posterize_from, posterize_span;
} slc_reach;

/* The magnitude of a bin of so many, as torchvision's float32 tables have it; without sign. 0
 * for moves that have none. */
double slc_move_magnitude(slc_move move, const slc_reach *reach, int bin, int bins);
bool slc_move_is_signed(slc_move move);

/* Recipes' names of the moves, in the order of slc_move; NULL at the end. */
extern const char *const slc_move_names[];

/* What all these policies can be told about the geometric moves. */
typedef struct slc_space {
    int interpolation;
    slc_reals fill;
} slc_space;
#define SLC_SPACE_PARAMS(settings, start)                                                \
    {"interpolation", SLC_FIELD(settings, space.interpolation),                          \
     .choices = slc_warp_filter_names, .initial = (start),                               \
     .help = "of geometric moves"},                                                      \
    {                                                                                    \
        "fill", SLC_FIELD(settings, space.fill),                                         \
            .lo = 0, .hi = 255, .min_count = 1, .max_count = 3, .one_or_all = true,      \
            .initial = "0", .unit = "level", .help = "colour outside the picture"        \
    }

/* The children that slc_move_call refers to. */
slc_status slc_space_children(const slc_space *space, slc_arena *arena,
                              const slc_node **list, slc_err *err);

/* Writes the call that makes a move; returns how many there are: 0 for identity, else 1. */
size_t slc_move_call(slc_move move, double magnitude, slc_call *call);

#endif
