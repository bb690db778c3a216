/* Model files: what is accepted lies inside the file; what is refused has one sentence. */
#include "tests/check.h"
#include "tests/fuzz/memory_file.h"
#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t check_blob(const slc_blob *b)
{
    size_t count = 1;
    for (size_t i = 0; i < b->rank; i++)
        count *= b->dim[i];
    CHECK(count == 0 || b->size % count == 0, "%s: %zu bytes, %zu numbers", b->name,
          b->size, count);
    unsigned sum = 0; /* reads every byte: a sanitizer sees one that is not the file's */
    for (size_t i = 0; i < b->size; i++)
        sum += ((const uint8_t *)b->data)[i];
    return b->size + (sum & 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[64];
    slc_tensors *file = NULL;
    slc_err err = {0};
    size_t used = 0;
    const int fd = memory_file(bytes, size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const slc_status st = slc_tensors_open(&file, path, &err);
    CHECK((st == SLC_OK) == (file != NULL), "%d", st);
    CHECK(file || (strstr(err.msg, path) && !strchr(err.msg, '\n')), "%s", err.msg);
    for (size_t i = 0; file && i < slc_tensors_count(file); i++)
        used += check_blob(slc_tensors_at(file, i));
    CHECK(used <= size, "%zu of %zu bytes", used, size);
    slc_tensors_close(&file);
    close(fd);
    return 0;
}
