#include "train/lr_find.h"

#include <math.h>
#include <stdlib.h>

#include "train/fit/scratch.h"

enum { SKIP = 10 }; /* first steps and last, which say nothing about the slope */

/* The rate two thirds along the longest run over which the smoothed loss falls (fastai's valley:
 * longest decreasing subsequence). */
static double valley_of(const slc_lr_find *f)
{
    size_t *length = calloc(2 * f->n + 1, sizeof(*length)), *from = length + f->n;
    size_t end = 0;
    if (!length) return NAN;
    for (size_t i = 0; i < f->n; i++) {
        length[i] = 1;
        from[i] = i;
        for (size_t k = 0; k < i; k++)
            if (f->smoothed[k] > f->smoothed[i] && length[k] + 1 > length[i]) {
                length[i] = length[k] + 1;
                from[i] = from[k];
            }
        if (length[i] > length[end]) end = i;
    }
    const size_t begin = f->n ? from[end] : 0;
    const double lr = f->n && end > begin + 2
                          ? f->lr[begin + (size_t)((double)(end - begin) * 2 / 3)]
                          : NAN;
    free(length);
    return lr;
}

static double steepest_of(const slc_lr_find *f)
{
    double best = 0, lr = NAN;
    for (size_t i = SKIP; i + 2 < f->n; i++) {
        const double slope = (f->smoothed[i + 1] - f->smoothed[i - 1]) /
                             (log(f->lr[i + 1]) - log(f->lr[i - 1]));
        if (slope < best) {
            best = slope;
            lr = f->lr[i];
        }
    }
    return lr;
}

void slc_lr_find_suggest(slc_lr_find *f, double smooth)
{
    double average = 0, least = INFINITY;
    for (size_t i = 0; i < f->n; i++) {
        average = smooth * average + (1 - smooth) * f->loss[i];
        f->smoothed[i] = average / (1 - pow(smooth, (double)i + 1));
        if (f->smoothed[i] < least) {
            least = f->smoothed[i];
            f->least = f->lr[i] / 10;
        }
    }
    f->steepest = steepest_of(f);
    f->valley = valley_of(f);
}

static bool ran_away(const slc_lr_find *f, double smooth, double diverge)
{
    double average = 0, least = INFINITY, now = 0;
    for (size_t i = 0; i < f->n; i++) {
        average = smooth * average + (1 - smooth) * f->loss[i];
        now = average / (1 - pow(smooth, (double)i + 1));
        least = fmin(least, now);
    }
    return !isfinite(now) || now > diverge * least;
}

static slc_status ramp(scratch *r, slc_lr_find *f, const slc_lr_find_settings *s,
                       slc_err *err)
{
    const uint64_t begin = slc_clock_ns();
    for (uint64_t i = 0; i < s->steps; i++) {
        const double part = s->steps > 1 ? (double)i / (double)(s->steps - 1) : 0;
        double loss = NAN;
        f->lr[f->n] = s->lo * pow(s->hi / s->lo, part);
        slc_err why = {0};
        const slc_status st = slc_scratch_step(r, f->lr[f->n], &loss, &why);
        if (st != SLC_OK && isfinite(loss)) {
            if (err) *err = why;
            return st;
        }
        if (!isfinite(
                loss)) { /* a loss that is no number is an answer here, not a failure */
            f->diverged = f->n > 0;
            if (!f->diverged && err) *err = why;
            return f->diverged ? SLC_OK : st;
        }
        f->loss[f->n++] = loss;
        slc_log_progress(s->log, "lr-find", i + 1, s->steps,
                         (double)(i + 1) * 1e9 / (double)(slc_clock_ns() - begin + 1));
        if (f->n > SKIP && ran_away(f, s->smooth, s->diverge)) {
            f->diverged = true;
            return SLC_OK;
        }
        if (s->stop && atomic_load(s->stop))
            return slc_fail(err, SLC_ESTOP, "lr-find: stopped; nothing was changed");
    }
    return SLC_OK;
}

slc_status slc_lr_find_run(slc_lr_find *out, const slc_lr_find_settings *settings,
                           slc_err *err)
{
    slc_lr_find_settings s = *settings;
    scratch r;

    *out = (slc_lr_find){.steepest = NAN, .valley = NAN, .least = NAN};
    if (s.lo == 0) s.lo = 1e-5;
    if (s.hi == 0) s.hi = 10;
    if (s.steps == 0) s.steps = 100;
    if (s.smooth == 0) s.smooth = 0.98;
    if (s.diverge == 0) s.diverge = 4;
    if (!(s.lo > 0 && s.lo < s.hi) || s.steps < 2)
        return slc_fail(err, SLC_EINVAL,
                        "lr-find: from %g to %g in %llu steps makes no ramp", s.lo, s.hi,
                        (unsigned long long)s.steps);
    out->lr = calloc(3 * s.steps, sizeof(double));
    if (!out->lr) return slc_fail(err, SLC_ENOMEM, "lr-find: out of memory");
    out->loss = out->lr + s.steps;
    out->smoothed = out->loss + s.steps;

    const slc_fit_settings fit = {.recipe = s.recipe, .threads = s.threads, .log = s.log};
    slc_status st = slc_scratch_open(&r, &fit, err);
    if (st == SLC_OK) st = ramp(&r, out, &s, err);
    if (st == SLC_OK) slc_lr_find_suggest(out, s.smooth);
    slc_scratch_close(&r);
    return st;
}

void slc_lr_find_free(slc_lr_find *found)
{
    free(found->lr);
    *found = (slc_lr_find){0};
}
