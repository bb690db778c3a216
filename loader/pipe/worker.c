/* What a worker does, from claiming samples to finishing a batch. */
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/num.h"
#include "loader/pipe/ring.h"

enum { SUBSTITUTES = 16 /* tries before a class counts as all bad */, TIMED = 16 };

/* Writes a finished picture to its place. */
static slc_status put(slc_loader *l, slc_slot *slot, size_t at, slc_worker *w,
                      const slc_image *image, const slc_tail *tail, slc_err *err)
{
    const size_t element = slc_dtype_size(l->set.type);
    if (l->set.ragged_sizes) {
        size_t size;
        if (!slc_mul3(image->w, image->h, image->channels * element, &size))
            return slc_fail(err, SLC_ELIMIT, "picture too large");
        if (size > slot->data_size) {
            free(slot->data);
            slot->data_size = 0;
            slot->data = slc_block_alloc(size + 64);
            if (!slot->data)
                return slc_fail(err, SLC_ENOMEM, "out of memory for %zu bytes", size);
            slot->data_size = size;
            slot->batch.data = slot->data;
        }
        slot->batch.width = image->w;
        slot->batch.height = image->h;
        slot->batch.channels = image->channels;
        at = 0;
    } else if (image->w != l->width || image->h != l->height ||
               image->channels != l->channels) {
        return slc_fail(
            err, SLC_EINVAL,
            "comes out as %zu x %zu px with %zu channels, the batch takes %zu x "
            "%zu with %zu; let the policy end in a crop or resize",
            image->w, image->h, image->channels, l->width, l->height, l->channels);
    }
    const size_t size = l->width * l->height * l->channels * element;
    return slc_tail_write(tail, image, l->set.type, l->set.layout, w->hand.work.isa,
                          slot->data + at * size, err);
}

static slc_status try_one(slc_loader *l, slc_slot *slot, size_t at, slc_worker *w,
                          uint64_t index, slc_err *err)
{
    char text[4352];
    slc_image image;
    const slc_tail *tail;
    if (slc_quarantine_has(l, index))
        return slc_fail(err, SLC_EDATA, "%s: is listed in %s",
                        slc_source_key(l->set.source, index, text, sizeof(text)),
                        l->set.quarantine);
    const slc_key key = {l->set.seed, slot->batch.epoch, index, slot->view[at]};
    slc_arena_reset(&w->hand.work.arena);
    slc_status st = slc_sample_make(&l->maker, &key, &w->hand, NULL, &image, &tail, err);
    if (st != SLC_OK) return st;
    const uint64_t before = w->hand.untimed ? 0 : slc_clock_ns();
    st = put(l, slot, at, w, &image, tail, err);
    if (!w->hand.untimed) w->hand.times.write_ns += slc_clock_ns() - before;
    if (st != SLC_OK)
        slc_err_prefix(err, "%s",
                       slc_source_key(l->set.source, index, text, sizeof(text)));
    return st;
}

/* A sample that failed: its substitute, or a hole. */
static void fall_back(slc_loader *l, slc_slot *slot, size_t at, slc_worker *w,
                      const slc_err *why)
{
    const uint64_t index = slot->index[at];
    bool done = false;
    for (uint32_t k = 0;
         k < SUBSTITUTES && !done && l->set.on_error == SLC_ON_ERROR_SUBSTITUTE; k++) {
        slc_err other = {0};
        const uint64_t instead =
            slc_sampler_substitute(l->sampler, slot->batch.epoch, index, k);
        if (instead == index || try_one(l, slot, at, w, instead, &other) != SLC_OK)
            continue;
        slot->index[at] = instead;
        done = true;
    }
    slc_bad_note(slot, at, index, done, slc_quarantine_has(l, index), why);
    if (done) return;
    slot->failed[at] = 1;
    slot->real[at] = 0;
    const size_t size = l->width * l->height * l->channels * slc_dtype_size(l->set.type);
    if (!l->set.ragged_sizes) memset(slot->data + at * size, 0, size);
}

