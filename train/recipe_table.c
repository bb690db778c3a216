/* The keys of a recipe's sections. */
#include <string.h>

#include "train/recipe_impl.h"

static const char *const decode_names[] = {"fast", "exact", NULL};
static const char *const orientation_names[] = {"apply", "ignore", NULL};
static const char *const truncated_names[] = {"error", "accept", NULL};
static const char *const error_names[] = {"fail", "skip", "substitute", NULL};
static const char *const cache_names[] = {"none", "encoded", "decoded", NULL};
static const char *const tail_names[] = {"auto", "keep", "drop", "pad", "merge", NULL};
static const char *const sample_names[] = {"all", "weighted", "balanced", NULL};
static const char *const precision_names[] = {"auto", "f32", "bf16", NULL};
static const char *const keep_names[] = {"auto", "best", "last", "ensemble", NULL};
static const char *const watch_names[] = {"top1", "loss", NULL};
static const char *const rule_names[] = {"patience", "gl", "pq", "up", NULL};

typedef slc_recipe_data data;
const slc_param slc_recipe_data_params[] = {
    {"path", SLC_FIELD(data, path), .initial = "",
     .help = "train and test in one place: splits of its own, or cut by test_fraction"},
    {"train", SLC_FIELD(data, train), .initial = "", .help = "training source"},
    {"val", SLC_FIELD(data, val), .initial = "", .help = "validation source"},
    {"test", SLC_FIELD(data, test), .initial = "", .help = "test source"},
    {"val_fraction", SLC_FIELD(data, val_fraction), .lo = 0, .hi = 0.9, .initial = "0",
     .unit = "ratio", .help = "part of train that validates instead, within each class"},
    {"test_fraction", SLC_FIELD(data, test_fraction), .lo = 0, .hi = 0.9, .initial = "0",
     .unit = "ratio",
     .help = "part of train (or of a path without splits) that tests instead"},
    {"split_seed", SLC_FIELD(data, split_seed), .lo = 0, .hi = 1e15, .initial = "0",
     .help = "another seed cuts another part"},
    {"limit", SLC_FIELD(data, limit), .lo = 0, .hi = 1e15, .initial = "0",
     .unit = "images", .help = "train on so many at most, spread evenly; 0 = all"},
    {"folds", SLC_FIELD(data, folds), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "cut train in so many parts (k-fold cross-validation)"},
    {"fold", SLC_FIELD(data, fold), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "which of them validates, from 0"},
    {"classes", SLC_FIELD(data, classes), .initial = "",
     .help = "keep only these classes, in this order"},
    {"channels", SLC_FIELD(data, channels), .lo = 0, .hi = 3, .initial = "0",
     .help = "1 = grey, 3 = RGB, 0 = as stored"},
    {"width", SLC_FIELD(data, width), .lo = 0, .hi = 65535, .initial = "0", .unit = "px",
     .help = "of the net's input, if ops and source leave it open"},
    {"height", SLC_FIELD(data, height), .lo = 0, .hi = 65535, .initial = "0",
     .unit = "px", .help = "of the net's input, if ops and source leave it open"},
    {0}};

