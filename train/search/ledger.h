/* The study file: SQLite behind a handful of verbs. */
#ifndef TRAIN_SEARCH_LEDGER_H
#define TRAIN_SEARCH_LEDGER_H

#include "train/study.h"

typedef struct slc_ledger slc_ledger;

/* Opens the file, making it if create. Every process that shares it waits for the others'
 * short transactions. Errors: SLC_EDATA (absent, not a study), SLC_EIO. */
slc_status slc_ledger_open(slc_ledger **out, const char *path, bool create, slc_err *err);
/* How long to wait for the others, instead of 30 s. */
void slc_ledger_wait(slc_ledger *s, int ms);
void slc_ledger_close(slc_ledger **ledger);

slc_status slc_ledger_begin(slc_ledger *s, slc_err *err); /* takes the write lock */
/* Commits if st is SLC_OK, else rolls back; returns the first failure. */
slc_status slc_ledger_end(slc_ledger *s, slc_status st, slc_err *err);

/* Facts of the study by key. *text is NULL if there is none; the caller frees it. */
slc_status slc_ledger_get(slc_ledger *s, const char *key, char **text, slc_err *err);
slc_status slc_ledger_put(slc_ledger *s, const char *key, const char *text, slc_err *err);

/* A trial as a row; owner is who runs it ("host:pid"). dims numbers of unit are kept. */
slc_status slc_ledger_save(slc_ledger *s, const slc_trial *trial, size_t dims,
                           const char *owner, slc_err *err);
slc_status slc_ledger_trials(slc_ledger *s, slc_trial **out, size_t *count, slc_err *err);

slc_status slc_ledger_score(slc_ledger *s, uint64_t trial, uint64_t epoch, double value,
                            slc_err *err);
/* Scores of a trial, index epoch - 1, NaN where there is none. The caller frees *out. */
slc_status slc_ledger_scores(slc_ledger *s, uint64_t trial, double **out, size_t *count,
                             slc_err *err);

#endif
