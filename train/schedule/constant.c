/* One rate from the first step to the last. */
#include "train/schedule/shape.h"

static slc_rate at(const void *settings, const slc_when *when)
{
    (void)settings;
    return shape_rate(when->base_lr);
}

const slc_schedule slc_schedule_constant = {
    .entry = {.name = "constant",
              .summary = "the base rate throughout",
              .source = "Robbins & Monro, Ann. Math. Stat. 22 (1951)"},
    .at = at,
};
