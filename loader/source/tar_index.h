/* The samples of one shard: which members belong together, and where the picture lies. Made by
 * one walk over the headers, then kept beside the shard for random access. */
#ifndef LOADER_SOURCE_TAR_INDEX_H
#define LOADER_SOURCE_TAR_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

/* What decides which members are picture and label. */
typedef struct slc_tar_fields {
    const char
        *image; /* field of the picture; "" = the first with a picture's extension */
    const char *label; /* field of the label; "" = cls, else json; "none" = no labels */
    const char *label_key; /* what holds the label in a JSON object */
} slc_tar_fields;

typedef struct slc_tar_sample {
    uint64_t offset, size; /* of the picture */
    uint64_t name, label;  /* into texts; label: offset of "" if it has none */
} slc_tar_sample;

/* Size and time of a file: another of the same name is found out by these. */
typedef struct slc_tar_stamp {
    uint64_t size;
    int64_t seconds, nanoseconds;
} slc_tar_stamp;

typedef struct slc_tar_index {
    slc_tar_stamp stamp;
    uint64_t count, text_size;
    uint64_t left_out; /* keys without a picture */
    uint64_t cut;      /* 1: the archive has no end mark */
    slc_tar_sample *samples;
    char *texts; /* begins with an empty one */
} slc_tar_index;

slc_tar_stamp slc_tar_stamp_of(const struct stat *info);
bool slc_tar_stamp_same(const slc_tar_stamp *a, const slc_tar_stamp *b);

/* Walks an open shard. Errors: slc_tar_next's and SLC_EFORMAT, SLC_ELIMIT for labels, without
 * the path. */
SLC_CHECKED slc_status slc_tar_index_build(slc_tar_index *out, int fd,
                                           const struct stat *info,
                                           const slc_tar_fields *fields, slc_err *err);
void slc_tar_index_free(slc_tar_index *index);

/* The index of the shard at path: the sidecar's if it is of this version and belongs to these
 * very bytes, else built, and written for the next time. The sidecar is PATH.index, or
 * PATH.HASH.index for other fields than the usual; or a file in $SLUICE_CACHE or
 * ~/.cache/sluice if the folder cannot be written. Errors start with path. */
SLC_CHECKED slc_status slc_tar_index_open(slc_tar_index *out, const char *path,
                                          const slc_tar_fields *fields, slc_err *err);

/* Reads a sidecar's bytes; false unless they are a sound index for stamp and salt. */
SLC_CHECKED bool slc_tar_index_parse(slc_tar_index *out, const uint8_t *bytes,
                                     size_t size, const slc_tar_stamp *stamp,
                                     uint64_t salt);

#endif
