/* A study: which trial comes next, and what became of the others. All decisions are made inside
 * one SQLite transaction, so that processes never see half of another's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/search/study_impl.h"

const char *const slc_trial_states[] = {"running", "paused", "done",
                                        "stopped", "failed", NULL};

void slc_study_close(slc_study **study)
{
    if (!*study) return;
    slc_lock_drop(&(*study)->lock);
    slc_ledger_close(&(*study)->ledger);
    slc_arena_free(&(*study)->arena);
    free(*study);
    *study = NULL;
}

const slc_space *slc_study_space(const slc_study *s)
{
    return &s->space;
}

const slc_node *slc_study_recipe(const slc_study *s)
{
    return s->recipe;
}

const slc_tune *slc_study_tune(const slc_study *s)
{
    return &s->tune;
}

uint64_t slc_study_epochs(const slc_study *s)
{
    return s->epochs;
}

bool slc_study_better(const slc_study *s, double a, double b)
{
    if (isnan(a) || isnan(b)) return !isnan(a);
    return s->tune.metric == 0 ? a > b : a < b;
}

/* Searches and pacers think that lower is better. */
static double cost(const slc_study *s, double value)
{
    return s->tune.metric == 0 ? -value : value;
}

/* --- the next job ----------------------------------------------------------------------- */

static void trial_dir(const slc_study *s, uint64_t trial, char *out, size_t size)
{
    snprintf(out, size, "%s/trials/%04llu", s->dir, (unsigned long long)trial);
}

/* Takes the lock of a trial; false if a living process holds it. */
static bool take_lock(slc_study *s, uint64_t trial, slc_err *err)
{
    char dir[512], path[540];
    slc_err refused = {0};
    trial_dir(s, trial, dir, sizeof(dir));
    snprintf(path, sizeof(path), "%s/owner", dir);
    if (slc_dir_make(dir, err) != SLC_OK) return false;
    slc_lock_drop(&s->lock);
    return slc_lock_take(&s->lock, path, &refused) == SLC_OK;
}

/* All that is known, in the form that searches and pacers take. */
typedef struct picture {
    slc_trial *trial;
    size_t n;
    slc_pacer_trial *pace;
    double **score;
} picture;

static void picture_free(picture *p)
{
    for (size_t i = 0; p->score && i < p->n; i++)
        free(p->score[i]);
    free(p->score);
    free(p->pace);
    free(p->trial);
    *p = (picture){0};
}

static slc_status picture_take(slc_study *s, picture *p, slc_err *err)
{
    *p = (picture){0};
    slc_status st = slc_ledger_trials(s->ledger, &p->trial, &p->n, err);
    if (st != SLC_OK || p->n == 0) return st;

    p->pace = calloc(p->n, sizeof(*p->pace));
    p->score = calloc(p->n, sizeof(*p->score));
    if (!p->pace || !p->score) return slc_fail(err, SLC_ENOMEM, "study: out of memory");
    for (size_t i = 0; i < p->n && st == SLC_OK; i++) {
        size_t count = 0;
        st = slc_ledger_scores(s->ledger, p->trial[i].trial, &p->score[i], &count, err);
        for (size_t e = 0; e < count; e++)
            p->score[i][e] = cost(s, p->score[i][e]);
        p->pace[i] = (slc_pacer_trial){.trial = p->trial[i].trial,
                                       .rung = p->trial[i].rung,
                                       .paused = p->trial[i].state == SLC_TRIAL_PAUSED,
                                       .score = p->score[i],
                                       .epochs = count};
    }
    return st;
}

static uint64_t until_of(const slc_study *s, uint64_t rung)
{
    return s->tune.pacer->until
               ? s->tune.pacer->until(s->tune.pacer_settings, rung, s->epochs)
               : s->epochs;
}

