/* preprocess: the same files for any threads, whole files only, the rest at the next call. */
#include <signal.h>
#include <sys/wait.h>

#include "loader/preprocess.h"
#include "tests/loader/build.h"

static slc_preprocess_report run(const slc_preprocess_settings *set)
{
    slc_preprocess_report report;
    slc_err err = {0};
    CHECK(slc_preprocess_run(set, &report, &err) == SLC_OK, "%s", err.msg);
    return report;
}

/* A hash of all names and bytes below a folder, hidden ones left out. */
static void tree_hash(const char *dir, char hex[65])
{
    char command[700];
    snprintf(
        command, sizeof(command),
        "cd '%s' && find . -type f -not -path '*/.*' | LC_ALL=C sort | xargs sha256sum "
        "| sha256sum",
        dir);
    FILE *p = popen(command, "r");
    CHECK(p && fread(hex, 1, 64, p) == 64, "%s", command);
    hex[64] = 0;
    pclose(p);
}

static size_t count_files(const char *dir, const char *pattern)
{
    char command[700];
    unsigned n = 0;
    snprintf(command, sizeof(command), "find '%s' -type f -name '%s' | wc -l", dir,
             pattern);
    FILE *p = popen(command, "r");
    CHECK(p && fscanf(p, "%u", &n) == 1, "%s", command);
    pclose(p);
    return n;
}

static void test_threads_write_the_same_files(const char *dir, const slc_source *tree,
                                              const slc_policy *policy)
{
    for (int shards = 0; shards < 2; shards++) {
        char out[400], hex[3][65];
        for (size_t t = 0; t < 3; t++) {
            snprintf(out, sizeof(out), "%s/threads-%d-%zu", dir, shards, t);
            const slc_preprocess_report r =
                run(&(slc_preprocess_settings){.source = tree,
                                               .policy = policy,
                                               .out = out,
                                               .threads = 1 + 2 * t,
                                               .shard_bytes = shards ? 20000 : 0});
            CHECK(r.written == 60 && r.bad == 0, "%llu written",
                  (unsigned long long)r.written);
            CHECK(!shards || r.shards > 2, "%llu shards", (unsigned long long)r.shards);
            tree_hash(out, hex[t]);
            CHECK(strcmp(hex[t], hex[0]) == 0, "%zu threads, shards %d: other files",
                  1 + 2 * t, shards);
        }
        if (!shards)
            CHECK(count_files(out, "*.jpg") == 45 && count_files(out, "*.png") == 15,
                  "%zu jpg", count_files(out, "*.jpg"));
    }
}

static void test_a_second_call_finds_everything_done(const char *dir,
                                                     const slc_policy *policy)
{
    char out[400], in[400];
    snprintf(out, sizeof(out), "%s/again", dir);
    snprintf(in, sizeof(in), "%s/growing", dir);
    write_tree(in, 12);
    slc_source *s = open_source(in, NULL);
    const slc_preprocess_settings set = {.source = s, .policy = policy, .out = out};
    CHECK(run(&set).written == 12, "first");
    const slc_preprocess_report r = run(&set);
    CHECK(r.written == 0 && r.up_to_date == 12, "second: %llu written",
          (unsigned long long)r.written);
    slc_source_close(&s);
    write_picture(in, "b/new.jpg", 30, 30, 77); /* incremental: only what is new */
    s = open_source(in, NULL);
    CHECK(run(&(slc_preprocess_settings){.source = s, .policy = policy, .out = out})
                  .written == 1,
          "third");
    slc_err err = {0};
    slc_preprocess_report other;
    CHECK(slc_preprocess_run(
              &(slc_preprocess_settings){
                  .source = s, .policy = policy, .out = out, .encoding = {.quality = 50}},
              &other, &err) == SLC_EINVAL &&
              strstr(err.msg, "other settings"),
          "%s", err.msg);
    slc_source_close(&s);
}

