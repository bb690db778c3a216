/* A failing disk: what cannot be read, is gone, or answers EIO is a sample error or a sentence,
 * whatever the kind of source. Reading goes through this file, which fails when told to. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/loader/build.h"

enum { ALL = 30 };

static atomic_size_t reads,
    fail_from; /* the calls so far; from which on they fail, 0 = none */

static bool reading_fails(void)
{
    const size_t call = atomic_fetch_add(&reads, 1) + 1, from = atomic_load(&fail_from);
    if (from == 0 || call < from) return false;
    errno = EIO;
    return true;
}

ssize_t read(int fd, void *to, size_t size)
{
    return reading_fails() ? -1 : syscall(SYS_read, fd, to, size);
}

ssize_t pread(int fd, void *to, size_t size, off_t offset)
{
    return reading_fails() ? -1 : syscall(SYS_pread64, fd, to, size, offset);
}

static void fail_after(size_t n)
{
    atomic_store(&reads, 0);
    atomic_store(&fail_from, n + 1);
}

static size_t stop_failing(void)
{
    atomic_store(&fail_from, 0);
    return atomic_load(&reads);
}

static void check_sentence(slc_status st, const slc_err *err, const char *what)
{
    CHECK(st == SLC_EDATA && strstr(err->msg, what) && !strchr(err->msg, '\n'),
          "status %d, \"%s\" lacks \"%s\"", st, err->msg, what);
}

/* One epoch; what stands at the places of the samples that could not be made. */
static slc_status epoch(const slc_source *s, slc_on_error on_error, size_t *holes,
                        slc_err *err)
{
    slc_policy *policy = make_policy("[{random_resized_crop: {size: 16}}]");
    slc_loader *l = open_loader(&(slc_loader_settings){.source = s,
                                                       .policy = policy,
                                                       .batch = 5,
                                                       .threads = 3,
                                                       .shuffle = true,
                                                       .epochs = 1,
                                                       .on_error = on_error});
    const slc_batch *b;
    slc_status st;
    *holes = 0;
    *err = (slc_err){0};
    while ((st = slc_loader_next(l, &b, err)) == SLC_OK && b) {
        for (size_t i = 0; i < b->n; i++)
            *holes += !b->real[i];
        slc_loader_release(l, b);
    }
    slc_loader_close(&l);
    slc_policy_destroy(&policy);
    return st;
}

/* The samples of class b cannot be read: named, or left out. */
static void check_class_b_is_bad(const slc_source *s, const char *why)
{
    slc_err err;
    size_t holes;
    const slc_status st = epoch(s, SLC_ON_ERROR_FAIL, &holes, &err);
    check_sentence(st, &err, why);
    CHECK(strstr(err.msg, "/b/"), "\"%s\" does not name the file", err.msg);
    CHECK(epoch(s, SLC_ON_ERROR_SKIP, &holes, &err) == SLC_OK && holes == ALL / 3,
          "%zu holes: %s", holes, err.msg);
    CHECK(epoch(s, SLC_ON_ERROR_SUBSTITUTE, &holes, &err) == SLC_EDATA,
          "a class without a good picture has no substitute");
}

static void shell(const char *format, const char *dir)
{
    char command[1200];
    snprintf(command, sizeof(command), format, dir, dir);
    CHECK(system(command) == 0, "%s", command);
}

static void test_what_vanishes_is_a_sample_error(const char *dir)
{
    char tree[300];
    snprintf(tree, sizeof(tree), "%s/vanish", dir);
    write_tree(tree, ALL);
    slc_source *s = open_source(tree, NULL);
    shell("mv %s/b %s/gone", tree);
    check_class_b_is_bad(s, "No such file");
    shell("mkdir %s/b && ls %s/gone | grep jpg | (cd %1$s/b && xargs mkdir)", tree);
    check_class_b_is_bad(s, "");
    slc_source_close(&s);
    shell("rm -r %s", tree);
    check_refused(tree, NULL, SLC_EDATA, "vanish", "");
}

