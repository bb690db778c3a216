/* Which maps of a layer say the same, measured on real pictures. */
#ifndef TRAIN_INSPECT_TWINS_H
#define TRAIN_INSPECT_TWINS_H

#include "base/err.h"
#include "train/model.h"

typedef struct twins {
    size_t layer, maps, area; /* of the model looked at; maps x area values per picture */
    float *values;            /* of the last batch */
    double *dot, *sum;        /* maps x maps (lower half), maps */
    double count;             /* pixels seen of each map */
} twins;

/* batch: most pictures in one call. Errors: SLC_ENOMEM; free what was made all the same. */
SLC_CHECKED slc_status slc_twins_create(twins *t, size_t layer, size_t maps, size_t area,
                                        size_t batch, slc_err *err);
void slc_twins_free(twins *t);

/* Adds n pictures, from the outputs of the model's last forward. */
SLC_CHECKED slc_status slc_twins_add(twins *t, slc_model *model, size_t n, slc_err *err);

/* The smaller of cosine and correlation of maps i >= j; 0 if one of them is constant. */
double slc_twins_similarity(const twins *t, size_t i, size_t j);

#endif
