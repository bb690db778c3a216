/* The rate falls when the watched metric has stopped to improve. The whole history is
 * replayed each time, so nothing has to be stored for a resume. */
#include <stddef.h>

#include "train/schedule/shape.h"

static const char *const metrics[] = {"loss", "top1", NULL};
static const char *const kinds[] = {"relative", "absolute", NULL};

typedef struct settings {
    double factor, threshold, min_lr;
    int64_t patience, cooldown;
    int metric, kind;
} settings;

static const slc_param params[] = {
    {"factor", SLC_FIELD(settings, factor), .lo = 0, .hi = 1, .initial = "0.1",
     .help = "factor of each fall"},
    {"patience", SLC_FIELD(settings, patience), .lo = 0, .hi = 1e9, .initial = "10",
     .unit = "epochs", .help = "epochs without improvement that are tolerated"},
    {"threshold", SLC_FIELD(settings, threshold), .lo = 0, .hi = 1e9, .initial = "1e-4",
     .help = "what counts as an improvement"},
    {"threshold_kind", SLC_FIELD(settings, kind), .choices = kinds, .initial = "relative",
     .help = "threshold as a part of the best value, or plain"},
    {"cooldown", SLC_FIELD(settings, cooldown), .lo = 0, .hi = 1e9, .initial = "0",
     .unit = "epochs", .help = "epochs after a fall that do not count"},
    {"min_lr", SLC_FIELD(settings, min_lr), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "the rate never falls below"},
    {"metric", SLC_FIELD(settings, metric), .choices = metrics, .initial = "loss",
     .help = "of the validation set; loss falls, top1 rises"},
    {0}};

static bool better(const settings *s, double value, double best)
{
    const double sign = s->metric == 0 ? -1 : 1;
    const double edge =
        s->kind == 0 ? best * (1 + sign * s->threshold) : best + sign * s->threshold;
    return s->metric == 0 ? value < edge : value > edge;
}

static slc_rate at(const void *of, const slc_when *when)
{
    const settings *s = of;
    const double *history = s->metric == 0 ? when->loss : when->top1;
    double lr = when->base_lr, best = s->metric == 0 ? INFINITY : -INFINITY;
    int64_t bad = 0, cool = 0;
    for (uint64_t i = 0; i < when->evaluations; i++) {
        if (better(s, history[i], best)) {
            best = history[i];
            bad = 0;
        } else {
            bad++;
        }
        if (cool > 0) {
            cool--;
            bad = 0;
        }
        if (bad > s->patience) {
            lr = fmax(lr * s->factor, s->min_lr);
            cool = s->cooldown;
            bad = 0;
        }
    }
    return shape_rate(lr);
}

const slc_schedule slc_schedule_plateau = {
    .entry = {.name = "plateau",
              .summary = "times factor when the watched metric stalls",
              .source = "as torch.optim.lr_scheduler.ReduceLROnPlateau",
              .params = params,
              .settings_size = sizeof(settings)},
    .at = at,
    .uses_history = true,
};
