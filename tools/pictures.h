/* Pictures that a model is asked about, whatever they are labelled. */
#ifndef TOOLS_PICTURES_H
#define TOOLS_PICTURES_H

#include "tools/cmd.h"
#include "train/fit.h"

/* Opens one argument: a picture, a folder, or any source (split NULL = all of it), and the stream
 * of it that the model wants, in which bad pictures are skipped. The caller closes *source. */
SLC_CHECKED slc_status cli_pictures_open(const cli_context *cli,
                                         const slc_trained *trained, const char *spec,
                                         const char *split, slc_source **source,
                                         slc_loader_settings *settings, slc_err *err);

/* Whether an argument that could not be opened is left out, because count of them, more than one,
 * were named: it is warned about and becomes a finding. */
bool cli_pictures_skip(cli_context *cli, int count, slc_status st, const slc_err *err);

/* Asks the model about every picture of an opened stream; bad ones become findings. */
SLC_CHECKED slc_status cli_pictures_run(
    cli_context *cli, const slc_trained *trained, const slc_loader_settings *settings,
    void (*take)(void *user, const slc_prediction *prediction), void *user, slc_err *err);

#endif
