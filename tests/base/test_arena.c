#include "base/arena.h"

#include <stdint.h>

#include "base/block.h"
#include "tests/alloc.h"
#include "tests/check.h"

static void test_aligned_and_apart(void)
{
    slc_arena arena = {0};
    uint8_t *last = NULL;
    for (size_t i = 0; i < 1000; i++) {
        uint8_t *p = slc_arena_alloc(&arena, i);
        CHECK(p && (uintptr_t)p % 64 == 0 && p != last, "piece %zu at %p", i, (void *)p);
        memset(p, (int)i, i);
        if (i > 1)
            CHECK(last[0] == (uint8_t)(i - 1) && last[i - 2] == (uint8_t)(i - 1), "%zu",
                  i);
        last = p;
    }
    uint8_t *zero = slc_arena_zero(&arena, 300, 3);
    for (size_t i = 0; i < 900; i++)
        CHECK(zero[i] == 0, "byte %zu", i);
    slc_arena_free(&arena);
    CHECK(!arena.block && arena.total == 0, "empty");
}

/* 200 samples of the same total, cut differently each time. */
static void test_no_malloc_once_warm(void)
{
    slc_arena arena = {0};
    size_t before = 0;
    for (size_t sample = 0; sample < 200; sample++) {
        if (sample == 1) before = alloc_count();
        const size_t piece = 64 << sample % 11;
        for (size_t have = 0; have < 3 << 19; have += piece)
            CHECK(slc_arena_alloc(&arena, piece), "sample %zu", sample);
        slc_arena_reset(&arena);
    }
    CHECK(alloc_count() == before, "%zu calls", alloc_count() - before);
    slc_arena_free(&arena);
}

static void test_no_malloc_with_rewinds(void)
{
    slc_arena arena = {0};
    size_t before = 0;
    for (size_t sample = 0; sample < 20; sample++) {
        if (sample == 1) before = alloc_count();
        for (int i = 0; i < 10; i++) {
            const slc_arena_mark mark = slc_arena_get_mark(&arena);
            CHECK(slc_arena_alloc(&arena, 100000), "scratch");
            slc_arena_rewind(&arena, mark);
        }
        CHECK(slc_arena_alloc(&arena, 1000), "result");
        slc_arena_reset(&arena);
    }
    CHECK(alloc_count() == before, "%zu calls", alloc_count() - before);
    slc_arena_free(&arena);
}

static void test_rewind_keeps_what_was_before(void)
{
    slc_arena arena = {0};
    char *keep = slc_arena_text(&arena, "keep");
    const slc_arena_mark mark = slc_arena_get_mark(&arena);
    char *first = slc_arena_alloc(&arena, 64);
    for (int i = 0; i < 100; i++)
        CHECK(slc_arena_alloc(&arena, 5000), "grow");
    slc_arena_rewind(&arena, mark);
    CHECK(strcmp(keep, "keep") == 0, "%s", keep);
    CHECK(slc_arena_alloc(&arena, 64) == first, "the same place again");
    slc_arena_reset(&arena);
    slc_arena_rewind(&arena, slc_arena_get_mark(&arena));
    slc_arena_free(&arena);
}

static void test_limit(void)
{
    slc_arena arena = {.limit = 10000};
    CHECK(!slc_arena_alloc(&arena, 10001), "too much at once");
    CHECK(slc_arena_alloc(&arena, 9000) && !slc_arena_alloc(&arena, 2000),
          "in two steps");
    CHECK(slc_arena_alloc(&arena, 960) && !slc_arena_alloc(&arena, 100), "exactly");
    slc_arena_reset(&arena);
    CHECK(slc_arena_alloc(&arena, 9000), "again after reset");
    CHECK(!slc_arena_zero(&arena, SIZE_MAX / 2 + 1, 2), "overflowing product");
    CHECK(!slc_arena_alloc(&arena, SIZE_MAX), "overflowing size");
    slc_arena_free(&arena);
    CHECK(arena.limit == 10000, "the limit is a setting");
}

static void test_texts(void)
{
    slc_arena arena = {0};
    const char *text = slc_arena_printf(&arena, "%d-%s", 12, "x");
    CHECK(strcmp(text, "12-x") == 0, "%s", text);
    text = slc_arena_text_n(&arena, "abcdef", 3);
    CHECK(strcmp(text, "abc") == 0, "%s", text);
    CHECK(*slc_arena_text_n(&arena, NULL, 0) == '\0', "nothing");
    slc_arena_free(&arena);
}

static void test_survives_exhausted_memory(void)
{
    slc_arena arena = {0};
    char *kept = slc_arena_text(&arena, "kept");
    alloc_fail_at(0, true);
    CHECK(!slc_arena_alloc(&arena, 1 << 20), "no memory");
    alloc_fail_stop();
    CHECK(strcmp(kept, "kept") == 0 && slc_arena_alloc(&arena, 1 << 20), "usable");
    alloc_fail_at(0, true); /* joining two blocks needs memory */
    slc_arena_reset(&arena);
    CHECK(alloc_fail_stop(), "nothing was joined");
    CHECK(slc_arena_alloc(&arena, 1 << 20), "usable after a poor reset");
    slc_arena_free(&arena);
}

/* Of any size, aligned for vectors; large ones for large pages. */
static void test_blocks(void)
{
    static const size_t sizes[] = {0, 1, 65, (4 << 20) - 1, 4 << 20, (5 << 20) + 1};
    for (size_t i = 0; i < SLC_COUNT(sizes); i++) {
        uint8_t *const block = slc_block_alloc(sizes[i]);
        const size_t align = sizes[i] < 4 << 20 ? 64 : 2 << 20;
        CHECK(block && (uintptr_t)block % align == 0, "%zu bytes", sizes[i]);
        memset(block, 1, sizes[i]);
        free(block);
    }
    CHECK(!slc_block_alloc(SIZE_MAX), "all there is");
    CHECK(!slc_block_alloc(SIZE_MAX / 2), "half of it");
}

int main(void)
{
    test_blocks();
    test_aligned_and_apart();
    test_no_malloc_once_warm();
    test_no_malloc_with_rewinds();
    test_rewind_keeps_what_was_before();
    test_limit();
    test_texts();
    test_survives_exhausted_memory();
    return 0;
}