static void make_one(slc_loader *l, slc_slot *slot, size_t at, slc_worker *w)
{
    slc_err err = {0};
    const slc_pick pick = slc_sampler_at(l->sampler, &slot->order, slot->first + at);
    slot->index[at] = pick.index;
    slot->view[at] = pick.view;
    slot->real[at] = pick.real;
    slot->failed[at] = 0;
    slot->label_a[at] = slc_source_label(l->set.source, pick.index);
    if (try_one(l, slot, at, w, pick.index, &err) != SLC_OK)
        fall_back(l, slot, at, w, &err);
}

static void move_one(slc_slot *slot, size_t to, size_t from, size_t size)
{
    memmove(slot->data + to * size, slot->data + from * size, size);
    slot->label_a[to] = slot->label_a[from];
    slot->index[to] = slot->index[from];
    slot->view[to] = slot->view[from];
    slot->real[to] = slot->real[from];
}

/* Closes the holes that skipped samples left: what is good moves up, in order, and what is not
 * stays at the end as zeros with real = 0. Returns how many are good. */
static size_t close_holes(const slc_loader *l, slc_slot *slot)
{
    const size_t size = l->width * l->height * l->channels * slc_dtype_size(l->set.type);
    const size_t n = slot->batch.n;
    size_t good = 0, first_bad = 0;
    if (slot->bad_count == 0 || l->set.ragged_sizes) return n;
    for (size_t i = 0; i < n; i++) {
        if (slot->failed[i]) continue;
        if (good != i) move_one(slot, good, i, size);
        good++;
    }
    first_bad = good;
    for (size_t k = 0; k < slot->bad_count; k++) {
        if (slot->bad[k].substituted || first_bad == n) continue;
        memset(slot->data + first_bad * size, 0, size);
        slot->label_a[first_bad] = slc_source_label(l->set.source, slot->bad[k].index);
        slot->index[first_bad] = slot->bad[k].index;
        slot->view[first_bad] = 0;
        slot->real[first_bad++] = 0;
    }
    return good;
}

