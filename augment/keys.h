/* Keys that the settings of many ops have. settings: the struct; but for ranges its field has the
 * name of the key. */
#ifndef AUGMENT_KEYS_H
#define AUGMENT_KEYS_H

#include "augment/op.h"

/* slc_reals: one value, or the range [lo, hi] to draw from */
#define SLC_RANGE(key, settings, field, from, to, start, of, what)                       \
    {                                                                                    \
        key, SLC_FIELD(settings, field), .lo = (from), .hi = (to), .min_count = 1,       \
                                         .max_count = 2, .initial = (start),             \
                                         .unit = (of), .help = (what)                    \
    }

/* p: double */
#define SLC_CHANCE(settings, start)                                                      \
    {                                                                                    \
        "p", SLC_FIELD(settings, p), .lo = 0, .hi = 1, .initial = (start),               \
                                     .help = "chance to apply"                           \
    }

/* fill: slc_reals; one level or three */
#define SLC_FILL(settings, what)                                                         \
    {                                                                                    \
        "fill", SLC_FIELD(settings, fill),                                               \
            .lo = 0, .hi = 255, .min_count = 1, .max_count = 3, .one_or_all = true,      \
            .initial = "0", .unit = "level", .help = (what)                              \
    }

/* interpolation: int, for slc_warp_filter */
#define SLC_SAMPLING(settings, start)                                                    \
    {                                                                                    \
        "interpolation", SLC_FIELD(settings, interpolation),                             \
            .choices = slc_warp_filter_names, .initial = (start), .help = "sampling"     \
    }

#endif
