/* Large blocks of memory that are used from end to end, again and again. */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include <stddef.h>

#include "base/attr.h"

/* size bytes, not zeroed, that begin at a multiple of 64; release with free(). From some
 * megabytes on the kernel is asked for pages of 2 MiB (where transparent_hugepage is "madvise"
 * or "always"): 512 times fewer faults at first use, and fewer misses of the address cache
 * later. NULL if memory ran out. */
SLC_CHECKED void *slc_block_alloc(size_t size);

#endif
