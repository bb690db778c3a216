#include "train/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/checkpoint.h"
#include "train/compare.h"

/* What a model said about one set. */
typedef struct record {
    const slc_trained *trained;
    float *logits; /* count x classes */
    int32_t *labels;
    size_t count, room;
} record;

static void note(void *user, const slc_prediction *p)
{
    record *r = user;
    const size_t k = r->trained->class_count;
    if (p->label < 0 || r->count >= r->room) return;
    memcpy(r->logits + r->count * k, p->logits, k * sizeof(float));
    r->labels[r->count++] = p->label;
}

static slc_status listen(record *r, const slc_source *source,
                         const slc_calibrate_settings *s, slc_err *err)
{
    slc_loader_settings ls;
    slc_loader *loader = NULL;
    slc_metric metric = {0};
    r->room = (size_t)slc_source_count(source);
    r->logits = calloc(r->room * r->trained->class_count + 1, sizeof(float));
    r->labels = calloc(r->room + 1, sizeof(int32_t));
    if (!r->logits || !r->labels)
        return slc_fail(err, SLC_ENOMEM, "calibrate: out of memory");
    slc_status st = slc_trained_loader(r->trained, source, s->threads, &ls, err);
    ls.log = s->log;
    if (st == SLC_OK) st = slc_loader_open(&loader, &ls, err);
    if (st == SLC_OK)
        st = slc_trained_eval(
            r->trained, loader,
            &(slc_eval_settings){
                .log = s->log, .stop = s->stop, .on_prediction = note, .user = r},
            &metric, err);
    slc_metric_free(&metric);
    slc_loader_close(&loader);
    return st;
}

/* ECE and loss of the recorded logits over a temperature. */
static slc_status judge(const record *r, double heat, double *ece, double *loss,
                        slc_err *err)
{
    const size_t k = r->trained->class_count;
    slc_metric m;
    float *z = calloc(k, sizeof(*z));
    double *p = calloc(k, sizeof(*p));
    slc_status st = slc_metric_create(&m, k, err);
    if (st == SLC_OK && (!z || !p)) st = slc_fail(err, SLC_ENOMEM, "out of memory");
    for (size_t i = 0; st == SLC_OK && i < r->count; i++) {
        for (size_t c = 0; c < k; c++)
            z[c] = (float)((double)r->logits[i * k + c] / heat);
        slc_softmax(z, k, p);
        const float each = (float)-log(fmax(p[r->labels[i]], 1e-300));
        slc_metric_add(&m, z, &(slc_targets){.label_a = r->labels + i}, NULL, &each, 1);
    }
    *ece = slc_metric_ece(&m);
    *loss = slc_metric_loss(&m);
    slc_metric_free(&m);
    free(z);
    free(p);
    return st;
}

static slc_status report(const record *r, double before, double after, json_t **out,
                         slc_err *err)
{
    double ece[2], loss[2];
    slc_status st = judge(r, before, &ece[0], &loss[0], err);
    if (st == SLC_OK) st = judge(r, after, &ece[1], &loss[1], err);
    if (st == SLC_OK)
        *out = json_pack("{s:I, s:f, s:f, s:f, s:f}", "images", (json_int_t)r->count,
                         "ece_before", ece[0], "ece_after", ece[1], "loss_before",
                         loss[0], "loss_after", loss[1]);
    return st;
}

static slc_status write_file(const slc_trained *t, const char *output, double heat,
                             slc_err *err)
{
    slc_tensors *file = NULL;
    slc_arena arena = {0};
    char text[32];
    snprintf(text, sizeof(text), "%.17g", heat);
    slc_status st = slc_tensors_open(&file, t->path, err);
    if (st == SLC_OK) {
        const size_t n = slc_tensors_count(file);
        slc_blob *blobs = slc_arena_zero(&arena, n + 1, sizeof(*blobs));
        const char **meta = slc_tensors_meta_with(file, &arena, "temperature", text);
        for (size_t i = 0; blobs && i < n; i++)
            blobs[i] = *slc_tensors_at(file, i);
        st = blobs && meta ? slc_tensors_write(output, blobs, n, meta, err)
                           : slc_fail(err, SLC_ENOMEM, "calibrate: out of memory");
    }
    slc_tensors_close(&file);
    slc_arena_free(&arena);
    return st;
}

static slc_status calibrate(const slc_trained *t, const slc_calibrate_settings *s,
                            const slc_recipe_sources *sources, json_t *o, slc_err *err)
{
    const slc_source *source = s->source ? s->source : sources->val;
    record fit = {.trained = t}, test = {.trained = t};
    json_t *part = NULL;
    double heat = 1;
    slc_status st = source ? listen(&fit, source, s, err)
                           : slc_fail(err, SLC_EINVAL,
                                      "%s: its recipe has no validation set to fit a "
                                      "temperature on; name one with --data",
                                      t->path);
    if (st == SLC_OK && fit.count == 0)
        st = slc_fail(err, SLC_EINVAL, "%s has no labels to fit a temperature on",
                      slc_source_describe(source));
    if (st == SLC_OK) {
        heat = slc_fit_temperature(fit.logits, fit.labels, fit.count, t->class_count);
        json_object_set_new(o, "temperature", json_real(heat));
        json_object_set_new(o, "before", json_real(t->temperature));
        st = report(&fit, t->temperature, heat, &part, err);
    }
    if (st == SLC_OK) json_object_set_new(o, "fit", part);
    if (st == SLC_OK && sources->test) {
        st = listen(&test, sources->test, s, err);
        if (st == SLC_OK) st = report(&test, t->temperature, heat, &part, err);
        if (st == SLC_OK) json_object_set_new(o, "test", part);
    }
    if (st == SLC_OK && s->output) st = write_file(t, s->output, heat, err);
    free(fit.logits);
    free(fit.labels);
    free(test.logits);
    free(test.labels);
    return st;
}

slc_status slc_calibrate_run(const slc_calibrate_settings *settings, json_t **result,
                             slc_err *err)
{
    slc_trained t = {0};
    slc_recipe_sources sources = {0};
    *result = NULL;
    slc_status st = slc_trained_open(
        &t, settings->path, &(slc_trained_settings){.threads = settings->threads}, err);
    if (st == SLC_OK) {
        st = slc_recipe_open_sources(&sources, &t.recipe, settings->log, err);
        if (st != SLC_OK && settings->source) st = SLC_OK; /* only the test set is lost */
    }
    json_t *o = json_pack("{s:i, s:s}", "schema", 1, "model", t.path ? t.path : "");
    if (st == SLC_OK) st = calibrate(&t, settings, &sources, o, err);
    if (st == SLC_OK) *result = json_incref(o);
    json_decref(o);
    slc_recipe_close_sources(&sources);
    slc_trained_close(&t);
    return st;
}
