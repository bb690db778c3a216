/* POSIX.1-2001 pax and ustar, and what GNU tar writes. */
#include "loader/source/tar_walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "loader/source/source_impl.h"

/* Offsets in a header block. */
enum {
    NAME = 0,
    SIZE = 124,
    SUM = 148,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    NAME_SIZE = 100,
    NUMBER_SIZE = 12,
    SUM_SIZE = 8,
    PREFIX_SIZE = 155
};

/* Members that are not plain files, and what to call them. */
static const struct refused {
    char type;
    const char *what;
} refused[] = {
    {'1', "a hard link"},
    {'2', "a symbolic link"},
    {'3', "a character device"},
    {'4', "a block device"},
    {'6', "a pipe"},
    {'S', "a sparse file"},
    {'M', "a part of a file that began in another archive"},
    {'D', "a directory dump"},
};

static unsigned long long show(uint64_t value)
{
    return value;
}

void slc_tar_begin(slc_tar_walk *w, int fd, uint64_t file_size)
{
    w->fd = fd;
    w->file_size = file_size;
    w->next = w->offset = w->size = w->window_start = w->window_size = 0;
    w->ended = w->have_long_name = w->have_long_size = false;
    w->name = "";
}

static slc_status read_at(slc_tar_walk *w, uint64_t offset, uint8_t *to, size_t size,
                          slc_err *err)
{
    size_t have = 0;
    while (have < size) {
        const ssize_t n = pread(w->fd, to + have, size - have, (off_t)(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return slc_fail_errno(err, SLC_EDATA, "read at byte %llu", show(offset));
        if (n == 0)
            return slc_fail(err, SLC_EDATA, "is truncated: ends at byte %llu",
                            show(offset + have));
        have += (size_t)n;
    }
    return SLC_OK;
}

/* The 512 bytes of a header, through a window: small members lie close together. */
static slc_status header_at(slc_tar_walk *w, uint64_t offset, const uint8_t **out,
                            slc_err *err)
{
    if (offset < w->window_start ||
        offset + SLC_TAR_BLOCK > w->window_start + w->window_size) {
        const uint64_t left = w->file_size - offset;
        const size_t size = left < SLC_TAR_WINDOW ? (size_t)left : SLC_TAR_WINDOW;
        w->window_size = 0;
        const slc_status st = read_at(w, offset, w->window, size, err);
        if (st != SLC_OK) return st;
        w->window_start = offset;
        w->window_size = size;
    }
    *out = w->window + (offset - w->window_start);
    return SLC_OK;
}

/* A number in octal, or in GNU's base 256 if the first bit is set. */
static bool number(const uint8_t *p, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    if (p[0] & 0x80) {
        if (p[0] != 0x80) return false; /* negative, or beyond 2^88 */
        for (i = 1; i < n; i++) {
            if (value >> 56) return false;
            value = value << 8 | p[i];
        }
        *out = value;
        return true;
    }
    while (i < n && p[i] == ' ')
        i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(p[i] - '0'); /* 12 digits: 36 bits */
    for (; i < n; i++)
        if (p[i] != 0 && p[i] != ' ') return false;
    *out = value;
    return true;
}

/* The sum of all bytes with the sum itself as spaces; old writers took bytes as signed. */
static bool sum_is_right(const uint8_t *h)
{
    uint64_t stored;
    int64_t plain = 0, with_sign = 0;
    if (!number(h + SUM, SUM_SIZE, &stored)) return false;
    for (size_t i = 0; i < SLC_TAR_BLOCK; i++) {
        const uint8_t b = i >= SUM && i < SUM + SUM_SIZE ? ' ' : h[i];
        plain += b;
        with_sign += (int8_t)b;
    }
    return stored == (uint64_t)plain || (int64_t)stored == with_sign;
}

static bool is_zero(const uint8_t *h)
{
    for (size_t i = 0; i < SLC_TAR_BLOCK; i++)
        if (h[i]) return false;
    return true;
}

static slc_status not_a_tar(const uint8_t *h, uint64_t at, slc_err *err)
{
    if (at == 0 && h[0] == 0x1f && h[1] == 0x8b)
        return slc_fail(
            err, SLC_EFORMAT,
            "is compressed with gzip: unpack it to a plain .tar, which can be "
            "read at any place");
    if (at == 0) return slc_fail(err, SLC_EFORMAT, "is no tar file");
    return slc_fail(err, SLC_EFORMAT, "is damaged: there is no tar header at byte %llu",
                    show(at));
}

static slc_status refuse(const slc_tar_walk *w, slc_err *err, const char *why)
{
    return slc_fail(err, SLC_EDATA,
                    "holds \"%.200s\", which %s: such members are refused", w->name, why);
}

/* The name from the header or from the extended header before it. */
static void take_name(slc_tar_walk *w, const uint8_t *h)
{
    const size_t name_size = strnlen((const char *)h + NAME, NAME_SIZE);
    size_t n = 0;
    if (w->have_long_name) {
        strcpy(w->texts, w->long_name);
    } else {
        if (memcmp(h + MAGIC, "ustar\0", 6) == 0 && h[PREFIX]) {
            n = strnlen((const char *)h + PREFIX, PREFIX_SIZE);
            memcpy(w->texts, h + PREFIX, n);
            w->texts[n++] = '/';
        }
        memcpy(w->texts + n, h + NAME, name_size);
        w->texts[n + name_size] = 0;
    }
    const char *name = w->texts;
    while (name[0] == '.' && name[1] == '/')
        name += 2 + strspn(name + 2, "/");
    w->name = name;
}

static slc_status check_name(const slc_tar_walk *w, slc_err *err)
{
    const char *name = w->name;
    if (name[0] == '/') return refuse(w, err, "is an absolute path");
    if (!*name) return slc_fail(err, SLC_EFORMAT, "holds a member without a name");
    while (*name) {
        const size_t n = strcspn(name, "/");
        if (n == 2 && name[0] == '.' && name[1] == '.')
            return refuse(w, err, "leads out of the archive (\"..\")");
        name += n + strspn(name + n, "/");
    }
    return SLC_OK;
}

static slc_status bad_pax(const slc_tar_walk *w, slc_err *err)
{
    return slc_fail(err, SLC_EFORMAT,
                    "is damaged: the extended header at byte %llu makes no sense",
                    show(w->offset));
}

/* One "LENGTH KEY=VALUE\n" record; *p goes behind it. */
static slc_status pax_record(slc_tar_walk *w, const uint8_t **p, const uint8_t *end,
                             slc_err *err)
{
    const uint8_t *start = *p, *q = start;
    size_t length = 0;
    while (q < end && *q >= '0' && *q <= '9' && length <= SLC_TAR_PAX)
        length = length * 10 + (size_t)(*q++ - '0');
    if (q == start || q == end || *q != ' ' || length > (size_t)(end - start) ||
        start + length <= q + 1 || start[length - 1] != '\n')
        return bad_pax(w, err);
    const char *key = (const char *)q + 1;
    const size_t rest = length - 1 - (size_t)((const uint8_t *)key - start);
    const char *value = memchr(key, '=', rest);
    if (!value++) return bad_pax(w, err);
    const size_t key_size = (size_t)(value - key) - 1, size = rest - key_size - 1;
    *p = start + length;
    if (key_size == 4 && memcmp(key, "path", 4) == 0) {
        if (size > SLC_TAR_NAME)
            return slc_fail(err, SLC_ELIMIT, "holds a name of %zu bytes, more than %d",
                            size, SLC_TAR_NAME);
        if (memchr(value, 0, size)) return bad_pax(w, err);
        memcpy(w->long_name, value, size);
        w->long_name[size] = 0;
        w->have_long_name = true;
    } else if (key_size == 4 && memcmp(key, "size", 4) == 0) {
        uint64_t bytes = 0;
        for (size_t i = 0; i < size; i++) {
            if (value[i] < '0' || value[i] > '9' || bytes >> 56) return bad_pax(w, err);
            bytes = bytes * 10 + (uint64_t)(value[i] - '0');
        }
        w->long_size = bytes;
        w->have_long_size = true;
    } else if (key_size > 11 && memcmp(key, "GNU.sparse.", 11) == 0) {
        return slc_fail(err, SLC_EDATA, "holds a sparse file: such members are refused");
    }
    return SLC_OK;
}

/* An extended header: of the next member ('x', 'L') or of all (then only looked over). */
static slc_status read_extended(slc_tar_walk *w, char type, slc_err *err)
{
    slc_status st;
    if (w->size > SLC_TAR_PAX)
        return slc_fail(err, SLC_ELIMIT,
                        "has an extended header of %llu bytes, more than %d",
                        show(w->size), SLC_TAR_PAX);
    if ((st = read_at(w, w->offset, w->pax, (size_t)w->size, err)) != SLC_OK) return st;
    w->pax[w->size] = 0;
    if (type == 'L') {
        const size_t n = strlen((const char *)w->pax);
        if (n > SLC_TAR_NAME)
            return slc_fail(err, SLC_ELIMIT, "holds a name of %zu bytes, more than %d", n,
                            SLC_TAR_NAME);
        memcpy(w->long_name, w->pax, n + 1);
        w->have_long_name = true;
        return SLC_OK;
    }
    const uint8_t *p = w->pax, *end = w->pax + w->size;
    while (p < end && *p && st == SLC_OK)
        st = pax_record(w, &p, end, err);
    return st;
}

static slc_status check_type(const slc_tar_walk *w, char type, slc_err *err)
{
    char why[80];
    for (size_t i = 0; i < SLC_COUNT(refused); i++) {
        if (type != refused[i].type) continue;
        snprintf(why, sizeof(why), "is %s", refused[i].what);
        return refuse(w, err, why);
    }
    if (type == '0' || type == 0 || type == '7') return SLC_OK;
    snprintf(why, sizeof(why), "is of an unknown kind (0x%02x)", (unsigned char)type);
    return refuse(w, err, why);
}

/* Where the content lies; the next header is behind it. */
static slc_status take_place(slc_tar_walk *w, const uint8_t *h, bool of_member,
                             slc_err *err)
{
    uint64_t size;
    if (!number(h + SIZE, NUMBER_SIZE, &size))
        return slc_fail(err, SLC_EFORMAT,
                        "is damaged: the header at byte %llu has no valid size",
                        show(w->next));
    if (of_member && w->have_long_size) size = w->long_size;
    w->offset = w->next + SLC_TAR_BLOCK;
    if (size > w->file_size - w->offset)
        return slc_fail(err, SLC_EDATA,
                        "is truncated: the member at byte %llu has %llu bytes, the file "
                        "ends %llu bytes behind its header",
                        show(w->next), show(size), show(w->file_size - w->offset));
    w->size = size;
    const uint64_t padded = (size + SLC_TAR_BLOCK - 1) / SLC_TAR_BLOCK * SLC_TAR_BLOCK;
    w->next = w->offset + padded;
    return SLC_OK;
}

/* The header at next, taken apart; *found if it is that of a regular file. */
static slc_status take_member(slc_tar_walk *w, const uint8_t *h, bool *found,
                              slc_err *err)
{
    slc_status st;
    const char type = (char)h[TYPE];
    const bool about_next = type == 'x' || type == 'L';
    if (type == 'K' || type == 'V' || type == 'g' || about_next) {
        if ((st = take_place(w, h, false, err)) != SLC_OK || type == 'K' || type == 'V')
            return st;
        st = read_extended(w, type, err);
        if (!about_next) w->have_long_name = w->have_long_size = false;
        return st;
    }
    take_name(w, h);
    st = take_place(w, h, true, err);
    w->have_long_name = w->have_long_size = false;
    if (st != SLC_OK) return st;
    const size_t n = strlen(w->name);
    const bool plain = type == '0' || type == 0;
    const bool folder = type == '5' || (plain && n > 0 && w->name[n - 1] == '/');
    if (folder) return n > 0 ? check_name(w, err) : SLC_OK;
    if ((st = check_type(w, type, err)) != SLC_OK || (st = check_name(w, err)) != SLC_OK)
        return st;
    if (w->size > SLC_SOURCE_FILE_BYTES)
        return slc_fail(err, SLC_ELIMIT,
                        "holds \"%.200s\" of %llu bytes, more than %d: such members are "
                        "refused",
                        w->name, show(w->size), SLC_SOURCE_FILE_BYTES);
    return *found = true, SLC_OK;
}

slc_status slc_tar_next(slc_tar_walk *w, bool *more, slc_err *err)
{
    const uint8_t *h;
    slc_status st = SLC_OK;
    *more = false;
    if (w->file_size < SLC_TAR_BLOCK)
        return slc_fail(err, SLC_EFORMAT, w->file_size ? "is no tar file" : "is empty");
    while (st == SLC_OK && !*more && !w->ended && w->next < w->file_size) {
        if (w->file_size - w->next < SLC_TAR_BLOCK)
            return slc_fail(err, SLC_EDATA, "is truncated: ends at byte %llu",
                            show(w->file_size));
        if ((st = header_at(w, w->next, &h, err)) != SLC_OK) return st;
        if (is_zero(h))
            w->ended = true;
        else if (!sum_is_right(h))
            return not_a_tar(h, w->next, err);
        else
            st = take_member(w, h, more, err);
    }
    return st;
}
