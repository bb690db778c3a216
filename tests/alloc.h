/* Allocations counted, and made to fail. Link with alloc_dep: it wraps malloc, calloc,
 * realloc, strdup, aligned_alloc and posix_memalign as called by our own code, but not by
 * shared libraries. Threads: safe. */
#ifndef TESTS_ALLOC_H
#define TESTS_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

size_t alloc_count(void); /* calls so far */

/* From now on the n-th call (0 = the next one) returns NULL, and with forever all after it. */
void alloc_fail_at(size_t n, bool forever);

/* No more failures; tells whether one has happened since alloc_fail_at. */
bool alloc_fail_stop(void);

/* Asks whether the call being made shall fail: for other libraries' hooks. */
bool alloc_refuses(void);

#endif
