/* The run's directory: claimed, left as it was if the run cannot begin, and cleared of what an
 * earlier run or a killed process left there. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "train/fit/run.h"

/* All that a run and the commands around it write, but for the lock. */
static const struct {
    const char *dir, *pattern;
    bool result; /* its presence means that there was a run */
} left[] = {
    {"", "state.safetensors", true},
    {"", "model.safetensors", true},
    {"", "best.safetensors", true},
    {"", "snapshot-*.safetensors", true},
    {"", "metrics.jsonl", true},
    {"", "metrics.csv", true},
    {"", "summary.json", true},
    {"", "histograms.jsonl", true},
    {"", "steps.csv", false}, /* means nothing without a state */
    {"/histograms", "epoch-*.png", false},
    {"/tensorboard", "events.out.tfevents.*.sluice.*", false},
    {"", "curves.png", false},
    {"", "confusion.png", false},
    {"", "report.html", false},
};

typedef enum purpose { FIND, REMOVE, REMOVE_TEMPORARY } purpose;

static bool matches(const char *pattern, const char *name, purpose why)
{
    char temporary[80]; /* as base/file.h names them; a killed writer leaves one */
    snprintf(temporary, sizeof(temporary), "%s.tmp-*", pattern);
    return (why != REMOVE_TEMPORARY && fnmatch(pattern, name, 0) == 0) ||
           (why != FIND && fnmatch(temporary, name, 0) == 0);
}

/* Visits files that match entry i; *found becomes true if there is one. */
static slc_status visit(run *r, size_t i, purpose why, bool *found, slc_err *err)
{
    const char *place =
        slc_arena_printf(&r->arena, "%s%s", r->settings->run, left[i].dir);
    if (!place) return slc_fail(err, SLC_ENOMEM, "train: out of memory");
    DIR *dir = opendir(place);
    slc_status st = SLC_OK;
    if (!dir && errno == ENOENT) return SLC_OK;
    if (!dir) return slc_fail_errno(err, SLC_EIO, "%s", place);
    for (struct dirent *item; st == SLC_OK && (item = readdir(dir));) {
        if (!matches(left[i].pattern, item->d_name, why)) continue;
        *found = true;
        if (why != FIND && unlinkat(dirfd(dir), item->d_name, 0) != 0)
            st = slc_fail_errno(err, SLC_EIO, "%s/%s", place, item->d_name);
    }
    closedir(dir);
    return st;
}

static slc_status visit_all(run *r, purpose why, bool *found, slc_err *err)
{
    slc_status st = SLC_OK;
    *found = false;
    for (size_t i = 0; st == SLC_OK && i < SLC_COUNT(left); i++)
        if (why != FIND || left[i].result) st = visit(r, i, why, found, err);
    return st;
}

slc_status slc_run_claim(run *r, slc_err *err)
{
    const slc_fit_settings *s = r->settings;
    bool found = false;
    r->new_dir = access(s->run, F_OK) != 0;
    slc_status st = slc_dir_make(s->run, err);
    r->new_lock = access(slc_run_path(r, "lock"), F_OK) != 0;
    if (st == SLC_OK) st = slc_lock_take(&r->lock, slc_run_path(r, "lock"), err);
    if (st != SLC_OK || s->overwrite) return st;
    if (s->resume) return visit_all(r, REMOVE_TEMPORARY, &found, err);
    st = visit_all(r, FIND, &found, err);
    if (st != SLC_OK || !found) return st;
    return slc_fail(
        err, SLC_EINVAL,
        "%s holds a run already: --resume it, --overwrite it, or choose another "
        "directory",
        s->run);
}

void slc_run_retreat(run *r)
{
    if (r->lock < 0) return; /* another process is there */
    if (r->new_recipe) (void)unlink(slc_run_path(r, "recipe.yaml"));
    if (r->new_lock) (void)unlink(slc_run_path(r, "lock"));
    if (r->new_dir) (void)rmdir(r->settings->run); /* stays if it is not empty */
}

slc_status slc_run_remove_leftovers(run *r, slc_err *err)
{
    bool found;
    return visit_all(r, REMOVE, &found, err);
}
