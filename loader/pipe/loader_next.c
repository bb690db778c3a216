/* The consumer's side of the ring, and what a loader tells about itself. */
#include <stdio.h>

#include "loader/pipe/ring.h"

/* Prepares a free slot for batch seq. */
static void open_slot(slc_loader *l, slc_slot *slot, uint64_t seq)
{
    const uint64_t at = l->set.position + seq;
    slc_batch *b = &slot->batch;
    slot->seq = seq;
    b->epoch = l->set.epoch + at / l->per_epoch;
    b->number = at % l->per_epoch;
    b->last = b->number + 1 == l->per_epoch;
    slot->first = slc_sampler_batch(l->sampler, b->number, &b->n);
    slot->order = slc_sampler_order(l->sampler, b->epoch);
    slot->state = SLC_OPEN;
    slc_bad_clear(slot);
    atomic_store_explicit(&slot->done, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->claim, seq << 32 | (SLC_CLAIM_END - (uint32_t)b->n),
                          memory_order_release);
}

void slc_ring_open_free(slc_loader *l)
{
    const uint64_t before = l->opened;
    while (l->opened < l->total && l->slots[l->opened % l->count].state == SLC_FREE) {
        open_slot(l, &l->slots[l->opened % l->count], l->opened);
        l->opened++;
    }
    if (l->opened == before) return;
    atomic_store_explicit(&l->opened_hint, l->opened, memory_order_release);
    pthread_cond_broadcast(&l->room);
}

/* Waits until the batch in slot is finished. */
static void wait_ready(slc_loader *l, const slc_slot *slot)
{
    const uint64_t before = slc_clock_ns();
    pthread_mutex_lock(&l->lock);
    while (slot->state != SLC_READY)
        pthread_cond_wait(&l->ready, &l->lock);
    pthread_mutex_unlock(&l->lock);
    l->starved_ns += slc_clock_ns() - before;
}

slc_status slc_loader_next(slc_loader *l, const slc_batch **out, slc_err *err)
{
    *out = NULL;
    if (l->failed != SLC_OK) {
        if (err) *err = l->why;
        return l->failed;
    }
    if (l->next == l->total) return SLC_OK;
    if (l->held == l->count)
        return slc_fail(err, SLC_EINVAL,
                        "loader: all %zu batches of the ring are held; release one first",
                        l->count);
    slc_slot *slot = &l->slots[l->next % l->count];
    if (slot->held)
        return slc_fail(
            err, SLC_EINVAL,
            "loader: the oldest batch must be released before the next comes");
    wait_ready(l, slot);
    l->failed = slc_bad_report(l, slot, &l->why);
    if (l->failed != SLC_OK) {
        if (err) *err = l->why;
        return l->failed;
    }
    pthread_mutex_lock(&l->lock);
    slot->state = SLC_HELD;
    l->next++;
    pthread_mutex_unlock(&l->lock);
    slot->held = true;
    l->held++;
    *out = &slot->batch;
    return SLC_OK;
}

void slc_loader_release(slc_loader *l, const slc_batch *batch)
{
    for (size_t i = 0; batch && i < l->count; i++) {
        slc_slot *slot = &l->slots[i];
        if (&slot->batch != batch || !slot->held) continue;
        slot->held = false;
        pthread_mutex_lock(&l->lock);
        slot->state = SLC_FREE;
        slc_ring_open_free(l);
        pthread_mutex_unlock(&l->lock);
        l->held--;
    }
}

uint64_t slc_loader_batches(const slc_loader *l)
{
    return l->per_epoch;
}

slc_layout slc_loader_layout(const slc_loader *l)
{
    return l->set.layout;
}

void slc_loader_shape(const slc_loader *l, size_t *channels, size_t *height,
                      size_t *width)
{
    *channels = l->channels;
    *height = l->height;
    *width = l->width;
}

