/* The loop: batches into steps, steps into epochs. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "train/fit/run.h"

uint64_t slc_run_steps_per_epoch(const run *r)
{
    const uint64_t k = (uint64_t)r->recipe->train.accumulate;
    return (r->batches + k - 1) / k;
}

slc_rate slc_run_rate(const run *r, uint64_t step)
{
    const slc_warmup warmup = slc_run_warmup(r);
    const slc_when when = {.step = step,
                           .steps = r->planned,
                           .steps_per_epoch = slc_run_steps_per_epoch(r),
                           .loss = r->history.val_loss,
                           .top1 = r->history.val_top1,
                           .evaluations = r->history.evaluations};
    return slc_fit_rate(r->recipe, &warmup, &when);
}

static slc_status not_finite(run *r, const char *what, slc_err *err)
{
    const char *bad = slc_model_first_bad(r->model);
    r->not_finite = true;
    const bool saved = access(slc_run_path(r, "state.safetensors"), F_OK) == 0;
    return slc_fail(err, SLC_EDATA,
                    "train: the %s is not a number in epoch %llu at step %llu (first bad "
                    "layer: %s); %s %s",
                    what, (unsigned long long)r->epoch + 1,
                    (unsigned long long)r->step + 1, bad ? bad : "none", r->settings->run,
                    saved ? "holds the last good state"
                          : "holds no state yet: lower optim.lr or warm up");
}

/* Labels of images that only pad become -1, which losses and metrics leave out. */
static slc_targets targets_of(run *r, const slc_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        r->labels[i] = batch->real && !batch->real[i] ? -1 : batch->label_a[i];
    return (slc_targets){
        .label_a = r->labels, .label_b = batch->label_b, .lambda = batch->lambda};
}

static void count_batch(run *r, const float *logits, const slc_targets *t, size_t n)
{
    run_sums *s = &r->sums;
    for (size_t i = 0; i < n; i++) {
        const int32_t a = t->label_a[i], b = t->label_b ? t->label_b[i] : a;
        if (a < 0 || b < 0) continue;
        const double lambda = t->lambda ? (double)t->lambda[i] : 1;
        const int32_t best = (int32_t)slc_argmax(logits + i * r->classes, r->classes);
        s->images++;
        s->loss += (double)r->each[i];
        s->hits += best == a;
        s->soft += (best == a ? lambda : 0) + (best == b ? 1 - lambda : 0);
        s->bound += a == b ? 1 : fmax(lambda, 1 - lambda);
    }
}

static uint64_t lap(uint64_t *since, uint64_t *into)
{
    const uint64_t now = slc_clock_ns();
    *into += now - *since;
    *since = now;
    return now;
}

/* Batches of one step: accumulate of them, fewer at the end of an epoch. */
static uint64_t group_size(const run *r, uint64_t number)
{
    const uint64_t k = (uint64_t)r->recipe->train.accumulate;
    const uint64_t first = number / k * k;
    return r->batches - first < k ? r->batches - first : k;
}

slc_status slc_run_pass(run *r, const slc_batch *batch, slc_err *err)
{
    const slc_recipe *recipe = r->recipe;
    const float *logits;
    double loss;
    uint64_t since = slc_clock_ns();
    const uint64_t group = group_size(r, batch->number);
    const slc_pass pass = {.mode = SLC_MODE_TRAIN,
                           .step = r->epoch * r->batches + batch->number,
                           .accumulate =
                               batch->number % (uint64_t)recipe->train.accumulate != 0};
    slc_status st = slc_run_frozen_forward(r, batch, &pass, &logits, err);
    if (st != SLC_OK) return st;
    lap(&since, &r->times.forward);
    const slc_targets targets = targets_of(r, batch);
    recipe->loss->run(recipe->loss_settings, logits, &targets, batch->n, r->classes,
                      recipe->class_weights, &loss, r->dlogits, r->each);
    if (!isfinite(loss)) return not_finite(r, "loss", err);
    count_batch(r, logits, &targets, batch->n);
    if (group > 1)
        for (size_t i = 0; i < batch->n * r->classes; i++)
            r->dlogits[i] /= (float)group;
    lap(&since, &r->times.loss);
    st = slc_model_backward(r->model, r->dlogits, &pass, err);
    lap(&since, &r->times.backward);
    return st;
}

static slc_status take_step(run *r, slc_err *err)
{
    uint64_t since = slc_clock_ns();
    const slc_rate rate = slc_run_rate(r, r->step);
    const double share = slc_run_ema_share(r, r->step + 1);
    const stepper_result moved = slc_stepper_step(&r->step_of, r->step + 1, rate, share);
    if (!isfinite(moved.norm)) return not_finite(r, "gradient", err);
    if (share >= 0) slc_run_average_buffers(r, share);
    r->step++;
    r->sums.steps++;
    r->sums.norm += moved.norm;
    r->sums.clipped += moved.clipped;
    r->last_lr = rate.lr;
    slc_str_printf(&r->steps_log, "%s%llu,%llu,%.9g,%.9g,%.9g",
                   r->steps_log.size ? "\n" : "", (unsigned long long)r->step,
                   (unsigned long long)r->epoch + 1, rate.lr, moved.norm, moved.clipped);
    lap(&since, &r->times.optimizer);
    return SLC_OK;
}

slc_status slc_run_open_stream(run *r, uint64_t epochs, slc_err *err)
{
    slc_loader_settings s = slc_recipe_loader_settings(
        r->recipe, &r->plans, r->sources.train, SLC_FOR_TRAIN, r->threads);
    s.type = r->type;
    s.epoch = r->epoch;
    s.position = r->position;
    s.log = r->settings->log;
    s.epochs = epochs;
    return slc_loader_open(&r->loader, &s, err);
}

