/* A stream through one model or several, added up. Several views of one picture count as
 * one: their logits are averaged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/fit.h"

typedef struct sight {
    const slc_eval_settings *settings;
    slc_metric *metric;
    slc_model *const *members;
    size_t member_count, classes, batch;
    double *probs;
    float *joint;   /* batch x classes: the members' common answer */
    double *blend;  /* classes: while they are joined */
    void *mirrored; /* the batch, flipped */
    size_t mirrored_size;
    float *sum, *cool; /* logits of the picture in hand; the same over the temperature */
    size_t views;
    uint64_t index;
    int32_t label;
} sight;

static void answer(sight *s)
{
    if (s->views == 0) return;
    const double heat = s->settings->temperature > 0 ? s->settings->temperature : 1;
    for (size_t c = 0; c < s->classes; c++) {
        s->sum[c] = (float)((double)s->sum[c] / (double)s->views);
        s->cool[c] = (float)((double)s->sum[c] / heat);
    }
    slc_softmax(s->cool, s->classes, s->probs);
    const bool known = s->label >= 0 && (size_t)s->label < s->classes;
    const double p = known ? s->probs[s->label] : 1;
    const slc_prediction out = {.index = s->index,
                                .label = s->label,
                                .best = slc_argmax(s->sum, s->classes),
                                .logits = s->sum,
                                .probs = s->probs,
                                .loss = known ? -log(fmax(p, 1e-300)) : 0};
    const float loss = (float)out.loss;
    const slc_targets t = {.label_a = &s->label};
    slc_metric_add(s->metric, s->cool, &t, NULL, &loss, 1);
    if (s->settings->on_prediction) s->settings->on_prediction(s->settings->user, &out);
    s->views = 0;
}

static void take(sight *s, const slc_batch *batch, const float *logits)
{
    for (size_t i = 0; i < batch->n; i++) {
        if (batch->real && !batch->real[i]) continue;
        if (s->views > 0 && batch->index[i] != s->index) answer(s);
        if (s->views == 0) memset(s->sum, 0, s->classes * sizeof(*s->sum));
        for (size_t c = 0; c < s->classes; c++)
            s->sum[c] += logits[i * s->classes + c];
        s->index = batch->index[i];
        s->label = batch->label_a ? batch->label_a[i] : -1;
        s->views++;
    }
}

/* Adds one member's answers to the joint ones: as logits, or as probabilities (a vote counts
 * 1000 of them, so that votes decide and probabilities break ties). */
static void join(sight *s, const float *logits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float *z = logits + i * s->classes;
        float *out = s->joint + i * s->classes;
        if (s->settings->combine != SLC_COMBINE_LOGITS)
            slc_softmax(z, s->classes, s->blend);
        for (size_t c = 0; c < s->classes; c++)
            out[c] +=
                s->settings->combine == SLC_COMBINE_LOGITS ? z[c] : (float)s->blend[c];
        if (s->settings->combine == SLC_COMBINE_VOTE)
            out[slc_argmax(z, s->classes)] += 1000;
    }
}

/* Sums over answers become logits again: their softmax is the mean distribution. */
static void settle(sight *s, size_t n, size_t answers)
{
    for (size_t i = 0; i < n * s->classes; i++) {
        const double mean = (double)s->joint[i] / (double)answers;
        const double least = s->settings->combine == SLC_COMBINE_VOTE ? 1e-6 : 1e-30;
        s->joint[i] =
            (float)(s->settings->combine == SLC_COMBINE_LOGITS ? mean
                                                               : log(fmax(mean, least)));
    }
}

/* Mirrors each row of pixels. */
static slc_status mirror(sight *s, const slc_batch *b, slc_err *err)
{
    const size_t item = slc_dtype_size(b->type);
    const size_t pixel = b->layout == SLC_NHWC ? b->channels * item : item;
    const size_t rows = b->n * b->height * (b->layout == SLC_NHWC ? 1 : b->channels);
    const size_t size = rows * b->width * pixel;
    if (size > s->mirrored_size) {
        void *more = realloc(s->mirrored, size);
        if (!more) return slc_fail(err, SLC_ENOMEM, "evaluation: out of memory");
        s->mirrored = more;
        s->mirrored_size = size;
    }
    const char *from = b->data;
    char *to = s->mirrored;
    for (size_t r = 0; r < rows; r++)
        for (size_t x = 0; x < b->width; x++)
            memcpy(to + (r * b->width + x) * pixel,
                   from + (r * b->width + b->width - 1 - x) * pixel, pixel);
    return SLC_OK;
}

