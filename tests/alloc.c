#include "tests/alloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_size_t calls;       /* all of these are sequentially consistent counters */
static atomic_size_t fail_from;   /* in calls; 0 = never */
static atomic_bool forever_after; /* not only that one */
static atomic_bool happened;

bool alloc_refuses(void)
{
    const size_t call = atomic_fetch_add(&calls, 1) + 1;
    const size_t from = atomic_load(&fail_from);
    if (from == 0 || call < from || (call > from && !atomic_load(&forever_after)))
        return false;
    atomic_store(&happened, true);
    errno = ENOMEM;
    return true;
}

size_t alloc_count(void)
{
    return atomic_load(&calls);
}

void alloc_fail_at(size_t n, bool forever)
{
    atomic_store(&happened, false);
    atomic_store(&forever_after, forever);
    atomic_store(&fail_from, atomic_load(&calls) + 1 + n);
}

bool alloc_fail_stop(void)
{
    atomic_store(&fail_from, 0);
    return atomic_load(&happened);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
int __real_posix_memalign(void **out, size_t align, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
int __wrap_posix_memalign(void **out, size_t align, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    return alloc_refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_refuses() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return alloc_refuses() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return alloc_refuses() ? NULL : __real_aligned_alloc(align, size);
}

int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
    return alloc_refuses() ? ENOMEM : __real_posix_memalign(out, align, size);
}

char *__wrap_strdup(const char *text)
{
    return alloc_refuses() ? NULL : __real_strdup(text);
}
