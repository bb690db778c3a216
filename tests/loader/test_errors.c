/* Bad samples: named, skipped or replaced, in stream order, the same for any threads. */
#include "tests/loader/build.h"

static slc_status drain(const slc_loader_settings *set, uint64_t *batches,
                        uint64_t *holes, char hex[65], slc_err *err)
{
    slc_loader *l = open_loader(set);
    const slc_batch *b;
    slc_status st;
    slc_sha256 sha;
    slc_sha256_begin(&sha);
    *batches = *holes = 0;
    while ((st = slc_loader_next(l, &b, err)) == SLC_OK && b) {
        hash_batch(&sha, b);
        bool hole = false;
        for (size_t i = 0; i < b->n; i++) {
            *holes += !b->real[i];
            CHECK(!hole || !b->real[i], "a hole before place %zu", i);
            hole = !b->real[i];
        }
        ++*batches;
        slc_loader_release(l, b);
    }
    slc_loader_close(&l);
    slc_sha256_hex(&sha, hex);
    return st;
}

static void test_fail_names_the_first_in_stream_order(const slc_source *s,
                                                      const slc_policy *policy)
{
    char first[512] = "", hex[65];
    for (size_t threads = 1; threads < 9; threads += 2)
        for (int again = 0; again < 5; again++) {
            slc_err err = {0};
            uint64_t batches, holes;
            const slc_status st = drain(&(slc_loader_settings){.source = s,
                                                               .policy = policy,
                                                               .batch = 4,
                                                               .shuffle = true,
                                                               .seed = 4,
                                                               .epochs = 1,
                                                               .threads = threads},
                                        &batches, &holes, hex, &err);
            CHECK(st == SLC_EFORMAT || st == SLC_EDATA, "status %d", st);
            CHECK(strstr(err.msg, "bad"), "%s", err.msg);
            CHECK(!*first || strcmp(first, err.msg) == 0, "\"%s\" and \"%s\"", first,
                  err.msg);
            snprintf(first, sizeof(first), "%s", err.msg);
        }
}

static void test_skip_and_substitute_repeat_themselves(const slc_source *s,
                                                       const slc_policy *policy)
{
    for (int k = 0; k < 2; k++) {
        char first[65], hex[65];
        for (size_t threads = 1; threads < 9; threads += 3) {
            slc_err err = {0};
            uint64_t batches, holes;
            const slc_loader_settings set = {.source = s,
                                             .policy = policy,
                                             .batch = 4,
                                             .shuffle = true,
                                             .epochs = 2,
                                             .threads = threads,
                                             .on_error = k ? SLC_ON_ERROR_SUBSTITUTE
                                                           : SLC_ON_ERROR_SKIP};
            CHECK(drain(&set, &batches, &holes, threads == 1 ? first : hex, &err) ==
                      SLC_OK,
                  "%s", err.msg);
            CHECK(holes == (k ? 0 : 6), "%llu holes", (unsigned long long)holes);
            CHECK(threads == 1 || strcmp(first, hex) == 0, "%zu threads differ", threads);
        }
    }
}

static void test_max_errors_is_a_limit(const slc_source *s, const slc_policy *policy)
{
    slc_err err = {0};
    uint64_t batches, holes;
    char hex[65];
    slc_loader_settings set = {.source = s,
                               .policy = policy,
                               .batch = 4,
                               .epochs = 2,
                               .on_error = SLC_ON_ERROR_SKIP,
                               .max_errors = 3};
    CHECK(drain(&set, &batches, &holes, hex, &err) == SLC_OK, "%s", err.msg);
    set.max_errors = 2;
    CHECK(drain(&set, &batches, &holes, hex, &err) == SLC_EDATA &&
              strstr(err.msg, "max_errors"),
          "%s", err.msg);
    set.max_errors = 0.05; /* of 33 */
    CHECK(drain(&set, &batches, &holes, hex, &err) == SLC_EDATA, "%s", err.msg);
    set.max_errors = 0.2;
    CHECK(drain(&set, &batches, &holes, hex, &err) == SLC_OK, "%s", err.msg);
}

