/* Stands in for store.c where SQLite was not found: opening a study says so. */
#include "train/search/store.h"

static slc_status absent(const char *path, slc_err *err)
{
    return slc_fail(err, SLC_EINVAL, "%s: this program was built without SQLite", path);
}

slc_status slc_store_open(slc_store **out, const char *path, bool create, slc_err *err)
{
    (void)create;
    *out = NULL;
    return absent(path, err);
}

void slc_store_close(slc_store **store)
{
    *store = NULL;
}

slc_status slc_store_begin(slc_store *s, slc_err *err)
{
    (void)s;
    return absent("study", err);
}

slc_status slc_store_end(slc_store *s, slc_status st, slc_err *err)
{
    (void)s, (void)st;
    return absent("study", err);
}

slc_status slc_store_get(slc_store *s, const char *key, char **text, slc_err *err)
{
    (void)s, (void)text;
    return absent(key, err);
}

slc_status slc_store_put(slc_store *s, const char *key, const char *text, slc_err *err)
{
    (void)s, (void)text;
    return absent(key, err);
}

slc_status slc_store_save(slc_store *s, const slc_trial *trial, size_t dims,
                          const char *owner, slc_err *err)
{
    (void)s, (void)trial, (void)dims;
    return absent(owner, err);
}

slc_status slc_store_trials(slc_store *s, slc_trial **out, size_t *count, slc_err *err)
{
    (void)s, (void)out, (void)count;
    return absent("study", err);
}

slc_status slc_store_score(slc_store *s, uint64_t trial, uint64_t epoch, double value,
                           slc_err *err)
{
    (void)s, (void)trial, (void)epoch, (void)value;
    return absent("study", err);
}

slc_status slc_store_scores(slc_store *s, uint64_t trial, double **out, size_t *count,
                            slc_err *err)
{
    (void)s, (void)trial, (void)out, (void)count;
    return absent("study", err);
}
