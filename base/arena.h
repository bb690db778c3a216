/* Arenas: many allocations, one release.
 *
 * A reset arena that once held n bytes serves n bytes again without calling malloc, however
 * they are cut: on reset the blocks of a grown arena are joined into one. So a worker that
 * resets its arena after each sample stops allocating once it has met its largest sample. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attr.h"

typedef struct slc_arena {
    struct slc_arena_block *block; /* newest first */
    struct slc_arena_block *spare; /* left empty by a rewind */
    size_t used;                   /* of the newest block */
    size_t total; /* bytes handed out since the last reset, in units of 64 */
    size_t limit; /* most bytes between resets; 0 = no limit */
} slc_arena;      /* zero is a valid, empty arena. Threads: one at a time. */

/* size bytes, aligned to 64; NULL if memory or the limit is exhausted. Not cleared. */
SLC_API SLC_CHECKED void *slc_arena_alloc(slc_arena *arena, size_t size);

/* count * size bytes, all zero, with the product checked. */
SLC_API SLC_CHECKED void *slc_arena_zero(slc_arena *arena, size_t count, size_t size);

/* A copy of text, or of its first n bytes with a terminator. NULL if memory ran out. */
SLC_API SLC_CHECKED char *slc_arena_text(slc_arena *arena, const char *text);
SLC_API SLC_CHECKED char *slc_arena_text_n(slc_arena *arena, const char *text, size_t n);
SLC_API SLC_CHECKED SLC_PRINTF(2, 3) char *slc_arena_printf(slc_arena *arena,
                                                            const char *fmt, ...);

/* A place to come back to: everything allocated after mark is given up by rewind, as long
 * as no reset lies between. */
typedef struct slc_arena_mark {
    struct slc_arena_block *block;
    size_t used, total;
} slc_arena_mark;
SLC_API slc_arena_mark slc_arena_get_mark(const slc_arena *arena);
SLC_API void slc_arena_rewind(slc_arena *arena, slc_arena_mark mark);

SLC_API void slc_arena_reset(
    slc_arena *arena); /* gives up everything, keeps the memory */
SLC_API void slc_arena_free(
    slc_arena *arena); /* returns the memory; arena is empty again */

#endif
