/* The steady state allocates nothing: malloc is ours, and counts. */
#include <stdatomic.h>

#include "tests/loader/build.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

static atomic_size_t count; /* orders nothing */

void *malloc(size_t size)
{
    atomic_fetch_add(&count, 1);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    atomic_fetch_add(&count, 1);
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    atomic_fetch_add(&count, 1);
    return __libc_realloc(p, size);
}

/* Allocations of the last epochs, after the first ones have met every size. */
static size_t allocations(const slc_loader_settings *set, uint64_t from)
{
    slc_loader *l = open_loader(set);
    slc_err err = {0};
    const slc_batch *b;
    size_t before = 0;
    while (slc_loader_next(l, &b, &err) == SLC_OK && b) {
        if (b->epoch == from && b->number == 0) before = atomic_load(&count);
        slc_loader_release(l, b);
    }
    const size_t after = atomic_load(&count);
    CHECK(!err.msg[0], "%s", err.msg);
    slc_loader_close(&l);
    return after - before;
}

int main(void)
{
    char dir[256], folder[300], numbers[300];
    make_dir(dir, sizeof(dir));
    snprintf(folder, sizeof(folder), "%s/tree", dir);
    snprintf(numbers, sizeof(numbers), "%s/idx", dir);
    for (unsigned i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%c/%02u.jpg", "ab"[i % 2], i);
        write_picture(folder, name, 60, 50, i);
    }
    write_idx(numbers, "train", 1000);
    slc_source *tree = open_source(folder, NULL), *idx = open_source(numbers, "train");
    slc_policy *crop = make_policy("[{random_resized_crop: {size: 24}}, hflip, "
                                   "{normalize: {mean: [0.5], std: [0.2]}}]");
    slc_policy *pad =
        make_policy("[{random_crop: {size: 28, padding: 4}}, hflip, cutout, "
                    "{normalize: {mean: [0.5], std: [0.2]}}]");
    /* One thread each: of two, one may meet its first or its largest picture late. */
    const size_t raw = allocations(&(slc_loader_settings){.source = idx,
                                                          .policy = pad,
                                                          .batch = 64,
                                                          .type = SLC_F32,
                                                          .threads = 1,
                                                          .shuffle = true,
                                                          .epochs = 6},
                                   2);
    CHECK(raw == 0, "idx: %zu allocations", raw);
    const size_t jpeg = allocations(&(slc_loader_settings){.source = tree,
                                                           .policy = crop,
                                                           .batch = 8,
                                                           .type = SLC_F32,
                                                           .threads = 1,
                                                           .shuffle = true,
                                                           .epochs = 40},
                                    38);
    CHECK(jpeg == 0, "jpeg: %zu allocations", jpeg);
    slc_policy_destroy(&crop);
    slc_policy_destroy(&pad);
    slc_source_close(&tree);
    slc_source_close(&idx);
    drop_dir(dir);
    return 0;
}
#else
int main(void)
{
    return 77; /* skipped: another malloc is at work */
}
#endif
