/* Preprocess: a data set in, a changed data set out, as a folder tree or as tar shards.
 *
 * What is written depends on the source, the policy and the settings, never on the number of
 * threads. Killed at any moment it leaves whole files only, and the same call does the rest:
 * OUT/.sluice/ holds the settings, a journal of what is done, and unfinished files. A source
 * that has grown or changed is brought up to date (shards: refused). */
#ifndef LOADER_PREPROCESS_H
#define LOADER_PREPROCESS_H

#include <stdatomic.h>

#include "augment/policy.h"
#include "loader/loader.h"

/* Zero is the default everywhere. Everything is borrowed until the call returns. */
typedef struct slc_preprocess_settings {
    const slc_source *source;
    const slc_policy *policy; /* NULL = none: the original bytes are kept, unless format,
                                 encoding or channels ask for others */
    const char *out;          /* a directory: new, empty, or of an earlier run */
    const slc_codec
        *format;           /* NULL = that of each file; PNG where it cannot be written */
    slc_encoding encoding; /* its settings need a format */
    size_t channels;       /* 1 or 3; 0 = as stored */
    uint64_t shard_bytes, shard_samples; /* either: tar shards of at most so much */
    uint64_t seed, epoch;                /* of the policy's draws */
    size_t threads;                      /* 0 = all cores */
    uint64_t rank, world;                /* this machine's share; world 0 = 1 */
    slc_decode decode;                   /* limits and the like; region is ignored */
    slc_on_error on_error;               /* FAIL or SKIP */
    const atomic_int *stop; /* not 0: stop soon with SLC_ESTOP; NULL = never */
    const slc_log *log;     /* progress, and a line per skipped sample */
} slc_preprocess_settings;

typedef struct slc_preprocess_report {
    uint64_t samples; /* of this rank */
    uint64_t written, up_to_date, bad, shards;
    uint64_t bytes_in, bytes_out; /* of what was written now */
    uint64_t ns;
} slc_preprocess_report;

/* Also writes OUT/statistics.json (statistics-RANK.json if world > 1): counts, sizes, mean and
 * standard deviation of each channel over all that stands in OUT; and classes.txt for shards.
 * Errors: SLC_EINVAL (settings; OUT was made with others), SLC_EDATA, SLC_EFORMAT, SLC_ELIMIT
 * (a sample, with its key), SLC_EIO, SLC_ESTOP. */
SLC_API SLC_CHECKED slc_status slc_preprocess_run(const slc_preprocess_settings *settings,
                                                  slc_preprocess_report *report,
                                                  slc_err *err);

/* What a run would do, from a few samples that are spread over the source, made and thrown away. */
typedef struct slc_preprocess_plan {
    uint64_t samples, shards; /* of this rank; shards 0 = a tree */
    uint64_t tried, bad;      /* samples that the estimates come from; bad ones of them */
    uint64_t bytes_in, bytes_out; /* of all samples */
    uint64_t memory;              /* bytes at the peak, beyond the source's own */
    double seconds; /* with the threads that were asked for, all cores free */
} slc_preprocess_plan;

/* Checks the settings and estimates the run. Writes nothing, and does not look at what an
 * earlier run has done already. Errors: as slc_preprocess_run; a bad sample is only counted. */
SLC_API SLC_CHECKED slc_status slc_preprocess_try(const slc_preprocess_settings *settings,
                                                  slc_preprocess_plan *plan,
                                                  slc_err *err);

#endif
