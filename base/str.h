/* A text or byte buffer that grows; the error, if any, is kept until the end. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct slc_str {
    char *text; /* always terminated once something was added; may be NULL when empty */
    size_t size, room;
    bool failed; /* memory ran out; the text is incomplete */
} slc_str;       /* zero is an empty text; release with slc_str_free */

SLC_API void slc_str_add(slc_str *s, const char *text);
SLC_API void slc_str_add_n(slc_str *s, const void *bytes, size_t n);
SLC_API SLC_PRINTF(2, 3) void slc_str_printf(slc_str *s, const char *fmt, ...);
SLC_API void slc_str_free(slc_str *s);

/* The next character of UTF-8 text and its length. An invalid byte has length 1 and counts as
 * the Latin-1 character it may have been, 0x80 or above. */
SLC_API uint32_t slc_utf8_next(const char *text, size_t *size);
SLC_API bool slc_utf8_is_valid(const char *text);

/* The candidate nearest to word by edit distance (transposition counts 1), or NULL if none
 * is near enough to be what was meant. next() gives candidate i, NULL after the last. */
SLC_API const char *slc_suggest(const char *word,
                                const char *(*next)(const void *of, size_t i),
                                const void *of);

#endif
