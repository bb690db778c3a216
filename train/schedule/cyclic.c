/* Triangles between a low rate and the base rate. */
#include <stddef.h>

#include "train/schedule/shape.h"

typedef enum mode { TRIANGULAR, TRIANGULAR2, EXP_RANGE } mode;
static const char *const modes[] = {"triangular", "triangular2", "exp_range", NULL};

typedef struct settings {
    double min_lr, up, down, gamma;
    int mode, by;
} settings;

static const char *const units[] = {"epoch", "step", NULL};

static const slc_param params[] = {
    {"min_lr", SLC_FIELD(settings, min_lr), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "rate at the foot of each triangle; the top is the base rate"},
    {"up", SLC_FIELD(settings, up), .lo = 0, .hi = 1e9, .initial = "2",
     .help = "length of the rise"},
    {"down", SLC_FIELD(settings, down), .lo = 0, .hi = 1e9, .initial = "0",
     .help = "length of the fall; 0 = as the rise"},
    {"mode", SLC_FIELD(settings, mode), .choices = modes, .initial = "triangular",
     .help = "tops stay, halve each cycle, or shrink by gamma^step"},
    {"gamma", SLC_FIELD(settings, gamma), .lo = 0, .hi = 1, .initial = "1",
     .help = "for exp_range"},
    {"by", SLC_FIELD(settings, by), .choices = units, .initial = "epoch",
     .help = "what up and down count"},
    {0}};

static double in_steps(const settings *s, double length, const slc_when *when)
{
    return s->by == SHAPE_STEP ? length : length * (double)when->steps_per_epoch;
}

static slc_rate at(const void *of, const slc_when *when)
{
    const settings *s = of;
    const double up = in_steps(s, s->up, when);
    const double total = up + in_steps(s, s->down > 0 ? s->down : s->up, when);
    const double t = shape_done(when), cycle = floor(t / total);
    const double x = t / total - cycle, top = up / total;
    double height = x <= top ? x / top : (x - 1) / (top - 1);
    if (s->mode == TRIANGULAR2) height *= pow(0.5, cycle);
    if (s->mode == EXP_RANGE) height *= pow(s->gamma, t);
    return shape_rate(s->min_lr + (when->base_lr - s->min_lr) * height);
}

static slc_status check(const void *of, const slc_when *when, slc_err *err)
{
    if (in_steps(of, ((const settings *)of)->up, when) < 1)
        return slc_fail(err, SLC_EINVAL, "schedule cyclic: up is a rise of zero steps");
    return SLC_OK;
}

const slc_schedule slc_schedule_cyclic = {
    .entry = {.name = "cyclic",
              .summary = "triangles between min_lr and the base rate",
              .source = "Smith, WACV 2017 (arXiv:1506.01186); as CyclicLR",
              .params = params,
              .settings_size = sizeof(settings)},
    .at = at,
    .check = check,
};
