/* Twenty epochs of a folder of pictures: what is resident after the second is all that there
 * ever is. A thread keeps room for the largest crop it has met, so the pictures are of like
 * sizes; one huge photo among small ones is met late, which is no leak. */
#include "tests/loader/build.h"

enum { EPOCHS = 20, SETTLED = 2, PICTURES = 300 };

static double resident_mb(void)
{
    unsigned long size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f && fscanf(f, "%lu %lu", &size, &pages) == 2, "/proc/self/statm");
    fclose(f);
    return 1e-6 * (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void soak(const slc_source *s, const slc_policy *policy, slc_cache cache,
                 const char *name)
{
    slc_loader *l = open_loader(&(slc_loader_settings){.source = s,
                                                       .policy = policy,
                                                       .batch = 32,
                                                       .type = SLC_F32,
                                                       .threads = 2,
                                                       .shuffle = true,
                                                       .epochs = EPOCHS,
                                                       .on_error = SLC_ON_ERROR_SKIP,
                                                       .cache = cache});
    slc_err err = {0};
    const slc_batch *b;
    double after[EPOCHS] = {0};
    while (slc_loader_next(l, &b, &err) == SLC_OK && b) {
        if (b->last) after[b->epoch] = resident_mb();
        slc_loader_release(l, b);
    }
    CHECK(!err.msg[0], "%s", err.msg);
    slc_loader_close(&l);
    const double settled = after[SETTLED - 1], end = after[EPOCHS - 1];
    printf("cache %s: %.1f MB after epoch %d, %.1f MB after epoch %d\n", name, settled,
           SETTLED, end, EPOCHS);
    CHECK(end < 1.02 * settled, "memory grows from epoch to epoch");
}

int main(void)
{
    char dir[256], name[64];
    make_dir(dir, sizeof(dir));
    for (unsigned i = 0; i < PICTURES; i++) {
        snprintf(name, sizeof(name), "%c/%03u.%s", "abc"[i % 3], i,
                 i % 10 ? "jpg" : "png");
        write_picture(dir, name, 400 + i % 101, 300 + i % 77, i);
    }
    write_bytes(dir, "a/bad.jpg", "this is no picture", 18);
    slc_source *s = open_source(dir, NULL);
    slc_policy *policy = make_policy("[{random_resized_crop: {size: 224}}, hflip, "
                                     "{normalize: {mean: 0.5, std: 0.2}}]");
    soak(s, policy, SLC_CACHE_NONE, "none");
    soak(s, policy, SLC_CACHE_ENCODED, "encoded");
    soak(s, policy, SLC_CACHE_DECODED, "decoded");
    slc_source_close(&s);
    slc_policy_destroy(&policy);
    drop_dir(dir);
    return 0;
}