/* The list gets each bad sample once, and the next run knows them without reading. */
static void test_the_quarantine_is_kept_and_read(const char *dir, const slc_source *s,
                                                 const slc_policy *policy)
{
    char list[300], first[65], hex[65], line[2048];
    slc_err err = {0};
    uint64_t batches, holes;
    snprintf(list, sizeof(list), "%s/quarantine.jsonl", dir);
    const slc_loader_settings set = {.source = s,
                                     .policy = policy,
                                     .batch = 4,
                                     .epochs = 2,
                                     .on_error = SLC_ON_ERROR_SKIP,
                                     .quarantine = list};
    for (int runs = 0; runs < 2; runs++) {
        CHECK(drain(&set, &batches, &holes, runs ? hex : first, &err) == SLC_OK, "%s",
              err.msg);
        CHECK(holes == 6, "%llu holes", (unsigned long long)holes);
        FILE *f = fopen(list, "r");
        int lines = 0;
        while (fgets(line, sizeof(line), f)) {
            CHECK(strstr(line, "\"path\"") && strstr(line, "\"action\"") &&
                      strstr(line, "bad"),
                  "%s", line);
            lines++;
        }
        fclose(f);
        CHECK(lines == 3, "run %d: %d lines", runs, lines);
    }
    CHECK(strcmp(first, hex) == 0, "the list changed the stream");
    write_bytes(dir, "broken.jsonl", "not json\n", 9);
    snprintf(list, sizeof(list), "%s/broken.jsonl", dir);
    slc_loader *l;
    CHECK(slc_loader_open(&l, &set, &err) == SLC_EFORMAT && strstr(err.msg, ":1:"), "%s",
          err.msg);
}

static void test_hostile_files_are_sentences(const char *dir)
{
    char path[300], big[400];
    slc_err err = {0};
    slc_arena arena = {0};
    slc_stored stored;
    snprintf(path, sizeof(path), "%s/hostile", dir);
    write_bytes(path, "a/empty.jpg", "", 0);
    write_bytes(path, "a/html.jpg", "<!DOCTYPE html><html>", 21);
    write_bytes(path, "a/magic.png", "\x89PNG\r\n\x1a\n", 8);
    write_bytes(path, "a/sparse.jpg", "", 0);
    snprintf(big, sizeof(big), "%s/a/sparse.jpg", path);
    CHECK(truncate(big, 200 << 20) == 0, "sparse");
    snprintf(big, sizeof(big), "%s/a/pipe.jpg", path);
    CHECK(mkfifo(big, 0600) == 0, "fifo");
    snprintf(big, sizeof(big), "%s/a/loop", path);
    CHECK(symlink("..", big) == 0, "loop");
    snprintf(big, sizeof(big), "%s/a/dangling.jpg", path);
    CHECK(symlink("/nowhere/at/all.jpg", big) == 0, "dangling");
    slc_source *s = open_source(path, NULL);
    for (uint64_t i = 0; i < slc_source_count(s); i++) {
        char text[512];
        const char *key = slc_source_key(s, i, text, sizeof(text));
        const bool good = strstr(key, "magic") != NULL;
        slc_arena_reset(&arena);
        CHECK((slc_source_read(s, i, &arena, &stored, &err) == SLC_OK) == good, "%s",
              key);
        CHECK(good || strstr(err.msg, key), "\"%s\" does not name %s", err.msg, key);
        CHECK(arena.total < 1 << 20, "%s: %zu bytes", key, arena.total);
    }
    slc_arena_free(&arena);
    slc_source_close(&s);
}

int main(void)
{
    char dir[256], folder[300];
    make_dir(dir, sizeof(dir));
    snprintf(folder, sizeof(folder), "%s/tree", dir);
    write_tree(folder, 30);
    write_bytes(folder, "a/bad1.jpg", "this is no picture", 18);
    write_bytes(folder, "b/bad2\xff\n.jpg", "\xff\xd8\xff\xe0 truncated", 14);
    write_bytes(folder, "c/bad3.png", "", 0);
    slc_source *s = open_source(folder, NULL);
    slc_policy *policy = make_policy("[{random_resized_crop: {size: 16}}]");
    test_fail_names_the_first_in_stream_order(s, policy);
    test_skip_and_substitute_repeat_themselves(s, policy);
    test_max_errors_is_a_limit(s, policy);
    test_the_quarantine_is_kept_and_read(dir, s, policy);
    test_hostile_files_are_sentences(dir);
    slc_policy_destroy(&policy);
    slc_source_close(&s);
    drop_dir(dir);
    return 0;
}
