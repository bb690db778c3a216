/* A small writer of tar files, good and bad. */
#ifndef TESTS_LOADER_TAR_FILE_H
#define TESTS_LOADER_TAR_FILE_H

#include "base/str.h"
#include "tests/check.h"

static inline void tar_sum(char h[512])
{
    unsigned sum = 0;
    memset(h + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
}

/* A header that says size bytes of content. */
static inline void tar_header(slc_str *out, const char *name, char type, size_t size,
                              const char *link)
{
    char h[512] = {0};
    strncpy(h, name, 100);
    snprintf(h + 100, 8, "0000644");
    snprintf(h + 124, 12, "%011zo", size);
    h[156] = type;
    strncpy(h + 157, link, 99);
    memcpy(h + 257, "ustar\00000", 8);
    tar_sum(h);
    slc_str_add_n(out, h, sizeof(h));
}

static inline void tar_add(slc_str *out, const char *name, const void *bytes, size_t size)
{
    static const char zeros[512];
    tar_header(out, name, '0', size, "");
    slc_str_add_n(out, bytes, size);
    slc_str_add_n(out, zeros, (512 - size % 512) % 512);
}

static inline void tar_add_text(slc_str *out, const char *name, const char *text)
{
    tar_add(out, name, text, strlen(text));
}

static inline void tar_end(slc_str *out)
{
    static const char zeros[1024];
    slc_str_add_n(out, zeros, sizeof(zeros));
}

#endif
