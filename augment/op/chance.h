/* The parameter p of ops that are applied by chance; settings must have a field p. */
#ifndef AUGMENT_OP_CHANCE_H
#define AUGMENT_OP_CHANCE_H

#define SLC_CHANCE(settings, start)                                                      \
    {                                                                                    \
        "p", SLC_FIELD(settings, p), .lo = 0, .hi = 1, .initial = (start),               \
                                     .help = "chance to apply"                           \
    }

#endif
