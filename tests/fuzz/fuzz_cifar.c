/* CIFAR files. The first byte chooses the file that the rest becomes; the records of the
 * corpora are cut short to 32 bytes, which are repeated to the whole length here. */
#include "base/file.h"
#include "loader/source.h"
#include "tests/check.h"
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *const names[] = {"data_batch_1.bin", "test_batch.bin", "train.bin",
                                    "test.bin"};
static const size_t record[] = {3073, 3073, 3074, 3074};

static void put(const char *dir, const char *name, const uint8_t *bytes, size_t size)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, size, f) == size, "%s", path);
    fclose(f);
}

static void try_folder(const char *dir, uint8_t choice)
{
    char spec[200], key[300];
    slc_source *s;
    slc_err err = {0};
    slc_arena arena = {0};
    slc_stored got;
    snprintf(spec, sizeof(spec), "cifar:%s", dir);
    const char *split = choice & 4 ? "train" : choice & 8 ? "test" : NULL;
    if (slc_source_open_text(&s, spec, split, NULL, &err) != SLC_OK) {
        CHECK(err.msg[0] && !strchr(err.msg, '\n'), "%s", err.msg);
        return;
    }
    for (uint64_t i = 0; i < slc_source_count(s); i++) {
        CHECK(slc_source_read(s, i, &arena, &got, &err) == SLC_OK, "%s", err.msg);
        CHECK(got.label >= 0 && (size_t)got.label < slc_source_classes(s), "%d",
              got.label);
        CHECK(*slc_source_key(s, i, key, sizeof(key)), "key");
        unsigned sum = 0;
        for (size_t k = 0; k < 3072; k++)
            sum += got.pixels.px[k];
        CHECK(sum <= 3072 * 255, "%u", sum);
    }
    slc_source_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char dir[] = "/dev/shm/slc-fuzz-XXXXXX", path[200];
    static const char *const all[] = {"data_batch_1.bin", "test_batch.bin",
                                      "train.bin",        "test.bin",
                                      "batches.meta.txt", "fine_label_names.txt"};
    if (size < 2 || size > 1 << 16 || !mkdtemp(dir)) return 0;
    const uint8_t choice = bytes[0];
    const size_t full = record[choice & 3], step = choice & 16 ? full : 32;
    const size_t count = (size - 1 + step - 1) / step;
    uint8_t *file = calloc(count + 1, full);
    CHECK(file, "memory");
    for (size_t i = 0; i < size - 1; i++)
        file[i / step * full + i % step] = bytes[1 + i];
    const size_t cut = choice & 32 ? size % full : 0;
    put(dir, names[choice & 3], file, count * full - cut);
    if (choice & 64) put(dir, "batches.meta.txt", bytes + 1, size - 1);
    if (choice & 128) put(dir, "fine_label_names.txt", bytes + 1, size - 1);
    free(file);
    try_folder(dir, choice);
    for (size_t i = 0; i < SLC_COUNT(all); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, all[i]);
        unlink(path);
    }
    rmdir(dir);
    return 0;
}
