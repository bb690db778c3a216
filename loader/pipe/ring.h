/* The ring of batches between the workers and the consumer.
 *
 * A slot goes FREE -> OPEN (by whoever released it) -> READY (by the worker that finished its
 * last sample) -> HELD (by the consumer) -> FREE. Batches have a sequence number over the whole
 * run; batch s lives in slot s % count, and the slots are opened, finished in any order, and
 * delivered in order of s. Workers take samples out of an open slot without a lock: claim holds
 * the low 32 bits of s in its upper half and a counter in its lower half, so that whoever claims
 * late, from a slot already used again, learns from the answer which batch he got. */
#ifndef LOADER_PIPE_RING_H
#define LOADER_PIPE_RING_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/pool.h"
#include "loader/sample.h"
#include "loader/sampler.h"

/* The counter's value when nothing is left. */
#define SLC_CLAIM_END (UINT32_C(1) << 31)

enum {
    SLC_DRAWN_TEXT = 256,
};

typedef enum slc_slot_state { SLC_FREE, SLC_OPEN, SLC_READY, SLC_HELD } slc_slot_state;

/* A sample that could not be made. */
typedef struct slc_bad {
    size_t at;      /* in the batch */
    uint64_t index; /* into the source: the first choice, not its substitute */
    bool substituted;
    bool listed; /* in the quarantine list already */
    slc_status code;
    char *msg;
} slc_bad;

typedef struct slc_slot {
    _Alignas(64)
        atomic_uint_least64_t claim; /* release when opened, acquire when claimed */
    _Alignas(64)
        atomic_size_t done; /* samples finished: acq_rel, the last one sees all */
    slc_slot_state state;   /* ring's lock */
    bool held;              /* the consumer's: HELD, to be asked without the lock */
    /* Written before the slot is opened, constant until it is free. */
    uint64_t seq, first;
    slc_order order;
    slc_batch batch;
    uint8_t *data;
    size_t data_size;
    int32_t *label_a, *label_b;
    float *lambda;
    uint32_t *partner, *view;
    uint64_t *index;
    uint8_t *real, *failed;
    void *mix_scratch;
    char drawn[SLC_DRAWN_TEXT];
    pthread_mutex_t bad_lock;
    slc_bad *bad; /* bad_lock, until READY */
    size_t bad_count, bad_room;
} slc_slot;

/* One worker's own; padded, for the counters are written all the time. */
typedef struct slc_worker {
    _Alignas(64) slc_hand hand;
    atomic_uint_least64_t read_ns, decode_ns, augment_ns, write_ns, stalled_ns, samples,
        bytes, pixels; /* relaxed: figures for people */
} slc_worker;

struct slc_loader {
    slc_loader_settings set;
    slc_arena arena;
    slc_policy *identity; /* if no policy was given */
    slc_maker maker;
    slc_sampler *sampler;
    slc_hoard *store;
    uint64_t per_epoch, total;           /* batches; total: UINT64_MAX = endless */
    size_t channels, height, width, run; /* run: samples per claim */
    uint8_t *quarantined;                /* bit per sample, or NULL */
    uint8_t *told;                       /* the same: written to the list by this run */

    slc_slot *slots;
    size_t count;
    slc_worker *workers;
    size_t worker_count;
    slc_pool *pool;

    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    uint64_t opened;                   /* lock: batches opened so far */
    atomic_uint_least64_t opened_hint; /* the same, for a look without the lock */
    atomic_bool stop;                  /* relaxed; the lock orders what matters */

    /* The consumer's. */
    uint64_t next, starved_ns, bad, substituted, bad_in_epoch;
    size_t held;
    slc_status failed;
    slc_err why;
};

/* Takes the next sequence number into its slot, which is free. Lock held. */
void slc_ring_open_free(slc_loader *loader);
void slc_worker_run(void *loader, size_t i);
void slc_worker_stop(void *loader);

/* Notes a sample that failed. Never fails itself: without memory the note is short. */
void slc_bad_note(slc_slot *slot, size_t at, uint64_t index, bool substituted,
                  bool listed, const slc_err *why);
void slc_bad_clear(slc_slot *slot);
/* Reads the quarantine list; unknown keys in it are passed over. */
SLC_CHECKED slc_status slc_quarantine_read(slc_loader *loader, slc_err *err);
bool slc_quarantine_has(const slc_loader *loader, uint64_t index);
/* What the batch's bad samples mean, in their order: counts, warnings, the list, the error. */
SLC_CHECKED slc_status slc_bad_report(slc_loader *loader, slc_slot *slot, slc_err *err);

#endif
