#include "train/search/ledger.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slc_ledger {
    sqlite3 *db;
    char *path;
    int wait_ms;
};

enum { WAIT_MS = 30000 };

static slc_status sql_fail(slc_ledger *s, const char *doing, slc_err *err)
{
    const int code = sqlite3_errcode(s->db);
    if (code == SQLITE_BUSY)
        return slc_fail(err, SLC_EIO,
                        "%s: in use: another program has kept it locked for %g s",
                        s->path, s->wait_ms / 1000.0);
    const slc_status st = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? SLC_EFORMAT
                          : code == SQLITE_NOMEM                          ? SLC_ENOMEM
                                                                          : SLC_EIO;
    return slc_fail(err, st, "%s: %s: %s", s->path, doing, sqlite3_errmsg(s->db));
}

static slc_status run(slc_ledger *s, const char *sql, const char *doing, slc_err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? SLC_OK
               : sql_fail(s, doing, err);
}

void slc_ledger_wait(slc_ledger *s, int ms)
{
    s->wait_ms = ms;
    sqlite3_busy_timeout(s->db, ms);
}

slc_status slc_ledger_open(slc_ledger **out, const char *path, bool create, slc_err *err)
{
    static const char tables[] =
        "CREATE TABLE IF NOT EXISTS fact(key TEXT PRIMARY KEY, text TEXT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS trial(id INTEGER PRIMARY KEY, state INTEGER NOT NULL,"
        " rung INTEGER NOT NULL, epochs INTEGER NOT NULL, unit BLOB NOT NULL, value REAL,"
        " seconds REAL NOT NULL, message TEXT NOT NULL, owner TEXT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS score(trial INTEGER, epoch INTEGER, value REAL,"
        " PRIMARY KEY(trial, epoch));";
    slc_status st = SLC_OK;
    slc_ledger *s = calloc(1, sizeof(*s));
    *out = NULL;
    if (s) s->path = strdup(path);
    if (!s || !s->path) {
        st = slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
        goto done;
    }
    const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        st = s->db ? slc_fail(err, create ? SLC_EIO : SLC_EDATA, "%s: open: %s", path,
                              sqlite3_errmsg(s->db))
                   : slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
        goto done;
    }
    slc_ledger_wait(s, WAIT_MS);
    /* A rollback journal with full syncs survives kill -9 and power loss, and unlike
     * write-ahead logging needs no shared memory. */
    st = run(s, "PRAGMA synchronous=FULL;", "set up", err);
    if (st == SLC_OK) st = run(s, tables, "make tables", err);

done:
    if (st != SLC_OK) slc_ledger_close(&s);
    *out = s;
    return st;
}

void slc_ledger_close(slc_ledger **ledger)
{
    if (!*ledger) return;
    sqlite3_close_v2((*ledger)->db);
    free((*ledger)->path);
    free(*ledger);
    *ledger = NULL;
}

slc_status slc_ledger_begin(slc_ledger *s, slc_err *err)
{
    return run(s, "BEGIN IMMEDIATE", "take the study", err);
}

slc_status slc_ledger_end(slc_ledger *s, slc_status st, slc_err *err)
{
    if (st == SLC_OK) st = run(s, "COMMIT", "commit", err);
    if (st != SLC_OK && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL,
                     NULL); /* the first failure is reported */
    return st;
}

static sqlite3_stmt *prepare(slc_ledger *s, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    return sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK ? stmt : NULL;
}

/* Runs a statement that gives no rows, and frees it. */
static slc_status finish(slc_ledger *s, sqlite3_stmt *stmt, const char *doing,
                         slc_err *err)
{
    const int code = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    const slc_status st = code == SQLITE_DONE ? SLC_OK : sql_fail(s, doing, err);
    sqlite3_finalize(stmt);
    return st;
}

slc_status slc_ledger_get(slc_ledger *s, const char *key, char **text, slc_err *err)
{
    slc_status st = SLC_OK;
    sqlite3_stmt *stmt = prepare(s, "SELECT text FROM fact WHERE key = ?");
    *text = NULL;
    if (stmt) sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    const int code = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    if (code == SQLITE_ROW) {
        const char *found = (const char *)sqlite3_column_text(stmt, 0);
        *text = strdup(found ? found : "");
        if (!*text) st = slc_fail(err, SLC_ENOMEM, "%s: out of memory", s->path);
    } else if (code != SQLITE_DONE) {
        st = sql_fail(s, "read", err);
    }
    sqlite3_finalize(stmt);
    return st;
}

slc_status slc_ledger_put(slc_ledger *s, const char *key, const char *text, slc_err *err)
{
    sqlite3_stmt *stmt =
        prepare(s, "INSERT OR REPLACE INTO fact(key, text) VALUES(?, ?)");
    if (stmt) {
        sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, text, -1, SQLITE_STATIC);
    }
    return finish(s, stmt, "write", err);
}

