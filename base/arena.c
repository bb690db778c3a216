/* A list of blocks, newest first; allocation moves a mark through the newest one. Blocks
 * that a rewind leaves empty are kept as spares until the next reset joins them. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN /* what was given up is then as dead as freed memory */
#include <sanitizer/asan_interface.h>
#define FORBID(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define ALLOW(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define FORBID(at, size) ((void)(at), (void)(size))
#define ALLOW(at, size) ((void)(at), (void)(size))
#endif

enum { ALIGN = 64, SMALLEST = 4096 };

struct slc_arena_block {
    struct slc_arena_block *next; /* the one before it in time */
    size_t room;
    uint8_t *bytes; /* aligned; follows this header */
};

static struct slc_arena_block *block_make(size_t room)
{
    size_t size;
    if (!slc_add(room, sizeof(struct slc_arena_block) + ALIGN, &size)) return NULL;
    struct slc_arena_block *block = malloc(size);
    if (!block) return NULL;
    block->next = NULL;
    block->room = room;
    block->bytes = (uint8_t *)slc_round_up((uintptr_t)(block + 1), ALIGN);
    FORBID(block->bytes, room);
    return block;
}

static void block_free(struct slc_arena_block *block)
{
    ALLOW(block->bytes, block->room);
    free(block);
}

static void blocks_free(struct slc_arena_block **list)
{
    while (*list) {
        struct slc_arena_block *block = *list;
        *list = block->next;
        block_free(block);
    }
}

/* A spare block of at least size bytes, taken out of the list, or NULL. */
static struct slc_arena_block *spare_take(slc_arena *arena, size_t size)
{
    for (struct slc_arena_block **at = &arena->spare; *at; at = &(*at)->next) {
        struct slc_arena_block *block = *at;
        if (block->room < size) continue;
        *at = block->next;
        return block;
    }
    return NULL;
}

/* Puts a block with room for size bytes in front. Rooms double, so that any total takes few
 * blocks, but never pass what the limit could still use. */
static bool add_block(slc_arena *arena, size_t size)
{
    struct slc_arena_block *block = spare_take(arena, size);
    if (!block) {
        size_t room = SMALLEST;
        if (arena->block && arena->block->room <= SIZE_MAX / 4)
            room = 2 * arena->block->room;
        if (arena->limit) room = slc_min(room, arena->limit - arena->total);
        room = slc_max(room, size);
        block = block_make(room);
        if (!block && room > size) block = block_make(size);
        if (!block) return false;
    }
    block->next = arena->block;
    arena->block = block;
    arena->used = 0;
    return true;
}

void *slc_arena_alloc(slc_arena *arena, size_t size)
{
    size_t whole, total;
    if (!slc_add(size ? size : 1, ALIGN - 1, &whole)) return NULL;
    whole &= ~(size_t)(ALIGN - 1);
    if (!slc_add(arena->total, whole, &total)) return NULL;
    if (arena->limit && total > arena->limit) return NULL;

    if (!arena->block || whole > arena->block->room - arena->used)
        if (!add_block(arena, whole)) return NULL;
    uint8_t *const at = arena->block->bytes + arena->used;
    ALLOW(at, size);
    arena->used += whole;
    arena->total = total;
    return at;
}

void *slc_arena_zero(slc_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!slc_mul(count, size, &bytes)) return NULL;
    void *at = slc_arena_alloc(arena, bytes);
    if (at) memset(at, 0, bytes);
    return at;
}

char *slc_arena_text_n(slc_arena *arena, const char *text, size_t n)
{
    size_t size;
    if (!slc_add(n, 1, &size)) return NULL;
    char *copy = slc_arena_alloc(arena, size);
    if (!copy) return NULL;
    if (n > 0) memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *slc_arena_text(slc_arena *arena, const char *text)
{
    return slc_arena_text_n(arena, text, strlen(text));
}

char *slc_arena_printf(slc_arena *arena, const char *fmt, ...)
{
    char *text = NULL;
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    if (n >= 0) text = slc_arena_alloc(arena, (size_t)n + 1);
    if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}

slc_arena_mark slc_arena_get_mark(const slc_arena *arena)
{
    return (slc_arena_mark){arena->block, arena->used, arena->total};
}

void slc_arena_rewind(slc_arena *arena, slc_arena_mark mark)
{
    while (arena->block != mark.block) {
        struct slc_arena_block *block = arena->block;
        arena->block = block->next;
        FORBID(block->bytes, block->room);
        block->next = arena->spare;
        arena->spare = block;
    }
    arena->used = mark.used;
    arena->total = mark.total;
    if (mark.block) FORBID(mark.block->bytes + mark.used, mark.block->room - mark.used);
}

void slc_arena_reset(slc_arena *arena)
{
    slc_arena_rewind(arena, (slc_arena_mark){0}); /* all blocks are spares now */
    struct slc_arena_block *first = arena->spare;
    if (first && first->next) {
        size_t sum = 0;
        for (const struct slc_arena_block *b = first; b; b = b->next)
            sum += b->room;
        blocks_free(&arena->spare);
        first = block_make(sum); /* if this fails, the arena is empty, which is valid */
    }
    arena->block = first;
    arena->spare = NULL;
}

void slc_arena_free(slc_arena *arena)
{
    blocks_free(&arena->block);
    blocks_free(&arena->spare);
    *arena = (slc_arena){.limit = arena->limit};
}
