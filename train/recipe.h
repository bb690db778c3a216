/* Recipes: one YAML tree that says what a run is.
 *
 *     seed: 1
 *     data: {train: idx:DIR, test: idx:DIR, val_fraction: 0.1}
 *     augment: [{random_crop: {size: 28, padding: 2}}, hflip, {normalize: {...}}]
 *     eval: [{normalize: {...}}]            # the same without chance
 *     mix: [{mixup: {alpha: 0.2}}]
 *     loader: {threads: 2, decode: fast, on_error: fail, cache: decoded}
 *     model: {name: cnn28}
 *     loss: {name: cross_entropy, smoothing: 0.1}
 *     optim: {name: sgd, lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 5e-4}
 *     schedule: {name: cosine, warmup_epochs: 1}
 *     train: {epochs: 10, batch: 128, precision: auto, early_stop: {patience: 5}} */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "base/node.h"
#include "base/params.h"
#include "loader/loader.h"
#include "train/loss.h"
#include "train/model.h"
#include "train/optim.h"
#include "train/schedule.h"

typedef struct slc_recipe_data {
    const slc_node *path;               /* train and test in one place that has splits */
    const slc_node *train, *val, *test; /* specs for slc_source_open; NULL = none */
    double val_fraction;  /* cut off train by content hash, stratified; 0 = none */
    double test_fraction; /* the same */
    int64_t split_seed;
    int64_t limit;         /* at most this many training images, spread evenly; 0 = all */
    int64_t folds, fold;   /* k-fold: fold is the validation set */
    slc_texts classes;     /* keep only these, in this order */
    int64_t channels;      /* 1 or 3; 0 = as the source stores them */
    int64_t width, height; /* if neither the policy nor the source fixes them */
} slc_recipe_data;

typedef struct slc_recipe_loader {
    int64_t threads, ahead; /* 0 = automatic */
    int decode;             /* 0 fast, 1 exact: of training pictures; eval is exact */
    int orientation;        /* 0 apply, 1 ignore */
    int truncated;          /* 0 error, 1 accept */
    slc_reals background;   /* under transparent pixels: 1 or 3 numbers */
    /* Limits of a picture; 0 = those of slc_limits. */
    int64_t max_pixels, max_side, max_file_mb, max_scans, max_chunks;
    int on_error; /* slc_on_error */
    double max_errors;
    const char *quarantine;
    int cache; /* slc_cache */
    int64_t cache_mb;
    int tail; /* of training: 0 = drop, or keep if less than a batch; else slc_ragged + 1 */
    int sample_by;
    int64_t repeats;
    int64_t mix_until;
} slc_recipe_loader;

/* What optim: takes beside the optimizer's own settings. */
typedef struct slc_recipe_optim {
    bool decay_norms, decay_biases; /* weight decay there too */
    double layer_decay;     /* rate factor per layer counted from the head; 1 = off */
    const slc_node *groups; /* [{match: "fc.*", lr: 10, weight_decay: 0, freeze: true}] */
    int64_t lookahead;      /* every so many steps; 0 = off */
    double lookahead_alpha, lookahead_growth;
    int64_t scale_batch; /* lr is for this batch size and scales linearly; 0 = off */
} slc_recipe_optim;

typedef enum slc_stop_rule {
    SLC_STOP_PATIENCE,
    SLC_STOP_GL,
    SLC_STOP_PQ,
    SLC_STOP_UP
} slc_stop_rule;

typedef struct slc_early_stop {
    bool on;
    int metric; /* slc_watch */
    int rule;   /* slc_stop_rule */
    int64_t patience;
    double min_delta;
    double alpha;   /* GL, PQ */
    int64_t strip;  /* PQ, UP: epochs per strip */
    int64_t strips; /* UP: how many growing ends */
    bool restore;   /* the best epoch's weights become the model */
} slc_early_stop;

typedef enum slc_keep {
    SLC_KEEP_AUTO,
    SLC_KEEP_BEST,
    SLC_KEEP_LAST,
    SLC_KEEP_ENSEMBLE
} slc_keep;
typedef enum slc_watch { SLC_WATCH_TOP1, SLC_WATCH_LOSS } slc_watch;

typedef struct slc_recipe_ema {
    bool on;
    double decay;
    bool warmup; /* min(decay, (1 + t) / (10 + t)) */
    int64_t every;
} slc_recipe_ema;

typedef struct slc_recipe_swa {
    bool on;
    double start;       /* part of the run after which averaging begins */
    double lr;          /* rate from there on */
    int64_t every;      /* epochs between two averaged weights */
    int64_t bn_batches; /* to re-estimate the statistics with */
} slc_recipe_swa;

typedef struct slc_recipe_target {
    bool on;
    int metric; /* slc_watch */
    double value;
} slc_recipe_target;

