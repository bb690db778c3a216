/* The cache tiers' memory: one pointer per sample, set once by whoever makes the sample first.
 * Nothing is ever thrown out: an order that visits every sample once an epoch gains nothing
 * from recency, only from what stays. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "loader/sample.h"

typedef struct kept {
    slc_image pixels; /* rows dense; w = 0: encoded */
    size_t size;
    uint8_t bytes[];
} kept;

struct slc_hoard {
    uint64_t count, budget;
    atomic_uint_least64_t left; /* bytes; a budget, orders nothing */
    _Atomic(kept *) at[];       /* release on set, acquire on use */
};

slc_status slc_hoard_create(slc_hoard **out, uint64_t count, uint64_t bytes, slc_err *err)
{
    size_t size;
    *out = NULL;
    slc_hoard *s = NULL;
    if (slc_mul(count, sizeof(s->at[0]), &size) && slc_add(size, sizeof(*s), &size))
        s = calloc(1, size);
    if (!s) return slc_fail(err, SLC_ENOMEM, "cache: out of memory");
    s->count = count;
    s->budget = bytes > size ? bytes : size;
    atomic_init(&s->left, s->budget - size);
    *out = s;
    return SLC_OK;
}

void slc_hoard_destroy(slc_hoard **store)
{
    slc_hoard *s = *store;
    if (!s) return;
    for (uint64_t i = 0; i < s->count; i++)
        free(atomic_load_explicit(&s->at[i], memory_order_relaxed));
    free(s);
    *store = NULL;
}

bool slc_hoard_get(const slc_hoard *s, uint64_t index, slc_stored *out)
{
    kept *k = atomic_load_explicit(&s->at[index], memory_order_acquire);
    if (!k) return false;
    out->pixels = k->pixels;
    out->bytes = k->pixels.w ? NULL : k->bytes;
    out->size = k->size;
    return true;
}

static bool take(slc_hoard *s, uint64_t bytes)
{
    uint64_t left = atomic_load_explicit(&s->left, memory_order_relaxed);
    do
        if (left < bytes) return false;
    while (!atomic_compare_exchange_weak_explicit(
        &s->left, &left, left - bytes, memory_order_relaxed, memory_order_relaxed));
    return true;
}

void slc_hoard_put(slc_hoard *s, uint64_t index, const slc_stored *sample)
{
    const slc_image *im = &sample->pixels;
    const size_t row = im->w * im->channels;
    const size_t size = im->w ? row * im->h : sample->size;
    const size_t total = sizeof(kept) + size + 64; /* kernels may read behind the end */
    kept *none = NULL;
    if (atomic_load_explicit(&s->at[index], memory_order_relaxed) || !take(s, total))
        return;
    kept *k = malloc(total);
    if (k) {
        *k = (kept){.pixels = *im, .size = sample->size};
        if (im->w) {
            k->pixels.px = k->bytes;
            k->pixels.stride = row;
            for (size_t y = 0; y < im->h; y++)
                memcpy(k->bytes + y * row, im->px + y * im->stride, row);
        } else {
            memcpy(k->bytes, sample->bytes, size);
        }
        memset(k->bytes + size, 0, 64);
        if (atomic_compare_exchange_strong_explicit(
                &s->at[index], &none, k, memory_order_release, memory_order_relaxed))
            return;
        free(k); /* another thread was first */
    }
    atomic_fetch_add_explicit(&s->left, total, memory_order_relaxed);
}

uint64_t slc_hoard_count(const slc_hoard *s, uint64_t *bytes)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < s->count; i++)
        n += atomic_load_explicit(&s->at[i], memory_order_relaxed) != NULL;
    *bytes = s->budget - atomic_load_explicit(&s->left, memory_order_relaxed);
    return n;
}
