/* zlib's gz layer reads plain files too. What it does not tell apart, a truncated stream from
 * a complete one, its error code at the end does. */
#include "loader/source/gunzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { MOST_HEAD = 64, DEFLATE_RATIO = 1032 /* most that a deflate stream unfolds */ };

static slc_status fail_gz(gzFile file, const char *path, uint64_t have, uint64_t want,
                          slc_err *err)
{
    int code = Z_OK;
    const char *text = gzerror(file, &code);
    if (code == Z_ERRNO) return slc_fail_errno(err, SLC_EDATA, "%s: read", path);
    if (code == Z_OK || code == Z_BUF_ERROR)
        return slc_fail(err, SLC_EDATA, "%s: is truncated: ends after %llu of %llu bytes",
                        path, (unsigned long long)have, (unsigned long long)want);
    return slc_fail(err, SLC_EDATA, "%s: is damaged after %llu bytes: %s", path,
                    (unsigned long long)have, text);
}

static slc_status read_exactly(gzFile file, const char *path, uint8_t *to, uint64_t have,
                               uint64_t want, slc_err *err)
{
    while (have < want) {
        const uint64_t left = want - have;
        const int n =
            gzread(file, to + have, left > (1 << 20) ? 1 << 20 : (unsigned)left);
        if (n <= 0) return fail_gz(file, path, have, want, err);
        have += (uint64_t)n;
    }
    return SLC_OK;
}

/* Nothing may follow, and the checksum behind the stream must be right. */
static slc_status read_end(gzFile file, const char *path, uint64_t size, slc_err *err)
{
    uint8_t more;
    int code = Z_OK;
    const int n = gzread(file, &more, 1);
    if (n > 0)
        return slc_fail(err, SLC_EDATA,
                        "%s: holds more than the %llu bytes its header says", path,
                        (unsigned long long)size);
    gzerror(file, &code);
    return n < 0 || code != Z_OK ? fail_gz(file, path, size, size, err) : SLC_OK;
}

slc_status slc_gunzip(uint8_t **out, uint64_t *size, const char *path, size_t head,
                      slc_status (*expect)(const uint8_t *head, uint64_t *size,
                                           slc_err *err),
                      slc_err *err)
{
    slc_status st = SLC_OK;
    struct stat info;
    uint8_t first[MOST_HEAD], *bytes = NULL;
    gzFile file = NULL;
    *out = NULL;
    if (stat(path, &info) != 0) return slc_fail_errno(err, SLC_EDATA, "%s", path);
    if (!S_ISREG(info.st_mode))
        return slc_fail(err, SLC_EDATA, "%s: is not a regular file", path);
    if (!(file = gzopen(path, "rb"))) return slc_fail_errno(err, SLC_EDATA, "%s", path);
    gzbuffer(file, 1 << 17);
    if ((st = read_exactly(file, path, first, 0, head, err)) != SLC_OK) goto done;
    if ((st = expect(first, size, err)) != SLC_OK) {
        slc_err_prefix(err, "%s", path);
        goto done;
    }
    /* A header that promises more than the file can hold is not believed. */
    const uint64_t most =
        (uint64_t)info.st_size * (gzdirect(file) ? 1 : DEFLATE_RATIO) + head;
    if (*size < head || *size > most || *size > SIZE_MAX / 2) {
        st = slc_fail(
            err, SLC_EDATA,
            "%s: is truncated: its header says %llu bytes, a file of %llu cannot "
            "hold them",
            path, (unsigned long long)*size, (unsigned long long)info.st_size);
        goto done;
    }
    if (!(bytes = malloc((size_t)*size + 64))) {
        st = slc_fail(err, SLC_ENOMEM, "%s: out of memory for %llu bytes", path,
                      (unsigned long long)*size);
        goto done;
    }
    memcpy(bytes, first, head);
    memset(bytes + *size, 0, 64); /* kernels may read that far */
    if ((st = read_exactly(file, path, bytes, head, *size, err)) == SLC_OK)
        st = read_end(file, path, *size, err);
done:
    gzclose_r(file);
    if (st != SLC_OK)
        free(bytes);
    else
        *out = bytes;
    return st;
}