static int by_place(const void *a, const void *b)
{
    const slc_bad *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The last sample is in its place: what the batch needs as a whole. */
static void finish(slc_loader *l, slc_slot *slot, slc_worker *w)
{
    slc_batch *b = &slot->batch;
    if (slot->bad_count > 1)
        qsort(slot->bad, slot->bad_count, sizeof(*slot->bad), by_place);
    const size_t good = close_holes(l, slot);
    slot->drawn[0] = 0;
    if (l->set.mix) {
        for (size_t i = 0; i < b->n; i++) {
            slot->label_b[i] = slot->label_a[i];
            slot->lambda[i] = 1;
            slot->partner[i] = (uint32_t)i;
        }
        const bool on = l->set.mix_until == 0 || b->epoch < l->set.mix_until;
        slc_mix_batch mix = {slot->data,   b->type,       b->layout,
                             good,         b->channels,   b->height,
                             b->width,     slot->label_a, slot->label_b,
                             slot->lambda, slot->partner, slot->mix_scratch};
        if (on && good > 0)
            slc_mix_run(l->set.mix, l->set.seed, b->epoch, b->number, &mix,
                        w->hand.work.isa, slot->drawn, sizeof(slot->drawn));
    }
    pthread_mutex_lock(&l->lock);
    slot->state = SLC_READY;
    if (slot->seq == l->next) pthread_cond_signal(&l->ready);
    pthread_mutex_unlock(&l->lock);
}

/* Waits until batch seq is open; false when told to stop. */
static bool wait_open(slc_loader *l, slc_worker *w, uint64_t seq)
{
    if (seq < atomic_load_explicit(&l->opened_hint, memory_order_acquire))
        return !atomic_load_explicit(&l->stop, memory_order_relaxed);
    const uint64_t before = slc_clock_ns();
    pthread_mutex_lock(&l->lock);
    while (seq >= l->opened && !atomic_load_explicit(&l->stop, memory_order_relaxed))
        pthread_cond_wait(&l->room, &l->lock);
    const bool go = !atomic_load_explicit(&l->stop, memory_order_relaxed);
    pthread_mutex_unlock(&l->lock);
    atomic_fetch_add_explicit(&w->stalled_ns, slc_clock_ns() - before,
                              memory_order_relaxed);
    return go;
}

static void publish(slc_worker *w)
{
    const slc_times *t = &w->hand.times;
    atomic_store_explicit(&w->read_ns, t->read_ns, memory_order_relaxed);
    atomic_store_explicit(&w->decode_ns, t->decode_ns, memory_order_relaxed);
    atomic_store_explicit(&w->augment_ns, t->augment_ns, memory_order_relaxed);
    atomic_store_explicit(&w->write_ns, t->write_ns, memory_order_relaxed);
    atomic_store_explicit(&w->samples, t->samples, memory_order_relaxed);
    atomic_store_explicit(&w->bytes, t->bytes, memory_order_relaxed);
    atomic_store_explicit(&w->pixels, t->pixels, memory_order_relaxed);
}

/* Makes a run of samples. Of small raw pictures one in TIMED is timed, and counts so often. */
static void make_run(slc_loader *l, slc_slot *slot, size_t from, size_t to, slc_worker *w)
{
    slc_times *t = &w->hand.times;
    for (size_t i = from; i < to; i++, t->samples++) {
        const slc_times before = *t;
        const bool sampled = l->run > 1;
        w->hand.untimed = sampled && t->samples % TIMED != 0;
        make_one(l, slot, i, w);
        if (!sampled || w->hand.untimed) continue;
        t->read_ns += (t->read_ns - before.read_ns) * (TIMED - 1);
        t->decode_ns += (t->decode_ns - before.decode_ns) * (TIMED - 1);
        t->augment_ns += (t->augment_ns - before.augment_ns) * (TIMED - 1);
        t->write_ns += (t->write_ns - before.write_ns) * (TIMED - 1);
    }
    publish(w);
}

/* Reading that waits for a disk is helped by asking for the samples of later batches early. */
static void hint_ahead(const slc_loader *l, const slc_slot *slot, size_t at,
                       const slc_worker *w)
{
    enum { SLOW_NS = 300000 };
    const slc_times *t = &w->hand.times;
    if (t->samples == 0 || t->read_ns / t->samples < SLOW_NS) return;
    const uint64_t ahead = slot->first + at + 2 * l->worker_count + 8;
    if (ahead >= slc_sampler_positions(l->sampler)) return;
    slc_source_hint(l->set.source, slc_sampler_at(l->sampler, &slot->order, ahead).index);
}

void slc_worker_run(void *arg, size_t i)
{
    slc_loader *l = arg;
    slc_worker *w = &l->workers[i];
    uint64_t seq = 0;
    while (seq < l->total && wait_open(l, w, seq)) {
        slc_slot *slot = &l->slots[seq % l->count];
        const uint64_t claim =
            atomic_fetch_add_explicit(&slot->claim, l->run, memory_order_acquire);
        if ((uint32_t)claim >= SLC_CLAIM_END) {
            seq++;
            continue;
        }
        /* Something is left, so the slot cannot be used again before it is done: all fields
         * are those of the batch that the claim belongs to. */
        const size_t n = slot->batch.n;
        const size_t from = (size_t)((uint32_t)claim - (SLC_CLAIM_END - n));
        const size_t to = slc_min(from + l->run, n);
        if (l->run == 1) hint_ahead(l, slot, from, w);
        make_run(l, slot, from, to, w);
        if (atomic_fetch_add_explicit(&slot->done, to - from, memory_order_acq_rel) +
                (to - from) ==
            n)
            finish(l, slot, w);
    }
}

void slc_worker_stop(void *arg)
{
    slc_loader *l = arg;
    pthread_mutex_lock(&l->lock);
    atomic_store_explicit(&l->stop, true, memory_order_relaxed);
    pthread_cond_broadcast(&l->room);
    pthread_mutex_unlock(&l->lock);
}
