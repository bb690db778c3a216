/* Opening a study: a new one is written down, an old one must be of the same recipe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "train/search/study_impl.h"

enum { VERSION = 1 };

static bool skip_tune(const void *of, const char *path)
{
    (void)of;
    return strncmp(path, "tune", 4) == 0 && (path[4] == '.' || !path[4]);
}

static slc_node *parse_kept(slc_study *s, const char *text, const char *what,
                            slc_err *err)
{
    slc_node *node = NULL;
    const char *copy = slc_arena_text(&s->arena, text);
    if (!copy) {
        slc_fail(err, SLC_ENOMEM, "study: out of memory");
        return NULL;
    }
    return slc_node_parse(&node, &s->arena, copy, strlen(copy), what, err) == SLC_OK
               ? node
               : NULL;
}

static slc_status put_number(slc_study *s, const char *key, uint64_t n, slc_err *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    return slc_ledger_put(s->ledger, key, text, err);
}

static slc_status get_number(slc_study *s, const char *key, int64_t *n, slc_err *err)
{
    char *text = NULL;
    slc_status st = slc_ledger_get(s->ledger, key, &text, err);
    if (st == SLC_OK && (!text || !slc_parse_int(text, n)))
        st = slc_fail(err, SLC_EFORMAT, "%s/study.sqlite: %s is missing: not a study",
                      s->dir, key);
    free(text);
    return st;
}

static slc_status check_version(slc_study *s, slc_err *err)
{
    int64_t version = 0;
    slc_status st = get_number(s, "version", &version, err);
    if (st == SLC_OK && version != VERSION)
        st = slc_fail(err, SLC_EFORMAT,
                      "%s/study.sqlite: study format %lld, this program knows %d", s->dir,
                      (long long)version, VERSION);
    return st;
}

/* The recipe of a study that exists must be the one that is asked for. How the search goes on may
 * change at any time, but not what its scores mean. */
static slc_status compare(slc_study *s, const char *kept, const slc_node *recipe,
                          slc_err *err)
{
    slc_tune before;
    int64_t epochs = 0;
    const slc_node *old = parse_kept(s, kept, "study", err);
    if (!old) return err ? err->code : SLC_EFORMAT;
    const char *path = slc_node_diff(old, recipe, &s->arena, skip_tune, NULL);
    slc_status st = slc_tune_read(&before, slc_node_get(old, "tune"), &s->arena, err);
    if (st == SLC_OK) st = get_number(s, "epochs", &epochs, err);
    if (st != SLC_OK) return st;
    if (!path && before.metric != s->tune.metric) path = "tune.metric";
    if (!path && (uint64_t)epochs != s->epochs) path = "tune.epochs";
    if (path)
        return slc_fail(
            err, SLC_EINVAL,
            "%s: the study was begun with another recipe (%s differs); give it "
            "another directory",
            s->dir, path);
    return SLC_OK;
}

static slc_status put_recipe(slc_study *s, const slc_node *recipe, slc_err *err)
{
    slc_str text = {0};
    slc_node_write(recipe, &text);
    const slc_status st = text.failed
                              ? slc_fail(err, SLC_ENOMEM, "study: out of memory")
                              : slc_ledger_put(s->ledger, "recipe", text.text, err);
    slc_str_free(&text);
    return st;
}

/* Writes the facts of a new study, or checks those of an old one and takes over its new tune
 * section. */
static slc_status introduce(slc_study *s, const slc_node *recipe, slc_err *err)
{
    char *kept = NULL;
    slc_status st = slc_ledger_begin(s->ledger, err);
    if (st != SLC_OK) return st;

    st = slc_ledger_get(s->ledger, "recipe", &kept, err);
    if (st == SLC_OK && kept) {
        st = check_version(s, err);
        if (st == SLC_OK) st = compare(s, kept, recipe, err);
    } else if (st == SLC_OK) {
        st = put_number(s, "version", VERSION, err);
        if (st == SLC_OK) st = put_number(s, "epochs", s->epochs, err);
    }
    if (st == SLC_OK) st = put_recipe(s, recipe, err);
    st = slc_ledger_end(s->ledger, st, err);
    free(kept);
    return st;
}

static slc_status start(slc_study **out, const char *dir, bool create, slc_err *err)
{
    char path[512];
    slc_study *s = calloc(1, sizeof(*s));
    *out = s;
    if (!s) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", dir);
    s->lock = -1;
    if (strlen(dir) >= sizeof(s->dir))
        return slc_fail(err, SLC_EINVAL, "%.80s...: the path is too long", dir);
    snprintf(s->dir, sizeof(s->dir), "%s", dir);
    snprintf(s->owner, sizeof(s->owner), "%ld", (long)getpid());
    snprintf(path, sizeof(path), "%s/study.sqlite", dir);
    if (create) {
        const slc_status st = slc_dir_make(dir, err);
        if (st != SLC_OK) return st;
    }
    return slc_ledger_open(&s->ledger, path, create, err);
}

slc_status slc_study_open(slc_study **out, const char *dir, const slc_node *recipe,
                          const slc_tune *tune, uint64_t epochs, slc_err *err)
{
    slc_status st = start(out, dir, true, err);
    slc_study *s = *out;
    if (st == SLC_OK) {
        s->recipe = slc_node_copy(&s->arena, recipe);
        s->tune = *tune;
        s->epochs = tune->epochs ? (uint64_t)tune->epochs : epochs;
        if (!s->recipe) st = slc_fail(err, SLC_ENOMEM, "study: out of memory");
    }
    if (st == SLC_OK) st = slc_space_read(&s->space, s->recipe, &s->arena, err);
    if (st == SLC_OK) st = introduce(s, s->recipe, err);
    if (st != SLC_OK) slc_study_close(out);
    return st;
}

slc_status slc_study_reopen(slc_study **out, const char *dir, slc_err *err)
{
    char *kept = NULL;
    int64_t epochs = 0;
    slc_status st = start(out, dir, false, err);
    slc_study *s = *out;

    if (st == SLC_OK) st = check_version(s, err);
    if (st == SLC_OK) st = get_number(s, "epochs", &epochs, err);
    if (st == SLC_OK) st = slc_ledger_get(s->ledger, "recipe", &kept, err);
    if (st == SLC_OK) {
        s->recipe = parse_kept(s, kept ? kept : "", "study", err);
        s->epochs = (uint64_t)epochs;
        if (!s->recipe) st = err ? err->code : SLC_EFORMAT;
    }
    if (st == SLC_OK) st = slc_space_read(&s->space, s->recipe, &s->arena, err);
    if (st == SLC_OK)
        st = slc_tune_read(&s->tune, slc_node_get(s->recipe, "tune"), &s->arena, err);
    free(kept);
    if (st != SLC_OK) slc_study_close(out);
    return st;
}
