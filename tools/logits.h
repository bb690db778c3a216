/* Every picture's logits, as lines on stdout or as JSON. */
#ifndef TOOLS_LOGITS_H
#define TOOLS_LOGITS_H

#include "tools/cmd.h"
#include "train/fit.h"

typedef struct cli_logits {
    const slc_trained *trained;
    const slc_source *source; /* names the pictures */
    json_t *list;             /* NULL: lines of path, class and logits between tabs */
} cli_logits;

/* An on_prediction of slc_eval_settings whose user is a cli_logits. */
void cli_logits_take(void *user, const slc_prediction *prediction);

/* Runs every spec (a picture, a folder, any source; labels are not looked at) through the model
 * and tells its logits; with --json one object with the policy that prepared them. */
SLC_CHECKED slc_status cli_logits_of(cli_context *cli, const slc_trained *trained,
                                     char **specs, int count, slc_err *err);

#endif
