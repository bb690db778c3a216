/* One way to mix a batch. To add one: a file in augment/mix and its line in mix.c. */
#ifndef AUGMENT_MIX_MIXER_H
#define AUGMENT_MIX_MIXER_H

#include "augment/mix.h"
#include "base/params.h"
#include "base/rng.h"

/* What every mixer's settings begin with. */
typedef struct slc_mix_common {
    double p, alpha;
    int per; /* SLC_MIX_BATCH or SLC_MIX_SAMPLE */
} slc_mix_common;

enum { SLC_MIX_BATCH, SLC_MIX_SAMPLE };

/* What is drawn for one image. */
typedef struct slc_mix_draw {
    double lambda;     /* the image's own part, as its label gets it */
    size_t x, y, w, h; /* cutmix: the box that shows the partner */
} slc_mix_draw;

typedef struct slc_mixer {
    slc_entry entry;
    void (*draw)(const slc_mix_common *settings, const slc_mix_batch *batch, slc_rng *rng,
                 slc_mix_draw *out);
    /* image becomes a mixture of itself and partner; neither overlaps the other. */
    void (*apply)(const slc_mix_draw *draw, const slc_mix_batch *batch, void *image,
                  const void *partner, slc_isa isa);
    const char *(*text)(const slc_mix_draw *draw, char *buffer, size_t size);
} slc_mixer;

extern const slc_mixer slc_mixer_mixup, slc_mixer_cutmix;

#define SLC_MIX_PARAMS                                                                   \
    {"alpha",        SLC_FIELD(slc_mix_common, alpha),                                   \
     .lo = 1e-3,     .hi = 1e3,                                                          \
     .initial = "1", .help = "lambda is drawn from Beta(alpha, alpha)"},                 \
        {"p",                                                                            \
         SLC_FIELD(slc_mix_common, p),                                                   \
         .lo = 0,                                                                        \
         .hi = 1,                                                                        \
         .initial = "1",                                                                 \
         .help = "chance to be chosen; scaled down if the list's sum is above 1"},       \
    {                                                                                    \
        "per", SLC_FIELD(slc_mix_common, per),                                           \
            .choices = slc_mix_per, .initial = "batch",                                  \
            .help = "one lambda for the batch, or one per sample"                        \
    }

extern const char *const slc_mix_per[];

#endif