/* Fills unit for a new trial from what is known. */
static slc_status suggest(slc_study *s, const picture *p, uint64_t trial, double *unit,
                          slc_err *err)
{
    const size_t dims = s->space.n;
    slc_history h = {.space = &s->space, .seed = (uint64_t)s->tune.seed, .trial = trial};
    double *known = malloc((2 * dims + 1) * (p->n + 1) * sizeof(double));
    if (!known) return slc_fail(err, SLC_ENOMEM, "study: out of memory");
    double *waiting = known + dims * (p->n + 1), *value = waiting + dims * (p->n + 1);

    for (size_t i = 0; i < p->n; i++) {
        const slc_trial *t = &p->trial[i];
        const bool has = !isnan(t->value) && t->state != SLC_TRIAL_RUNNING;
        const bool failed = t->state == SLC_TRIAL_FAILED;
        double *to = has && !failed ? known + dims * h.n : waiting + dims * h.pending;
        if (failed) continue;
        for (size_t d = 0; d < dims; d++) /* what is not used is the same everywhere */
            to[d] = slc_dim_active(&s->space, d, t->unit)
                        ? slc_dim_snap(&s->space.dim[d], t->unit[d])
                        : 0.5;
        if (has)
            value[h.n++] = cost(s, t->value);
        else
            h.pending++;
    }
    h.unit = known;
    h.waiting = waiting;
    h.value = value;
    const slc_status st = s->tune.search->suggest(s->tune.search_settings, &h, unit, err);
    free(known);
    return st;
}

/* Why the study is over, or NULL. Looks at new trials only: what runs may finish. */
static const char *over(const slc_study *s, const picture *p)
{
    const slc_tune *t = &s->tune;
    for (size_t i = 0; t->target > 0 && i < p->n; i++)
        if (!isnan(p->trial[i].value) &&
            !slc_study_better(s, t->target, p->trial[i].value))
            return "the target was reached";
    if (t->trials && p->n >= (size_t)t->trials) return "all trials are done";
    if (t->search->count && p->n >= t->search->count(t->search_settings, &s->space))
        return "every point was tried";
    return NULL;
}

/* A running trial whose process died; n if there is none. */
static size_t orphan(slc_study *s, const picture *p, slc_err *err)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->trial[i].state == SLC_TRIAL_RUNNING &&
            take_lock(s, p->trial[i].trial, err))
            return i;
    return p->n;
}

static slc_status give(slc_study *s, slc_job *job, const slc_trial *trial, bool resume,
                       slc_err *err)
{
    job->kind = SLC_JOB_RUN;
    job->trial = *trial;
    job->trial.state = SLC_TRIAL_RUNNING;
    job->until = until_of(s, trial->rung);
    job->resume = resume;
    trial_dir(s, trial->trial, job->dir, sizeof(job->dir));
    return slc_ledger_save(s->ledger, &job->trial, s->space.n, s->owner, err);
}

static slc_status decide(slc_study *s, const picture *p, slc_job *job, slc_err *err)
{
    const slc_pacer *pacer = s->tune.pacer;
    size_t i = orphan(s, p, err);
    if (i < p->n) return give(s, job, &p->trial[i], true, err);

    i = pacer->promote ? pacer->promote(s->tune.pacer_settings, p->pace, p->n, s->epochs)
                       : p->n;
    if (i < p->n && take_lock(s, p->trial[i].trial, err)) {
        slc_trial up = p->trial[i];
        up.rung++;
        return give(s, job, &up, true, err);
    }
    job->why = over(s, p);
    if (job->why) {
        bool running = false;
        for (size_t k = 0; k < p->n; k++)
            running |= p->trial[k].state == SLC_TRIAL_RUNNING;
        job->kind = running && pacer->promote ? SLC_JOB_WAIT : SLC_JOB_END;
        return SLC_OK;
    }
    slc_trial fresh = {.trial = p->n ? p->trial[p->n - 1].trial + 1 : 0, .value = NAN};
    slc_status st = suggest(s, p, fresh.trial, fresh.unit, err);
    if (st != SLC_OK) return st;
    if (!take_lock(s, fresh.trial, err))
        return slc_fail(err, SLC_EIO, "%s: trial %llu cannot be locked", s->dir,
                        (unsigned long long)fresh.trial);
    return give(s, job, &fresh, false, err);
}

slc_status slc_study_next(slc_study *s, slc_job *job, slc_err *err)
{
    picture p = {0};
    *job = (slc_job){0};
    slc_status st = slc_ledger_begin(s->ledger, err);
    if (st != SLC_OK) return st;
    st = picture_take(s, &p, err);
    if (st == SLC_OK) st = decide(s, &p, job, err);
    st = slc_ledger_end(s->ledger, st, err);
    picture_free(&p);
    return st;
}

