/* IDX: the files of images and labels. The first byte says which of them are packed and
 * whether they are of two splits, the next two how many of the other bytes are the images'. */
#include <unistd.h>
#include <zlib.h>

#include "loader/source.h"
#include "tests/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    PACK_IMAGES = 1,
    PACK_LABELS = 2,
    RAW_GZ = 4,
    NO_LABELS = 8,
    TEST_TOO = 16,
    SPLIT = 32
};

static const char *const stems[] = {"train", "t10k"};

static void put(const char *dir, const char *stem, const char *rest, unsigned how,
                const uint8_t *bytes, size_t size)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s-%s%s", dir, stem, rest,
             how & RAW_GZ || how & PACK_IMAGES ? ".gz" : "");
    gzFile f = gzopen(path, how & PACK_IMAGES ? "wb1" : "wbT");
    CHECK(f && gzwrite(f, bytes, (unsigned)size) == (int)size, "%s", path);
    gzclose(f);
}

static void remove_all(const char *dir)
{
    char path[200];
    for (size_t i = 0; i < 8; i++) {
        snprintf(path, sizeof(path), "%s/%s-%s%s", dir, stems[i & 1],
                 i & 2 ? "images-idx3-ubyte" : "labels-idx1-ubyte", i & 4 ? ".gz" : "");
        unlink(path);
    }
    rmdir(dir);
}

/* Every sample that is announced can be read, and its label has a name. */
static void try_folder(const char *dir, const char *split)
{
    char spec[200], key[300];
    slc_source *s;
    slc_err err = {0};
    slc_arena arena = {0};
    slc_stored got;
    snprintf(spec, sizeof(spec), "idx:%s", dir);
    if (slc_source_open_text(&s, spec, split, NULL, &err) != SLC_OK) {
        CHECK(err.msg[0] && !strchr(err.msg, '\n'), "%s", err.msg);
        return;
    }
    for (uint64_t i = 0; i < slc_source_count(s); i++) {
        CHECK(slc_source_read(s, i, &arena, &got, &err) == SLC_OK, "%s", err.msg);
        CHECK(got.label < (int32_t)slc_source_classes(s), "%d", got.label);
        CHECK(*slc_source_key(s, i, key, sizeof(key)), "key");
        unsigned sum = 0;
        for (size_t k = 0; k < got.pixels.h * got.pixels.stride; k++)
            sum += got.pixels.px[k];
        CHECK(sum <= got.pixels.h * got.pixels.stride * 255, "%u", sum);
    }
    slc_source_close(&s);
    slc_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char dir[] = "/dev/shm/slc-fuzz-XXXXXX";
    if (size < 3 || size > 1 << 16 || !mkdtemp(dir)) return 0;
    const unsigned how = bytes[0];
    const size_t wanted = bytes[1] | (size_t)bytes[2] << 8, left = size - 3;
    const size_t images = wanted < left ? wanted : left;
    for (size_t i = 0; i < (how & TEST_TOO ? 2 : 1); i++) {
        put(dir, stems[i], "images-idx3-ubyte", how, bytes + 3, images);
        if (!(how & NO_LABELS))
            put(dir, stems[i], "labels-idx1-ubyte", (how & RAW_GZ) | (how >> 1 & 1),
                bytes + 3 + images, left - images);
    }
    try_folder(dir, how & SPLIT ? "test" : NULL);
    remove_all(dir);
    return 0;
}
