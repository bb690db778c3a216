#include "train/fit/trial.h"

#include <math.h>
#include <string.h>

#include "train/metric.h"
#include "train/net.h"

enum { MOST_FLOATS = 64 << 20 }; /* of all pictures held: 256 MiB */

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "trial: out of memory");
}

/* Copies what the loader delivers until there is enough or no more. */
static slc_status collect(trial *t, slc_loader *loader, uint64_t images, slc_err *err)
{
    slc_status st = SLC_OK;
    while (st == SLC_OK && t->count < images) {
        const slc_batch *batch = NULL;
        st = slc_loader_next(loader, &batch, err);
        if (st != SLC_OK || !batch) break;
        for (size_t i = 0; i < batch->n && t->count < images; i++) {
            if ((batch->real && !batch->real[i]) || batch->label_a[i] < 0) continue;
            memcpy(t->pictures + t->count * t->each,
                   (const float *)batch->data + i * t->each, t->each * sizeof(float));
            t->labels[t->count] = batch->label_a[i];
            t->index[t->count++] = batch->index[i];
        }
        slc_loader_release(loader, batch);
        if (t->settings->stop && atomic_load(t->settings->stop))
            st = slc_fail(err, SLC_ESTOP, "stopped");
    }
    if (st == SLC_OK && t->count == 0)
        st = slc_fail(err, SLC_EDATA, "data: no labelled picture to look at");
    return st;
}

/* Large pictures: fewer of them. */
static slc_status make_room(trial *t, const slc_loader *loader, uint64_t *images,
                            slc_err *err)
{
    slc_loader_shape(loader, &t->channels, &t->height, &t->width);
    t->layout = slc_loader_layout(loader);
    t->each = t->channels * t->height * t->width;
    const uint64_t most = MOST_FLOATS / t->each + 1;
    if (*images > most) *images = most;
    t->pictures = slc_arena_alloc(&t->arena, (size_t)*images * t->each * sizeof(float));
    t->labels = slc_arena_zero(&t->arena, (size_t)*images, sizeof(*t->labels));
    t->index = slc_arena_zero(&t->arena, (size_t)*images, sizeof(*t->index));
    return t->pictures && t->labels && t->index ? SLC_OK : no_memory(err);
}

slc_status slc_trial_open(trial *t, const slc_sanity_settings *settings, uint64_t images,
                          slc_err *err)
{
    const slc_recipe *r = settings->recipe;
    slc_loader *loader = NULL;
    *t = (trial){.settings = settings, .spec = r->model};
    slc_status st = slc_recipe_open_sources(&t->sources, r, settings->log, err);
    if (st == SLC_OK) st = slc_recipe_make_plans(&t->plans, r, t->sources.train, err);
    if (st != SLC_OK) return st;
    t->classes = slc_source_classes(t->sources.train);
    if (images > slc_source_count(t->sources.train))
        images = slc_source_count(t->sources.train);
    slc_loader_settings s = slc_recipe_loader_settings(r, &t->plans, t->sources.train,
                                                       SLC_FOR_EVAL, settings->threads);
    s.type = SLC_F32;
    s.shuffle = true;
    s.seed = (uint64_t)r->seed;
    s.log = settings->log;
    st = slc_loader_open(&loader, &s, err);
    if (st == SLC_OK) st = make_room(t, loader, &images, err);
    if (st == SLC_OK) st = collect(t, loader, images, err);
    slc_loader_close(&loader);
    return st;
}

void slc_trial_close(trial *t)
{
    slc_stepper_free(&t->stepper);
    slc_model_destroy(&t->model);
    slc_recipe_free_plans(&t->plans);
    slc_recipe_close_sources(&t->sources);
    slc_arena_free(&t->arena);
    *t = (trial){0};
}

