/* The end of an epoch: scores, the best so far, the line, the rules. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/fit/run.h"

slc_status slc_run_score(run *r, const slc_source *source, slc_metric *metric,
                         slc_err *err)
{
    slc_loader *loader = NULL;
    slc_loader_settings s = slc_recipe_loader_settings(r->recipe, &r->plans, source,
                                                       SLC_FOR_EVAL, r->threads);
    s.type = r->type;
    s.log = r->settings->log;
    *metric = (slc_metric){0};
    slc_status st = slc_loader_open(&loader, &s, err);
    if (st == SLC_OK)
        st = slc_fit_eval(r->model, loader, &(slc_eval_settings){0}, metric, err);
    slc_loader_close(&loader);
    return st;
}

static void put(json_t *line, const char *key, double value)
{
    if (isfinite(value)) json_object_set_new(line, key, json_real(value));
}

static slc_status score_into(run *r, const slc_source *source, json_t *line,
                             const char *loss, const char *top1, slc_err *err)
{
    slc_metric_free(&r->scored);
    r->scored_source = NULL;
    const slc_status st = slc_run_score(r, source, &r->scored, err);
    if (st != SLC_OK) return st;
    r->scored_source = source;
    r->scored_step = r->step;
    put(line, loss, slc_metric_loss(&r->scored));
    put(line, top1, slc_metric_top1(&r->scored));
    return st;
}

/* Validation if there is one, else the test set, which then decides nothing. */
static slc_status evaluate(run *r, json_t *line, slc_err *err)
{
    const uint64_t every = (uint64_t)r->recipe->train.eval_every;
    slc_status st = SLC_OK;
    const bool due = (r->epoch + 1) % every == 0 || r->step >= r->planned;
    const uint64_t begin = slc_clock_ns();
    if (!due || !(r->sources.val || r->sources.test)) return SLC_OK;
    if (slc_run_uses_ema(r)) slc_run_swap_in(r);
    if (r->sources.val)
        st = score_into(r, r->sources.val, line, "val_loss", "val_top1", err);
    else
        st = score_into(r, r->sources.test, line, "test_loss", "test_top1", err);
    const double value = json_number_value(json_object_get(
        line,
        r->recipe->train.early_stop.metric == SLC_WATCH_TOP1 ? "val_top1" : "val_loss"));
    if (st == SLC_OK && r->sources.val &&
        (r->best_epoch == 0 || slc_stopping_better(r->recipe->train.early_stop.metric,
                                                   value, r->best_value, 0))) {
        r->best_epoch = r->epoch + 1;
        r->best_value = value;
        st = slc_run_save_model(r, "best.safetensors", r->best_epoch, err);
    }
    if (slc_run_uses_ema(r)) slc_run_swap_out(r);
    r->times.evaluation += slc_clock_ns() - begin;
    r->pace.evaluating += (double)(slc_clock_ns() - begin) / 1e9;
    r->pace.evaluated +=
        slc_source_count(r->sources.val ? r->sources.val : r->sources.test);
    return st;
}

/* Seconds of the epoch. decode and augment are those of the loader's threads, which work while the
 * net does: only what shows as wait costs time. */
static json_t *split_times(const run *r)
{
    const run_times *t = &r->times;
    json_t *o = json_object();
    put(o, "wait", (double)t->wait / 1e9);
    put(o, "forward", (double)t->forward / 1e9);
    put(o, "loss", (double)t->loss / 1e9);
    put(o, "backward", (double)t->backward / 1e9);
    put(o, "optimizer", (double)t->optimizer / 1e9);
    if (r->loader) {
        const slc_loader_counters c = slc_loader_count(r->loader);
        put(o, "decode", (double)(c.decode_ns - t->decode) / 1e9);
        put(o, "augment", (double)(c.augment_ns - t->augment) / 1e9);
    }
    return o;
}

static json_t *begin_line(const run *r)
{
    const run_sums *s = &r->sums;
    const double n = s->images ? (double)s->images : 1,
                 k = s->steps ? (double)s->steps : 1;
    const double seconds = (double)(slc_clock_ns() - r->times.begin) / 1e9;
    json_t *line = json_object();
    json_object_set_new(line, "epoch", json_integer((json_int_t)r->epoch + 1));
    json_object_set_new(line, "step", json_integer((json_int_t)r->step));
    put(line, "lr", r->last_lr);
    put(line, "train_loss", s->loss / n);
    put(line, "train_top1", s->soft / n);
    if (s->bound < (double)s->images) put(line, "train_bound", s->bound / n);
    put(line, "grad_norm", s->norm / k);
    put(line, "grad_norm_clipped", s->clipped / k);
    put(line, "seconds", seconds);
    put(line, "images_per_second", (double)r->times.images / fmax(seconds, 1e-9));
    json_object_set_new(line, "time", split_times(r));
    return line;
}

