/* The study file: SQLite behind a handful of verbs. */
#ifndef TRAIN_SEARCH_STORE_H
#define TRAIN_SEARCH_STORE_H

#include "train/study.h"

typedef struct slc_store slc_store;

/* Opens the file, making it if create. Every process that shares it waits for the others'
 * short transactions. Errors: SLC_EDATA (absent, not a study), SLC_EIO. */
slc_status slc_store_open(slc_store **out, const char *path, bool create, slc_err *err);
void slc_store_close(slc_store **store);

slc_status slc_store_begin(slc_store *s, slc_err *err); /* takes the write lock */
/* Commits if st is SLC_OK, else rolls back; returns the first failure. */
slc_status slc_store_end(slc_store *s, slc_status st, slc_err *err);

/* Facts of the study by key. *text is NULL if there is none; the caller frees it. */
slc_status slc_store_get(slc_store *s, const char *key, char **text, slc_err *err);
slc_status slc_store_put(slc_store *s, const char *key, const char *text, slc_err *err);

/* A trial as a row; owner is who runs it ("host:pid"). dims numbers of unit are kept. */
slc_status slc_store_save(slc_store *s, const slc_trial *trial, size_t dims,
                          const char *owner, slc_err *err);
slc_status slc_store_trials(slc_store *s, slc_trial **out, size_t *count, slc_err *err);

slc_status slc_store_score(slc_store *s, uint64_t trial, uint64_t epoch, double value,
                           slc_err *err);
/* Scores of a trial, index epoch - 1, NaN where there is none. The caller frees *out. */
slc_status slc_store_scores(slc_store *s, uint64_t trial, double **out, size_t *count,
                            slc_err *err);

#endif
