/* One sample from source to finished picture: read, decode as the policy's plan says, run the
 * policy. What the pipe's workers, replay and preprocess share; not installed. */
#ifndef LOADER_SAMPLE_H
#define LOADER_SAMPLE_H

#include "augment/policy.h"
#include "loader/loader.h"

/* A memory of samples, filled on first use up to a budget. Threads: any number may use one. */
typedef struct slc_hoard slc_hoard;
SLC_CHECKED slc_status slc_hoard_create(slc_hoard **out, uint64_t count, uint64_t bytes,
                                        slc_err *err);
void slc_hoard_destroy(slc_hoard **store);
/* What is kept of a sample, or false. Borrowed until destroy. */
bool slc_hoard_get(const slc_hoard *store, uint64_t index, slc_stored *out);
/* Keeps a copy if the budget allows it. */
void slc_hoard_put(slc_hoard *store, uint64_t index, const slc_stored *sample);
/* How many samples it holds, and in how many bytes with everything around them. */
uint64_t slc_hoard_count(const slc_hoard *store, uint64_t *bytes);

/* How samples are made. A value, shared by all threads; everything in it is borrowed. */
typedef struct slc_maker {
    const slc_source *source;
    const slc_policy *policy;
    size_t channels; /* 1 or 3; 0 = as decoded */
    bool fast;
    slc_decode decode;
    slc_cache cache;
    slc_hoard *store; /* NULL = none */
} slc_maker;

typedef struct slc_times {
    uint64_t read_ns, decode_ns, augment_ns, write_ns, samples, bytes, pixels;
} slc_times;

/* What one thread needs. */
typedef struct slc_hand {
    slc_work work;
    slc_decoder *decoder;
    slc_times times;
    bool untimed; /* skip the clock for this sample */
} slc_hand;
SLC_CHECKED slc_status slc_hand_init(slc_hand *hand, slc_err *err);
void slc_hand_free(slc_hand *hand);

/* The stored sample, from the store or from the source. */
SLC_CHECKED slc_status slc_sample_fetch(const slc_maker *maker, uint64_t index,
                                        slc_hand *hand, slc_stored *out, slc_err *err);

/* What is left once the sample is fetched: decode and policy. */
SLC_CHECKED slc_status slc_sample_finish(const slc_maker *maker, const slc_key *key,
                                         const slc_stored *stored, slc_hand *hand,
                                         const slc_trace *trace, slc_image *out,
                                         const slc_tail **tail, slc_err *err);

/* Makes the sample of key (view as in slc_pick). The picture and the tail live in
 * hand->work.arena until its next reset, or in the source. Errors start with the sample's key. */
SLC_CHECKED slc_status slc_sample_make(const slc_maker *maker, const slc_key *key,
                                       slc_hand *hand, const slc_trace *trace,
                                       slc_image *out, const slc_tail **tail,
                                       slc_err *err);

#endif