static bool on_target(const run *r, const json_t *line, char *reason, size_t size)
{
    const slc_recipe_target *t = &r->recipe->train.target;
    const json_t *v =
        json_object_get(line, t->metric == SLC_WATCH_TOP1 ? "val_top1" : "val_loss");
    if (!t->on || !json_is_number(v)) return false;
    const double value = json_number_value(v);
    if (t->metric == SLC_WATCH_TOP1 ? value < t->value : value > t->value) return false;
    snprintf(reason, size, "the target is reached: %.6g", value);
    return true;
}

static bool diverged(const run *r, char *reason, size_t size)
{
    const double limit = r->recipe->train.diverge;
    const run_history *h = &r->history;
    if (limit <= 0 || h->epochs < 2) return false;
    if (h->train_loss[h->epochs - 1] <= limit * h->train_loss[0]) return false;
    snprintf(reason, size, "diverged: the training loss is over %g times the first",
             limit);
    return true;
}

static double number(const json_t *line, const char *key)
{
    const json_t *v = json_object_get(line, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool tell(const run *r, const json_t *line)
{
    const uint64_t per = slc_run_steps_per_epoch(r);
    const slc_epoch e = {.epoch = r->epoch,
                         .epochs = (r->planned + per - 1) / per,
                         .step = r->step,
                         .lr = r->last_lr,
                         .train_loss = number(line, "train_loss"),
                         .train_top1 = number(line, "train_top1"),
                         .val_loss = number(line, "val_loss"),
                         .val_top1 = number(line, "val_top1"),
                         .test_loss = number(line, "test_loss"),
                         .test_top1 = number(line, "test_top1"),
                         .grad_norm = number(line, "grad_norm"),
                         .seconds = number(line, "seconds"),
                         .images_per_second = number(line, "images_per_second"),
                         .best = r->best_epoch == r->epoch,
                         .line = line,
                         .histograms = r->inside};
    return !r->settings->on_epoch || r->settings->on_epoch(r->settings->user, &e);
}

static bool rules_say_stop(run *r, const json_t *line)
{
    const stopping_history h = {.val_loss = r->history.val_loss,
                                .val_top1 = r->history.val_top1,
                                .evaluations = r->history.evaluations,
                                .train_loss = r->history.train_loss,
                                .epochs = r->history.epochs};
    const bool evaluated = json_object_get(line, "val_loss") != NULL;
    if (evaluated &&
        slc_stopping_says(&r->recipe->train.early_stop, &h, r->reason, sizeof(r->reason)))
        return true;
    return on_target(r, line, r->reason, sizeof(r->reason)) ||
           diverged(r, r->reason, sizeof(r->reason));
}

slc_status slc_run_epoch_end(run *r, bool *stop, slc_err *err)
{
    const slc_recipe_swa *swa = &r->recipe->train.swa;
    json_t *line = begin_line(r);
    slc_status st = evaluate(r, line, err);
    put(json_object_get(line, "time"), "evaluation", (double)r->times.evaluation / 1e9);
    if (st == SLC_OK && swa->on && r->step >= slc_fit_swa_start(r->recipe, r->planned) &&
        (r->epoch + 1) % (uint64_t)swa->every == 0)
        slc_run_add_swa(r);
    if (st == SLC_OK) st = slc_run_note_line(r, line, err);
    if (st == SLC_OK) json_array_append(r->lines, line);
    r->epoch++;
    r->position = 0;
    r->sums = (run_sums){0};
    if (st == SLC_OK) *stop = rules_say_stop(r, line);
    r->done = *stop;
    /* Before the state, which says that the epoch is over: a resume takes back what is too much,
     * but cannot write what is missing. */
    if (st == SLC_OK) st = slc_run_watch_epoch(r, line, err);
    if (st == SLC_OK) st = slc_run_save_state(r, err);
    if (st == SLC_OK) st = slc_run_write_metrics(r, err);
    if (st == SLC_OK) r->paused = !tell(r, line);
    json_decref(r->inside);
    r->inside = NULL;
    json_decref(line);
    return st;
}
