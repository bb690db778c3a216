#include "train/rehearse.h"

#include <math.h>
#include <stdio.h>

#include "train/fit/scratch.h"
#include "train/recipe_impl.h"

enum { LEAST_STEPS = 2 };
static const double most_seconds = 2;

static double since(uint64_t begin)
{
    return (double)(slc_clock_ns() - begin) / 1e9;
}

/* Seconds of a step, without the first one, in which engines get ready. */
static slc_status time_steps(scratch *s, slc_rehearsal *out, double *seconds,
                             slc_err *err)
{
    const uint64_t start = slc_clock_ns();
    uint64_t begin = start, n = 0;
    double loss;
    while (n < LEAST_STEPS || since(start) < most_seconds) {
        const slc_status st = slc_scratch_step(s, 0, &loss, err);
        if (st != SLC_OK) return st;
        if (s->settings.stop && atomic_load(s->settings.stop))
            return slc_fail(err, SLC_ESTOP, "stopped; nothing was changed");
        if (n++ == 0) begin = slc_clock_ns();
    }
    *seconds = since(begin) / (double)(n - 1);
    out->tried += n;
    return SLC_OK;
}

/* What the loader's threads need for a batch: the limit when it is more than a step, which the
 * batches that were ready before the first step may hide. */
static double loader_seconds(const run *r)
{
    const slc_loader_counters c = slc_loader_count(r->loader);
    const uint64_t busy = c.read_ns + c.decode_ns + c.augment_ns + c.write_ns;
    const int64_t own = r->recipe->loader.threads;
    const double threads = own > 0 ? (double)own : (double)r->threads;
    if (c.samples == 0) return 0;
    return 1e-9 * (double)busy / (double)c.samples / threads *
           (double)r->recipe->train.batch;
}

/* The set that epochs are judged by goes through the net once more; decoding is taken to cost
 * what it costs in training, and every view of a picture as much as the picture. */
static slc_status time_evaluation(scratch *s, slc_rehearsal *out, slc_err *err)
{
    run *const r = &s->run;
    const uint64_t images = out->val_images ? out->val_images : out->test_images;
    const slc_batch *batch = NULL;
    const float *logits;
    if (images == 0) return SLC_OK;
    slc_status st = slc_loader_next(r->loader, &batch, err);
    if (st != SLC_OK || !batch) return st;
    const slc_view view = {batch->data, batch->type, batch->layout, batch->n};
    const slc_pass pass = {.mode = SLC_MODE_EVAL};
    double seconds = 0;
    for (int i = 0; st == SLC_OK && i < 2; i++) { /* the first one gets ready */
        const uint64_t begin = slc_clock_ns();
        st = slc_model_forward(r->model, &view, &pass, &logits, err);
        seconds = since(begin);
    }
    const double views = slc_policy_views(r->plans.eval);
    const double batches = (double)images * views / (double)batch->n;
    slc_loader_release(r->loader, batch);
    out->eval_seconds = batches * fmax(seconds, loader_seconds(r));
    return st;
}

/* Steps before the net thaws cost another time than those after. */
static slc_status time_training(scratch *s, slc_rehearsal *out, slc_err *err)
{
    run *const r = &s->run;
    const uint64_t at = (uint64_t)r->recipe->train.unfreeze_at * out->steps_per_epoch;
    const bool thaws = r->recipe->train.freeze.n > 0 && at > 0 && at < out->steps;
    double frozen = 0, each = 0;
    slc_status st = time_steps(s, out, &each, err);
    if (st == SLC_OK && thaws) {
        frozen = each;
        st = slc_run_freeze(r, false, err);
        if (st == SLC_OK) st = slc_stepper_cut(&r->step_of, err);
        if (st == SLC_OK) st = time_steps(s, out, &each, err);
    }
    if (st == SLC_OK) st = time_evaluation(s, out, err);
    if (st != SLC_OK) return st;

    const double load = loader_seconds(r), before = thaws ? (double)at : 0;
    const double rest = (double)out->steps - before;
    const bool cached = r->recipe->loader.cache == SLC_CACHE_DECODED;
    const double first = (double)out->steps_per_epoch * fmax(0, load - each);
    out->step_seconds = cached ? each : fmax(each, load);
    out->seconds = before * (cached ? frozen : fmax(frozen, load)) +
                   rest * out->step_seconds + (cached ? first : 0);
    return SLC_OK;
}

static void plan_cache(const run *r, slc_rehearsal *out)
{
    const slc_loader_counters c = slc_loader_count(r->loader);
    const uint64_t most = (uint64_t)r->recipe->loader.cache_mb << 20;
    if (c.cached_samples == 0) return;
    const double all =
        (double)c.cached_bytes / (double)c.cached_samples * (double)out->images;
    out->cache_bytes = all < (double)most ? (uint64_t)all : most;
    if (out->cache_bytes > c.cached_bytes)
        out->more_bytes = out->cache_bytes - c.cached_bytes;
}

/* The evaluations of all epochs, the last one of the test set, and what a budget leaves. */
static void add_up(const run *r, slc_rehearsal *out)
{
    const uint64_t every = (uint64_t)r->recipe->train.eval_every;
    const uint64_t epochs =
        (out->steps + out->steps_per_epoch - 1) / out->steps_per_epoch;
    const double judged = (double)(out->val_images ? out->val_images : out->test_images);
    const double image = judged > 0 ? out->eval_seconds / judged : 0;
    double budget = 0;
    out->seconds += (double)((epochs + every - 1) / every) * out->eval_seconds +
                    image * (double)out->test_images;
    const char *const text = r->recipe->train.budget;
    if (!text || !*text || !slc_parse_duration(text, &budget)) return;
    out->steps = (uint64_t)((double)out->steps * budget / out->seconds);
    out->seconds = budget;
}

slc_status slc_rehearse(slc_rehearsal *out, const slc_fit_settings *settings,
                        slc_err *err)
{
    scratch s;
    *out = (slc_rehearsal){0};
    slc_status st = slc_scratch_open(&s, settings, err);
    if (st == SLC_OK) {
        const run *const r = &s.run;
        out->images = slc_source_count(r->sources.train);
        if (r->sources.val) out->val_images = slc_source_count(r->sources.val);
        if (r->sources.test) out->test_images = slc_source_count(r->sources.test);
        out->channels = r->channels;
        out->height = r->height;
        out->width = r->width;
        out->model = slc_model_facts_of(r->model);
        snprintf(out->engine, sizeof(out->engine), "%s", out->model.engine);
        out->model.engine = NULL; /* it dies with the model */
        out->steps_per_epoch = slc_run_steps_per_epoch(r);
        out->steps = r->planned;
        st = time_training(&s, out, err);
    }
    if (st == SLC_OK) {
        plan_cache(&s.run, out);
        add_up(&s.run, out);
    }
    slc_scratch_close(&s);
    return st;
}
