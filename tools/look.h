/* Looking inside a net: its weights as histograms, its feature maps as sheets. */
#ifndef TOOLS_LOOK_H
#define TOOLS_LOOK_H

#include "tools/cmd.h"
#include "train/featmaps.h"

/* Draws one histogram per weight tensor of two or more dimensions. */
SLC_CHECKED slc_status cli_weights_write(const char *path, slc_model *model,
                                         const char *title, slc_err *err);

/* Draws a line of histograms.jsonl: weights, gradients and relative updates of every kernel and
 * matrix, 24 at most. */
SLC_CHECKED slc_status cli_histograms_write(const char *path, const json_t *line,
                                            slc_err *err);

/* Writes DIR/NN-LAYER.png, one sheet a layer with the maps of the first picture: dead ones in a
 * red frame, those at least as similar to an earlier one as settings->similar in orange. Adds
 * {"layer", "maps", "dead", "alike", "file"} to list. */
SLC_CHECKED slc_status cli_featmaps_write(const char *dir, const char *model,
                                          const slc_surgery_settings *settings,
                                          json_t *list, slc_err *err);

#endif