static bool time_to_save(const run *r)
{
    const slc_recipe_train *t = &r->recipe->train;
    if (t->checkpoint_steps > 0 && r->step % (uint64_t)t->checkpoint_steps == 0)
        return true;
    return t->checkpoint_minutes > 0 &&
           (double)(slc_clock_ns() - r->saved) / 6e10 >= t->checkpoint_minutes;
}

static void show(const run *r)
{
    char what[64];
    const double seconds = (double)(slc_clock_ns() - r->times.begin) / 1e9;
    snprintf(what, sizeof(what), "epoch %llu/%llu", (unsigned long long)r->epoch + 1,
             (unsigned long long)((r->planned + slc_run_steps_per_epoch(r) - 1) /
                                  slc_run_steps_per_epoch(r)));
    slc_log_progress(r->settings->log, what, r->position, r->batches,
                     (double)r->times.images / (seconds > 0 ? seconds : 1));
}

static bool told_to_stop(const run *r)
{
    return r->paused || (r->settings->stop && atomic_load(r->settings->stop));
}

static slc_status stopped(const run *r, slc_err *err)
{
    return slc_fail(err, SLC_ESTOP, "stopped in epoch %llu after step %llu; state saved",
                    (unsigned long long)r->epoch + (r->position > 0),
                    (unsigned long long)r->step);
}

/* After each optimizer step, and only there, a run can be saved and stopped. */
static slc_status after_step(run *r, slc_err *err)
{
    slc_status st = slc_run_watch_step(r, err);
    if (st == SLC_OK) st = take_step(r, err);
    if (st == SLC_OK) st = slc_run_snapshot(r, err);
    if (st != SLC_OK) return st;
    if (r->step >= r->pace.next && r->position < r->batches) slc_run_refit(r);
    if (told_to_stop(r) && r->position < r->batches) {
        st = slc_run_save_state(r, err);
        return st == SLC_OK ? stopped(r, err) : st;
    }
    return time_to_save(r) && r->position < r->batches ? slc_run_save_state(r, err)
                                                       : SLC_OK;
}

static slc_status run_batch(run *r, const slc_batch *batch, slc_err *err)
{
    const uint64_t k = (uint64_t)r->recipe->train.accumulate;
    slc_status st = slc_run_pass(r, batch, err);
    if (st != SLC_OK) return st;
    r->position = batch->number + 1;
    r->times.images += batch->n;
    if (r->position % k != 0 && !batch->last) return SLC_OK;
    return after_step(r, err);
}

static slc_status run_epoch(run *r, slc_err *err)
{
    slc_status st = SLC_OK;
    bool last = false;
    r->times = (run_times){.begin = slc_clock_ns()};
    const uint64_t epochs = slc_run_budget(r) > 0 ? 0 : (uint64_t)r->recipe->train.epochs;
    if (!r->loader) st = slc_run_open_stream(r, epochs, err);
    if (r->loader) {
        const slc_loader_counters c = slc_loader_count(r->loader);
        r->times.decode = c.decode_ns;
        r->times.augment = c.augment_ns;
    }
    while (st == SLC_OK && !last && r->step < r->planned) {
        const slc_batch *batch = NULL;
        uint64_t since = slc_clock_ns();
        st = slc_loader_next(r->loader, &batch, err);
        lap(&since, &r->times.wait);
        if (st != SLC_OK || !batch) break;
        last = batch->last;
        slc_run_watch_batch(r, batch);
        st = run_batch(r, batch, err);
        slc_loader_release(r->loader, batch);
        show(r);
    }
    return st;
}

static slc_status thaw(run *r, slc_err *err)
{
    slc_status st = slc_run_freeze(r, false, err);
    r->step_of.thawed =
        (uint64_t)r->recipe->train.unfreeze_at * slc_run_steps_per_epoch(r);
    if (st == SLC_OK) st = slc_stepper_cut(&r->step_of, err);
    return st == SLC_OK ? slc_run_frozen_open(r, err) : st;
}

slc_status slc_run_loop(run *r, slc_err *err)
{
    const uint64_t at = (uint64_t)r->recipe->train.unfreeze_at;
    bool stop = r->done;
    r->pace = (run_pace){.begin = slc_clock_ns(), .first = r->step, .next = r->step + 5};
    slc_status st = at > 0 && r->epoch >= at ? thaw(r, err) : slc_run_frozen_open(r, err);
    while (st == SLC_OK && !stop && r->step < r->planned) {
        if (at > 0 && r->epoch == at && r->position == 0) st = thaw(r, err);
        if (st == SLC_OK) st = run_epoch(r, err);
        if (st == SLC_OK) st = slc_run_epoch_end(r, &stop, err);
        if (st == SLC_OK && !stop && r->step < r->planned && told_to_stop(r))
            st = stopped(r, err); /* the state was saved with the epoch */
        if (st == SLC_OK && !stop && r->step < r->planned) slc_run_refit(r);
    }
    if (st == SLC_OK && !stop && slc_run_budget(r) > 0)
        snprintf(r->reason, sizeof(r->reason), "the budget of %s is used: %llu steps",
                 r->recipe->train.budget, (unsigned long long)r->step);
    else if (st == SLC_OK && !stop)
        snprintf(r->reason, sizeof(r->reason), "all %llu epochs done",
                 (unsigned long long)r->epoch);
    slc_loader_close(&r->loader);
    return st;
}