typedef struct slc_recipe_train {
    int64_t epochs, steps; /* steps > 0 ends the run inside an epoch */
    int64_t batch, accumulate;
    int precision;                               /* slc_precision */
    const char *engine;                          /* "auto", "onednn", "blas" */
    bool grad_checkpoint;                        /* activations are computed twice */
    double clip_norm, clip_value, clip_adaptive; /* 0 = off */
    const slc_node *early_stop_node, *ema_node, *swa_node, *target_node;
    slc_early_stop early_stop;
    slc_recipe_ema ema;
    slc_recipe_swa swa;
    slc_recipe_target target;
    const char *budget; /* "30m", "2h", "" */
    int64_t checkpoint_steps;
    double checkpoint_minutes;
    int64_t eval_every;  /* epochs */
    int keep;            /* slc_keep */
    int64_t snapshots;   /* keep the weights of the last m cycle ends */
    slc_texts freeze;    /* globs */
    int64_t unfreeze_at; /* epoch; 0 = never */
    double freeze_cache_mb;
    int64_t histograms; /* every so many epochs; 0 = off */
    bool tensorboard;
    double diverge; /* stop when the loss is so many times its start; 0 = off */
} slc_recipe_train;

/* A recipe that was read and found sound. A value; release with slc_recipe_free. */
typedef struct slc_recipe {
    slc_arena arena;
    const slc_node *root; /* as read, after --set */
    int64_t seed;
    slc_recipe_data data;
    const slc_node *augment, *eval, *mix, *model; /* NULL = none */
    const char *model_from;                       /* weights to start from; NULL = none */
    const char *model_head; /* glob of what is not taken from there; NULL = none */
    slc_recipe_loader loader;
    const slc_loss *loss;
    const void *loss_settings;
    const float *class_weights; /* NULL = all 1 */
    size_t class_weight_count;
    const slc_optim *optim;
    const void *optim_settings; /* begins with slc_optim_common */
    slc_recipe_optim optim_more;
    const slc_schedule *schedule;
    const void *schedule_settings;
    slc_warmup warmup;
    slc_recipe_train train;
} slc_recipe;

/* Reads a tree that the caller made (slc_node_read, --set). Everything is checked that can be
 * without the data. Errors: SLC_EINVAL "recipe.yaml:12: unknown key ..." */
SLC_API SLC_CHECKED slc_status slc_recipe_read(slc_recipe *out, const slc_node *root,
                                               slc_err *err);

/* slc_node_set for a recipe, where "optim: adam" is short for "optim: {name: adam}": the same of
 * model, loss and schedule. Errors: SLC_EINVAL as there. */
SLC_API SLC_CHECKED slc_status slc_recipe_set(slc_node *root, slc_arena *arena,
                                              const char *assignment, slc_err *err);

/* Reads a file and applies "key.path=value" settings (NULL-terminated; may be NULL). */
SLC_API SLC_CHECKED slc_status slc_recipe_open(slc_recipe *out, const char *path,
                                               const char *const *sets, slc_err *err);
SLC_API void slc_recipe_free(slc_recipe *recipe); /* zero again; accepts a zero recipe */

/* The whole recipe with every default filled in, as a tree in arena; reading it gives the
 * same recipe. NULL if memory ran out. */
SLC_API slc_node *slc_recipe_dump(const slc_recipe *recipe, slc_arena *arena);

/* The parameter table of a section: "" (the top level), "data", "train.ema"...; what loss, optim
 * and schedule take beside the named thing's own keys. NULL if there is none. */
SLC_API const slc_param *slc_recipe_section(const char *name);

/* The pictures of a recipe, opened, split and checked for fitting together. */
typedef struct slc_recipe_sources {
    slc_source *train, *val, *test; /* val and test may be NULL */
    slc_source *hold[4];            /* what the subsets are cut from */
} slc_recipe_sources;
SLC_API SLC_CHECKED slc_status slc_recipe_open_sources(slc_recipe_sources *out,
                                                       const slc_recipe *recipe,
                                                       const slc_log *log, slc_err *err);
SLC_API void slc_recipe_close_sources(slc_recipe_sources *sources);
/* *out: the part called train, val or test, NULL if the recipe has none. Errors: SLC_EINVAL for
 * any other name. */
SLC_API SLC_CHECKED slc_status slc_recipe_source(const slc_source **out,
                                                 const slc_recipe_sources *sources,
                                                 const char *split, slc_err *err);

/* Compiled policies and mixes of a recipe; source (or NULL) tells how many channels its pictures
 * have, where the recipe does not. */
typedef struct slc_recipe_plans {
    slc_policy *augment, *eval;
    slc_mix *mix;
} slc_recipe_plans;
SLC_API SLC_CHECKED slc_status slc_recipe_make_plans(slc_recipe_plans *out,
                                                     const slc_recipe *recipe,
                                                     const slc_source *source,
                                                     slc_err *err);
SLC_API void slc_recipe_free_plans(slc_recipe_plans *plans);

/* Loader settings of a recipe's stream, ready for slc_loader_open: every command that shows,
 * counts or trains on what a recipe feeds goes through here. threads: of the process, 0 =
 * all cores. type is F32 and layout NHWC unless the caller changes them. */
typedef enum slc_purpose {
    SLC_FOR_TRAIN, /* shuffled, augmented, mixed */
    SLC_FOR_EVAL   /* in order, eval policy, one epoch, exact decoding, nothing dropped */
} slc_purpose;
SLC_API slc_loader_settings slc_recipe_loader_settings(const slc_recipe *recipe,
                                                       const slc_recipe_plans *plans,
                                                       const slc_source *source,
                                                       slc_purpose purpose,
                                                       size_t threads);

#endif