/* All answers to one batch; *out is valid until the next call. */
static slc_status ask(sight *s, const slc_batch *batch, uint64_t step, const float **out,
                      slc_err *err)
{
    const size_t looks = s->settings->flip ? 2 : 1;
    const slc_pass pass = {.mode = s->settings->mode, .step = step};
    const float *logits = NULL;
    slc_status st = SLC_OK;
    if (looks == 2) st = mirror(s, batch, err);
    memset(s->joint, 0, batch->n * s->classes * sizeof(*s->joint));
    for (size_t m = 0; m < s->member_count; m++)
        for (size_t k = 0; st == SLC_OK && k < looks; k++) {
            const slc_view view = {k ? s->mirrored : batch->data, batch->type,
                                   batch->layout, batch->n};
            st = slc_model_forward(s->members[m], &view, &pass, &logits, err);
            if (st == SLC_OK && s->member_count * looks > 1) join(s, logits, batch->n);
        }
    if (st == SLC_OK && s->member_count * looks > 1) {
        settle(s, batch->n, s->member_count * looks);
        logits = s->joint;
    }
    *out = logits;
    return st;
}

static slc_status run_all(sight *s, slc_loader *loader, slc_err *err)
{
    slc_status st = SLC_OK;
    uint64_t done = 0, images = 0;
    const uint64_t total = slc_loader_batches(loader), begin = slc_clock_ns();
    while (st == SLC_OK) {
        const slc_batch *batch = NULL;
        const float *logits;
        if (s->settings->stop && atomic_load(s->settings->stop))
            return slc_fail(err, SLC_ESTOP, "stopped after %llu images",
                            (unsigned long long)images);
        st = slc_loader_next(loader, &batch, err);
        if (st != SLC_OK || !batch) break;
        st = ask(s, batch, s->settings->pass * total + done, &logits, err);
        if (st == SLC_OK) take(s, batch, logits);
        images += batch->n;
        slc_loader_release(loader, batch);
        slc_log_progress(s->settings->log, "evaluation", ++done, total,
                         (double)images * 1e9 / (double)(slc_clock_ns() - begin + 1));
    }
    if (st == SLC_OK) answer(s);
    return st;
}

slc_status slc_fit_eval(slc_model *model, slc_loader *loader,
                        const slc_eval_settings *settings, slc_metric *metric,
                        slc_err *err)
{
    const slc_model_facts facts = slc_model_facts_of(model);
    slc_status st = slc_metric_create(metric, facts.classes, err);
    if (st != SLC_OK) return st;
    sight s = {.settings = settings,
               .metric = metric,
               .members = settings->members ? settings->members : &model,
               .member_count = settings->members ? settings->member_count : 1,
               .classes = facts.classes,
               .probs = calloc(facts.classes, sizeof(double)),
               .blend = calloc(facts.classes, sizeof(double)),
               .joint = calloc(facts.batch * facts.classes, sizeof(float)),
               .sum = calloc(facts.classes, sizeof(float)),
               .cool = calloc(facts.classes, sizeof(float))};
    st = s.probs && s.sum && s.cool && s.blend && s.joint
             ? run_all(&s, loader, err)
             : slc_fail(err, SLC_ENOMEM, "evaluation: out of memory");
    free(s.probs);
    free(s.sum);
    free(s.cool);
    free(s.blend);
    free(s.joint);
    free(s.mirrored);
    if (st != SLC_OK) slc_metric_free(metric);
    return st;
}

slc_status slc_trained_eval(const slc_trained *trained, slc_loader *loader,
                            const slc_eval_settings *settings, slc_metric *metric,
                            slc_err *err)
{
    slc_eval_settings all = *settings;
    all.members = trained->members;
    all.member_count = trained->member_count;
    all.combine = trained->combine;
    all.flip = all.flip || trained->flip;
    if (all.temperature <= 0) all.temperature = trained->temperature;
    return slc_fit_eval(trained->model, loader, &all, metric, err);
}
