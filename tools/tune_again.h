#ifndef TOOLS_TUNE_AGAIN_H
#define TOOLS_TUNE_AGAIN_H

#include "tools/cmd.h"

/* Trains a trial of the study in dir from the start, with as many threads as it had unless
 * --threads says otherwise, and tells whether its epochs score as they did. which is "7", for the run directory dir/again/0007, or "7:RUN". */
SLC_CHECKED slc_status cli_tune_again(cli_context *cli, const char *dir,
                                      const char *which, slc_err *err);

#endif