/* Root may read everything, so somebody else tries. */
static void test_what_is_forbidden_is_named(const char *dir)
{
    char tree[300];
    snprintf(tree, sizeof(tree), "%s/forbidden", dir);
    write_tree(tree, ALL);
    chmod(dir, 0755);
    shell("chmod -R a+rX %s", dir);
    slc_source *s = open_source(tree, NULL);
    shell("find %s/b -type f -exec chmod 0 {} +", tree);
    const pid_t child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        if (geteuid() == 0) CHECK(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
        check_class_b_is_bad(s, "Permission denied");
        _exit(0);
    }
    int code;
    CHECK(waitpid(child, &code, 0) == child && code == 0, "the child: %d", code);
    slc_source_close(&s);
}

static void test_a_forbidden_folder_is_named(const char *dir)
{
    char tree[300];
    snprintf(tree, sizeof(tree), "%s/closed", dir);
    write_tree(tree, ALL);
    shell("chmod -R a+rX %s && chmod 0 %s/b", tree);
    const pid_t child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        if (geteuid() == 0) CHECK(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
        check_refused(tree, NULL, SLC_EDATA, "closed/b", "Permission denied");
        _exit(0);
    }
    int code;
    CHECK(waitpid(child, &code, 0) == child && code == 0, "the child: %d", code);
}

/* Opens a source and reads all of it while the disk breaks at every call in turn, and stays
 * broken: all errors say so, and with a whole disk everything is as before. */
static void test_a_breaking_disk(const char *spec)
{
    char hex[65], again[65];
    const slc_loader_settings set = {
        .batch = 1, .epochs = 1, .threads = 2, .ragged_sizes = true};
    slc_loader_settings whole = set;
    fail_after(SIZE_MAX / 2);
    whole.source = open_source(spec, NULL);
    stream_hash(&whole, 0, hex);
    const size_t calls = stop_failing();
    CHECK(calls > 0, "%s: was read without reading", spec);
    for (size_t n = 0; n < calls; n += 1 + calls / 40) {
        slc_source *s = NULL;
        slc_err err = {0};
        fail_after(n);
        slc_status st = slc_source_open_text(&s, spec, NULL, NULL, &err);
        for (uint64_t i = 0; st == SLC_OK && i < slc_source_count(s); i++) {
            slc_arena arena = {0};
            slc_stored stored;
            st = slc_source_read(s, i, &arena, &stored, &err);
            slc_arena_free(&arena);
        }
        const size_t made = stop_failing(); /* a kept index may have spared some */
        slc_source_close(&s);
        CHECK(st != SLC_OK || made <= n, "%s: %zu of %zu reads, and no error", spec, n,
              made);
        if (st != SLC_OK) check_sentence(st, &err, "Input/output error");
    }
    stream_hash(&whole, 0, again);
    CHECK(strcmp(hex, again) == 0, "%s: another stream after the errors", spec);
    slc_source_close((slc_source **)&whole.source);
}

int main(void)
{
    char dir[256], spec[300];
    make_dir(dir, sizeof(dir));
    test_what_vanishes_is_a_sample_error(dir);
    test_what_is_forbidden_is_named(dir);
    test_a_forbidden_folder_is_named(dir);

    snprintf(spec, sizeof(spec), "%s/tree", dir);
    write_tree(spec, ALL);
    test_a_breaking_disk(spec);
    shell("mkdir %s/shards && cd %s/tree && tar cf ../shards/a.tar a b && tar cf "
          "../shards/b.tar c",
          dir);
    snprintf(spec, sizeof(spec), "%s/shards", dir);
    test_a_breaking_disk(spec);
    shell("cd %s/tree && (echo path,label; find [abc] -type f | sort | sed 's/$/,x/') "
          ">list.csv",
          dir);
    snprintf(spec, sizeof(spec), "%s/tree/list.csv", dir);
    test_a_breaking_disk(spec);
    snprintf(spec, sizeof(spec), "%s/idx", dir);
    write_idx(spec, "train", 50);
    shell("gzip %s/train-images*", spec);
    test_a_breaking_disk(spec);
    snprintf(spec, sizeof(spec), "%s/cifar", dir);
    static uint8_t records[20][3073];
    write_bytes(spec, "data_batch_1.bin", records, sizeof(records));
    test_a_breaking_disk(spec);
    drop_dir(dir);
    return 0;
}
