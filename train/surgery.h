/* Changing trained nets without training: folding batch norm into weights, and removing
 * feature maps that another map already says. */
#ifndef TRAIN_SURGERY_H
#define TRAIN_SURGERY_H

#include "train/fit.h"

typedef struct slc_surgery_settings {
    const slc_source *source; /* pictures to look at and to verify on; NULL = the recipe's
                                 validation, test or training set */
    uint64_t images;          /* how many of them; 0 = 256 */
    double similar;    /* prune: cosine and correlation of maps from which on two are
                                 one; 0 = 0.98 */
    uint64_t finetune; /* prune: epochs of training afterwards; 0 = none */
    size_t threads;
    const slc_log *log;
    const atomic_int *stop;
} slc_surgery_settings;

/* Writes the net of path without batch norm (where one follows a convolution or a linear
 * layer directly) to output. Logits of real images are compared before writing: a relative
 * difference over 1e-4 is refused. *result: {"folded", "layers", "difference", ...}. */
SLC_API SLC_CHECKED slc_status slc_fold(const char *path, const char *output,
                                        const slc_surgery_settings *settings,
                                        json_t **result, slc_err *err);

/* Removes look-alike and dead maps of convolutions whose output goes, through layers that
 * treat maps one by one, into one convolution or linear layer; the weights that read a
 * removed map are added to those of its twin, scaled to fit best. *result: {"removed": [{"layer",
 * "map", "twin", "similarity"}], "weights_before", "weights_after", "difference", ...}. With finetune
 * the net is then trained by its own recipe at a tenth of its learning rate (cosine) in the directory
 * OUTPUT.run, and {"finetune": {"epochs", "set", "top1_before", "top1_after"}} added. */
SLC_API SLC_CHECKED slc_status slc_prune(const char *path, const char *output,
                                         const slc_surgery_settings *settings,
                                         json_t **result, slc_err *err);

#endif
