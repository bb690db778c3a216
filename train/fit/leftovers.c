/* What an earlier run left in a directory: a new one is refused there, or takes its place. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "train/fit/run.h"

/* All that a run and the command around it write, but for recipe.yaml and the lock. */
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
    {"", "steps.csv", true},
    {"", "histograms.jsonl", true},
    {"/histograms", "epoch-*.png", false},
    {"/tensorboard", "events.out.tfevents.*.sluice.*", false},
    {"", "curves.png", false},
    {"", "confusion.png", false},
};

/* Visits files that match entry i; *found becomes true if there is one. */
static slc_status visit(run *r, size_t i, bool remove, bool *found, slc_err *err)
{
    const char *place =
        slc_arena_printf(&r->arena, "%s%s", r->settings->run, left[i].dir);
    if (!place) return slc_fail(err, SLC_ENOMEM, "train: out of memory");
    DIR *dir = opendir(place);
    slc_status st = SLC_OK;
    if (!dir && errno == ENOENT) return SLC_OK;
    if (!dir) return slc_fail_errno(err, SLC_EIO, "%s", place);
    for (struct dirent *item; st == SLC_OK && (item = readdir(dir));) {
        if (fnmatch(left[i].pattern, item->d_name, 0) != 0) continue;
        *found = true;
        if (remove && unlinkat(dirfd(dir), item->d_name, 0) != 0)
            st = slc_fail_errno(err, SLC_EIO, "%s/%s", place, item->d_name);
    }
    closedir(dir);
    return st;
}

slc_status slc_run_find_leftovers(run *r, bool *found, slc_err *err)
{
    slc_status st = SLC_OK;
    *found = false;
    for (size_t i = 0; st == SLC_OK && i < SLC_COUNT(left); i++)
        if (left[i].result) st = visit(r, i, false, found, err);
    return st;
}

slc_status slc_run_remove_leftovers(run *r, slc_err *err)
{
    slc_status st = SLC_OK;
    bool found;
    for (size_t i = 0; st == SLC_OK && i < SLC_COUNT(left); i++)
        st = visit(r, i, true, &found, err);
    return st;
}
