/* The list of schedules, and the warm-up that can precede any of them. */
#include "train/schedule.h"

#include <math.h>
#include <stddef.h>

#define SLC_SCHEDULE(name) extern const slc_schedule slc_schedule_##name;
#include "train/schedule/schedule_list.h"
#undef SLC_SCHEDULE

const slc_schedule *const slc_schedules[] = {
#define SLC_SCHEDULE(name) &slc_schedule_##name,
#include "train/schedule/schedule_list.h"
#undef SLC_SCHEDULE
    NULL,
};

static const char *const kinds[] = {"linear", "constant", NULL};

const slc_param slc_warmup_params[] = {
    {"warmup_epochs", SLC_FIELD(slc_warmup, epochs), .lo = 0, .hi = 1e6, .initial = "0",
     .unit = "epochs", .help = "length of the warm-up"},
    {"warmup_steps", SLC_FIELD(slc_warmup, steps), .lo = 0, .hi = 1e15, .initial = "0",
     .unit = "steps", .help = "length of the warm-up, when not given in epochs"},
    {"warmup_start", SLC_FIELD(slc_warmup, start), .lo = 0, .hi = 1, .initial = "0.01",
     .unit = "ratio", .help = "factor of the rate at the first step"},
    {"warmup_kind", SLC_FIELD(slc_warmup, kind), .choices = kinds, .initial = "linear",
     .help = "rise in a line, or stay at the first factor"},
    {0}};

uint64_t slc_warmup_steps(const slc_warmup *warmup, uint64_t steps_per_epoch)
{
    if (warmup->epochs > 0)
        return (uint64_t)llround(warmup->epochs * (double)steps_per_epoch);
    return warmup->steps > 0 ? (uint64_t)warmup->steps : 0;
}

slc_rate slc_schedule_rate(const slc_schedule *schedule, const void *settings,
                           const slc_warmup *warmup, const slc_when *when)
{
    slc_when at = *when;
    at.warmup = slc_warmup_steps(warmup, when->steps_per_epoch);
    if (at.step >= at.warmup) return schedule->at(settings, &at);
    const double part =
        warmup->kind == SLC_WARMUP_LINEAR ? (double)at.step / (double)at.warmup : 0;
    return (slc_rate){.lr = at.base_lr * (warmup->start + (1 - warmup->start) * part),
                      .momentum = -1};
}

slc_status slc_schedule_check(const slc_schedule *schedule, const void *settings,
                              const slc_warmup *warmup, const slc_when *when,
                              slc_err *err)
{
    slc_when at = *when;
    at.warmup = slc_warmup_steps(warmup, when->steps_per_epoch);
    if (at.steps == 0)
        return slc_fail(err, SLC_EINVAL, "schedule %s: the run has zero steps",
                        schedule->entry.name);
    if (at.warmup > 0 && schedule->warms_up)
        return slc_fail(err, SLC_EINVAL,
                        "schedule %s: it warms up by itself; remove warmup_epochs",
                        schedule->entry.name);
    if (at.warmup >= at.steps && at.warmup > 0)
        return slc_fail(
            err, SLC_EINVAL,
            "schedule %s: the warm-up of %llu steps leaves nothing of a run of "
            "%llu steps; lower schedule.warmup_epochs",
            schedule->entry.name, (unsigned long long)at.warmup,
            (unsigned long long)at.steps);
    return schedule->check ? schedule->check(settings, &at, err) : SLC_OK;
}
