/* What a study came to: a table, the best recipe, and its plots. */
#ifndef TOOLS_TUNE_REPORT_H
#define TOOLS_TUNE_REPORT_H

#include "tools/cmd.h"

/* Prints the trials of the study in dir (best first; one JSON object with --json) and writes
 * best.yaml, history.png, importance.png, slice.png and parallel.png (and .svg) beside it. */
SLC_CHECKED slc_status cli_tune_report(cli_context *cli, const char *dir, slc_err *err);

#endif
