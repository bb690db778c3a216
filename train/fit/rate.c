/* The rate that a step takes: the schedule's, for the batch that lr is meant for, or SWA's. */
#include <math.h>

#include "train/fit.h"

static double base_lr(const slc_recipe *recipe)
{
    const slc_optim_common *common = recipe->optim_settings;
    const int64_t meant = recipe->optim_more.scale_batch;
    const double batch = (double)(recipe->train.batch * recipe->train.accumulate);
    return meant > 0 ? common->lr * batch / (double)meant : common->lr;
}

uint64_t slc_fit_swa_start(const slc_recipe *recipe, uint64_t steps)
{
    return (uint64_t)ceil(recipe->train.swa.start * (double)steps);
}

slc_rate slc_fit_rate(const slc_recipe *recipe, const slc_warmup *warmup,
                      const slc_when *when)
{
    slc_when at = *when;
    at.base_lr = base_lr(recipe);
    at.base_momentum = -1;
    slc_rate rate =
        slc_schedule_rate(recipe->schedule, recipe->schedule_settings, warmup, &at);
    rate.progress = fmin(1, (double)(when->step + 1) / (double)when->steps);
    const uint64_t start = slc_fit_swa_start(recipe, when->steps);
    if (!recipe->train.swa.on || when->step < start) return rate;
    at.step = start;
    const double from =
        slc_schedule_rate(recipe->schedule, recipe->schedule_settings, warmup, &at).lr;
    const double part =
        fmin(1, (double)(when->step - start) / (double)when->steps_per_epoch);
    rate.lr = from + (recipe->train.swa.lr - from) * part;
    return rate;
}
