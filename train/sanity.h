/* Before the long run: can the net learn one batch by heart, and does the data say what it should?
 * Both train for seconds, in memory, and write nothing. */
#ifndef TRAIN_SANITY_H
#define TRAIN_SANITY_H

#include <stdatomic.h>

#include "base/json.h"
#include "train/recipe.h"

typedef struct slc_sanity_settings {
    const slc_recipe *recipe;
    uint64_t
        images; /* overfit: in the batch, 0 = the recipe's batch, at most 32. verify: to
                        learn from, 0 = 768; half as many are held out */
    uint64_t steps; /* 0 = 300 (overfit), 60 (verify) */
    double
        lr; /* 0 = the recipe's; overfit: that by images / batch, then a tenth, a hundredth */
    double target; /* overfit: the loss that is called zero; 0 = 0.01 */
    size_t threads;
    const slc_log *log;
    const atomic_int *stop;
} slc_sanity_settings;

/* Trains on one batch, without augmentation, mixing, smoothing or dropping. *result: {"ok", "lr", "steps", "loss",
 * "start", "top1", "losses": [...], "advice": [...]}; advice is empty if ok. Errors: those of
 * opening data and net. A loss that does not fall is a result, not an error. */
SLC_API SLC_CHECKED slc_status slc_overfit(const slc_sanity_settings *settings,
                                           json_t **result, slc_err *err);

/* Looks at inputs and labels, at the loss before the first step, and trains twice: with the
 * labels as they are, and with shuffled ones. *result: {"ok", "checks": [{"name", "ok", "text",
 * "value", "expected"}]}. */
SLC_API SLC_CHECKED slc_status slc_verify(const slc_sanity_settings *settings,
                                          json_t **result, slc_err *err);

#endif
