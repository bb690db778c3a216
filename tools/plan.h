/* train --dry-run: what a run would do and take. */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include "tools/cmd.h"
#include "train/recipe.h"

/* Rehearses the recipe's first steps and prints the plan. */
SLC_CHECKED slc_status cli_plan_print(const cli_context *cli, const slc_recipe *recipe,
                                      slc_err *err);

#endif
