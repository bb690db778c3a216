/* Orders as functions. Shuffling is a keyed bijection (base/rng), weighted sampling a search in
 * the running sum of weights, balanced sampling a bijection onto classes and then a draw among
 * the class's members. */
#include "loader/sampler.h"

#include <stdlib.h>

#include "base/num.h"

struct slc_sampler {
    const slc_source *source;
    slc_sample_by by;
    slc_ragged tail;
    bool shuffle;
    size_t batch;
    uint64_t seed, count; /* samples of the source */
    uint64_t repeats, views, rank, world;
    uint64_t all;       /* positions of an epoch over all ranks, without filling */
    uint64_t positions; /* of this rank, without the filling of a last batch */
    double *sum;        /* WEIGHTED: running sum of weights, count of them */
    uint64_t *member;   /* samples, class by class; BALANCED and substitutes */
    uint64_t *start;    /* classes + 1 places in member */
    size_t classes;
};

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "sampler: out of memory");
}

static slc_status sum_weights(slc_sampler *s, slc_err *err)
{
    double sum = 0;
    s->sum = malloc(s->count * sizeof(*s->sum));
    if (!s->sum) return no_memory(err);
    for (uint64_t i = 0; i < s->count; i++) {
        const double w = slc_source_weight(s->source, i);
        sum += w > 0 ? w : 0;
        s->sum[i] = sum;
    }
    if (!(sum > 0))
        return slc_fail(err, SLC_EINVAL, "sampler: all weights of %s are 0",
                        slc_source_describe(s->source));
    return SLC_OK;
}

/* The samples of each class, by counting; without labels all are of one. */
static slc_status sort_members(slc_sampler *s, slc_err *err)
{
    s->classes = slc_max(slc_source_classes(s->source), 1);
    s->start = calloc(s->classes + 2, sizeof(*s->start));
    s->member = malloc(s->count * sizeof(*s->member));
    if (!s->start || !s->member) return no_memory(err);
    for (uint64_t i = 0; i < s->count; i++) {
        const int32_t label = slc_source_label(s->source, i);
        s->start[(label < 0 ? 0 : (size_t)label) + 2]++;
    }
    for (size_t c = 2; c < s->classes + 2; c++)
        s->start[c] += s->start[c - 1];
    for (uint64_t i = 0; i < s->count; i++) {
        const int32_t label = slc_source_label(s->source, i);
        s->member[s->start[(label < 0 ? 0 : (size_t)label) + 1]++] = i;
    }
    return SLC_OK;
}

static slc_status check_balanced(const slc_sampler *s, slc_err *err)
{
    if (slc_source_classes(s->source) == 0)
        return slc_fail(err, SLC_EINVAL, "sampler: %s has no labels to balance",
                        slc_source_describe(s->source));
    for (size_t c = 0; c < s->classes; c++)
        if (s->start[c] == s->start[c + 1])
            return slc_fail(err, SLC_EINVAL,
                            "sampler: class %s has no samples to balance",
                            slc_source_class(s->source, c));
    return SLC_OK;
}

static slc_status check(const slc_loader_settings *set, slc_err *err)
{
    if (set->world > 0 && set->rank >= set->world)
        return slc_fail(err, SLC_EINVAL, "rank %llu: there are only %llu, from 0",
                        (unsigned long long)set->rank, (unsigned long long)set->world);
    if (set->batch > UINT32_MAX / 4)
        return slc_fail(err, SLC_EINVAL, "batch: %zu is too many", set->batch);
    if (set->repeats > 1000)
        return slc_fail(err, SLC_EINVAL, "repeats: %llu is too many",
                        (unsigned long long)set->repeats);
    return SLC_OK;
}

slc_status slc_sampler_create(slc_sampler **out, const slc_loader_settings *set,
                              uint32_t views, slc_err *err)
{
    *out = NULL;
    slc_status st = check(set, err);
    if (st != SLC_OK) return st;
    slc_sampler *s = calloc(1, sizeof(*s));
    if (!s) return no_memory(err);
    s->source = set->source;
    s->by = set->sample_by;
    s->tail = set->tail;
    s->shuffle = set->shuffle;
    s->batch = set->batch ? set->batch : 1;
    s->seed = set->seed;
    s->count = slc_source_count(set->source);
    s->repeats = set->repeats ? set->repeats : 1;
    s->views = views ? views : 1;
    s->world = set->world ? set->world : 1;
    s->rank = set->rank;
    s->all = s->count * s->repeats * s->views;
    s->positions = s->all / s->world;
    if (s->tail != SLC_TAIL_DROP && s->all % s->world) s->positions++;
    if (s->by == SLC_SAMPLE_WEIGHTED) st = sum_weights(s, err);
    if (st == SLC_OK &&
        (s->by == SLC_SAMPLE_BALANCED || set->on_error == SLC_ON_ERROR_SUBSTITUTE))
        st = sort_members(s, err);
    if (st == SLC_OK && s->by == SLC_SAMPLE_BALANCED) st = check_balanced(s, err);
    if (st == SLC_OK && slc_sampler_batches(s) == 0)
        st = slc_fail(err, SLC_EINVAL,
                      "batch: %zu is more than the %llu samples there are, and the last, "
                      "smaller batch is dropped",
                      s->batch, (unsigned long long)s->positions);
    if (st != SLC_OK)
        slc_sampler_destroy(&s);
    else
        *out = s;
    return st;
}

