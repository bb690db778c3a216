/* Studies: a search that is remembered in one SQLite file, shared by several processes, and
 * picked up again after any of them was killed.
 *
 * A study directory holds
 *     study.sqlite      the recipe with its space; every trial: its point, state, scores, owner
 *     trials/0007/      an ordinary run directory per trial
 *     best.yaml         the best trial's recipe, ready for `sluice train` */
#ifndef TRAIN_STUDY_H
#define TRAIN_STUDY_H

#include "base/log.h"
#include "train/search.h"

typedef struct slc_study slc_study; /* Threads: one at a time; processes: any number */

/* Decides how long a trial runs before it must prove itself. One file in train/search and one
 * line in pacer_list.h. Scores are lower-is-better. */
typedef struct slc_pacer_trial {
    uint64_t trial, rung;
    bool paused;
    const double *score; /* of epochs 1..epochs; NaN where unknown */
    uint64_t epochs;
} slc_pacer_trial;

typedef struct slc_pacer {
    slc_entry entry;
    /* Epochs after which a trial on this rung pauses (the most there are: never). NULL = never. */
    uint64_t (*until)(const void *settings, uint64_t rung, uint64_t epochs);
    /* Whether the trial (all[at]) should end now, for good. NULL = never. */
    bool (*stop)(const void *settings, const slc_pacer_trial *all, size_t n, size_t at);
    /* Which paused trial goes on to its next rung; n = none. NULL = none. */
    size_t (*promote)(const void *settings, const slc_pacer_trial *all, size_t n,
                      uint64_t epochs);
} slc_pacer;
extern SLC_API const slc_pacer *const slc_pacers[]; /* sorted by name, NULL at the end */

/* The recipe's tune section. */
typedef struct slc_tune {
    const slc_search *search;
    const void *search_settings;
    const slc_pacer *pacer;
    const void *pacer_settings;
    int64_t trials; /* at most; 0 = no limit */
    int64_t epochs; /* of a trial that runs through; 0 = the recipe's train.epochs */
    double minutes; /* wall time of this process; 0 = no limit */
    double target;  /* stop when the metric is this good; 0 = no target */
    int metric;     /* 0 top1 (higher is better), 1 loss */
    int64_t seed;
} slc_tune;

/* Binds a tune node (NULL: defaults): {search: {name: bayes}, pacer: {name: asha}, trials: 30}. */
SLC_API SLC_CHECKED slc_status slc_tune_read(slc_tune *out, const slc_node *node,
                                             slc_arena *arena, slc_err *err);
SLC_API const slc_param *slc_tune_params(void); /* for the reference docs */

/* Opens or creates dir/study.sqlite for a recipe tree (with its space). All but the tune section
 * must stay the same; of that, metric and epochs must, and the rest replaces what the study knew.
 Errors: SLC_EINVAL: the study is of another recipe (first
 * key that differs) or of another version; SLC_EDATA, SLC_EIO. */
SLC_API SLC_CHECKED slc_status slc_study_open(slc_study **out, const char *dir,
                                              const slc_node *recipe,
                                              const slc_tune *tune, uint64_t epochs,
                                              slc_err *err);
/* Opens a study that exists, for looking (and for going on with its own recipe and settings). */
SLC_API SLC_CHECKED slc_status slc_study_reopen(slc_study **out, const char *dir,
                                                slc_err *err);
SLC_API void slc_study_close(slc_study **study);

SLC_API const slc_space *slc_study_space(const slc_study *study);
SLC_API const slc_node *slc_study_recipe(const slc_study *study);
SLC_API const slc_tune *slc_study_tune(const slc_study *study);
SLC_API uint64_t slc_study_epochs(const slc_study *study);

typedef enum slc_trial_state {
    SLC_TRIAL_RUNNING,
    SLC_TRIAL_PAUSED, /* on a rung, may go on */
    SLC_TRIAL_DONE,
    SLC_TRIAL_STOPPED, /* by its pacer */
    SLC_TRIAL_FAILED,
    SLC_TRIAL_STATE_COUNT
} slc_trial_state;
extern SLC_API const char *const slc_trial_states[];

typedef struct slc_trial {
    uint64_t trial, rung, epochs; /* epochs done */
    slc_trial_state state;
    double unit[SLC_MAX_DIMS];
    double value,
        seconds; /* value: best score of the metric as a person reads it; NaN = none */
    char message[240];
} slc_trial;

/* What this process should do next. */
typedef enum slc_job_kind { SLC_JOB_RUN, SLC_JOB_WAIT, SLC_JOB_END } slc_job_kind;
typedef struct slc_job {
    slc_job_kind kind;
    slc_trial trial;
    uint64_t until;  /* epochs to reach */
    bool resume;     /* go on from the trial's own checkpoint, if it has one */
    char dir[512];   /* the trial's run directory */
    const char *why; /* END: "30 trials done" */
} slc_job;

/* Takes the next job, atomically among processes: a trial whose process died, else one that its
 * pacer promotes, else a new point. WAIT if others' results must come first. */
SLC_API SLC_CHECKED slc_status slc_study_next(slc_study *study, slc_job *job,
                                              slc_err *err);

/* Records the metric of an epoch (as a person reads it); *go_on is false if the trial should
 * pause or end now. */
SLC_API SLC_CHECKED slc_status slc_study_report(slc_study *study, slc_job *job,
                                                uint64_t epoch, double value, bool *go_on,
                                                slc_err *err);

/* Gives the job back: FAILED with a message, or (OK) done, paused or stopped as its scores say. */
SLC_API SLC_CHECKED slc_status slc_study_finish(slc_study *study, slc_job *job,
                                                double seconds, const char *failure,
                                                slc_err *err);

/* Records that the process of a trial died, unless another has taken the trial over since. */
SLC_API SLC_CHECKED slc_status slc_study_bury(slc_study *study, uint64_t trial,
                                              const char *why, slc_err *err);

/* All trials by number; the caller frees *out. */
SLC_API SLC_CHECKED slc_status slc_study_trials(slc_study *study, slc_trial **out,
                                                size_t *count, slc_err *err);
/* Scores of one trial by epoch (from 1), as a person reads them; the caller frees *out. */
SLC_API SLC_CHECKED slc_status slc_study_scores(slc_study *study, uint64_t trial,
                                                double **out, size_t *count,
                                                slc_err *err);

/* The recipe of a trial: the space's values filled in, train.epochs set. NULL without memory. */
SLC_API slc_node *slc_study_trial_recipe(const slc_study *study, const slc_trial *trial,
                                         slc_arena *arena);
SLC_API bool slc_study_better(const slc_study *study, double a, double b); /* a than b */

#endif
