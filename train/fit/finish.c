/* The end of a run: which weights are kept, how good they are, and why it ended. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "train/fit/run.h"

static bool keeps_best(const run *r)
{
    const slc_recipe_train *t = &r->recipe->train;
    if (!r->sources.val || r->best_epoch == 0) return false;
    if (t->swa.on && r->averaged > 0) return false;
    if (t->keep != SLC_KEEP_AUTO) return t->keep == SLC_KEEP_BEST;
    return !t->early_stop.on || t->early_stop.restore;
}

static slc_status load_best(run *r, slc_err *err)
{
    slc_tensors *file = NULL;
    slc_status st = slc_tensors_open(&file, slc_run_path(r, "best.safetensors"), err);
    if (st != SLC_OK) return st;
    const char *epoch = slc_tensors_meta(file, "epoch");
    if (!epoch || strtoull(epoch, NULL, 10) != r->best_epoch)
        st = slc_fail(err, SLC_EDATA, "%s: holds epoch %s, not the best one, %llu",
                      slc_tensors_path(file), epoch ? epoch : "(none)",
                      (unsigned long long)r->best_epoch);
    if (st == SLC_OK) st = slc_model_load(r->model, file, NULL, false, err);
    slc_tensors_close(&file);
    return st;
}

/* Puts the weights to keep into the model; *why says which they are. */
static slc_status choose(run *r, uint64_t *epoch, const char **why, slc_err *err)
{
    *epoch = r->epoch;
    *why = "the last epoch";
    if (keeps_best(r)) {
        *epoch = r->best_epoch;
        *why = r->recipe->train.early_stop.metric == SLC_WATCH_TOP1
                   ? "best validation top1"
                   : "best validation loss";
        return load_best(r, err);
    }
    if (r->recipe->train.swa.on && r->averaged > 0) {
        *why = "average of late epochs (SWA)";
        slc_run_swap_in(r);
        return slc_run_measure_norms(r, (uint64_t)r->recipe->train.swa.bn_batches, err);
    }
    if (slc_run_uses_ema(r)) {
        *why = "moving average at the last epoch (EMA)";
        slc_run_swap_in(r);
    }
    return SLC_OK;
}

/* The last epoch's evaluation is taken over if it was of these weights. */
static slc_status score(run *r, const slc_source *source, bool of_last, slc_metric *m,
                        slc_err *err)
{
    if (!of_last || r->scored_source != source || r->scored_step != r->step)
        return slc_run_score(r, source, m, err);
    *m = r->scored;
    r->scored = (slc_metric){0};
    r->scored_source = NULL;
    return SLC_OK;
}

static json_t *scores(run *r, const slc_source *source, bool of_last, slc_status *st,
                      slc_err *err)
{
    slc_metric m = {0};
    json_t *out = NULL, *names = json_loads(r->class_text, 0, NULL);
    const char **list = calloc(r->classes + 1, sizeof(*list));
    for (size_t c = 0; list && c < r->classes; c++)
        list[c] = json_string_value(json_array_get(names, c));
    if (*st == SLC_OK) *st = score(r, source, of_last, &m, err);
    if (*st == SLC_OK) out = slc_metric_json(&m, list);
    slc_metric_free(&m);
    free(list);
    json_decref(names);
    return out;
}

static void facts(run *r, json_t *o)
{
    const slc_model_facts f = slc_model_facts_of(r->model);
    struct rusage use;
    json_object_set_new(o, "engine", json_string(f.engine));
    json_object_set_new(o, "precision",
                        json_string(r->type == SLC_BF16 ? "bf16" : "f32"));
    json_object_set_new(o, "weights", json_integer((json_int_t)f.weights));
    json_object_set_new(o, "threads", json_integer((json_int_t)r->threads));
    json_object_set_new(o, "train_images",
                        json_integer((json_int_t)slc_source_count(r->sources.train)));
    if (getrusage(RUSAGE_SELF, &use) == 0)
        json_object_set_new(o, "peak_rss_bytes",
                            json_integer((json_int_t)use.ru_maxrss * 1024));
}

static double mean_rate(const run *r)
{
    double sum = 0;
    const size_t n = json_array_size(r->lines);
    for (size_t i = 0; i < n; i++)
        sum += json_number_value(
            json_object_get(json_array_get(r->lines, i), "images_per_second"));
    return n ? sum / (double)n : 0;
}

