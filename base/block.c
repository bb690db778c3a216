#include "base/block.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/num.h"

void *slc_block_alloc(size_t size)
{
    enum { LINE = 64, PAGE = 2 << 20, LARGE = 2 * PAGE };
    if (size < LARGE) return aligned_alloc(LINE, slc_round_up(size + !size, LINE));
    if (size > SIZE_MAX - PAGE) return NULL;
    const size_t whole = slc_round_up(size, PAGE);
    void *block = aligned_alloc(PAGE, whole);
#ifdef MADV_HUGEPAGE
    if (block) (void)madvise(block, whole, MADV_HUGEPAGE); /* else pages are small */
#endif
    return block;
}
