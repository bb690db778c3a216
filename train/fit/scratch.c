#include "train/fit/scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

slc_status slc_scratch_open(scratch *s, const slc_fit_settings *settings, slc_err *err)
{
    const char *const place = getenv("TMPDIR");
    *s = (scratch){.settings = *settings, .run = {.lock = -1}};
    snprintf(s->dir, sizeof(s->dir), "%s/sluice.XXXXXX",
             place && *place && strlen(place) < 200 ? place : "/tmp");
    if (!mkdtemp(s->dir)) {
        const slc_status st = slc_fail_errno(err, SLC_EIO, "%s", s->dir);
        s->dir[0] = 0;
        return st;
    }
    s->settings.run = s->dir;
    s->settings.resume = false;
    s->settings.overwrite = true;
    const slc_status st = slc_run_open(&s->run, &s->settings, err);
    return st == SLC_OK ? slc_run_open_stream(&s->run, 0, err) : st;
}

void slc_scratch_close(scratch *s)
{
    static const char *const names[] = {"recipe.yaml", "lock", "steps.csv",
                                        "metrics.jsonl", "metrics.csv"};
    char path[300];
    slc_run_close(&s->run);
    for (size_t i = 0; s->dir[0] && i < SLC_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", s->dir, names[i]);
        (void)unlink(path);
    }
    if (s->dir[0]) (void)rmdir(s->dir);
}

slc_status slc_scratch_step(scratch *s, double lr, double *loss, slc_err *err)
{
    run *const r = &s->run;
    const slc_batch *batch;
    *loss = 0;
    slc_status st = slc_loader_next(r->loader, &batch, err);
    if (st != SLC_OK) return st;
    if (!batch) return slc_fail(err, SLC_EINVAL, "the training stream ended");

    r->sums = (run_sums){0};
    st = slc_run_pass(r, batch, err);
    slc_loader_release(r->loader, batch);
    if (r->not_finite) *loss = NAN;
    if (st != SLC_OK) return st;
    *loss = r->sums.images ? r->sums.loss / (double)r->sums.images : NAN;
    const slc_rate rate = {.lr = lr, .momentum = -1};
    const stepper_result moved = slc_stepper_step(&r->step_of, ++r->step, rate, -1);
    if (!isfinite(moved.norm)) *loss = INFINITY;
    return SLC_OK;
}
