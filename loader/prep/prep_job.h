/* A preprocess run: workers make samples, the caller's thread takes them in order. */
#ifndef LOADER_PREP_PREP_JOB_H
#define LOADER_PREP_PREP_JOB_H

#include <pthread.h>

#include "base/pool.h"
#include "loader/prep/prep.h"

/* What a worker hands over. */
typedef struct slc_prep_result {
    bool done; /* lock */
    slc_status st;
    slc_err err;
    bool up_to_date;
    slc_prep_record record;
    slc_str bytes; /* encoded */
    const char *extension;
    char stem[SLC_PREP_NAME];
} slc_prep_result;

typedef struct slc_prep_job {
    slc_preprocess_settings set;
    slc_policy *identity;
    slc_maker maker;
    bool keep_bytes, shards;
    const slc_codec *png;
    uint64_t lo, step, count; /* sample p of this run is lo + p * step */
    uint8_t *twin;            /* bit per sample: another has its stem */
    slc_prep_journal journal; /* lock, while workers run */
    slc_prep_result *results;
    size_t window, threads;
    slc_pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    uint64_t claimed, taken; /* lock */
    bool stop;               /* lock */
    slc_preprocess_report *report;

    /* The shard that is being written. */
    slc_writer *writer;
    uint64_t shard, shard_size, shard_count;
    slc_prep_record
        *waiting; /* records of the open shard; the journal gets them when it stands */
    size_t waiting_count, waiting_room;
} slc_prep_job;

static inline uint64_t slc_prep_index(const slc_prep_job *job, uint64_t p)
{
    return job->lo + p * job->step;
}
/* Decodes, changes and encodes one sample; nothing is written. */
SLC_CHECKED slc_status slc_prep_make(const slc_prep_job *job, uint64_t index,
                                     slc_hand *hand, slc_prep_result *out, slc_err *err);
void slc_prep_work(void *job, size_t i); /* of the pool */
void slc_prep_stop(void *job);

/* Shards. What a sample takes in one; whether it still fits; where an earlier run ended. */
SLC_CHECKED slc_status slc_prep_shard_add(slc_prep_job *job,
                                          const slc_prep_result *result, slc_err *err);
SLC_CHECKED slc_status slc_prep_shard_close(slc_prep_job *job, slc_err *err);
void slc_prep_shard_sweep(const slc_prep_job *job); /* removes what a kill left behind */
uint64_t slc_prep_shard_resume(slc_prep_job *job);

#endif
