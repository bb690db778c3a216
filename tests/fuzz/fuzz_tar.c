/* Tar shards: whatever is accepted points into the file and has a name that stays inside. */
#include "loader/source/tar_index.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const slc_tar_fields fields = {"", "", "label"};
    slc_tar_index index;
    slc_err err = {0};
    struct stat info;
    const int fd = memory_file(bytes, size);
    CHECK(fstat(fd, &info) == 0, "stat");
    if (slc_tar_index_build(&index, fd, &info, &fields, &err) == SLC_OK) {
        for (uint64_t i = 0; i < index.count; i++) {
            const slc_tar_sample *s = &index.samples[i];
            const char *name = index.texts + s->name;
            CHECK(s->offset <= size && s->size <= size - s->offset, "place");
            CHECK(s->name < index.text_size && s->label < index.text_size, "text");
            CHECK(name[0] && name[0] != '/' && strncmp(name, "../", 3) != 0 &&
                      !strstr(name, "/../"),
                  "%s", name);
        }
        slc_tar_index_free(&index);
    } else {
        CHECK(err.msg[0] && !strchr(err.msg, '\n'), "%s", err.msg);
    }
    close(fd);
    return 0;
}
