/* Lines and powers of what is left of the run. */
#include <stddef.h>

#include "train/schedule/shape.h"

typedef struct poly_settings {
    double power, min_lr;
} poly_settings;

static const slc_param poly_params[] = {
    {"power", SLC_FIELD(poly_settings, power), .lo = 0, .hi = 100, .initial = "2",
     .help = "exponent of the part that is left"},
    {"min_lr", SLC_FIELD(poly_settings, min_lr), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "rate at the end"},
    {0}};

static slc_rate polynomial(const void *of, const slc_when *when)
{
    const poly_settings *s = of;
    const double left = fmax(0, 1 - shape_done(when) / shape_total(when));
    return shape_rate(s->min_lr + (when->base_lr - s->min_lr) * pow(left, s->power));
}

const slc_schedule slc_schedule_polynomial = {
    .entry = {.name = "polynomial",
              .summary = "a power of the part of the run that is left",
              .source = "as torch.optim.lr_scheduler.PolynomialLR",
              .params = poly_params,
              .settings_size = sizeof(poly_settings)},
    .at = polynomial,
};

typedef struct line_settings {
    double from, to, epochs;
} line_settings;

static const slc_param line_params[] = {
    {"from", SLC_FIELD(line_settings, from), .lo = 0, .hi = 1, .initial = "1",
     .unit = "ratio", .help = "factor of the base rate at the start"},
    {"to", SLC_FIELD(line_settings, to), .lo = 0, .hi = 1, .initial = "0",
     .unit = "ratio", .help = "factor of the base rate at the end"},
    {"epochs", SLC_FIELD(line_settings, epochs), .lo = 0, .hi = 1e6, .initial = "0",
     .unit = "epochs", .help = "length of the line; 0 = the whole run"},
    {0}};

static slc_rate linear(const void *of, const slc_when *when)
{
    const line_settings *s = of;
    const double length =
        s->epochs > 0 ? s->epochs * (double)when->steps_per_epoch : shape_total(when);
    const double part = fmin(1, shape_done(when) / length);
    return shape_rate(when->base_lr * (s->from + (s->to - s->from) * part));
}

const slc_schedule slc_schedule_linear = {
    .entry = {.name = "linear",
              .summary = "a line between two factors of the base rate",
              .source = "as torch.optim.lr_scheduler.LinearLR",
              .params = line_params,
              .settings_size = sizeof(line_settings)},
    .at = linear,
};
