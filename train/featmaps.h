/* Feature maps: what the layers of a trained net make of a picture, and which of their maps are
 * dead or say the same as another. */
#ifndef TRAIN_FEATMAPS_H
#define TRAIN_FEATMAPS_H

#include "train/surgery.h"

/* One map over all pictures looked at. */
typedef struct slc_map_fact {
    bool dead;       /* zero everywhere */
    size_t twin;     /* the most similar map before it; itself if there is none */
    double likeness; /* the smaller of cosine and correlation with the twin, 0 to 1 */
} slc_map_fact;

/* A layer whose output has rows and columns. */
typedef struct slc_layer_maps {
    const char *name, *type;
    size_t count, height, width;
    const float *first;       /* of the first picture: count x height x width */
    const slc_map_fact *fact; /* count */
} slc_layer_maps;

/* Shows pictures of settings->source (NULL: the recipe's own) to the net of path, and hands on
 * every layer with maps in order of execution, but for those that the engine has joined with the
 * layer behind them (a batch norm with its relu); what it points to lives until look returns.
 * Memory: the outputs of all layers for a batch, and the square of the maps per layer. Errors:
 * those of slc_trained_open; SLC_EDATA if no picture can be read; what look returns ends it. */
typedef slc_status slc_look_at_maps(void *user, const slc_layer_maps *maps, slc_err *err);
SLC_API SLC_CHECKED slc_status slc_featmaps(const char *path,
                                            const slc_surgery_settings *settings,
                                            slc_look_at_maps *look, void *user,
                                            slc_err *err);

#endif
