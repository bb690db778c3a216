/* Sidecars of shards. Magic, version and checksum are put right, so that what they protect is
 * reached: whatever is accepted points into itself and into the shard. */
#include "base/hash.h"
#include "loader/source/tar_index.h"
#include "tests/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { HEADER = 88, CHECKSUM = 80 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint64_t begin[] = {UINT64_C(0x7865646e69726174), 1};
    slc_tar_index index;
    slc_tar_stamp stamp = {0};
    uint64_t salt = 0;
    uint8_t *copy = malloc(size + 1);
    CHECK(copy, "memory");
    memcpy(copy, bytes, size);
    if (size >= HEADER) {
        memcpy(copy, begin, sizeof(begin));
        memcpy(&stamp, copy + 16, sizeof(stamp));
        memcpy(&salt, copy + 40, sizeof(salt));
        const uint64_t check = slc_hash64(copy + HEADER, size - HEADER, 0);
        memcpy(copy + CHECKSUM, &check, sizeof(check));
    }
    if (slc_tar_index_parse(&index, copy, size, &stamp, salt)) {
        for (uint64_t i = 0; i < index.count; i++) {
            const slc_tar_sample *s = &index.samples[i];
            CHECK(s->offset <= stamp.size && s->size <= stamp.size - s->offset, "place");
            CHECK(strlen(index.texts + s->name) < index.text_size, "name");
            CHECK(strlen(index.texts + s->label) < index.text_size, "label");
        }
        slc_tar_index_free(&index);
    }
    free(copy);
    return 0;
}
