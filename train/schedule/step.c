/* Rates that fall by a factor: every so often, at given times, or all the time. */
#include <stddef.h>

#include "train/schedule/shape.h"

static const char *const units[] = {"epoch", "step", NULL};

typedef struct step_settings {
    int64_t size;
    double gamma;
    int by;
} step_settings;

static const slc_param step_params[] = {
    {"size", SLC_FIELD(step_settings, size), .lo = 1, .hi = 1e15, .initial = "30",
     .help = "epochs (or steps) between two falls"},
    {"gamma", SLC_FIELD(step_settings, gamma), .lo = 0, .hi = 100, .initial = "0.1",
     .help = "factor of each fall"},
    {"by", SLC_FIELD(step_settings, by), .choices = units, .initial = "epoch",
     .help = "what size counts"},
    {0}};

static slc_rate step(const void *of, const slc_when *when)
{
    const step_settings *s = of;
    const double falls = floor(shape_units(when, s->by) / (double)s->size);
    return shape_rate(when->base_lr * pow(s->gamma, falls));
}

const slc_schedule slc_schedule_step = {
    .entry = {.name = "step",
              .summary = "times gamma every size epochs",
              .source = "as torch.optim.lr_scheduler.StepLR",
              .params = step_params,
              .settings_size = sizeof(step_settings)},
    .at = step,
};

typedef struct multi_settings {
    slc_reals milestones;
    double gamma;
    int by;
} multi_settings;

static const slc_param multi_params[] = {
    {"milestones", SLC_FIELD(multi_settings, milestones), .lo = 0, .hi = 1e15,
     .min_count = 1, .max_count = SLC_MAX_REALS,
     .help = "epochs (or steps) at which the rate falls"},
    {"gamma", SLC_FIELD(multi_settings, gamma), .lo = 0, .hi = 100, .initial = "0.1",
     .help = "factor of each fall"},
    {"by", SLC_FIELD(multi_settings, by), .choices = units, .initial = "epoch",
     .help = "what the milestones count"},
    {0}};

static slc_rate multistep(const void *of, const slc_when *when)
{
    const multi_settings *s = of;
    const double unit = s->by == SHAPE_EPOCH ? (double)when->steps_per_epoch : 1;
    double falls = 0;
    for (size_t i = 0; i < s->milestones.n; i++)
        falls += (double)when->step >= round(s->milestones.v[i] * unit) ? 1 : 0;
    return shape_rate(when->base_lr * pow(s->gamma, falls));
}

static slc_status check_multi(const void *of, const slc_when *when, slc_err *err)
{
    const multi_settings *s = of;
    (void)when;
    for (size_t i = 1; i < s->milestones.n; i++)
        if (s->milestones.v[i] <= s->milestones.v[i - 1])
            return slc_fail(err, SLC_EINVAL,
                            "schedule multistep: milestone %g does not come after %g",
                            s->milestones.v[i], s->milestones.v[i - 1]);
    return SLC_OK;
}

const slc_schedule slc_schedule_multistep = {
    .entry = {.name = "multistep",
              .summary = "times gamma at each milestone",
              .source = "as torch.optim.lr_scheduler.MultiStepLR",
              .params = multi_params,
              .settings_size = sizeof(multi_settings)},
    .at = multistep,
    .check = check_multi,
};

typedef struct exp_settings {
    double gamma;
    int by;
} exp_settings;

static const slc_param exp_params[] = {
    {"gamma", SLC_FIELD(exp_settings, gamma), .lo = 0, .hi = 1, .initial = "0.95",
     .help = "factor per epoch (or step)"},
    {"by", SLC_FIELD(exp_settings, by), .choices = units, .initial = "epoch",
     .help = "what gamma counts"},
    {0}};

static slc_rate exponential(const void *of, const slc_when *when)
{
    const exp_settings *s = of;
    return shape_rate(when->base_lr * pow(s->gamma, shape_units(when, s->by)));
}

const slc_schedule slc_schedule_exponential = {
    .entry = {.name = "exponential",
              .summary = "times gamma every epoch",
              .source = "as torch.optim.lr_scheduler.ExponentialLR",
              .params = exp_params,
              .settings_size = sizeof(exp_settings)},
    .at = exponential,
};