slc_status slc_ledger_save(slc_ledger *s, const slc_trial *t, size_t dims,
                           const char *owner, slc_err *err)
{
    sqlite3_stmt *stmt =
        prepare(s, "INSERT OR REPLACE INTO trial(id, state, rung, epochs, unit,"
                   " value, seconds, message, owner)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, (int64_t)t->trial);
        sqlite3_bind_int(stmt, 2, (int)t->state);
        sqlite3_bind_int64(stmt, 3, (int64_t)t->rung);
        sqlite3_bind_int64(stmt, 4, (int64_t)t->epochs);
        sqlite3_bind_blob(stmt, 5, t->unit, (int)(dims * sizeof(double)), SQLITE_STATIC);
        sqlite3_bind_double(stmt, 6, t->value); /* SQLite keeps NaN as NULL */
        sqlite3_bind_double(stmt, 7, t->seconds);
        sqlite3_bind_text(stmt, 8, t->message, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 9, owner, -1, SQLITE_STATIC);
    }
    return finish(s, stmt, "save a trial", err);
}

static void read_row(sqlite3_stmt *stmt, slc_trial *t)
{
    *t = (slc_trial){.trial = (uint64_t)sqlite3_column_int64(stmt, 0),
                     .rung = (uint64_t)sqlite3_column_int64(stmt, 2),
                     .epochs = (uint64_t)sqlite3_column_int64(stmt, 3),
                     .seconds = sqlite3_column_double(stmt, 6)};
    const int state = sqlite3_column_int(stmt, 1);
    t->state = state >= 0 && state < SLC_TRIAL_STATE_COUNT ? (slc_trial_state)state
                                                           : SLC_TRIAL_FAILED;
    t->value = sqlite3_column_type(stmt, 5) == SQLITE_NULL
                   ? NAN
                   : sqlite3_column_double(stmt, 5);
    const void *unit = sqlite3_column_blob(stmt, 4);
    const int size = sqlite3_column_bytes(stmt, 4);
    if (unit && size > 0 && (size_t)size <= sizeof(t->unit))
        memcpy(t->unit, unit, (size_t)size);
    const char *message = (const char *)sqlite3_column_text(stmt, 7);
    snprintf(t->message, sizeof(t->message), "%s", message ? message : "");
}

slc_status slc_ledger_trials(slc_ledger *s, slc_trial **out, size_t *count, slc_err *err)
{
    slc_status st = SLC_OK;
    size_t room = 0;
    int code = SQLITE_ERROR;
    sqlite3_stmt *stmt =
        prepare(s, "SELECT id, state, rung, epochs, unit, value, seconds,"
                   " message FROM trial ORDER BY id");
    *out = NULL;
    *count = 0;
    while (stmt && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (*count == room) {
            room = room ? 2 * room : 64;
            slc_trial *more = realloc(*out, room * sizeof(**out));
            if (!more) {
                st = slc_fail(err, SLC_ENOMEM, "%s: out of memory", s->path);
                break;
            }
            *out = more;
        }
        read_row(stmt, &(*out)[(*count)++]);
    }
    if (st == SLC_OK && code != SQLITE_DONE) st = sql_fail(s, "read trials", err);
    sqlite3_finalize(stmt);
    if (st != SLC_OK) {
        free(*out);
        *out = NULL;
        *count = 0;
    }
    return st;
}

slc_status slc_ledger_score(slc_ledger *s, uint64_t trial, uint64_t epoch, double value,
                            slc_err *err)
{
    sqlite3_stmt *stmt = prepare(s, "INSERT OR REPLACE INTO score(trial, epoch, value)"
                                    " VALUES(?, ?, ?)");
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, (int64_t)trial);
        sqlite3_bind_int64(stmt, 2, (int64_t)epoch);
        sqlite3_bind_double(stmt, 3, value);
    }
    return finish(s, stmt, "save a score", err);
}

slc_status slc_ledger_scores(slc_ledger *s, uint64_t trial, double **out, size_t *count,
                             slc_err *err)
{
    slc_status st = SLC_OK;
    int code = SQLITE_ERROR;
    sqlite3_stmt *stmt = prepare(s, "SELECT epoch, value FROM score WHERE trial = ?"
                                    " ORDER BY epoch");
    *out = NULL;
    *count = 0;
    if (stmt) sqlite3_bind_int64(stmt, 1, (int64_t)trial);
    while (stmt && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const int64_t epoch = sqlite3_column_int64(stmt, 0);
        if (epoch < 1 || epoch > 1000000) continue;
        double *more = realloc(*out, (size_t)epoch * sizeof(double));
        if (!more) {
            st = slc_fail(err, SLC_ENOMEM, "%s: out of memory", s->path);
            break;
        }
        *out = more;
        while (*count < (size_t)epoch)
            more[(*count)++] = NAN;
        if (sqlite3_column_type(stmt, 1) != SQLITE_NULL)
            more[epoch - 1] = sqlite3_column_double(stmt, 1);
    }
    if (st == SLC_OK && code != SQLITE_DONE) st = sql_fail(s, "read scores", err);
    sqlite3_finalize(stmt);
    if (st != SLC_OK) {
        free(*out);
        *out = NULL;
        *count = 0;
    }
    return st;
}
