/* A run in progress: what its parts share. */
#ifndef TRAIN_FIT_RUN_H
#define TRAIN_FIT_RUN_H

#include "train/checkpoint.h"
#include "train/fit.h"
#include "train/fit/stepper.h"
#include "train/fit/stopping.h"

enum { RUN_FORMAT = 1 }; /* of state and model files */

/* Sums over the batches of the current epoch; part of the state. */
typedef struct run_sums {
    uint64_t images, steps;
    double loss, hits, soft, bound, norm, clipped;
} run_sums;

/* Nanoseconds of the current epoch; not part of the state. */
typedef struct run_times {
    uint64_t begin, wait, forward, loss, backward, optimizer, evaluation;
    uint64_t decode, augment; /* the loader's counters at the beginning */
    uint64_t images;
} run_times;

/* What a time budget is planned by, since this process began to train. */
typedef struct run_pace {
    uint64_t begin, first, next; /* clock; step then; step of the next look */
    double evaluating;           /* seconds */
    uint64_t evaluated;          /* images */
} run_pace;

typedef struct run_history {
    double *val_loss, *val_top1, *train_loss;
    size_t evaluations, epochs, room;
} run_history;

/* What the frozen beginning made of each image; data NULL = it runs in every step. */
typedef struct run_frozen {
    char *data, *batch;
    bool *has; /* which images are there */
    uint64_t count;
    size_t bytes; /* of one image */
} run_frozen;

typedef struct run {
    const slc_fit_settings *settings;
    const slc_recipe *recipe;
    slc_recipe own; /* if the recipe came from the run directory */
    slc_arena arena;
    int lock;
    bool new_dir, new_lock, new_recipe; /* made by this process */
    size_t threads;

    slc_recipe_sources sources;
    slc_recipe_plans plans;
    size_t channels, height, width, classes;
    const char *recipe_text, *model_recipe, *class_text, *lineage;
    slc_model *model;
    slc_dtype type; /* of batches */
    stepper step_of;
    slc_loader *loader; /* of training; NULL between openings */
    uint64_t batches;   /* per epoch */

    /* Progress: what the state file holds beside the blocks. */
    uint64_t epoch, position,
        step;          /* epochs done, batches of this one done, steps done */
    uint64_t planned;  /* steps of the whole run; moves under a time budget */
    uint64_t averaged; /* SWA: how many weights are in the average */
    run_sums sums;
    json_t *lines;       /* one object per finished epoch */
    uint64_t best_epoch; /* from 1; 0 = none yet */
    double best_value, seconds_before;
    bool done;
    bool paused; /* on_epoch said so */
    char reason[128];

    run_history history; /* taken from lines */
    run_times times;
    run_pace pace;
    uint64_t started, saved; /* clock */
    float *ema_buffers, *swa, *swa_buffers, *spare, *spare_buffers;
    float *dlogits, *each;
    int32_t *labels;
    slc_str steps_log, events;
    const char *events_path;
    run_frozen frozen;
    json_t *inside; /* of this epoch in histograms.jsonl, or NULL */
    float *before;  /* weights before the last step of an epoch that is looked at */
    slc_metric
        scored; /* the last epoch's evaluation, of which source and after which step */
    const slc_source *scored_source;
    uint64_t scored_step;
    double last_lr;
    bool not_finite; /* a loss or gradient was no number */
} run;

/* setup.c: opens everything a run needs; on failure the caller still closes. */
SLC_CHECKED slc_status slc_run_open(run *r, const slc_fit_settings *settings,
                                    slc_err *err);
void slc_run_close(run *r);
SLC_CHECKED slc_status slc_run_freeze(run *r, bool frozen, slc_err *err);

/* whiten.c: fills and freezes a first layer whose init is whitening; from pictures only if
 * measure, else it is already filled. */
SLC_CHECKED slc_status slc_run_whiten(run *r, bool measure, slc_err *err);

/* resume.c: refuses a recipe that is not the run's; both as trees. */
SLC_CHECKED slc_status slc_run_compare(run *r, const slc_node *old, const slc_node *new,
                                       slc_err *err);

/* leftovers.c: claim makes and locks the directory, and refuses one that holds a run; retreat, for
 * a run that cannot begin, removes what claim and the recipe's first writing made; remove_leftovers
 * makes place for a new run. */
