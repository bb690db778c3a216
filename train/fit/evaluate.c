/* A stream through a model, added up. Several views of one picture count as one: their
 * logits are averaged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/fit.h"

typedef struct sight {
    const slc_eval_settings *settings;
    slc_metric *metric;
    size_t classes;
    double *probs;
    float *sum; /* logits of the picture in hand */
    size_t views;
    uint64_t index;
    int32_t label;
} sight;

static void answer(sight *s)
{
    if (s->views == 0) return;
    const double heat = s->settings->temperature > 0 ? s->settings->temperature : 1;
    for (size_t c = 0; c < s->classes; c++)
        s->sum[c] /= (float)s->views;
    if (heat != 1)
        for (size_t c = 0; c < s->classes; c++)
            s->sum[c] = (float)((double)s->sum[c] / heat);
    slc_softmax(s->sum, s->classes, s->probs);
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
    slc_metric_add(s->metric, s->sum, &t, NULL, &loss, 1);
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

static slc_status run_all(slc_model *model, slc_loader *loader, sight *s, slc_err *err)
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
        const slc_view view = {batch->data, batch->type, batch->layout, batch->n};
        const slc_pass pass = {.mode = s->settings->mode,
                               .step = s->settings->pass * total + done};
        st = slc_model_forward(model, &view, &pass, &logits, err);
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
    const size_t classes = slc_model_facts_of(model).classes;
    slc_status st = slc_metric_create(metric, classes, err);
    if (st != SLC_OK) return st;
    sight s = {.settings = settings,
               .metric = metric,
               .classes = classes,
               .probs = calloc(classes, sizeof(double)),
               .sum = calloc(classes, sizeof(float))};
    st = s.probs && s.sum ? run_all(model, loader, &s, err)
                          : slc_fail(err, SLC_ENOMEM, "evaluation: out of memory");
    free(s.probs);
    free(s.sum);
    if (st != SLC_OK) slc_metric_free(metric);
    return st;
}
