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
    if (t->keep == SLC_KEEP_BEST || t->keep == SLC_KEEP_LAST)
        return t->keep == SLC_KEEP_BEST;
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

/* Which weights are kept, and what they are called. */
typedef enum kind { KEPT_LAST, KEPT_BEST, KEPT_SWA, KEPT_EMA, KEPT_ALL } kind;

typedef struct choice {
    kind kind;
    uint64_t epoch;
    char why[64];
    const char *const *members; /* KEPT_ALL: snapshots */
    size_t member_count;
} choice;

static slc_status decide(run *r, choice *c, slc_err *err)
{
    const char *const best = r->recipe->train.early_stop.metric == SLC_WATCH_TOP1
                                 ? "best validation top1"
                                 : "best validation loss";
    *c = (choice){.epoch = r->epoch};
    const slc_status st = slc_run_members(r, &c->members, &c->member_count, err);
    c->kind = c->member_count > 1                          ? KEPT_ALL
              : keeps_best(r)                              ? KEPT_BEST
              : r->recipe->train.swa.on && r->averaged > 0 ? KEPT_SWA
              : slc_run_uses_ema(r)                        ? KEPT_EMA
                                                           : KEPT_LAST;
    const char *const why[] = {"the last epoch", best, "average of late epochs (SWA)",
                               "moving average at the last epoch (EMA)"};
    if (c->kind == KEPT_ALL)
        snprintf(c->why, sizeof(c->why), "%zu snapshots, the mean of their answers",
                 c->member_count);
    else
        snprintf(c->why, sizeof(c->why), "%s", why[c->kind]);
    if (c->kind == KEPT_BEST) c->epoch = r->best_epoch;
    if (st == SLC_OK && c->kind != KEPT_ALL && r->recipe->train.keep == SLC_KEEP_ENSEMBLE)
        slc_log_line(r->settings->log, SLC_WARNING,
                     "keep is ensemble, but the run ended with fewer than two snapshots");
    return st;
}

/* Puts the weights to keep into the model, and that into its file. */
static slc_status keep(run *r, const choice *c, slc_err *err)
{
    slc_status st = SLC_OK;
    if (c->kind == KEPT_ALL) return slc_run_join(r, c->members, c->member_count, err);
    if (c->kind == KEPT_BEST) st = load_best(r, err);
    if (c->kind == KEPT_SWA || c->kind == KEPT_EMA) slc_run_swap_in(r);
    if (c->kind == KEPT_SWA)
        st = slc_run_measure_norms(r, (uint64_t)r->recipe->train.swa.bn_batches, err);
    return st == SLC_OK ? slc_run_save_model(r, "model.safetensors", c->epoch, err) : st;
}

/* The last epoch's evaluation is taken over if it was of these weights. */
static slc_status score(run *r, const slc_source *source, bool evaluated, slc_metric *m,
                        slc_err *err)
{
    if (!evaluated || r->scored_source != source || r->scored_step != r->step)
        return slc_run_score(r, source, m, err);
    *m = r->scored;
    r->scored = (slc_metric){0};
    r->scored_source = NULL;
    return SLC_OK;
}

static slc_status score_kept(run *r, const slc_source *source, const choice *c,
                             slc_metric *m, slc_err *err)
{
    if (c->kind == KEPT_ALL) return slc_run_score_joint(r, source, m, err);
    const bool best = c->kind == KEPT_BEST && r->best_epoch == r->epoch;
    return score(r, source, best || c->kind == KEPT_LAST || c->kind == KEPT_EMA, m, err);
}

static json_t *scores(run *r, const slc_source *source, const choice *of, slc_status *st,
                      slc_err *err)
{
    slc_metric m = {0};
    json_t *out = NULL, *names = json_loads(r->class_text, 0, NULL);
    const char **list = calloc(r->classes + 1, sizeof(*list));
    for (size_t c = 0; list && c < r->classes; c++)
        list[c] = json_string_value(json_array_get(names, c));
    if (*st == SLC_OK) *st = score_kept(r, source, of, &m, err);
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

static json_t *summarise(run *r, const choice *c)
{
    json_t *o = json_object(), *kept = json_object();
    json_object_set_new(o, "schema", json_integer(1));
    json_object_set_new(o, "seed", json_integer((json_int_t)r->recipe->seed));
    json_object_set_new(o, "epochs", json_integer((json_int_t)r->epoch));
    json_object_set_new(o, "steps", json_integer((json_int_t)r->step));
    json_object_set_new(o, "reason", json_string(r->reason));
    json_object_set_new(kept, "epoch", json_integer((json_int_t)c->epoch));
    json_object_set_new(kept, "why", json_string(c->why));
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
static slc_status score_last(run *r, json_t *o, const choice *c, slc_err *err)
{
    const slc_source *source = r->sources.test ? r->sources.test : r->sources.val;
    slc_metric m = {0};
    const bool same =
        c->kind == KEPT_LAST ||
        (c->kind == KEPT_BEST && r->best_epoch == r->epoch && !slc_run_uses_ema(r));
    if (same || !source) return SLC_OK;
    const slc_status st = score(r, source, !slc_run_uses_ema(r), &m, err);
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
    choice c;
    json_t *last = json_object(), *o = NULL;
    slc_status st = decide(r, &c, err);
    if (st == SLC_OK) st = score_last(r, last, &c, err);
    if (st == SLC_OK) st = keep(r, &c, err);
    if (st == SLC_OK) {
        o = summarise(r, &c);
        json_object_update(o, last);
        if (r->sources.test)
            json_object_set_new(o, "test", scores(r, r->sources.test, &c, &st, err));
        if (st == SLC_OK && r->sources.val)
            json_object_set_new(o, "val", scores(r, r->sources.val, &c, &st, err));
        json_object_set_new(
            o, "seconds",
            json_real(r->seconds_before + (double)(slc_clock_ns() - r->started) / 1e9));
    }
    if (st == SLC_OK) st = slc_json_write(o, slc_run_path(r, "summary.json"), err);
    if (st == SLC_OK) {
        *result = (slc_fit_result){.epochs = r->epoch,
                                   .steps = r->step,
                                   .best_epoch = c.epoch,
                                   .best_value = r->best_value,
                                   .summary = json_incref(o)};
        memcpy(result->reason, r->reason, sizeof(result->reason));
        slc_log_line(r->settings->log, SLC_INFO, "%s; kept epoch %llu: %s", r->reason,
                     (unsigned long long)c.epoch, c.why);
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