slc_status slc_loader_sample(const slc_loader *l, const slc_key *key, slc_work *work,
                             const slc_trace *trace, slc_image *out,
                             const slc_tail **tail, slc_err *err)
{
    slc_hand hand = {.work = *work};
    slc_maker maker = l->maker;
    maker.store = NULL; /* what is made alone leaves no trace in the stream's memory */
    slc_status st = slc_decoder_create(&hand.decoder, err);
    if (st == SLC_OK) st = slc_sample_make(&maker, key, &hand, trace, out, tail, err);
    *work = hand.work;
    hand.work = (slc_work){0};
    slc_hand_free(&hand);
    return st;
}

static uint64_t get(const atomic_uint_least64_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

slc_loader_counters slc_loader_count(const slc_loader *l)
{
    slc_loader_counters c = {
        .starved_ns = l->starved_ns, .bad = l->bad, .substituted = l->substituted};
    for (size_t i = 0; i < l->worker_count; i++) {
        const slc_worker *w = &l->workers[i];
        c.read_ns += get(&w->read_ns);
        c.decode_ns += get(&w->decode_ns);
        c.augment_ns += get(&w->augment_ns);
        c.write_ns += get(&w->write_ns);
        c.stalled_ns += get(&w->stalled_ns);
        c.samples += get(&w->samples);
        c.bytes += get(&w->bytes);
    }
    if (l->store) c.cached_samples = slc_hoard_count(l->store, &c.cached_bytes);
    return c;
}

/* How much faster the stream would be if pictures were stored with 256 px on the short side, as
 * JPEG of quality 90: reading and decoding take time by the byte, and such a photo has a third
 * of a byte per pixel (photos of ImageNet: 0.33). */
static double packed_gain(const slc_loader *l, const slc_loader_counters *c, double busy)
{
    uint64_t pixels = 0;
    for (size_t i = 0; i < l->worker_count; i++)
        pixels += get(&l->workers[i].pixels);
    if (c->samples == 0 || pixels == 0) return 1;
    const double each = (double)pixels / (double)c->samples;
    const double packed = 256.0 * 256.0 * 4 / 3;
    const double bytes = (double)c->bytes / (double)c->samples, after = packed / 3;
    if (each <= packed || bytes <= after) return 1;
    return busy / (busy - (double)(c->read_ns + c->decode_ns) * (1 - after / bytes));
}

const char *slc_loader_advice(const slc_loader *l, char *buffer, size_t size)
{
    const slc_loader_counters c = slc_loader_count(l);
    const double busy = (double)(c.read_ns + c.decode_ns + c.augment_ns + c.write_ns);
    const double all = busy + (double)c.stalled_ns;
    buffer[0] = 0;
    if (c.samples < 100 || busy <= 0) return buffer;
    if ((double)c.stalled_ns > 0.5 * all) {
        snprintf(buffer, size,
                 "not the limit: the loader's threads waited %.0f %% of the time for the "
                 "consumer",
                 100 * (double)c.stalled_ns / all);
    } else if ((double)c.read_ns > 0.4 * busy) {
        snprintf(
            buffer, size,
            "read-bound: %.0f %% of the work is reading; tar shards or cache: encoded "
            "would help",
            100 * (double)c.read_ns / busy);
    } else if ((double)c.decode_ns > 0.5 * busy) {
        const double gain = packed_gain(l, &c, busy);
        if (gain > 1.2)
            snprintf(buffer, size,
                     "decode-bound: packing at 256 px would give about %.1f x", gain);
        else
            snprintf(
                buffer, size,
                "decode-bound: %.0f %% of the work is decoding; cache: decoded would "
                "help if it fits into memory",
                100 * (double)c.decode_ns / busy);
    } else {
        snprintf(buffer, size, "augment-bound: %.0f %% of the work are the ops",
                 100 * (double)(c.augment_ns + c.write_ns) / busy);
    }
    return buffer;
}
