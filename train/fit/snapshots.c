/* Snapshots of a run: taken where a cycle of the rate ends; all of them together may be its
 * model. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "train/ensemble.h"
#include "train/fit/run.h"

/* The number of the cycle that the last step was in, from 1. */
static uint64_t cycle_of(const run *r, uint64_t warm)
{
    uint64_t number = 1;
    for (uint64_t s = warm + 1; s < r->step; s++)
        number += slc_run_rate(r, s).lr > slc_run_rate(r, s - 1).lr;
    return number;
}

/* Snapshots (Huang et al. 2017): the weights at the end of each cosine cycle, the last few
 * of them. A cycle has ended where the rate is about to rise again. */
slc_status slc_run_snapshot(run *r, slc_err *err)
{
    const uint64_t keep = (uint64_t)r->recipe->train.snapshots;
    const slc_warmup warmup = slc_run_warmup(r);
    const uint64_t warm = slc_warmup_steps(&warmup, slc_run_steps_per_epoch(r));
    char name[64];
    if (keep == 0 || r->step <= warm + 1) return SLC_OK;
    if (r->step != r->planned &&
        slc_run_rate(r, r->step).lr <= slc_run_rate(r, r->step - 1).lr)
        return SLC_OK;
    const uint64_t number = cycle_of(r, warm);
    snprintf(name, sizeof(name), "snapshot-%llu.safetensors", (unsigned long long)number);
    const slc_status st = slc_run_save_model(r, name, r->epoch + 1, err);
    if (st != SLC_OK || number <= keep) return st;
    snprintf(name, sizeof(name), "snapshot-%llu.safetensors",
             (unsigned long long)(number - keep));
    (void)unlink(slc_run_path(r, name)); /* gone already after a resume */
    return SLC_OK;
}

slc_status slc_run_members(run *r, const char *const **paths, size_t *count, slc_err *err)
{
    const size_t most = (size_t)r->recipe->train.snapshots;
    const char **list = slc_arena_zero(&r->arena, most + 1, sizeof(*list));
    char name[64];
    *count = 0;
    *paths = list;
    if (!list) return slc_fail(err, SLC_ENOMEM, "snapshots: out of memory");
    if (r->recipe->train.keep != SLC_KEEP_ENSEMBLE) return SLC_OK;
    const slc_warmup warmup = slc_run_warmup(r);
    uint64_t number = cycle_of(r, slc_warmup_steps(&warmup, slc_run_steps_per_epoch(r)));
    for (; number > 0 && *count < most; number--) {
        snprintf(name, sizeof(name), "snapshot-%llu.safetensors",
                 (unsigned long long)number);
        list[*count] = slc_run_path(r, name);
        if (access(list[*count], F_OK) == 0) ++*count;
    }
    for (size_t i = 0; i < *count / 2; i++) { /* oldest first */
        const char *const was = list[i];
        list[i] = list[*count - 1 - i];
        list[*count - 1 - i] = was;
    }
    return SLC_OK;
}

slc_status slc_run_join(run *r, const char *const *paths, size_t count, slc_err *err)
{
    const slc_ensemble_settings s = {.paths = paths,
                                     .count = count,
                                     .mode = SLC_ENSEMBLE_LOGITS,
                                     .output = slc_run_path(r, "model.safetensors"),
                                     .threads = r->threads,
                                     .log = r->settings->log};
    return slc_ensemble_write(&s, err);
}

slc_status slc_run_score_joint(run *r, const slc_source *source, slc_metric *metric,
                               slc_err *err)
{
    slc_trained joint = {0};
    slc_loader *loader = NULL;
    slc_loader_settings s;
    *metric = (slc_metric){0};
    const slc_trained_settings how = {.threads = r->threads,
                                      .precision =
                                          (slc_precision)r->recipe->train.precision,
                                      .engine = r->recipe->train.engine};
    slc_status st =
        slc_trained_open(&joint, slc_run_path(r, "model.safetensors"), &how, err);
    if (st == SLC_OK) st = slc_trained_loader(&joint, source, r->threads, &s, err);
    s.log = r->settings->log;
    if (st == SLC_OK) st = slc_loader_open(&loader, &s, err);
    if (st == SLC_OK)
        st = slc_trained_eval(&joint, loader, &(slc_eval_settings){0}, metric, err);
    slc_loader_close(&loader);
    slc_trained_close(&joint);
    return st;
}