typedef slc_recipe_loader loader;
const slc_param slc_recipe_loader_params[] = {
    {"threads", SLC_FIELD(loader, threads), .lo = 0, .hi = 1024, .initial = "0",
     .help = "threads that make samples; 0 = as many as cores"},
    {"ahead", SLC_FIELD(loader, ahead), .lo = 0, .hi = 1024, .initial = "0",
     .unit = "batches", .help = "batches made in advance; 0 = automatic"},
    {"decode", SLC_FIELD(loader, decode), .choices = decode_names, .initial = "fast",
     .help = "fast may scale while decoding training pictures"},
    {"orientation", SLC_FIELD(loader, orientation), .choices = orientation_names,
     .initial = "apply", .help = "what EXIF says about it"},
    {"truncated", SLC_FIELD(loader, truncated), .choices = truncated_names,
     .initial = "error", .help = "what a picture is that ends too early"},
    {"background", SLC_FIELD(loader, background), .whole = true, .lo = 0, .hi = 255,
     .min_count = 1, .max_count = 3, .one_or_all = true, .initial = "0",
     .help = "what lies under transparent pixels"},
    {"max_pixels", SLC_FIELD(loader, max_pixels), .lo = 0, .hi = 1e12, .initial = "0",
     .unit = "px", .help = "larger pictures are bad samples; 0 = 178,956,970"},
    {"max_side", SLC_FIELD(loader, max_side), .lo = 0, .hi = 1e6, .initial = "0",
     .unit = "px", .help = "the same of width and height; 0 = 65,535"},
    {"max_file_mb", SLC_FIELD(loader, max_file_mb), .lo = 0, .hi = 256, .initial = "0",
     .unit = "MiB", .help = "the same of the file; 0 = 256"},
    {"max_scans", SLC_FIELD(loader, max_scans), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "the same of the scans of a JPEG; 0 = 100"},
    {"max_chunks", SLC_FIELD(loader, max_chunks), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "the same of the ancillary chunks of a PNG; 0 = 1,000"},
    {"on_error", SLC_FIELD(loader, on_error), .choices = error_names, .initial = "fail",
     .help = "what to do with a bad sample"},
    {"max_errors", SLC_FIELD(loader, max_errors), .lo = 0, .hi = 1e15, .initial = "0",
     .help = "stop after so many bad samples (below 1: share of the epoch); 0 = never"},
    {"quarantine", SLC_FIELD(loader, quarantine), .initial = "",
     .help = "file that lists bad samples"},
    {"cache", SLC_FIELD(loader, cache), .choices = cache_names, .initial = "none",
     .help = "what to keep in memory between epochs"},
    {"cache_mb", SLC_FIELD(loader, cache_mb), .lo = 0, .hi = 1e9, .initial = "1024",
     .unit = "MiB", .help = "how much of it at most"},
    {"tail", SLC_FIELD(loader, tail), .choices = tail_names, .initial = "auto",
     .help = "the smaller batch at the end of an epoch of training"},
    {"sample_by", SLC_FIELD(loader, sample_by), .choices = sample_names, .initial = "all",
     .help = "each sample once, by weight, or every class equally often"},
    {"repeats", SLC_FIELD(loader, repeats), .lo = 1, .hi = 64, .initial = "1",
     .help = "views of each drawn sample in a row"},
    {"mix_until", SLC_FIELD(loader, mix_until), .lo = 0, .hi = 1e9, .initial = "0",
     .unit = "epochs", .help = "mix is off from this epoch on; 0 = never off"},
    {0}};

typedef slc_recipe_optim more;
const slc_param slc_recipe_optim_params[] = {
    {"decay_norms", SLC_FIELD(more, decay_norms), .initial = "false",
     .help = "weight decay on scales and shifts of normalisations too"},
    {"decay_biases", SLC_FIELD(more, decay_biases), .initial = "false",
     .help = "weight decay on biases too"},
    {"layer_decay", SLC_FIELD(more, layer_decay), .lo = 0.01, .hi = 1, .initial = "1",
     .help = "rate factor from each layer to the one before it"},
    {"groups", SLC_FIELD(more, groups), .initial = "",
     .help = "[{match: GLOB, lr: factor, weight_decay: value, freeze: bool, plain: bool}]"
             ", first match"},
    {"lookahead", SLC_FIELD(more, lookahead), .lo = 0, .hi = 1e6, .initial = "0",
     .unit = "steps", .help = "pull slow weights every so often (Zhang et al. 2019)"},
    {"lookahead_alpha", SLC_FIELD(more, lookahead_alpha), .lo = 0, .hi = 1,
     .initial = "0.5", .help = "how far the slow weights move"},
    {"lookahead_growth", SLC_FIELD(more, lookahead_growth), .lo = 0, .hi = 100,
     .initial = "0",
     .help =
         "k: the pull grows with the k-th power of the run's progress: they move by 1 "
         "- (1 - alpha) progress^k (airbench, Jordan 2024: steps 5, alpha 0.226, k 3)"},
    {"scale_batch", SLC_FIELD(more, scale_batch), .lo = 0, .hi = 1e9, .initial = "0",
     .unit = "images", .help = "lr is meant for this batch size and scales linearly"},
    {0}};