/* --- results ------------------------------------------------------------------------------ */

/* Whether the pacer ends the job's trial for good. */
static slc_status ask_stop(slc_study *s, const slc_job *job, bool *stop, slc_err *err)
{
    picture p = {0};
    *stop = false;
    if (!s->tune.pacer->stop) return SLC_OK;
    const slc_status st = picture_take(s, &p, err);
    for (size_t i = 0; st == SLC_OK && i < p.n; i++)
        if (p.trial[i].trial == job->trial.trial)
            *stop = s->tune.pacer->stop(s->tune.pacer_settings, p.pace, p.n, i);
    picture_free(&p);
    return st;
}

slc_status slc_study_report(slc_study *s, slc_job *job, uint64_t epoch, double value,
                            bool *go_on, slc_err *err)
{
    bool stop = false;
    slc_status st = slc_ledger_begin(s->ledger, err);
    if (st != SLC_OK) return st;

    job->trial.epochs = epoch;
    if (slc_study_better(s, value, job->trial.value)) job->trial.value = value;
    st = slc_ledger_score(s->ledger, job->trial.trial, epoch, value, err);
    if (st == SLC_OK)
        st = slc_ledger_save(s->ledger, &job->trial, s->space.n, s->owner, err);
    if (st == SLC_OK) st = ask_stop(s, job, &stop, err);
    st = slc_ledger_end(s->ledger, st, err);
    if (stop) {
        job->trial.state = SLC_TRIAL_STOPPED;
        snprintf(job->trial.message, sizeof(job->trial.message),
                 "stopped by %s after epoch %llu", s->tune.pacer->entry.name,
                 (unsigned long long)epoch);
    }
    *go_on = !stop && epoch < job->until;
    return st;
}

slc_status slc_study_finish(slc_study *s, slc_job *job, double seconds,
                            const char *failure, slc_err *err)
{
    slc_trial *t = &job->trial;
    t->seconds += seconds;
    if (failure) {
        t->state = SLC_TRIAL_FAILED;
        snprintf(t->message, sizeof(t->message), "%s", failure);
    } else if (t->state == SLC_TRIAL_RUNNING) {
        t->state = t->epochs < s->epochs && t->epochs >= job->until ? SLC_TRIAL_PAUSED
                                                                    : SLC_TRIAL_DONE;
    }
    slc_status st = slc_ledger_begin(s->ledger, err);
    if (st == SLC_OK) {
        st = slc_ledger_save(s->ledger, t, s->space.n, "", err);
        st = slc_ledger_end(s->ledger, st, err);
    }
    slc_lock_drop(&s->lock);
    return st;
}

slc_status slc_study_bury(slc_study *s, uint64_t trial, const char *why, slc_err *err)
{
    slc_job job = {0};
    picture p = {0};
    slc_status st = slc_ledger_begin(s->ledger, err);
    if (st != SLC_OK) return st;
    st = picture_take(s, &p, err);
    for (size_t i = 0; st == SLC_OK && i < p.n; i++)
        if (p.trial[i].trial == trial && p.trial[i].state == SLC_TRIAL_RUNNING &&
            take_lock(s, trial, err))
            st = give(s, &job, &p.trial[i], true, err);
    st = slc_ledger_end(s->ledger, st, err);
    picture_free(&p);
    return st == SLC_OK && job.kind == SLC_JOB_RUN && s->lock >= 0
               ? slc_study_finish(s, &job, 0, why, err)
               : st;
}

slc_status slc_study_trials(slc_study *s, slc_trial **out, size_t *count, slc_err *err)
{
    return slc_ledger_trials(s->ledger, out, count, err);
}

slc_status slc_study_scores(slc_study *s, uint64_t trial, double **out, size_t *count,
                            slc_err *err)
{
    return slc_ledger_scores(s->ledger, trial, out, count, err);
}

slc_node *slc_study_trial_recipe(const slc_study *s, const slc_trial *trial,
                                 slc_arena *arena)
{
    char text[64];
    slc_node *root = slc_space_apply(&s->space, s->recipe, trial->unit, arena);
    if (!root) return NULL;
    snprintf(text, sizeof(text), "train.epochs=%llu", (unsigned long long)s->epochs);
    return slc_node_set(root, arena, text, NULL) == SLC_OK ? root : NULL;
}
