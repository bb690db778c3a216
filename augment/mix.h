/* Batch-level augmentation: what needs two samples. */
#ifndef AUGMENT_MIX_H
#define AUGMENT_MIX_H

#include "base/dtype.h"
#include "base/isa.h"
#include "base/params.h"

typedef struct slc_mix slc_mix; /* immutable; Threads: any number may use one */

/* What a recipe may list, for help and reference; NULL at the end. */
extern SLC_API const slc_entry *const slc_mix_entries[];

/* A finished batch, mixed in place. lambda and label_b are written for every image (1 and
 * label_a where nothing was mixed). */
typedef struct slc_mix_batch {
    void *data; /* n x h x w x c or n x c x h x w */
    slc_dtype type;
    slc_layout layout;
    size_t n, channels, height, width;
    const int32_t *label_a;
    int32_t *label_b;
    float *lambda;
    uint32_t *partner; /* which image of the batch was mixed in; itself if none */
    void *scratch;     /* slc_mix_scratch() bytes */
} slc_mix_batch;

/* Compiles "mix: [{mixup: {alpha: 0.2}}, {cutmix: {alpha: 1}}]": one of them is chosen per batch
 * by their probabilities. Errors: SLC_EINVAL with line. */
SLC_API SLC_CHECKED slc_status slc_mix_create(slc_mix **out, const slc_node *list,
                                              slc_err *err);
SLC_API void slc_mix_destroy(slc_mix **mix);
SLC_API slc_node *slc_mix_dump(const slc_mix *mix, slc_arena *arena);
SLC_API size_t slc_mix_scratch(const slc_mix *mix, size_t n, size_t channels,
                               size_t height, size_t width, slc_dtype type);

/* Draws from (seed, epoch, batch number) and mixes; text (may be NULL, size bytes) receives
 * what was drawn: "cutmix lambda=0.73 box=3,4,10,12". */
SLC_API void slc_mix_run(const slc_mix *mix, uint64_t seed, uint64_t epoch,
                         uint64_t number, slc_mix_batch *batch, slc_isa isa, char *text,
                         size_t size);

#endif