typedef slc_recipe_train train;
const slc_param slc_recipe_train_params[] = {
    {"epochs", SLC_FIELD(train, epochs), .lo = 0, .hi = 1e9, .initial = "10",
     .help = "times through the data"},
    {"steps", SLC_FIELD(train, steps), .lo = 0, .hi = 1e15, .initial = "0",
     .help = "end after so many steps, if that is sooner; 0 = by epochs"},
    {"batch", SLC_FIELD(train, batch), .lo = 1, .hi = 1e6, .initial = "128",
     .unit = "images", .help = "images per pass"},
    {"accumulate", SLC_FIELD(train, accumulate), .lo = 1, .hi = 1e6, .initial = "1",
     .unit = "batches", .help = "batches whose gradients make one step"},
    {"precision", SLC_FIELD(train, precision), .choices = precision_names,
     .initial = "auto",
     .help = "auto: bf16 where the processor multiplies it, else f32; bf16 keeps f32 "
             "master weights"},
    {"engine", SLC_FIELD(train, engine), .initial = "auto",
     .help = "onednn, blas, or what is there"},
    {"grad_checkpoint", SLC_FIELD(train, grad_checkpoint), .initial = "false",
     .help = "compute activations again in backward: less memory, same gradients"},
    {"clip_norm", SLC_FIELD(train, clip_norm), .lo = 0, .hi = 1e9, .initial = "0",
     .help = "largest norm of all gradients; 0 = off"},
    {"clip_value", SLC_FIELD(train, clip_value), .lo = 0, .hi = 1e9, .initial = "0",
     .help = "largest absolute gradient; 0 = off"},
    {"clip_adaptive", SLC_FIELD(train, clip_adaptive), .lo = 0, .hi = 1e9, .initial = "0",
     .help = "largest gradient norm per unit, relative to its weights' (AGC); 0 = off"},
    {"early_stop", SLC_FIELD(train, early_stop_node), .initial = "",
     .help = "{metric, rule, patience, min_delta, alpha, strip, strips, restore}"},
    {"ema", SLC_FIELD(train, ema_node), .initial = "",
     .help = "{decay, warmup, every}: moving average of the weights"},
    {"swa", SLC_FIELD(train, swa_node), .initial = "",
     .help = "{start, lr, every, bn_batches}: average of late epochs"},
    {"target", SLC_FIELD(train, target_node), .initial = "",
     .help = "{metric, value}: end as soon as it is reached"},
    {"budget", SLC_FIELD(train, budget), .initial = "",
     .help = "time for the run (30m, 2h): epochs are fitted to the measured speed"},
    {"checkpoint_steps", SLC_FIELD(train, checkpoint_steps), .lo = 0, .hi = 1e15,
     .initial = "0", .unit = "steps",
     .help = "save the state so often, beside epoch ends"},
    {"checkpoint_minutes", SLC_FIELD(train, checkpoint_minutes), .lo = 0, .hi = 1e6,
     .initial = "5", .unit = "min", .help = "the same by the clock; 0 = off"},
    {"eval_every", SLC_FIELD(train, eval_every), .lo = 1, .hi = 1e9, .initial = "1",
     .unit = "epochs", .help = "how often to validate"},
    {"keep", SLC_FIELD(train, keep), .choices = keep_names, .initial = "auto",
     .help =
         "which epoch's weights become the model; auto = best if something validates; "
         "ensemble = all snapshots together"},
    {"snapshots", SLC_FIELD(train, snapshots), .lo = 0, .hi = 1000, .initial = "0",
     .help = "keep the weights of the last so many cycle ends of cosine_restarts"},
    {"freeze", SLC_FIELD(train, freeze), .initial = "",
     .help = "globs of tensors that do not learn"},
    {"unfreeze_at", SLC_FIELD(train, unfreeze_at), .lo = 0, .hi = 1e9, .initial = "0",
     .unit = "epochs", .help = "the epoch from which they do; 0 = never"},
    {"freeze_cache_mb", SLC_FIELD(train, freeze_cache_mb), .lo = 0, .hi = 1e9,
     .initial = "1024", .unit = "MiB",
     .help = "room to keep the output of frozen first layers, if augment is not random; "
             "0 = off"},
    {"histograms", SLC_FIELD(train, histograms), .lo = 0, .hi = 1e9, .initial = "0",
     .unit = "epochs",
     .help = "write histograms of weights and gradients so often; 0 = off"},
    {"tensorboard", SLC_FIELD(train, tensorboard), .initial = "false",
     .help = "write event files for TensorBoard"},
    {"diverge", SLC_FIELD(train, diverge), .lo = 0, .hi = 1e9, .initial = "0",
     .help = "stop when an epoch's loss is so many times the first's; 0 = off"},
    {0}};

