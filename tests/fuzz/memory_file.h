/* Bytes as an open file, for parsers that read at offsets. */
#ifndef TESTS_FUZZ_MEMORY_FILE_H
#define TESTS_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/check.h"

static inline int memory_file(const uint8_t *bytes, size_t size)
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    CHECK(fd >= 0, "memfd_create");
    CHECK(pwrite(fd, bytes, size, 0) == (ssize_t)size, "%zu bytes", size);
    return fd;
}

#endif
