/* A time budget: the plan follows the measured speed, so that the schedule ends when the time does. */
#include <math.h>

#include "train/fit/run.h"
#include "train/recipe_impl.h"

double slc_run_budget(const run *r)
{
    double seconds;
    const char *text = r->recipe->train.budget;
    return text && *text && slc_parse_duration(text, &seconds) ? seconds : 0;
}

static double images_of(const slc_source *source)
{
    return source ? (double)slc_source_count(source) : 0;
}

/* Seconds to evaluate one image: as measured, or a third of a training step's share, which is
 * what a forward pass alone takes. */
static double look_at_one(const run *r, double step)
{
    if (r->pace.evaluated > 0) return r->pace.evaluating / (double)r->pace.evaluated;
    return step / (double)(r->recipe->train.batch * r->recipe->train.accumulate) / 3;
}

/* All that costs time after a step is known by now: the rest of the steps, an evaluation after
 * each epoch and the last one, the scores at the end; 1 % stays in hand. */
void slc_run_refit(run *r)
{
    const double budget = slc_run_budget(r);
    const uint64_t done = r->step - r->pace.first;
    if (budget <= 0 || done == 0) return;
    const uint64_t now = slc_clock_ns();
    const double spent = r->seconds_before + (double)(now - r->started) / 1e9;
    const double step =
        ((double)(now - r->pace.begin) / 1e9 - r->pace.evaluating) / (double)done;
    const double one = look_at_one(r, step);
    const double test = images_of(r->sources.test), val = images_of(r->sources.val);
    const double after_epoch = one * (val > 0 ? val : test);
    const double at_end = one * (test + val) + after_epoch;
    const double every =
        (double)slc_run_steps_per_epoch(r) * (double)r->recipe->train.eval_every;
    const double left = budget * 0.99 - spent - at_end;
    r->planned = r->step + (uint64_t)fmax(0, left / (step + after_epoch / every));
    r->pace.next = r->step + (r->step < 50 ? 10 : r->planned / 50 + 1);
}

/* A warm-up must leave time to anneal in, whatever the speed turns out to be. */
slc_warmup slc_run_warmup(const run *r)
{
    slc_warmup w = r->recipe->warmup;
    const uint64_t most = r->planned / 4;
    if (slc_run_budget(r) > 0 && slc_warmup_steps(&w, slc_run_steps_per_epoch(r)) > most)
        w = (slc_warmup){.steps = (int64_t)most, .start = w.start, .kind = w.kind};
    return w;
}