slc_status slc_trial_net(trial *t, size_t batch, slc_err *err)
{
    const slc_recipe *r = t->settings->recipe;
    slc_stepper_free(&t->stepper);
    slc_model_destroy(&t->model);
    t->stepper = (stepper){0};
    t->batch = batch;
    t->lr = t->settings->lr > 0 ? t->settings->lr
                                : ((const slc_optim_common *)r->optim_settings)->lr;
    slc_status st =
        slc_model_create(&t->model,
                         &(slc_model_settings){.spec = t->spec,
                                               .channels = t->channels,
                                               .height = t->height,
                                               .width = t->width,
                                               .classes = t->classes,
                                               .batch = batch,
                                               .threads = t->settings->threads,
                                               .precision = SLC_PRECISION_F32,
                                               .engine = r->train.engine,
                                               .seed = (uint64_t)r->seed},
                         err);
    if (st == SLC_OK)
        st = slc_stepper_create(&t->stepper, t->model, r, t->settings->threads, err);
    return st;
}

/* Cross-entropy of rows of logits, its gradient to the rows of dlogits (may be NULL). */
static trial_score judge(const float *logits, const int32_t *labels, size_t n,
                         size_t classes, float *dlogits)
{
    trial_score s = {0};
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * classes;
        double top = (double)row[slc_argmax(row, classes)], sum = 0;
        for (size_t c = 0; c < classes; c++)
            sum += exp((double)row[c] - top);
        s.loss += log(sum) + top - (double)row[labels[i]];
        s.top1 += slc_argmax(row, classes) == (size_t)labels[i];
        for (size_t c = 0; dlogits && c < classes; c++)
            dlogits[i * classes + c] = (float)((exp((double)row[c] - top) / sum -
                                                (c == (size_t)labels[i] ? 1 : 0)) /
                                               (double)n);
    }
    return (trial_score){s.loss / (double)n, s.top1 / (double)n};
}

slc_status slc_trial_score(trial *t, size_t first, size_t n, const int32_t *labels,
                           slc_mode mode, trial_score *out, slc_err *err)
{
    const slc_pass pass = {.mode = mode};
    *out = (trial_score){0};
    for (size_t at = 0; at < n; at += t->batch) {
        const size_t part = n - at < t->batch ? n - at : t->batch;
        const slc_view view = {t->pictures + (first + at) * t->each, SLC_F32, t->layout,
                               part};
        const float *logits;
        const slc_status st = slc_model_forward(t->model, &view, &pass, &logits, err);
        if (st != SLC_OK) return st;
        const trial_score s = judge(logits, labels + at, part, t->classes, NULL);
        out->loss += s.loss * (double)part / (double)n;
        out->top1 += s.top1 * (double)part / (double)n;
    }
    return SLC_OK;
}

static double rate_at(double lr, uint64_t step, uint64_t steps)
{
    const double rise = fmax(1, (double)steps / 10), at = (double)step;
    const double fall = (double)steps / 2;
    if (at <= rise) return lr * at / rise;
    if (at <= fall) return lr;
    return lr * 0.5 * (1 + cos(acos(-1) * (at - fall) / ((double)steps - fall + 1)));
}

slc_status slc_trial_step(trial *t, size_t first, size_t n, const int32_t *labels,
                          uint64_t step, uint64_t steps, trial_score *out, slc_err *err)
{
    const slc_view view = {t->pictures + first * t->each, SLC_F32, t->layout, n};
    const slc_pass pass = {.mode = SLC_MODE_TRAIN, .step = step};
    const float *logits;
    if (t->settings->stop && atomic_load(t->settings->stop))
        return slc_fail(err, SLC_ESTOP, "stopped");
    slc_arena scratch = {0};
    float *d = slc_arena_alloc(&scratch, n * t->classes * sizeof(float));
    slc_status st =
        d ? slc_model_forward(t->model, &view, &pass, &logits, err) : no_memory(err);
    if (st == SLC_OK) {
        *out = judge(logits, labels, n, t->classes, d);
        st = slc_model_backward(t->model, d, &pass, err);
    }
    if (st == SLC_OK)
        (void)slc_stepper_step(
            &t->stepper, step,
            (slc_rate){.lr = rate_at(t->lr, step, steps), .momentum = -1}, -1);
    slc_arena_free(&scratch);
    return st;
}
