/* Runs: training a recipe in a run directory, and using what came out of it.
 *
 * A run directory holds
 *     recipe.yaml          what really ran, every default filled in
 *     model.safetensors    the weights to use (best epoch, last, or all snapshots: train.keep)
 *     best.safetensors     the best epoch so far, if there is a validation set
 *     state.safetensors    everything needed to go on: weights, slots, averages, position
 *     metrics.jsonl        one line per epoch       metrics.csv      the same as a table
 *     summary.json         the end: test scores, which epoch was kept and why
 *     steps.csv            learning rate and gradient norms of every step
 *     histograms.jsonl     weights, gradients and updates of the last step of an epoch
 *     tensorboard/         event files
 *     snapshot-N.safetensors   the weights at the end of cycle N
 *     lock                 held while a process works in it */
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include <stdatomic.h>

#include "base/json.h"
#include "train/metric.h"
#include "train/recipe.h"

/* What one epoch came to; NaN where something was not measured. */
typedef struct slc_epoch {
    uint64_t epoch, epochs;        /* this one, from 1, of so many */
    uint64_t step;                 /* optimizer steps so far */
    double lr;                     /* of the last step */
    double train_loss, train_top1; /* top1: soft-label accuracy where labels are mixed */
    double val_loss, val_top1, test_loss, test_top1;
    double grad_norm; /* mean over the steps, before clipping */
    double seconds, images_per_second;
    bool best;                /* the best validation so far */
    const json_t *line;       /* the whole line of metrics.jsonl; borrowed */
    const json_t *histograms; /* that of histograms.jsonl; NULL if the epoch has none */
} slc_epoch;

typedef struct slc_fit_settings {
    const slc_recipe *recipe; /* NULL with resume: the run directory's own */
    const char *run;          /* directory, made if absent */
    bool resume; /* go on from state.safetensors; without it, a directory that
                                 holds a run is refused unless overwrite */
    bool overwrite;
    const char *const
        *allow;             /* keys that may differ on resume; NULL-terminated or NULL */
    size_t threads;         /* 0 = all cores */
    const slc_log *log;     /* NULL = silent */
    const atomic_int *stop; /* not 0: finish the step, save, SLC_ESTOP; NULL = never */

    /* Called after each epoch is written; false stops the run as *stop does, unless it was the
     * last epoch (search). May be NULL. */
    bool (*on_epoch)(void *user, const slc_epoch *epoch);
    void *user;
} slc_fit_settings;

typedef struct slc_fit_result {
    uint64_t epochs, steps;
    uint64_t best_epoch; /* from 1; the one that was kept, or the last of those */
    double best_value;   /* of the watched metric; NaN without validation */
    char reason
        [128]; /* why it ended: "all 10 epochs done", "no better top1 for 5 epochs" */
    json_t *summary; /* what summary.json holds; the caller drops it */
} slc_fit_result;

/* Trains. Errors: SLC_EINVAL (recipe, run directory in use, changed keys on resume), SLC_EDATA,
 * SLC_EFORMAT, SLC_EIO; SLC_ESTOP after a stop with the state saved; SLC_EDATA with the name of
 * the first bad layer when the loss is no longer a number (the last good state is kept). */
SLC_API SLC_CHECKED slc_status slc_fit_run(const slc_fit_settings *settings,
                                           slc_fit_result *result, slc_err *err);

/* How several answers become one: mean logits, mean probability, majority (ties go to the
 * higher mean probability). */
typedef enum slc_combine {
    SLC_COMBINE_LOGITS,
    SLC_COMBINE_PROB,
    SLC_COMBINE_VOTE
} slc_combine;

/* A trained model and everything that travels with it. */
typedef struct slc_trained {
    slc_recipe recipe;         /* as recorded in the file */
    slc_model *model;          /* inference, weights loaded; the first of an ensemble */
    slc_model *const *members; /* all of them: one, unless the file holds an ensemble */
    size_t member_count;
    slc_combine combine; /* how the members' answers become one */
    slc_recipe_plans plans;
    slc_arena arena;
    const char *const *classes; /* NULL-terminated names */
    bool nameless;              /* imported without names: classes are "0", "1", ... */
    size_t class_count, channels, height, width;
    const char *path;
    double temperature; /* of calibrated probabilities; 1 unless calibrated */
    bool flip;          /* slc_trained_eval averages with the mirrored picture */
} slc_trained;

typedef struct slc_trained_settings {
    size_t batch, threads; /* 0 = the recipe's batch, all cores */
    slc_precision precision;
    const char *engine;
    bool trainable; /* gradients too (fine-tuning, MC statistics) */
} slc_trained_settings;

/* Opens model.safetensors, or the run directory that holds it. Errors: SLC_EDATA, SLC_EFORMAT:
 * not a file of this program, of a newer version, tensors that do not fit the recipe. */
SLC_API SLC_CHECKED slc_status slc_trained_open(slc_trained *out, const char *path,
                                                const slc_trained_settings *settings,
                                                slc_err *err);
