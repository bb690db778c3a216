/* Schedules made of half cosines: one, many with restarts, and one after a flat part. */
#include <stddef.h>

#include "train/schedule/shape.h"

typedef struct cosine_settings {
    double min_lr;
} cosine_settings;

static const slc_param cosine_params[] = {{"min_lr", SLC_FIELD(cosine_settings, min_lr),
                                           .lo = 0, .hi = 1e6, .initial = "0",
                                           .help = "rate at the end"},
                                          {0}};

static slc_rate cosine(const void *of, const slc_when *when)
{
    const cosine_settings *s = of;
    const double part = fmin(1, shape_done(when) / shape_total(when));
    return shape_rate(shape_cosine(when->base_lr, s->min_lr, part));
}

const slc_schedule slc_schedule_cosine = {
    .entry = {.name = "cosine",
              .summary = "half a cosine from the base rate to min_lr",
              .source = "Loshchilov & Hutter, ICLR 2017 (arXiv:1608.03983); as "
                        "CosineAnnealingLR",
              .params = cosine_params,
              .settings_size = sizeof(cosine_settings)},
    .at = cosine,
};

typedef struct flat_settings {
    double flat, min_lr;
} flat_settings;

static const slc_param flat_params[] = {
    {"flat", SLC_FIELD(flat_settings, flat), .lo = 0, .hi = 1, .initial = "0.75",
     .unit = "ratio", .help = "part of the run at the base rate"},
    {"min_lr", SLC_FIELD(flat_settings, min_lr), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "rate at the end"},
    {0}};

static slc_rate flat_cosine(const void *of, const slc_when *when)
{
    const flat_settings *s = of;
    const double part = fmin(1, shape_done(when) / shape_total(when));
    if (part <= s->flat) return shape_rate(when->base_lr);
    return shape_rate(
        shape_cosine(when->base_lr, s->min_lr, (part - s->flat) / (1 - s->flat)));
}

const slc_schedule slc_schedule_flat_cosine = {
    .entry = {.name = "flat_cosine",
              .summary = "the base rate, then half a cosine to min_lr",
              .source = "fastai's fit_flat_cos",
              .params = flat_params,
              .settings_size = sizeof(flat_settings)},
    .at = flat_cosine,
};

typedef struct restart_settings {
    int64_t cycles;
    double first, mult, decay, min_lr;
} restart_settings;

static const slc_param restart_params[] = {
    {"cycles", SLC_FIELD(restart_settings, cycles), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "equal cycles in the run (snapshot ensembles); 0 = use first and mult"},
    {"first", SLC_FIELD(restart_settings, first), .lo = 0, .hi = 1e6, .initial = "0",
     .unit = "epochs", .help = "length of the first cycle"},
    {"mult", SLC_FIELD(restart_settings, mult), .lo = 1, .hi = 100, .initial = "1",
     .help = "each cycle is so many times as long as the one before"},
    {"decay", SLC_FIELD(restart_settings, decay), .lo = 0, .hi = 1, .initial = "1",
     .help = "factor of the rate from cycle to cycle"},
    {"min_lr", SLC_FIELD(restart_settings, min_lr), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "rate at the end of each cycle"},
    {0}};

static slc_rate cosine_restarts(const void *of, const slc_when *when)
{
    const restart_settings *s = of;
    double t = shape_done(when), top = when->base_lr, length, mult = s->mult;
    if (s->cycles > 0) {
        length = ceil(shape_total(when) / (double)s->cycles);
        mult = 1;
    } else {
        length = s->first * (double)when->steps_per_epoch;
    }
    while (t >= length) {
        t -= length;
        length *= mult;
        top *= s->decay;
    }
    return shape_rate(shape_cosine(top, s->min_lr, t / length));
}

static slc_status check_restarts(const void *of, const slc_when *when, slc_err *err)
{
    const restart_settings *s = of;
    if (s->cycles > 0 && s->first > 0)
        return slc_fail(err, SLC_EINVAL,
                        "schedule cosine_restarts: give cycles or first, not both");
    if (s->cycles == 0 && s->first * (double)when->steps_per_epoch < 1)
        return slc_fail(
            err, SLC_EINVAL,
            "schedule cosine_restarts: a cycle of zero steps; give cycles, or "
            "first in epochs");
    if (s->cycles > 0 && (double)s->cycles > shape_total(when))
        return slc_fail(
            err, SLC_EINVAL,
            "schedule cosine_restarts: %lld cycles do not fit into %.0f steps",
            (long long)s->cycles, shape_total(when));
    return SLC_OK;
}

const slc_schedule slc_schedule_cosine_restarts = {
    .entry = {.name = "cosine_restarts",
              .summary = "half cosines that start again",
              .source =
                  "Loshchilov & Hutter, ICLR 2017; cycles: Huang et al., ICLR 2017, "
                  "eq. 2; as CosineAnnealingWarmRestarts",
              .params = restart_params,
              .settings_size = sizeof(restart_settings)},
    .at = cosine_restarts,
    .check = check_restarts,
};
