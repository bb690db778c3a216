/* Listings kept between runs. Magic, size, root and the root's time are put right, so that what
 * they protect is reached: whatever is accepted points into itself. */
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "loader/source/listing.h"
#include "tests/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { HEADER = 72, DIR = 24 };

static void put64(uint8_t *at, uint64_t v)
{
    memcpy(at, &v, sizeof(v));
}

static void mend(uint8_t *copy, size_t size, uint64_t check, const struct stat *root)
{
    if (size < HEADER + DIR) return;
    put64(copy, UINT64_C(0x31676e69746c6c73));
    put64(copy + 8, size);
    put64(copy + 16, check);
    put64(copy + HEADER + 8, (uint64_t)root->st_mtim.tv_sec);
    put64(copy + HEADER + 16, (uint64_t)root->st_mtim.tv_nsec);
}

static void check_listing(const char *root)
{
    slc_listing l;
    if (!slc_listing_load(&l, root, "fuzz")) return;
    for (uint64_t i = 0; i < l.count; i++) {
        CHECK(strlen(l.texts + l.offset[i]) < l.text_size, "path");
        CHECK(l.label[i] >= -1 && l.label[i] < (int64_t)l.classes, "%d", l.label[i]);
    }
    for (size_t i = 0; i < l.classes; i++)
        CHECK(strlen(l.class_names[i]) < l.text_size, "class");
    slc_listing_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char root[] = "/dev/shm/slc-fuzz-XXXXXX", path[PATH_MAX];
    struct stat info;
    uint8_t *copy = malloc(size + 1);
    CHECK(copy && mkdtemp(root) && stat(root, &info) == 0, "%s", root);
    const uint64_t check = slc_hash64(root, strlen(root), slc_hash64("fuzz", 4, 1));
    memcpy(copy, bytes, size);
    mend(copy, size, check, &info);
    setenv("SLUICE_CACHE", "/dev/shm", 1);
    snprintf(path, sizeof(path), "/dev/shm/listing-%016llx", (unsigned long long)check);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(copy, 1, size, f) == size, "%s", path);
    fclose(f);
    check_listing(root);
    unlink(path);
    rmdir(root);
    free(copy);
    return 0;
}
