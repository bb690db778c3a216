/* A net under surgery: its nodes as they were built, its tensors copied out, and what is to
 * become of each. */
#ifndef TRAIN_INSPECT_PATIENT_H
#define TRAIN_INSPECT_PATIENT_H

#include "train/checkpoint.h"
#include "train/net.h"
#include "train/surgery.h"

enum { NO_TENSOR = -1 };

/* A tensor of the new net. */
typedef struct organ {
    char name[160];
    size_t rank, dim[4], size;
    float *data; /* in the arena */
    bool gone;
} organ;

typedef struct patient {
    const slc_surgery_settings *settings;
    slc_arena arena;
    slc_trained trained;
    slc_tensors *file;
    slc_net *net;
    organ *organs; /* as net->tensor, then added ones */
    size_t organ_count;
    bool *gone;     /* per node: left out of the new net */
    bool *add_bias; /* per node */
    size_t *out;    /* per node: new count of outputs of conv2d and linear */
    slc_recipe_sources sources;
    const slc_source *source;
    float *logits; /* of the old net on the images looked at */
    uint64_t images;
} patient;

SLC_CHECKED slc_status slc_patient_open(patient *p, const char *path,
                                        const slc_surgery_settings *settings,
                                        slc_err *err);
void slc_patient_close(patient *p);

/* Tensor "suffix" of a node, or NULL. */
organ *slc_patient_organ(patient *p, size_t node, const char *suffix);
organ *slc_patient_add(patient *p, size_t node, const char *suffix, size_t size);

/* The model's layer of that name, or SIZE_MAX. */
size_t slc_patient_layer(const slc_model *model, const char *name);

/* How many nodes read a node, and the last of them. */
size_t slc_patient_readers(const patient *p, size_t node, size_t *reader);

/* Runs up to images pictures through model and hands every batch's outputs to look. */
typedef slc_status patient_look(void *user, slc_model *model, const slc_batch *batch,
                                const float *logits, slc_err *err);
SLC_CHECKED slc_status slc_patient_show(patient *p, slc_model *model, slc_mode mode,
                                        patient_look *look, void *user, slc_err *err);

/* The net as it was, in training form, so that all outputs stay in memory, but with batch
 * norm at rest and nothing dropped: forwards in TRAIN mode are those of evaluation. */
SLC_CHECKED slc_status slc_patient_viewer(patient *p, slc_model **out, slc_err *err);

/* Builds the new net, compares its logits with the old ones, and writes it. *difference is
 * relative to the largest logit. most: above it nothing is written. */
SLC_CHECKED slc_status slc_patient_wake(patient *p, const char *output, double most,
                                        double *difference, slc_err *err);

/* finetune.c: trains a written net a little; adds {"finetune": {"epochs", "set", "top1_before",
 * "top1_after"}} to result. */
SLC_CHECKED slc_status slc_patient_train(const char *path,
                                         const slc_surgery_settings *settings,
                                         json_t *result, slc_err *err);

#endif