static json_t *summarise(run *r, uint64_t epoch, const char *why)
{
    json_t *o = json_object(), *kept = json_object();
    json_object_set_new(o, "schema", json_integer(1));
    json_object_set_new(o, "seed", json_integer((json_int_t)r->recipe->seed));
    json_object_set_new(o, "epochs", json_integer((json_int_t)r->epoch));
    json_object_set_new(o, "steps", json_integer((json_int_t)r->step));
    json_object_set_new(o, "reason", json_string(r->reason));
    json_object_set_new(kept, "epoch", json_integer((json_int_t)epoch));
    json_object_set_new(kept, "why", json_string(why));
    if (isfinite(r->best_value)) {
        json_object_set_new(kept, "best_epoch", json_integer((json_int_t)r->best_epoch));
        json_object_set_new(kept, "best_value", json_real(r->best_value));
    }
    json_object_set_new(o, "kept", kept);
    json_object_set_new(o, "images_per_second", json_real(mean_rate(r)));
    facts(r, o);
    return o;
}

/* What the raw last weights reach, for comparison with what is kept instead. */
static slc_status score_last(run *r, json_t *o, bool differs, slc_err *err)
{
    const slc_source *source = r->sources.test ? r->sources.test : r->sources.val;
    slc_metric m = {0};
    if (!differs || !source) return SLC_OK;
    const slc_status st = slc_run_score(r, source, &m, err);
    if (st == SLC_OK) {
        json_t *last = json_object();
        json_object_set_new(last, "epoch", json_integer((json_int_t)r->epoch));
        json_object_set_new(last, "set", json_string(r->sources.test ? "test" : "val"));
        json_object_set_new(last, "top1", json_real(slc_metric_top1(&m)));
        json_object_set_new(last, "loss", json_real(slc_metric_loss(&m)));
        json_object_set_new(o, "last", last);
    }
    slc_metric_free(&m);
    return st;
}

slc_status slc_run_finish(run *r, slc_fit_result *result, slc_err *err)
{
    uint64_t epoch;
    const char *why;
    json_t *last = json_object(), *o = NULL;
    const bool best = keeps_best(r), swa = r->recipe->train.swa.on && r->averaged > 0;
    const bool differs =
        (best && r->best_epoch != r->epoch) || slc_run_uses_ema(r) || swa;
    const bool of_last = !best && !swa;
    slc_status st = score_last(r, last, differs, err);
    if (st == SLC_OK) st = choose(r, &epoch, &why, err);
    if (st == SLC_OK) st = slc_run_save_model(r, "model.safetensors", epoch, err);
    if (st == SLC_OK) {
        o = summarise(r, epoch, why);
        json_object_update(o, last);
        if (r->sources.test)
            json_object_set_new(o, "test", scores(r, r->sources.test, of_last, &st, err));
        if (st == SLC_OK && r->sources.val)
            json_object_set_new(o, "val", scores(r, r->sources.val, of_last, &st, err));
        json_object_set_new(
            o, "seconds",
            json_real(r->seconds_before + (double)(slc_clock_ns() - r->started) / 1e9));
    }
    if (st == SLC_OK) st = slc_json_write(o, slc_run_path(r, "summary.json"), err);
    if (st == SLC_OK) {
        *result = (slc_fit_result){.epochs = r->epoch,
                                   .steps = r->step,
                                   .best_epoch = epoch,
                                   .best_value = r->best_value,
                                   .summary = json_incref(o)};
        memcpy(result->reason, r->reason, sizeof(result->reason));
        slc_log_line(r->settings->log, SLC_INFO, "%s; kept epoch %llu: %s", r->reason,
                     (unsigned long long)epoch, why);
    }
    json_decref(last);
    json_decref(o);
    return st;
}

slc_status slc_fit_run(const slc_fit_settings *settings, slc_fit_result *result,
                       slc_err *err)
{
    run r;
    *result = (slc_fit_result){.best_value = NAN};
    slc_status st = slc_run_open(&r, settings, err);
    if (st == SLC_OK) st = slc_run_loop(&r, err);
    if (st == SLC_OK) st = slc_run_finish(&r, result, err);
    slc_run_close(&r);
    return st;
}