void slc_sampler_destroy(slc_sampler **sampler)
{
    slc_sampler *s = *sampler;
    if (!s) return;
    free(s->sum);
    free(s->member);
    free(s->start);
    free(s);
    *sampler = NULL;
}

uint64_t slc_sampler_positions(const slc_sampler *s)
{
    return s->positions;
}

uint64_t slc_sampler_batches(const slc_sampler *s)
{
    const uint64_t whole = s->positions / s->batch;
    if (s->positions % s->batch == 0) return whole;
    switch (s->tail) {
    case SLC_TAIL_DROP: return whole;
    case SLC_TAIL_MERGE: return whole ? whole : 1;
    case SLC_TAIL_KEEP:
    case SLC_TAIL_PAD: break;
    }
    return whole + 1;
}

size_t slc_sampler_most(const slc_sampler *s)
{
    size_t n;
    if (s->tail == SLC_TAIL_PAD) return s->batch;
    const uint64_t batches = slc_sampler_batches(s);
    slc_sampler_batch(s, batches - 1, &n);
    return batches > 1 ? slc_max(n, s->batch) : n;
}

uint64_t slc_sampler_batch(const slc_sampler *s, uint64_t number, size_t *n)
{
    const uint64_t first = number * s->batch, left = s->positions - first;
    *n = s->batch;
    if (number + 1 == slc_sampler_batches(s)) {
        if (s->tail == SLC_TAIL_MERGE || s->tail == SLC_TAIL_KEEP) *n = (size_t)left;
    }
    return first;
}

slc_order slc_sampler_order(const slc_sampler *s, uint64_t epoch)
{
    const uint64_t n = s->by == SLC_SAMPLE_BALANCED ? s->count * s->repeats : s->count;
    return (slc_order){epoch, slc_perm_make(s->seed, epoch, n)};
}

static uint64_t weighted(const slc_sampler *s, const slc_order *order, uint64_t draw)
{
    slc_rng rng = slc_rng_at(s->seed, order->epoch, draw, SLC_SLOT_SAMPLER);
    const double at = slc_rng_unit(&rng) * s->sum[s->count - 1];
    uint64_t lo = 0, hi = s->count - 1; /* the first whose sum is above at */
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (s->sum[mid] > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* The classes take turns, in an order that is shuffled as a whole: exactly equal shares. */
static uint64_t balanced(const slc_sampler *s, const slc_order *order, uint64_t draw)
{
    const uint64_t turn = slc_perm_at(&order->perm, draw % order->perm.n);
    const size_t c = (size_t)(turn % s->classes);
    slc_rng rng = slc_rng_at(s->seed, order->epoch, draw, SLC_SLOT_SAMPLER);
    return s->member[s->start[c] + slc_rng_below(&rng, s->start[c + 1] - s->start[c])];
}

slc_pick slc_sampler_at(const slc_sampler *s, const slc_order *order, uint64_t position)
{
    slc_pick pick = {.real = position < s->positions};
    /* Ranks take turns, so that together they see what one would, in the same order. */
    uint64_t at = position * s->world + s->rank;
    if (at >= s->all) {
        pick.real = false;
        at %= s->all;
    }
    const uint64_t draw = at / s->views / s->repeats;
    const uint32_t in_a_row = (uint32_t)(at % (s->views * s->repeats));
    switch (s->by) {
    case SLC_SAMPLE_ALL:
        pick.index = s->shuffle ? slc_perm_at(&order->perm, draw) : draw;
        pick.view = in_a_row;
        break;
    case SLC_SAMPLE_WEIGHTED:
        pick.index = weighted(s, order, draw);
        pick.view = (uint32_t)at;
        break;
    case SLC_SAMPLE_BALANCED:
        pick.index = balanced(s, order, draw);
        pick.view = (uint32_t)at;
        break;
    }
    return pick;
}

uint64_t slc_sampler_substitute(const slc_sampler *s, uint64_t epoch, uint64_t index,
                                uint32_t attempt)
{
    const int32_t label = slc_source_label(s->source, index);
    const size_t c = label < 0 ? 0 : (size_t)label;
    slc_rng rng = slc_rng_at(s->seed, epoch, index, SLC_SLOT_SOURCE + attempt);
    return s->member[s->start[c] + slc_rng_below(&rng, s->start[c + 1] - s->start[c])];
}