SLC_CHECKED slc_status slc_run_claim(run *r, slc_err *err);
void slc_run_retreat(run *r);
SLC_CHECKED slc_status slc_run_remove_leftovers(run *r, slc_err *err);

/* loop.c: trains until a rule or the plan ends it; r->reason says which. */
SLC_CHECKED slc_status slc_run_loop(run *r, slc_err *err);
/* Forward, loss, backward; adds to r->sums. */
SLC_CHECKED slc_status slc_run_pass(run *r, const slc_batch *batch, slc_err *err);
/* Opens r->loader at the run's position; epochs 0: without end. */
SLC_CHECKED slc_status slc_run_open_stream(run *r, uint64_t epochs, slc_err *err);
slc_rate slc_run_rate(const run *r, uint64_t step);
uint64_t slc_run_steps_per_epoch(const run *r);

/* budget.c: seconds, 0 = none; a new plan; the warm-up that the plan has room for. */
double slc_run_budget(const run *r);
void slc_run_refit(run *r);
slc_warmup slc_run_warmup(const run *r);

/* frozen.c: after freezing or thawing; forward is as slc_model_forward. */
SLC_CHECKED slc_status slc_run_frozen_open(run *r, slc_err *err);
void slc_run_frozen_close(run *r);
SLC_CHECKED slc_status slc_run_frozen_forward(run *r, const slc_batch *batch,
                                              const slc_pass *pass, const float **logits,
                                              slc_err *err);

/* epoch.c: evaluates, writes metrics, decides. *stop becomes true when a rule ends the run. */
SLC_CHECKED slc_status slc_run_epoch_end(run *r, bool *stop, slc_err *err);
SLC_CHECKED slc_status slc_run_score(run *r, const slc_source *source, slc_metric *metric,
                                     slc_err *err);

/* snapshots.c: after a step takes a snapshot, if a cycle has ended; those that are the model
 * together (paths in the run's arena; none unless the recipe keeps them all), as one file, and
 * how good they are. */
SLC_CHECKED slc_status slc_run_snapshot(run *r, slc_err *err);
SLC_CHECKED slc_status slc_run_members(run *r, const char *const **paths, size_t *count,
                                       slc_err *err);
SLC_CHECKED slc_status slc_run_join(run *r, const char *const *paths, size_t count,
                                    slc_err *err);
SLC_CHECKED slc_status slc_run_score_joint(run *r, const slc_source *source,
                                           slc_metric *metric, slc_err *err);

/* finish.c: chooses the weights to keep, writes model.safetensors and summary.json. */
SLC_CHECKED slc_status slc_run_finish(run *r, slc_fit_result *result, slc_err *err);

/* state.c */
const char *slc_run_path(run *r, const char *name); /* "" if memory ran out */
SLC_CHECKED slc_status slc_run_save_state(run *r, slc_err *err);
SLC_CHECKED slc_status slc_run_load_state(run *r, slc_err *err);
SLC_CHECKED slc_status slc_run_save_model(run *r, const char *name, uint64_t epoch,
                                          slc_err *err);
SLC_CHECKED slc_status slc_run_note_line(run *r, const json_t *line, slc_err *err);

/* journal.c */
SLC_CHECKED slc_status slc_run_write_metrics(run *r, slc_err *err);
SLC_CHECKED slc_status slc_run_flush_steps(run *r, slc_err *err);
SLC_CHECKED slc_status slc_run_cut_steps(run *r, slc_err *err);

/* watch.c */
SLC_CHECKED slc_status slc_run_watch_step(run *r, slc_err *err);
void slc_run_watch_batch(run *r, const slc_batch *batch);
SLC_CHECKED slc_status slc_run_watch_epoch(run *r, const json_t *line, slc_err *err);
/* At the beginning: takes back what was written of steps that will run again. */
SLC_CHECKED slc_status slc_run_watch_again(run *r, slc_err *err);

/* average.c */
bool slc_run_uses_ema(const run *r);
double slc_run_ema_share(const run *r, uint64_t step);
void slc_run_average_buffers(run *r, double share);
void slc_run_swap_in(run *r);  /* the averaged weights take the model's place */
void slc_run_swap_out(run *r); /* and go again */
void slc_run_add_swa(run *r);
SLC_CHECKED slc_status slc_run_measure_norms(run *r, uint64_t batches, slc_err *err);

#endif
