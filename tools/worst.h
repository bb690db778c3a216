/* The pictures a model is most wrong about. */
#ifndef TOOLS_WORST_H
#define TOOLS_WORST_H

#include "train/fit.h"

enum { CLI_MOST_WORST = 40 };

typedef struct cli_wrong {
    uint64_t index;
    size_t best;
    double probability, loss; /* of best; of the true class */
} cli_wrong;

/* The largest losses so far, largest first. Zero is empty. */
typedef struct cli_worst {
    size_t count;
    cli_wrong list[CLI_MOST_WORST];
} cli_worst;

void cli_worst_note(cli_worst *worst, const slc_prediction *prediction);

/* Draws them as a sheet, each with its true class, its answer and its loss; without any, nothing. */
SLC_CHECKED slc_status cli_worst_write(const char *path, const cli_worst *worst,
                                       const slc_trained *trained,
                                       const slc_loader_settings *settings, slc_err *err);

#endif
