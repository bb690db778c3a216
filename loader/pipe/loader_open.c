/* Opening a loader: every question about the settings is answered here, every byte of the
 * steady state allocated. */
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/num.h"
#include "loader/pipe/ring.h"

enum { DEFAULT_AHEAD = 3, MOST_AHEAD = 4096, MOST_THREADS = 1024, MOST_RUN = 32 };

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "loader: out of memory");
}

static slc_status check(slc_loader *l, slc_err *err)
{
    slc_loader_settings *set = &l->set;
    if (!set->source) return slc_fail(err, SLC_EINVAL, "loader: no source");
    if (set->threads == 0) set->threads = slc_pool_cores();
    if (set->ahead == 0) set->ahead = DEFAULT_AHEAD;
    if (set->threads > MOST_THREADS)
        return slc_fail(err, SLC_EINVAL, "threads: %zu, more than %d", set->threads,
                        MOST_THREADS);
    if (set->ahead < 2 || set->ahead > MOST_AHEAD)
        return slc_fail(err, SLC_EINVAL, "ahead: %zu, not in 2 to %d", set->ahead,
                        MOST_AHEAD);
    if (set->channels != 0 && set->channels != 1 && set->channels != 3)
        return slc_fail(err, SLC_EINVAL, "channels: %zu, not 1 or 3", set->channels);
    if (set->batch == 0) set->batch = 1;
    if (set->ragged_sizes && set->batch != 1)
        return slc_fail(err, SLC_EINVAL,
                        "batch: %zu pictures of different sizes make no batch",
                        set->batch);
    if (set->max_errors < 0 || !(set->max_errors < 1e18))
        return slc_fail(err, SLC_EINVAL, "max_errors: %g", set->max_errors);
    if (!set->policy) {
        const slc_status st = slc_policy_create(
            &l->identity, NULL, "augment", (slc_images){.channels = set->channels}, err);
        if (st != SLC_OK) return st;
        set->policy = l->identity;
    }
    if (set->type == SLC_U8 && slc_policy_is_normalized(set->policy))
        return slc_fail(err, SLC_EINVAL,
                        "type: u8 cannot hold normalised values; use f32 or bf16");
    return SLC_OK;
}

/* The size of the first picture, for policies that keep sizes. */
static slc_status first_size(slc_loader *l, size_t *w, size_t *h, slc_err *err)
{
    char text[4352];
    slc_hand hand = {0};
    slc_stored stored;
    slc_image_info info;
    slc_decode how = l->set.decode;
    how.region = (slc_rect){0};
    slc_status st = slc_hand_init(&hand, err);
    if (st == SLC_OK) st = slc_sample_fetch(&l->maker, 0, &hand, &stored, err);
    if (st == SLC_OK) {
        st = slc_decode_info(hand.decoder, stored.bytes, stored.size, &how, &info, err);
        if (st != SLC_OK)
            slc_err_prefix(err, "%s",
                           slc_source_key(l->set.source, 0, text, sizeof(text)));
    }
    if (st == SLC_OK) {
        *w = info.w;
        *h = info.h;
    }
    slc_hand_free(&hand);
    return st;
}

/* What comes out, for all samples alike. */
static slc_status shape(slc_loader *l, slc_err *err)
{
    size_t w = 0, h = 0, channels = 0;
    const bool raw = slc_source_fixed_size(l->set.source, &w, &h, &channels);
    if (l->set.channels == 0) l->set.channels = raw ? channels : 3;
    l->maker.channels = l->set.channels;
    l->channels = slc_policy_output_channels(l->set.policy, l->set.channels);
    l->width = l->set.width;
    l->height = l->set.height;
    if (l->set.ragged_sizes || (l->width && l->height)) return SLC_OK;
    if (slc_policy_output_size(l->set.policy, w, h, &l->width, &l->height)) return SLC_OK;
    if (!raw) {
        const slc_status st = first_size(l, &w, &h, err);
        if (st != SLC_OK) return st;
        if (slc_policy_output_size(l->set.policy, w, h, &l->width, &l->height))
            return SLC_OK;
    }
    return slc_fail(err, SLC_EINVAL,
                    "loader: the policy gives pictures of different sizes; end it with a "
                    "crop or a resize to a fixed size");
}

/* How many samples a worker takes at a time: one where each is work, a handful where taking
 * would cost as much as making, but never so many that a thread goes without. */
static size_t run_length(const slc_loader *l)
{
    size_t w, h, channels;
    if (!slc_source_fixed_size(l->set.source, &w, &h, &channels) ||
        l->width * l->height > 64 * 64)
        return 1;
    const size_t share = l->set.batch / (l->set.threads * 2);
    return slc_max(1, slc_min(share, MOST_RUN));
}

/* n * size zeroed bytes from the loader's arena. */
static void *block(slc_loader *l, size_t n, size_t size, bool *good)
{
    void *p = slc_arena_zero(&l->arena, n ? n : 1, size);
    *good &= p != NULL;
    return p;
}