SLC_API void slc_trained_close(slc_trained *trained); /* accepts zero */

/* A ready net with weights that another program saved under torchvision's names. The file says
 * how many classes and channels there are. */
typedef struct slc_import {
    const char *model;   /* "resnet18", or "{name: wrn, depth: 16}" */
    const char *weights; /* safetensors; num_batches_tracked is passed over */
    const char *names;   /* file with one class name a line; NULL: "0", "1", ... */
    const char *ops;     /* YAML list of ops instead of the four below; NULL = none */
    size_t resize, crop; /* px: short side, middle square; 0 = 256 and 224, or, for nets
                              made for small pictures, their own side twice */
    const char *mean, *std; /* "0.485, 0.456, 0.406"; NULL = ImageNet's (grey: 0.5) */
} slc_import;

/* Opens it as if it had been trained here. Precision AUTO means f32, so that logits are the other
 * program's. Errors: SLC_EINVAL (no such model, ops), SLC_EDATA, SLC_EFORMAT: missing or unknown
 * tensors, shapes or types that differ, a file that is not sound. */
SLC_API SLC_CHECKED slc_status slc_trained_import(slc_trained *out,
                                                  const slc_import *import,
                                                  const slc_trained_settings *settings,
                                                  slc_err *err);

/* The stream of a source as this model wants it: its eval policy, decoding, channels, size.
 * Labelled sources must have the model's classes in its order (as many, if it is nameless).
 * Errors: SLC_EDATA "class 3 is \"cat\" in DATA and \"dog\" in MODEL". */
SLC_API SLC_CHECKED slc_status slc_trained_loader(const slc_trained *trained,
                                                  const slc_source *source,
                                                  size_t threads,
                                                  slc_loader_settings *out, slc_err *err);

/* The same whatever the labels mean: for answers that are not compared with them. */
SLC_API slc_loader_settings slc_trained_stream(const slc_trained *trained,
                                               const slc_source *source, size_t threads);

/* Test-time augmentation: whose answers a picture's answer is the mean of (of logits). Where the
 * eval ops have a center_crop, FIVE and TEN crop around it and SCALES zooms; elsewhere the corners
 * lie on a border of mirrored pixels. */
typedef enum slc_looks {
    SLC_LOOKS_ONE,
    SLC_LOOKS_FLIP,
    SLC_LOOKS_FIVE,
    SLC_LOOKS_TEN,
    SLC_LOOKS_SCALES,
    SLC_LOOKS_FLIP_SCALES
} slc_looks;

/* Changes the eval ops and flip, for every loader made after it. Errors: SLC_EINVAL if the eval ops
 * give several views already. */
SLC_API SLC_CHECKED slc_status slc_trained_look(slc_trained *trained, slc_looks looks,
                                                slc_err *err);

/* One image's answer. */
typedef struct slc_prediction {
    uint64_t index;
    uint32_t view;
    int32_t label;       /* -1 = unknown */
    size_t best;         /* the class with the largest logit */
    const float *logits; /* classes; borrowed for the call */
    const double *probs; /* softmax of logits / temperature; borrowed */
    double loss;         /* -log of the label's probability; 0 if unknown */
} slc_prediction;

typedef struct slc_eval_settings {
    const slc_log *log;
    const atomic_int *stop;
    slc_mode mode;             /* EVAL or MC */
    uint64_t pass;             /* MC: number of the pass, which draws differ by */
    double temperature;        /* 0 = 1 */
    bool flip;                 /* average with the mirrored picture */
    slc_model *const *members; /* NULL: model alone; else all of an ensemble */
    size_t member_count;
    slc_combine combine;
    void (*on_prediction)(void *user, const slc_prediction *prediction); /* may be NULL */
    void *user;
} slc_eval_settings;

/* Rate and momentum of step when->step as training takes them: the schedule's after the warm-up,
 * for the batch that lr is meant for, and SWA's own rate from its start on. Of when, the base
 * values are set here. Threads: safe. */
SLC_API slc_rate slc_fit_rate(const slc_recipe *recipe, const slc_warmup *warmup,
                              const slc_when *when);
/* The first step with SWA's rate, in a run of so many. */
SLC_API uint64_t slc_fit_swa_start(const slc_recipe *recipe, uint64_t steps);

/* Runs a whole loader (one epoch) through a model and adds it up in metric (created by this
 * function; the caller frees it). */
SLC_API SLC_CHECKED slc_status slc_fit_eval(slc_model *model, slc_loader *loader,
                                            const slc_eval_settings *settings,
                                            slc_metric *metric, slc_err *err);

/* The same for everything in a model file: all members of an ensemble, its temperature. */
SLC_API SLC_CHECKED slc_status slc_trained_eval(const slc_trained *trained,
                                                slc_loader *loader,
                                                const slc_eval_settings *settings,
                                                slc_metric *metric, slc_err *err);

#endif
