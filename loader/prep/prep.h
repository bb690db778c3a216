/* The inside of preprocess. */
#ifndef LOADER_PREP_PREP_H
#define LOADER_PREP_PREP_H

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/str.h"
#include "loader/preprocess.h"
#include "loader/sample.h"

enum { SLC_PREP_NAME = 1024 };

/* What is known of a sample once it is written. The journal is a row of these. */
typedef struct slc_prep_record {
    uint64_t key;    /* hash of the sample's name in the source */
    int64_t changed; /* modification time of its file, ns; 0 = not a file of its own */
    uint64_t bytes_in, bytes_out, check;
    uint32_t w, h, channels;
    int32_t label;
    uint64_t sum[3], square[3]; /* of the written pixels, before encoding */
} slc_prep_record;

/* What stands in a journal, found by key. */
typedef struct slc_prep_journal {
    FILE *file;
    slc_prep_record *at; /* count of them */
    size_t count, room;
    uint32_t *slot; /* hash table of positions + 1; slots is a power of two */
    size_t slots;
} slc_prep_journal;

SLC_CHECKED slc_status slc_prep_journal_open(slc_prep_journal *j, const char *path,
                                             slc_err *err);
const slc_prep_record *slc_prep_journal_find(const slc_prep_journal *j, uint64_t key);
SLC_CHECKED slc_status slc_prep_journal_add(slc_prep_journal *j,
                                            const slc_prep_record *record, slc_err *err);
SLC_CHECKED slc_status slc_prep_journal_sync(slc_prep_journal *j, slc_err *err);
void slc_prep_journal_close(slc_prep_journal *j);
void slc_prep_record_seal(slc_prep_record *record);

/* Where a sample goes: a path below OUT without its extension, safe whatever the name in the
 * source was: relative, no "..", class folder first. Distinct for every sample. */
void slc_prep_stem(const slc_source *source, uint64_t index, bool shards, char *stem,
                   size_t size);

/* Replaces path with the bytes by way of temp, without waiting for the disk. */
SLC_CHECKED slc_status slc_prep_put(const char *path, const char *temp,
                                    const slc_str *bytes, slc_err *err);

/* A file written in OUT/.sluice takes its place in OUT, so that a kill leaves nothing but whole
 * files there. */
SLC_CHECKED slc_status slc_prep_stand(const char *out, const char *name, slc_err *err);

/* One member of a tar archive: header, bytes, padding. Names up to 255 bytes. */
SLC_CHECKED slc_status slc_prep_tar_add(slc_writer *w, const char *name,
                                        const void *bytes, size_t size, slc_err *err);
bool slc_prep_tar_fits(const char *name);
SLC_CHECKED slc_status slc_prep_tar_end(slc_writer *w, slc_err *err);
static inline uint64_t slc_prep_tar_size(uint64_t size)
{
    return 512 + (size + 511) / 512 * 512;
}

SLC_CHECKED slc_status slc_prep_statistics(const slc_preprocess_settings *set,
                                           const slc_prep_record *const *records,
                                           size_t count, slc_err *err);

#endif
