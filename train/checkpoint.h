/* Model files: safetensors with the recipe inside. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dtype.h"
#include "base/err.h"
#include "base/file.h"
#include "train/model.h"

/* One array in a safetensors file. */
typedef struct slc_blob {
    const char *name;
    const char *dtype; /* "F32", "BF16", "F16", "F64", "I64", "U8", ... */
    size_t rank, dim[8];
    const void *data;
    size_t size; /* bytes */
} slc_blob;

/* An open file: mapped, its header checked in full (size <= 100 MB, JSON, no duplicate keys,
 * offsets contiguous without holes or overlap, size = dtype x shape by checked arithmetic,
 * file length exact). Errors: SLC_EDATA, SLC_EFORMAT, each one sentence with the path. */
typedef struct slc_tensors slc_tensors;
SLC_API SLC_CHECKED slc_status slc_tensors_open(slc_tensors **out, const char *path,
                                                slc_err *err);
SLC_API void slc_tensors_close(slc_tensors **file);
SLC_API const char *slc_tensors_path(const slc_tensors *file);
SLC_API size_t slc_tensors_count(const slc_tensors *file);
SLC_API const slc_blob *slc_tensors_at(const slc_tensors *file, size_t i);
SLC_API const slc_blob *slc_tensors_find(const slc_tensors *file, const char *name);

/* The same, or the tensor that timm calls otherwise than torchvision (mobilenet_v2, the vggs). */
SLC_API const slc_blob *slc_tensors_seek(const slc_tensors *file, const char *name);
/* timm's name for one of torchvision's; false if it has none of its own. */
SLC_API bool slc_timm_name(const char *name, char *out, size_t size);

SLC_API const char *slc_tensors_meta(const slc_tensors *file,
                                     const char *key); /* NULL if absent */
/* All metadata as slc_tensors_write takes it: in the file's order, but key last, with value.
 * Texts are borrowed, the list lives in arena; NULL if memory ran out. */
SLC_API const char **slc_tensors_meta_with(const slc_tensors *file, slc_arena *arena,
                                           const char *key, const char *value);

/* Writes blobs (in the order given) and metadata pairs (NULL-terminated key, value, ...),
 * replacing the file durably. The same content gives the same bytes. */
SLC_API SLC_CHECKED slc_status slc_tensors_write(const char *path, const slc_blob *blobs,
                                                 size_t count, const char *const *meta,
                                                 slc_err *err);

/* Copies a file's tensors into the model by name; every tensor of the model must be there
 * with its shape and finite numbers (num_batches_tracked and unknown extras are ignored if extras is true), except
 * those matching the glob skip (NULL = none), e.g. "fc.*" when the head is replaced. */
SLC_API SLC_CHECKED slc_status slc_model_load(slc_model *model, const slc_tensors *file,
                                              const char *skip, bool extras,
                                              slc_err *err);

/* The same for one of several models in a file, whose names all begin with prefix. */
SLC_API SLC_CHECKED slc_status slc_model_load_member(slc_model *model,
                                                     const slc_tensors *file,
                                                     const char *prefix, slc_err *err);

/* Writes weights and buffers (F32) under their names with the given metadata. */
SLC_API SLC_CHECKED slc_status slc_model_save(slc_model *model, const char *path,
                                              const char *const *meta, slc_err *err);

/* The same with other blocks of the model's layout: averages, the best epoch's. */
SLC_API SLC_CHECKED slc_status
slc_model_save_blocks(const slc_model *model, const float *weights, const float *buffers,
                      const char *path, const char *const *meta, slc_err *err);

#endif
