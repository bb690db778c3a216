/* Sources: what there is to read. A source is a list of samples, each with a key, a label and
 * either encoded bytes or pixels. Opened once; afterwards immutable and shared by threads. */
#ifndef LOADER_SOURCE_H
#define LOADER_SOURCE_H

#include "augment/image.h"
#include "base/log.h"
#include "base/params.h"

typedef struct slc_source slc_source; /* Threads: any number may use one */

/* Opens what spec names: a text ("folder:~/birds", "idx:DIR", "tar:shard-{000..009}.tar",
 * "manifest:list.csv", "cifar:DIR", "file:a.png", or a bare path, whose kind is then found
 * out by looking) or a map ({folder: {path: /data/birds, classes: [...]}}).
 * split is "train", "val", "test" or NULL (everything); sources that have splits of their own
 * (IDX file names, train/ and test/ folders, a manifest's column) pick it, others ignore it.
 * Errors: SLC_EINVAL (spec), SLC_EDATA, SLC_EFORMAT, each naming path and reason. */
SLC_API SLC_CHECKED slc_status slc_source_open(slc_source **out, const slc_node *spec,
                                               const char *split, const slc_log *log,
                                               slc_err *err);
SLC_API SLC_CHECKED slc_status slc_source_open_text(slc_source **out, const char *spec,
                                                    const char *split, const slc_log *log,
                                                    slc_err *err);
SLC_API void slc_source_close(slc_source **source);

SLC_API uint64_t slc_source_count(const slc_source *source);
SLC_API size_t slc_source_classes(const slc_source *source); /* 0 = unlabelled */
SLC_API const char *slc_source_class(const slc_source *source, size_t label);
SLC_API int32_t slc_source_label(const slc_source *source,
                                 uint64_t index); /* -1 = none */
SLC_API double slc_source_weight(const slc_source *source,
                                 uint64_t index); /* 1 unless given */
/* What a person calls the sample: its path, "train-images-idx3-ubyte.gz#17", "shard-003.tar/a.jpg".
 * buffer is used if the text must be made. */
SLC_API const char *slc_source_key(const slc_source *source, uint64_t index, char *buffer,
                                   size_t size);
SLC_API const char *slc_source_describe(
    const slc_source *source); /* "folder /data/birds" */
/* The sample's name inside the source ("cat/7.jpg"): the same wherever the data set is kept. What
 * splits are cut by. */
SLC_API const char *slc_source_name(const slc_source *source, uint64_t index,
                                    char *buffer, size_t size);
/* A hash of the group that must not be torn apart by splits (a manifest's column "group"); of
 * the name where there are no groups. */
SLC_API uint64_t slc_source_group(const slc_source *source, uint64_t index);
/* Whether the split asked for was one of the source's own (and not ignored). */
SLC_API bool slc_source_has_split(const slc_source *source);
/* The size and channels of raw pictures (IDX, CIFAR), or false: each has its own. */
SLC_API bool slc_source_fixed_size(const slc_source *source, size_t *w, size_t *h,
                                   size_t *channels);
/* Tells the system that a sample will be read soon. */
SLC_API void slc_source_hint(const slc_source *source, uint64_t index);
/* Changes when samples, their order, labels or classes do (not with file contents). */
SLC_API void slc_source_digest(const slc_source *source, uint8_t out[32]);

/* A sample as stored. Bytes or pixels are borrowed from the source or live in the arena. */
typedef struct slc_stored {
    const uint8_t *bytes; /* encoded picture; NULL if pixels is set */
    size_t size;
    slc_image pixels; /* raw picture (IDX, CIFAR); w = 0 if bytes is set */
    int32_t label;
} slc_stored;
SLC_API SLC_CHECKED slc_status slc_source_read(const slc_source *source, uint64_t index,
                                               slc_arena *arena, slc_stored *out,
                                               slc_err *err);

/* A view of a source: some of its samples, in their order. Takes nothing; source must live on.
 * part is a fraction cut by content hash of the key: [lo, hi) of [0, 1), per class if
 * stratified, so that train = [0, .9) and val = [.9, 1) never overlap and survive additions. */
typedef struct slc_subset {
    double lo, hi; /* 0, 0 = all */
    bool
        stratified; /* exact shares within each class (hash order), not just on average */
    uint64_t seed;
    const char *const *
        classes; /* NULL-terminated names to keep, relabelled in this order; NULL = all */
    uint64_t most; /* at most this many, spread evenly over the order; 0 = all */
    uint64_t folds,
        fold; /* k-fold: with folds > 0, everything but fold (or only it if fold_only) */
    bool fold_only;
} slc_subset;
SLC_API SLC_CHECKED slc_status slc_source_subset(slc_source **out,
                                                 const slc_source *source,
                                                 const slc_subset *subset, slc_err *err);

/* A kind of source: one file in loader/source and one line in source_list.h; see
 * loader/source/source_impl.h. */
typedef struct slc_source_kind slc_source_kind;
extern SLC_API const slc_source_kind
    *const slc_source_kinds[]; /* entries first; NULL at the end */

#endif
