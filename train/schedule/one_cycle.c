/* One rise, one long fall; the momentum moves the other way. */
#include <stddef.h>

#include "train/schedule/shape.h"

static const char *const anneals[] = {"cosine", "linear", NULL};

typedef struct settings {
    double rise, div, final_div, low_momentum, high_momentum;
    int anneal;
    bool cycle_momentum;
} settings;

static const slc_param params[] = {
    {"rise", SLC_FIELD(settings, rise), .lo = 0, .hi = 1, .initial = "0.3",
     .unit = "ratio", .help = "part of the run that rises"},
    {"div", SLC_FIELD(settings, div), .lo = 1, .hi = 1e9, .initial = "25",
     .help = "the first rate is the base rate / div"},
    {"final_div", SLC_FIELD(settings, final_div), .lo = 1, .hi = 1e12, .initial = "1e4",
     .help = "the last rate is the first / final_div"},
    {"anneal", SLC_FIELD(settings, anneal), .choices = anneals, .initial = "cosine",
     .help = "shape of rise and fall"},
    {"cycle_momentum", SLC_FIELD(settings, cycle_momentum), .initial = "true",
     .help = "move the momentum (or beta1) too"},
    {"low_momentum", SLC_FIELD(settings, low_momentum), .lo = 0, .hi = 1,
     .initial = "0.85", .help = "momentum at the highest rate"},
    {"high_momentum", SLC_FIELD(settings, high_momentum), .lo = 0, .hi = 1,
     .initial = "0.95", .help = "momentum at both ends"},
    {0}};

static double between(const settings *s, double a, double b, double part)
{
    return s->anneal == 0 ? shape_cosine(a, b, part) : a + (b - a) * part;
}

/* The top is reached at step rise * steps - 1, the end at the last step, as in PyTorch. */
static slc_rate at(const void *of, const slc_when *when)
{
    const settings *s = of;
    const double t = (double)when->step, top = s->rise * (double)when->steps - 1;
    const double end = (double)when->steps - 1;
    const double first = when->base_lr / s->div, last = first / s->final_div;
    slc_rate rate;
    if (t <= top) {
        const double part = top > 0 ? t / top : 1;
        rate.lr = between(s, first, when->base_lr, part);
        rate.momentum = between(s, s->high_momentum, s->low_momentum, part);
    } else {
        const double part = end > top ? fmin(1, (t - top) / (end - top)) : 1;
        rate.lr = between(s, when->base_lr, last, part);
        rate.momentum = between(s, s->low_momentum, s->high_momentum, part);
    }
    if (!s->cycle_momentum) rate.momentum = -1;
    return rate;
}

const slc_schedule slc_schedule_one_cycle = {
    .entry = {.name = "one_cycle",
              .summary = "a rise to the base rate and a long fall",
              .source = "Smith & Topin, arXiv:1708.07120; as OneCycleLR",
              .params = params,
              .settings_size = sizeof(settings)},
    .at = at,
    .warms_up = true,
};
