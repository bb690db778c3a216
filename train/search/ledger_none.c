/* Stands in for ledger.c where SQLite was not found: opening a study says so. */
#include "train/search/ledger.h"

static slc_status absent(const char *path, slc_err *err)
{
    return slc_fail(err, SLC_EINVAL, "%s: this program was built without SQLite", path);
}

slc_status slc_ledger_open(slc_ledger **out, const char *path, bool create, slc_err *err)
{
    (void)create;
    *out = NULL;
    return absent(path, err);
}

void slc_ledger_wait(slc_ledger *s, int ms)
{
    (void)s, (void)ms;
}

void slc_ledger_close(slc_ledger **ledger)
{
    *ledger = NULL;
}

slc_status slc_ledger_begin(slc_ledger *s, slc_err *err)
{
    (void)s;
    return absent("study", err);
}

slc_status slc_ledger_end(slc_ledger *s, slc_status st, slc_err *err)
{
    (void)s, (void)st;
    return absent("study", err);
}

slc_status slc_ledger_get(slc_ledger *s, const char *key, char **text, slc_err *err)
{
    (void)s, (void)text;
    return absent(key, err);
}

slc_status slc_ledger_put(slc_ledger *s, const char *key, const char *text, slc_err *err)
{
    (void)s, (void)text;
    return absent(key, err);
}

slc_status slc_ledger_save(slc_ledger *s, const slc_trial *trial, size_t dims,
                           const char *owner, slc_err *err)
{
    (void)s, (void)trial, (void)dims;
    return absent(owner, err);
}

slc_status slc_ledger_trials(slc_ledger *s, slc_trial **out, size_t *count, slc_err *err)
{
    (void)s, (void)out, (void)count;
    return absent("study", err);
}

slc_status slc_ledger_score(slc_ledger *s, uint64_t trial, uint64_t epoch, double value,
                            slc_err *err)
{
    (void)s, (void)trial, (void)epoch, (void)value;
    return absent("study", err);
}

slc_status slc_ledger_scores(slc_ledger *s, uint64_t trial, double **out, size_t *count,
                             slc_err *err)
{
    (void)s, (void)trial, (void)out, (void)count;
    return absent("study", err);
}
