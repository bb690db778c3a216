/* One file, or a part of one, read as a sample. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "augment/codec.h"
#include "loader/source/source_impl.h"

enum { HEAD = 4096 }; /* enough for every format to be recognised */

static slc_status read_part(int fd, uint64_t offset, uint8_t *to, size_t size,
                            slc_err *err)
{
    size_t have = 0;
    while (have < size) {
        const ssize_t n = pread(fd, to + have, size - have, (off_t)(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return slc_fail_errno(err, SLC_EDATA, "read");
        if (n == 0)
            return slc_fail(err, SLC_EDATA, "ends after %zu of %zu bytes", have, size);
        have += (size_t)n;
    }
    return SLC_OK;
}

slc_status slc_sample_pread(int fd, uint64_t offset, uint64_t size, slc_arena *arena,
                            slc_stored *out, slc_err *err)
{
    if (size > SLC_SOURCE_FILE_BYTES)
        return slc_fail(err, SLC_ELIMIT, "has %llu bytes, more than %d",
                        (unsigned long long)size, SLC_SOURCE_FILE_BYTES);
    slc_status st;
    const size_t total = (size_t)size;
    size_t head = 0;
    if (total > 16 * HEAD) { /* before so much memory goes into it */
        uint8_t first[HEAD];
        head = HEAD;
        if ((st = read_part(fd, offset, first, head, err)) != SLC_OK ||
            (st = slc_codec_known(first, head, err)) != SLC_OK)
            return st;
    }
    uint8_t *bytes = slc_arena_alloc(arena, total + 64);
    if (!bytes) return slc_fail(err, SLC_ENOMEM, "out of memory for %zu bytes", total);
    if ((st = read_part(fd, offset, bytes, total, err)) != SLC_OK) return st;
    memset(bytes + total, 0, 64);
    if (!head && (st = slc_codec_known(bytes, total, err)) != SLC_OK) return st;
    out->bytes = bytes;
    out->size = total;
    return SLC_OK;
}

slc_status slc_sample_read(int dir, const char *path, slc_arena *arena, slc_stored *out,
                           slc_err *err)
{
    slc_status st;
    struct stat info;
    /* A pipe in a data set must not stop the run. */
    const int fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return slc_fail_errno(err, SLC_EDATA, "open");
    if (fstat(fd, &info) != 0)
        st = slc_fail_errno(err, SLC_EDATA, "stat");
    else if (!S_ISREG(info.st_mode))
        st = slc_fail(err, SLC_EDATA, "is not a regular file");
    else
        st = slc_sample_pread(fd, 0, (uint64_t)info.st_size, arena, out, err);
    close(fd);
    return st;
}
