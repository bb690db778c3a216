/* Work shared out to threads: each begins with its own share, front to back, and then takes
 * from the back of whoever has most left. A core that others slow down keeps nobody waiting;
 * what a core's cache holds is used where it is.
 * Threads: take is safe from all, set while nobody takes. */
#ifndef TRAIN_ENGINE_SHARES_H
#define TRAIN_ENGINE_SHARES_H

#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLC_SHARES = 64 }; /* of more threads, some begin with the same */

typedef struct slc_shares {
    size_t count;
    size_t
        kept; /* items left to their owner, if all owners run; as a rule, at a race one less */
    _Atomic uint64_t left[SLC_SHARES]; /* first item << 32 | the one after the last */
} slc_shares;

/* Items from to to - 1 for thread t. */
static inline void slc_shares_give(slc_shares *s, size_t t, size_t from, size_t to)
{
    atomic_store_explicit(&s->left[t % SLC_SHARES], (uint64_t)from << 32 | to,
                          memory_order_relaxed);
}

/* Items 0 to items - 1, about as many for each. */
static inline void slc_shares_set(slc_shares *s, size_t items, size_t threads)
{
    s->count = threads < SLC_SHARES ? threads : SLC_SHARES;
    s->kept = 0;
    for (size_t t = 0; t < s->count; t++)
        slc_shares_give(s, t, items * t / s->count, items * (t + 1) / s->count);
}

static inline size_t slc_shares_left(uint64_t left)
{
    return (size_t)((left & UINT32_MAX) - (left >> 32));
}

/* The next item of share t, from its front or its back; false: there is none left. */
static inline bool slc_shares_try(slc_shares *s, size_t t, bool front, size_t *item)
{
    uint64_t left = atomic_load_explicit(&s->left[t], memory_order_relaxed);
    while (slc_shares_left(left) > 0) {
        const uint64_t rest = front ? left + (UINT64_C(1) << 32) : left - 1;
        if (atomic_compare_exchange_weak_explicit(
                &s->left[t], &left, rest, memory_order_relaxed, memory_order_relaxed)) {
            *item = front ? (size_t)(left >> 32) : (size_t)(rest & UINT32_MAX);
            return true;
        }
    }
    return false;
}

/* The next item for thread t; false: all are taken. */
static inline bool slc_shares_take(slc_shares *s, size_t t, size_t *item)
{
    if (slc_shares_try(s, t % s->count, true, item)) return true;
    for (;;) {
        size_t most = 0, whose = 0;
        for (size_t i = 0; i < s->count; i++) {
            const size_t left =
                slc_shares_left(atomic_load_explicit(&s->left[i], memory_order_relaxed));
            if (left > most) most = left, whose = i;
        }
        if (most <= s->kept) return false;
        if (slc_shares_try(s, whose, false, item)) return true;
    }
}

/* In a parallel region: i is one item after the other that this thread takes. */
#define SLC_EACH_SHARE(shares, i)                                                        \
    for (size_t i; slc_shares_take(&(shares), (size_t)omp_get_thread_num(), &i);)

#endif
