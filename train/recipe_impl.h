/* Between the files of the recipe: its tables. */
#ifndef TRAIN_RECIPE_IMPL_H
#define TRAIN_RECIPE_IMPL_H

#include "train/recipe.h"

extern const slc_param slc_recipe_params[], slc_recipe_data_params[],
    slc_recipe_loader_params[], slc_recipe_optim_params[], slc_recipe_train_params[],
    slc_recipe_early_params[], slc_recipe_ema_params[], slc_recipe_swa_params[],
    slc_recipe_target_params[], slc_recipe_loss_params[];

/* A named thing with keys of its own and keys of its section, in one map: both tables are
 * joined, so that a misspelt key is compared with all of them. */
typedef struct slc_recipe_joint {
    const slc_entry *entry;
    const slc_param *more; /* the section's */
    size_t more_size;
    const char *what;
} slc_recipe_joint;

slc_status slc_recipe_check(const slc_recipe *recipe, slc_err *err);

/* "90s", "30m", "2h", "1.5d" */
bool slc_parse_duration(const char *text, double *seconds);

#endif
