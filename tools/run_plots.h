/* The pictures of a run: curves from metrics.jsonl, the confusion matrix of an evaluation. */
#ifndef TOOLS_RUN_PLOTS_H
#define TOOLS_RUN_PLOTS_H

#include <jansson.h>

#include "base/err.h"

/* Draws RUN/metrics.jsonl as curves (loss, accuracy, learning rate, gradient norm) to path. */
SLC_CHECKED slc_status cli_curves_write(const char *path, const char *run, slc_err *err);

/* The last whole line of a file of JSON lines, or NULL if there is no file or none in it; the
 * caller drops it. */
SLC_CHECKED slc_status cli_last_line_read(json_t **out, const char *path, slc_err *err);

/* Draws the "confusion" of slc_metric_json (rows: true classes) with the class names in it. */
SLC_CHECKED slc_status cli_confusion_write(const char *path, const json_t *metric,
                                           const char *title, slc_err *err);

/* Draws its "reliability": accuracy over confidence, and how many images lie in each bin. */
SLC_CHECKED slc_status cli_reliability_write(const char *path, const json_t *metric,
                                             const char *title, slc_err *err);

#endif