static slc_status make_slot(slc_loader *l, slc_slot *slot, size_t most, slc_err *err)
{
    bool good = true;
    size_t size = 0;
    const slc_loader_settings *set = &l->set;
    const size_t element = l->channels * slc_dtype_size(set->type);
    if (!slc_mul3(l->width, l->height, element, &size) || !slc_mul(size, most, &size) ||
        !slc_add(size, 128, &size))
        return slc_fail(err, SLC_ELIMIT,
                        "batch: %zu pictures of %zu x %zu px are too much", most,
                        l->width, l->height);
    size = set->ragged_sizes ? 64 : slc_round_up(size, 64);
    slot->data = slc_block_alloc(size);
    slot->data_size = size;
    slot->label_a = block(l, most, sizeof(*slot->label_a), &good);
    slot->index = block(l, most, sizeof(*slot->index), &good);
    slot->view = block(l, most, sizeof(*slot->view), &good);
    slot->real = block(l, most, 1, &good);
    slot->failed = block(l, most, 1, &good);
    if (set->mix) {
        slot->label_b = block(l, most, sizeof(*slot->label_b), &good);
        slot->lambda = block(l, most, sizeof(*slot->lambda), &good);
        slot->partner = block(l, most, sizeof(*slot->partner), &good);
        slot->mix_scratch = block(
            l, 1,
            slc_mix_scratch(set->mix, most, l->channels, l->height, l->width, set->type) +
                64,
            &good);
    }
    if (!good || !slot->data) return no_memory(err);
    slot->batch = (slc_batch){.data = slot->data,
                              .type = set->type,
                              .layout = set->layout,
                              .channels = l->channels,
                              .height = l->height,
                              .width = l->width,
                              .label_a = slot->label_a,
                              .label_b = slot->label_b,
                              .lambda = slot->lambda,
                              .partner = slot->partner,
                              .index = slot->index,
                              .view = slot->view,
                              .real = slot->real,
                              .drawn = slot->drawn};
    return SLC_OK;
}

static slc_status make_ring(slc_loader *l, slc_err *err)
{
    const size_t most = slc_sampler_most(l->sampler);
    const size_t workers = l->set.threads;
    l->slots = aligned_alloc(64, l->set.ahead * sizeof(*l->slots));
    l->workers = aligned_alloc(64, workers * sizeof(*l->workers));
    if (!l->slots || !l->workers) return no_memory(err);
    memset(l->slots, 0, l->set.ahead * sizeof(*l->slots));
    memset(l->workers, 0, workers * sizeof(*l->workers));
    for (; l->count < l->set.ahead; l->count++) {
        slc_slot *slot = &l->slots[l->count];
        pthread_mutex_init(&slot->bad_lock, NULL);
        atomic_init(&slot->claim, SLC_CLAIM_END);
        const slc_status st = make_slot(l, slot, most, err);
        if (st != SLC_OK) return l->count++, st;
    }
    for (; l->worker_count < workers; l->worker_count++) {
        const slc_status st = slc_hand_init(&l->workers[l->worker_count].hand, err);
        if (st != SLC_OK) return l->worker_count++, st;
    }
    return SLC_OK;
}

/* Batches from (epoch, position) to the end of the last epoch. */
static void count_batches(slc_loader *l)
{
    const slc_loader_settings *set = &l->set;
    l->per_epoch = slc_sampler_batches(l->sampler);
    l->total = UINT64_MAX;
    if (set->epochs == 0) return;
    const uint64_t left = set->epochs > set->epoch ? set->epochs - set->epoch : 0;
    const uint64_t all = left * l->per_epoch;
    l->total = all > set->position ? all - set->position : 0;
}

slc_status slc_loader_open(slc_loader **out, const slc_loader_settings *settings,
                           slc_err *err)
{
    *out = NULL;
    slc_loader *l = calloc(1, sizeof(*l));
    if (!l) return no_memory(err);
    l->set = *settings;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->room, NULL);
    pthread_cond_init(&l->ready, NULL);
    slc_status st = check(l, err);
    if (st != SLC_OK) goto done;
    const slc_loader_settings *set = &l->set;
    l->maker = (slc_maker){.source = set->source,
                           .policy = set->policy,
                           .fast = set->fast,
                           .decode = set->decode,
                           .cache = set->cache};
    if ((st = shape(l, err)) != SLC_OK ||
        (st = slc_sampler_create(&l->sampler, set, slc_policy_views(set->policy), err)) !=
            SLC_OK)
        goto done;
    if (set->cache != SLC_CACHE_NONE)
        st = slc_hoard_create(&l->store, slc_source_count(set->source),
                              set->cache_bytes ? set->cache_bytes : (uint64_t)1 << 30,
                              err);
    l->maker.store = l->store;
    if (st == SLC_OK && set->quarantine) st = slc_quarantine_read(l, err);
    if (st != SLC_OK) goto done;
    l->run = run_length(l);
    count_batches(l);
    if ((st = make_ring(l, err)) != SLC_OK) goto done;
    pthread_mutex_lock(&l->lock);
    slc_ring_open_free(l);
    pthread_mutex_unlock(&l->lock);
    st = slc_pool_start(&l->pool, l->worker_count, slc_worker_run, slc_worker_stop, l,
                        err);
done:
    if (st != SLC_OK)
        slc_loader_close(&l);
    else
        *out = l;
    return st;
}

void slc_loader_close(slc_loader **loader)
{
    slc_loader *l = *loader;
    if (!l) return;
    if (l->pool) slc_worker_stop(l);
    slc_pool_join(&l->pool);
    for (size_t i = 0; i < l->count; i++) {
        slc_bad_clear(&l->slots[i]);
        free(l->slots[i].bad);
        free(l->slots[i].data);
        pthread_mutex_destroy(&l->slots[i].bad_lock);
    }
    for (size_t i = 0; i < l->worker_count; i++)
        slc_hand_free(&l->workers[i].hand);
    free(l->slots);
    free(l->workers);
    free(l->quarantined);
    free(l->told);
    slc_hoard_destroy(&l->store);
    slc_sampler_destroy(&l->sampler);
    slc_policy_destroy(&l->identity);
    slc_arena_free(&l->arena);
    pthread_cond_destroy(&l->room);
    pthread_cond_destroy(&l->ready);
    pthread_mutex_destroy(&l->lock);
    free(l);
    *loader = NULL;
}