typedef slc_early_stop early;
const slc_param slc_recipe_early_params[] = {
    {"metric", SLC_FIELD(early, metric), .choices = watch_names, .initial = "top1",
     .help = "of the validation set"},
    {"rule", SLC_FIELD(early, rule), .choices = rule_names, .initial = "patience",
     .help = "patience, or Prechelt's GL, PQ, UP (on the validation loss)"},
    {"patience", SLC_FIELD(early, patience), .lo = 1, .hi = 1e9, .initial = "10",
     .unit = "evaluations", .help = "without improvement"},
    {"min_delta", SLC_FIELD(early, min_delta), .lo = 0, .hi = 1e9, .initial = "0",
     .help = "smaller improvements do not count"},
    {"alpha", SLC_FIELD(early, alpha), .lo = 0, .hi = 1e9, .initial = "2",
     .help = "GL and PQ stop above it (PQ: 0.75 is usual)"},
    {"strip", SLC_FIELD(early, strip), .lo = 1, .hi = 1e6, .initial = "5",
     .unit = "epochs", .help = "length of a strip, for PQ and UP"},
    {"strips", SLC_FIELD(early, strips), .lo = 1, .hi = 1e6, .initial = "3",
     .help = "UP stops after so many growing strip ends"},
    {"restore", SLC_FIELD(early, restore), .initial = "true",
     .help = "the best epoch's weights become the model"},
    {0}};

typedef slc_recipe_ema ema;
const slc_param slc_recipe_ema_params[] = {
    {"decay", SLC_FIELD(ema, decay), .lo = 0, .hi = 1, .initial = "0.999",
     .help = "share of the old average that is kept"},
    {"warmup", SLC_FIELD(ema, warmup), .initial = "true",
     .help = "the share grows as (1 + t) / (10 + t)"},
    {"every", SLC_FIELD(ema, every), .lo = 1, .hi = 1e9, .initial = "1", .unit = "steps",
     .help = "how often to average"},
    {0}};

typedef slc_recipe_swa swa;
const slc_param slc_recipe_swa_params[] = {
    {"start", SLC_FIELD(swa, start), .lo = 0, .hi = 1, .initial = "0.75", .unit = "ratio",
     .help = "part of the run before averaging begins"},
    {"lr", SLC_FIELD(swa, lr), .lo = 0, .hi = 1e6, .initial = "0.05",
     .help = "constant rate from there on; the schedule's is led to it"},
    {"every", SLC_FIELD(swa, every), .lo = 1, .hi = 1e9, .initial = "1", .unit = "epochs",
     .help = "how often to average"},
    {"bn_batches", SLC_FIELD(swa, bn_batches), .lo = 1, .hi = 1e9, .initial = "100",
     .unit = "batches", .help = "to measure batch-norm statistics with"},
    {0}};

typedef slc_recipe_target target;
const slc_param slc_recipe_target_params[] = {
    {"metric", SLC_FIELD(target, metric), .choices = watch_names, .initial = "top1",
     .help = "of the validation set"},
    {"value", SLC_FIELD(target, value), .help = "what must be reached"},
    {0}};

const slc_param *slc_recipe_section(const char *name)
{
    static const struct {
        const char *name;
        const slc_param *table;
    } sections[] = {{"", slc_recipe_params},
                    {"data", slc_recipe_data_params},
                    {"loader", slc_recipe_loader_params},
                    {"loss", slc_recipe_loss_params},
                    {"optim", slc_recipe_optim_params},
                    {"schedule", slc_warmup_params},
                    {"train", slc_recipe_train_params},
                    {"train.early_stop", slc_recipe_early_params},
                    {"train.ema", slc_recipe_ema_params},
                    {"train.swa", slc_recipe_swa_params},
                    {"train.target", slc_recipe_target_params}};
    for (size_t i = 0; i < SLC_COUNT(sections); i++)
        if (strcmp(sections[i].name, name) == 0) return sections[i].table;
    return NULL;
}
