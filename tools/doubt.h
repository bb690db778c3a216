/* predict --mc-dropout: how sure the net is, over many passes with dropout drawing. */
#ifndef TOOLS_DOUBT_H
#define TOOLS_DOUBT_H

#include "tools/cmd.h"
#include "train/fit.h"

/* Tells class, probability, entropy, mutual information and variance of every picture, on
 * stdout or into list (if not NULL), and draws the most uncertain ones to sheet (may be NULL). */
SLC_CHECKED slc_status cli_doubt(cli_context *cli, const slc_trained *trained,
                                 const slc_loader_settings *settings, uint64_t passes,
                                 const char *sheet, json_t *list, slc_err *err);

#endif
