/* What a command writes is looked at before any work is done: an hour's answer must have a place to
 * go to, and must not take the place of what was asked about. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include "tools/opt.h"

/* Whether path can be written as what it is for, by a command that reads count inputs (files, folders
 * or data sources, "idx:DIR"; NULL are passed over). Makes nothing. Errors: SLC_EIO if its directory
 * is missing or closed; SLC_EINVAL if it is a directory (or, for one, a file), no regular file, of an
 * extension that cannot be written, one of the inputs, or a file of an input folder that is no run. */
SLC_CHECKED slc_status cli_output_check(cli_path what, const char *path,
                                        const char *const *inputs, size_t count,
                                        slc_err *err);

#endif
