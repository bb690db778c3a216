/* Writing tar archives (POSIX.1-1988 ustar): the same bytes for the same members, so without
 * times and owners. */
#include <string.h>

#include "loader/prep/prep.h"

enum { BLOCK = 512, NAME = 100, PREFIX = 155 };

/* Where a name is cut into prefix and name: at a slash, or 0 if it fits whole. */
static bool cut(const char *name, size_t *at)
{
    const size_t n = strlen(name);
    *at = 0;
    if (n <= NAME) return n > 0;
    for (size_t i = n - 1; i > 0 && n - i - 1 <= NAME; i--)
        if (name[i] == '/' && i <= PREFIX) return (*at = i), true;
    return false;
}

bool slc_prep_tar_fits(const char *name)
{
    size_t at;
    return cut(name, &at);
}

slc_status slc_prep_tar_add(slc_writer *w, const char *name, const void *bytes,
                            size_t size, slc_err *err)
{
    static const char zeros[BLOCK];
    char head[BLOCK] = {0};
    size_t at;
    unsigned sum = 0;
    if (!cut(name, &at)) return slc_fail(err, SLC_EINVAL, "%s: too long for tar", name);
    if (at) memcpy(head + 345, name, at);
    const char *rest = at ? name + at + 1 : name;
    memcpy(head, rest, strlen(rest));
    memcpy(head + 100, "0000644", 8);
    memcpy(head + 108, "0000000", 8);
    memcpy(head + 116, "0000000", 8);
    snprintf(head + 124, 12, "%011llo", (unsigned long long)size);
    memcpy(head + 136, "00000000000", 12);
    memset(head + 148, ' ', 8);
    head[156] = '0';
    memcpy(head + 257, "ustar", 6);
    memcpy(head + 263, "00", 2);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum & 0777777u);
    head[155] = ' ';
    slc_status st = slc_writer_add(w, head, BLOCK, err);
    if (st == SLC_OK && size) st = slc_writer_add(w, bytes, size, err);
    if (st == SLC_OK && size % BLOCK)
        st = slc_writer_add(w, zeros, BLOCK - size % BLOCK, err);
    return st;
}

slc_status slc_prep_tar_end(slc_writer *w, slc_err *err)
{
    static const char zeros[2 * BLOCK];
    return slc_writer_add(w, zeros, sizeof(zeros), err);
}