/* Killed at many moments; then finished: as if never killed. */
static void test_kill_leaves_whole_files_and_the_rest_is_done(const char *dir,
                                                              const slc_source *tree,
                                                              const slc_policy *policy)
{
    for (uint64_t shards = 0; shards < 2; shards++) {
        char out[400], whole[400], a[65], b[65];
        snprintf(out, sizeof(out), "%s/killed-%d", dir, (int)shards);
        snprintf(whole, sizeof(whole), "%s/whole-%d", dir, (int)shards);
        slc_preprocess_settings set = {.source = tree,
                                       .policy = policy,
                                       .out = whole,
                                       .shard_samples = shards * 7,
                                       .threads = 2};
        run(&set);
        set.out = out;
        for (unsigned k = 0; k < 12; k++) {
            const pid_t child = fork();
            if (child == 0) {
                slc_preprocess_report report;
                const slc_status st = slc_preprocess_run(&set, &report, NULL);
                _exit((int)st);
            }
            usleep(5000 * k);
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
        }
        CHECK(count_files(out, "*.jpg") + count_files(out, "*.tar") > 0, "nothing yet");
        run(&set);
        tree_hash(whole, a);
        tree_hash(out, b);
        CHECK(strcmp(a, b) == 0, "after kills (shards %d): other files", (int)shards);
    }
}

static void test_ranks_share_the_work(const char *dir, const slc_source *tree)
{
    char out[400];
    uint64_t sum = 0;
    snprintf(out, sizeof(out), "%s/ranks", dir);
    for (uint64_t rank = 0; rank < 3; rank++)
        sum += run(&(slc_preprocess_settings){
                       .source = tree, .out = out, .rank = rank, .world = 3})
                   .written;
    CHECK(sum == 60 && count_files(out, "*.jpg") == 45, "%llu", (unsigned long long)sum);
}

static void test_original_bytes_are_kept(const char *dir, const slc_source *tree)
{
    char out[400], command[900];
    snprintf(out, sizeof(out), "%s/kept", dir);
    run(&(slc_preprocess_settings){.source = tree, .out = out});
    snprintf(command, sizeof(command),
             "diff -r --exclude=.sluice --exclude=statistics.json '%s/tree' '%s'", dir,
             out);
    CHECK(system(command) == 0, "other bytes");
}

static void test_bad_samples_are_skipped_or_named(const char *dir,
                                                  const slc_policy *policy)
{
    char in[400], out[400];
    slc_err err = {0};
    slc_preprocess_report report;
    snprintf(in, sizeof(in), "%s/bad", dir);
    snprintf(out, sizeof(out), "%s/bad-out", dir);
    write_tree(in, 9);
    write_bytes(in, "a/text.jpg", "this is no picture", 18);
    write_picture(in, "a/same.jpg", 30, 30, 1); /* one stem, two pictures */
    write_picture(in, "a/same.png", 30, 30, 2);
    slc_source *s = open_source(in, NULL);
    slc_preprocess_settings set = {.source = s,
                                   .policy = policy,
                                   .out = out,
                                   .format = slc_codec_by_extension("x.png")};
    CHECK(slc_preprocess_run(&set, &report, &err) == SLC_EFORMAT &&
              strstr(err.msg, "text.jpg"),
          "%s", err.msg);
    set.on_error = SLC_ON_ERROR_SKIP;
    const slc_preprocess_report r = run(&set);
    CHECK(r.bad == 1 && r.written + r.up_to_date == 11, "%llu bad",
          (unsigned long long)r.bad);
    CHECK(count_files(out, "*.png") == 11 && count_files(out, "*.jpg") == 0, "%zu",
          count_files(out, "*.png"));
    slc_source_close(&s);
}

int main(void)
{
    char dir[256], folder[300];
    make_dir(dir, sizeof(dir));
    snprintf(folder, sizeof(folder), "%s/tree", dir);
    write_tree(folder, 60);
    slc_source *tree = open_source(folder, NULL);
    slc_policy *policy = make_policy("[{resize: {size: 24}}]");
    test_threads_write_the_same_files(dir, tree, policy);
    test_a_second_call_finds_everything_done(dir, policy);
    test_kill_leaves_whole_files_and_the_rest_is_done(dir, tree, policy);
    test_ranks_share_the_work(dir, tree);
    test_original_bytes_are_kept(dir, tree);
    test_bad_samples_are_skipped_or_named(dir, policy);
    slc_policy_destroy(&policy);
    slc_source_close(&tree);
    drop_dir(dir);
    return 0;
}
