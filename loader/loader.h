/* The loader: a stream of batches, the same bytes for any number of threads.
 *
 *     slc_loader *loader = NULL;
 *     slc_status st = slc_loader_open(&loader, &(slc_loader_settings){.source = source,
 *         .policy = policy, .batch = 128, .shuffle = true, .epochs = 10, .seed = 42}, &err);
 *     const slc_batch *batch;
 *     while (st == SLC_OK && (st = slc_loader_next(loader, &batch, &err)) == SLC_OK && batch) {
 *         ... batch->data, batch->label_a ...
 *         slc_loader_release(loader, batch);
 *     }
 *     slc_loader_close(&loader);
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include "augment/mix.h"
#include "augment/policy.h"
#include "loader/source.h"

typedef struct slc_loader
    slc_loader; /* Threads: one consumer at a time; it has its own workers */

typedef enum slc_on_error {
    SLC_ON_ERROR_FAIL,
    SLC_ON_ERROR_SKIP,
    SLC_ON_ERROR_SUBSTITUTE
} slc_on_error;
typedef enum slc_ragged {
    SLC_TAIL_KEEP,
    SLC_TAIL_DROP,
    SLC_TAIL_PAD,
    SLC_TAIL_MERGE
} slc_ragged;
typedef enum slc_cache { SLC_CACHE_NONE, SLC_CACHE_ENCODED, SLC_CACHE_DECODED } slc_cache;
typedef enum slc_sample_by {
    SLC_SAMPLE_ALL,      /* every sample once */
    SLC_SAMPLE_WEIGHTED, /* with replacement, by weight */
    SLC_SAMPLE_BALANCED, /* with replacement, every class equally often */
} slc_sample_by;

/* Zero is the default everywhere. source, policy and mix are borrowed until close. */
typedef struct slc_loader_settings {
    const slc_source *source;
    const slc_policy *policy; /* NULL = none */
    const slc_mix *mix;       /* NULL = none */
    size_t batch;             /* 0 = 1 */
    size_t threads;           /* workers; 0 = all cores */
    size_t ahead;             /* batches in the ring; 0 = 3 */
    slc_dtype type; /* element type of batch->data: SLC_U8 without normalisation */
    slc_layout layout;
    size_t channels; /* 1 or 3: what images are converted to; 0 = 3 (idx: as stored) */
    size_t width, height; /* of all outputs, if the policy does not fix them (0 = it does,
                                 or all stored pictures share one size) */
    bool
        ragged_sizes; /* outputs may differ: batch is 1 image of its own size (preprocess) */
    bool shuffle;
    slc_sample_by sample_by;
    uint64_t
        repeats; /* repeated augmentation: each drawn sample this often in a row; 0 = 1 */
    slc_ragged tail;      /* the last, smaller batch of an epoch */
    uint64_t seed, epoch; /* of the first batch */
    uint64_t position;    /* batches of that epoch to skip (resume) */
    uint64_t epochs;      /* how many to deliver, from epoch 0 of the run: stops after
                                 epoch number epochs - 1; 0 = endless */
    uint64_t
        mix_until; /* epochs with mixing: from this one on it is off; 0 = always on */
    uint64_t rank, world; /* this machine's share; world 0 = 1 */
    bool fast;            /* decode may scale in the DCT domain */
    slc_decode
        decode; /* limits, orientation, truncation, background; region is ignored */
    slc_on_error on_error;
    double max_errors; /* >= 1: count, < 1: share of the epoch; 0 = no limit */
    const char *
        quarantine; /* JSON lines file of bad samples: read at open, appended to; NULL = none */
    slc_cache cache;
    uint64_t cache_bytes; /* 0 = 1 GiB */
    const slc_log *log;   /* warnings about bad samples; NULL = silent */
} slc_loader_settings;

/* A batch. Valid until released. Everything in it is a pure function of (seed, epoch, number)
 * and the settings that shape the data. */
typedef struct slc_batch {
    const void
        *data; /* n x height x width x channels, or n x channels x height x width */
    slc_dtype type;
    slc_layout layout;
    size_t n, channels, height, width;
    uint64_t epoch, number; /* of the batch in its epoch, from 0 */
    bool last;              /* of its epoch */
    const int32_t *label_a,
        *label_b;        /* label_b and lambda NULL if nothing is ever mixed */
    const float *lambda; /* weight of label_a */
    const uint32_t *partner;
    const uint64_t *index; /* into the source */
    const uint32_t *view;  /* which view of it (five_crop...) */
    const uint8_t *real;   /* 0 for samples that only pad (tail PAD) or failed (SKIP) */
    const char *drawn;     /* what mix drew, "" if nothing */
} slc_batch;

SLC_API SLC_CHECKED slc_status slc_loader_open(slc_loader **out,
                                               const slc_loader_settings *settings,
                                               slc_err *err);
SLC_API void slc_loader_close(
    slc_loader **loader); /* stops the workers; accepts NULL inside */

/* The next batch in order, or *out = NULL after the last. At most settings.ahead - 1 batches may
 * be held unreleased. Errors: that of the first bad sample in stream order, with its key. */
SLC_API SLC_CHECKED slc_status slc_loader_next(slc_loader *loader, const slc_batch **out,
                                               slc_err *err);
SLC_API void slc_loader_release(slc_loader *loader, const slc_batch *batch);

SLC_API uint64_t slc_loader_batches(const slc_loader *loader); /* per epoch */
SLC_API slc_layout slc_loader_layout(const slc_loader *loader);
SLC_API void slc_loader_shape(const slc_loader *loader, size_t *channels, size_t *height,
                              size_t *width);

/* One sample made alone, exactly as the stream makes it; for replay and preview. The picture and
 * what is done to it on its way into a batch (slc_tail_write) live in work. Nothing is mixed. */
SLC_API SLC_CHECKED slc_status slc_loader_sample(const slc_loader *loader,
                                                 const slc_key *key, slc_work *work,
                                                 const slc_trace *trace, slc_image *out,
                                                 const slc_tail **tail, slc_err *err);

/* Where time went, summed over threads, since open. */
typedef struct slc_loader_counters {
    uint64_t read_ns, decode_ns, augment_ns, write_ns; /* workers */
    uint64_t starved_ns; /* the consumer waited for a batch */
    uint64_t stalled_ns; /* workers waited for room */
    uint64_t samples, bytes, bad, substituted;
    uint64_t cached_samples, cached_bytes; /* held by the cache */
} slc_loader_counters;
SLC_API slc_loader_counters slc_loader_count(const slc_loader *loader);
/* One sentence on what bounds the stream and what would help, or "" ; lives in buffer. */
SLC_API const char *slc_loader_advice(const slc_loader *loader, char *buffer,
                                      size_t size);

#endif
