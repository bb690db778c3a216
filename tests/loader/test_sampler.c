/* Orders: shares, weights, repeats, tails, ranks. */
#include "loader/sampler.h"
#include "tests/loader/build.h"

static slc_sampler *make(const slc_loader_settings *set, uint32_t views)
{
    slc_sampler *s;
    slc_err err = {0};
    CHECK(slc_sampler_create(&s, set, views, &err) == SLC_OK, "%s", err.msg);
    return s;
}

/* What all ranks deliver together in an epoch, counted by sample; padding left out. */
static void test_ranks_cover_everything_once(const slc_source *idx)
{
    for (uint64_t world = 1; world < 8; world++) {
        unsigned seen[1000] = {0}, padding = 0;
        uint64_t positions = 0;
        for (uint64_t rank = 0; rank < world; rank++) {
            slc_sampler *s = make(&(slc_loader_settings){.source = idx,
                                                         .batch = 16,
                                                         .shuffle = true,
                                                         .rank = rank,
                                                         .world = world,
                                                         .tail = SLC_TAIL_PAD},
                                  1);
            const slc_order order = slc_sampler_order(s, 3);
            CHECK(rank == 0 || positions == slc_sampler_positions(s), "unequal shares");
            positions = slc_sampler_positions(s);
            for (uint64_t b = 0; b < slc_sampler_batches(s); b++) {
                size_t n;
                const uint64_t first = slc_sampler_batch(s, b, &n);
                CHECK(n == 16, "padded batch of %zu", n);
                for (size_t i = 0; i < n; i++) {
                    const slc_pick pick = slc_sampler_at(s, &order, first + i);
                    CHECK(pick.index < 1000, "index");
                    seen[pick.index] += pick.real;
                    padding += !pick.real;
                }
            }
            slc_sampler_destroy(&s);
        }
        for (size_t i = 0; i < 1000; i++)
            CHECK(seen[i] == 1, "world %d: sample %zu %u times", (int)world, i, seen[i]);
        CHECK(padding < 16 * world + world, "%u", padding);
    }
}

static void test_tails(const slc_source *idx)
{
    static const struct {
        slc_ragged tail;
        uint64_t batches;
        size_t last;
    } cases[] = {{SLC_TAIL_KEEP, 16, 40},
                 {SLC_TAIL_DROP, 15, 64},
                 {SLC_TAIL_PAD, 16, 64},
                 {SLC_TAIL_MERGE, 15, 104}};
    for (size_t i = 0; i < SLC_COUNT(cases); i++) {
        size_t n;
        slc_sampler *s = make(
            &(slc_loader_settings){.source = idx, .batch = 64, .tail = cases[i].tail}, 1);
        CHECK(slc_sampler_batches(s) == cases[i].batches, "tail %zu", i);
        slc_sampler_batch(s, cases[i].batches - 1, &n);
        CHECK(n == cases[i].last && slc_sampler_most(s) >= n, "tail %zu: %zu", i, n);
        slc_sampler_destroy(&s);
    }
}

/* Every class equally often, to one, although the source is lopsided. */
static void test_balanced_shares_are_exact(const slc_source *lopsided)
{
    unsigned seen[3] = {0};
    slc_sampler *s = make(&(slc_loader_settings){.source = lopsided,
                                                 .shuffle = true,
                                                 .sample_by = SLC_SAMPLE_BALANCED},
                          1);
    const slc_order order = slc_sampler_order(s, 0);
    for (uint64_t p = 0; p < slc_sampler_positions(s); p++)
        seen[slc_source_label(lopsided, slc_sampler_at(s, &order, p).index)]++;
    CHECK(seen[0] + seen[1] + seen[2] == 33, "%u", seen[0]);
    for (int c = 0; c < 3; c++)
        CHECK(seen[c] == 11, "class %d: %u times", c, seen[c]);
    slc_sampler_destroy(&s);
}

static void test_repeats_come_in_a_row_and_look_different(const slc_source *idx)
{
    slc_sampler *s =
        make(&(slc_loader_settings){.source = idx, .shuffle = true, .repeats = 3}, 5);
    const slc_order order = slc_sampler_order(s, 1);
    CHECK(slc_sampler_positions(s) == 15000, "positions");
    for (uint64_t p = 0; p < 15000; p++) {
        const slc_pick pick = slc_sampler_at(s, &order, p);
        CHECK(pick.view == p % 15, "view %u at %d", pick.view, (int)p);
        CHECK(pick.index == slc_sampler_at(s, &order, p - p % 15).index, "not in a row");
    }
    slc_sampler_destroy(&s);
}

static uint64_t count_part(const slc_source *s, const slc_subset *part, uint8_t *seen)
{
    slc_source *view;
    slc_err err = {0};
    char a[64], b[64];
    CHECK(slc_source_subset(&view, s, part, &err) == SLC_OK, "%s", err.msg);
    const uint64_t n = slc_source_count(view);
    uint64_t at = 0;
    for (uint64_t i = 0; i < n; i++, at++) { /* in the source's order */
        const char *name = slc_source_name(view, i, a, sizeof(a));
        while (strcmp(slc_source_name(s, at, b, sizeof(b)), name) != 0)
            at++;
        seen[at]++;
    }
    slc_source_close(&view);
    return n;
}

static void test_parts_never_overlap(const slc_source *idx)
{
    for (int stratified = 0; stratified < 2; stratified++) {
        uint8_t seen[1000] = {0};
        const uint64_t n = count_part(
            idx, &(slc_subset){.lo = 0, .hi = .9, .stratified = stratified}, seen);
        const uint64_t m = count_part(
            idx, &(slc_subset){.lo = .9, .hi = 1, .stratified = stratified}, seen);
        CHECK(n + m == 1000, "%d + %d", (int)n, (int)m);
        CHECK(stratified ? m == 100 : m > 60 && m < 140, "%d", (int)m);
        for (size_t i = 0; i < 1000; i++)
            CHECK(seen[i] == 1, "sample %zu: %d times", i, seen[i]);
    }
    uint8_t folds[1000] = {0};
    for (uint64_t k = 0; k < 5; k++)
        count_part(idx, &(slc_subset){.folds = 5, .fold = k, .fold_only = true}, folds);
    for (size_t i = 0; i < 1000; i++)
        CHECK(folds[i] == 1, "fold of sample %zu", i);
    uint8_t few[1000] = {0};
    CHECK(count_part(idx, &(slc_subset){.most = 37}, few) == 37, "most");
}

int main(void)
{
    char dir[256], path[300];
    make_dir(dir, sizeof(dir));
    write_idx(dir, "train", 1000);
    snprintf(path, sizeof(path), "%s/tree", dir);
    for (unsigned i = 0; i < 33; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%c/%02u.png", i < 30 ? 'a' : i < 32 ? 'b' : 'c', i);
        write_picture(path, name, 8, 8, i);
    }
    slc_source *idx = open_source(dir, "train"), *lopsided = open_source(path, NULL);
    test_ranks_cover_everything_once(idx);
    test_tails(idx);
    test_balanced_shares_are_exact(lopsided);
    test_repeats_come_in_a_row_and_look_different(idx);
    test_parts_never_overlap(idx);
    slc_source_close(&idx);
    slc_source_close(&lopsided);
    drop_dir(dir);
    return 0;
}
