#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"

static slc_err err;

static void write_text(const char *path, const char *text)
{
    CHECK(slc_file_replace(path, text, strlen(text), &err) == SLC_OK, "%s", err.msg);
}

static void check_text(const char *path, const char *want)
{
    uint8_t *bytes;
    size_t size;
    CHECK(slc_file_read(&bytes, &size, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
    CHECK(size == strlen(want) && memcmp(bytes, want, size + 1) == 0, "%s: %s", path,
          bytes);
    free(bytes);
}

/* Entries of the current directory, apart from . and .. */
static size_t entries(void)
{
    size_t n = 0;
    DIR *dir = opendir(".");
    CHECK(dir, "%d", errno);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

static void test_replaces_whole_files(void)
{
    write_text("a", "old");
    chmod("a", 0640);
    write_text("a", "newer");
    check_text("a", "newer");
    struct stat info;
    CHECK(stat("a", &info) == 0 && (info.st_mode & 0777) == 0640, "the mode stays");
    write_text("a", "");
    check_text("a", "");
    CHECK(entries() == 1, "%zu entries", entries());
    unlink("a");
}

/* The old file is another inode: who reads it while it is replaced sees the old bytes. */
static void test_never_writes_into_the_old_file(void)
{
    slc_map map;
    write_text("a", "old");
    CHECK(slc_map_open(&map, "a", &err) == SLC_OK, "%s", err.msg);
    write_text("a", "new");
    CHECK(map.size == 3 && memcmp(map.bytes, "old", 3) == 0, "%.3s", map.bytes);
    slc_map_close(&map);
    check_text("a", "new");
    unlink("a");
}

static void test_keeps_the_old_file(void)
{
    static char big[1 << 20];
    struct rlimit old, small = {4096, 0};
    write_text("a", "old");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    const slc_status whole = slc_file_replace("a", big, sizeof(big), &err);
    slc_writer *w;
    slc_status st = slc_writer_open(&w, "a", &err);
    for (int i = 0; i < 1000 && st == SLC_OK; i++)
        st = slc_writer_add(w, big, 100, &err);
    slc_writer_abandon(&w);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK(whole == SLC_EIO && st == SLC_EIO, "status %d, %d", whole, st);
    CHECK(strstr(err.msg, "/a: write: File too large"), "%s", err.msg);
    check_text("a", "old");
    CHECK(entries() == 1, "%zu entries", entries());
    unlink("a");
}

/* The last bytes sit in a buffer until commit, and its failure counts, too. */
static void test_commit_can_fail(void)
{
    struct rlimit old, small = {10, 0};
    write_text("a", "old");
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    slc_writer *w;
    CHECK(slc_writer_open(&w, "a", &err) == SLC_OK, "%s", err.msg);
    setrlimit(RLIMIT_FSIZE, &small);
    slc_status st = slc_writer_add(w, "0123456789abcdef", 16, &err);
    if (st == SLC_OK) st = slc_writer_commit(&w, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK(st == SLC_EIO && !w, "status %d", st);
    check_text("a", "old");
    CHECK(entries() == 1, "%zu entries", entries());
    unlink("a");
}

static void test_writes_to_devices(void)
{
    CHECK(slc_file_replace("/dev/full", "x", 1, &err) == SLC_EIO, "a full disk");
    CHECK(strstr(err.msg, "/dev/full: write: No space left"), "%s", err.msg);
    CHECK(slc_file_replace("/dev/null", "x", 1, &err) == SLC_OK, "%s", err.msg);
    struct stat info;
    CHECK(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode), "still a device");
}

static void test_follows_symbolic_links(void)
{
    write_text("a", "old");
    CHECK(symlink("a", "link") == 0, "symlink");
    write_text("link", "new");
    check_text("a", "new");
    struct stat info;
    CHECK(lstat("link", &info) == 0 && S_ISLNK(info.st_mode), "still a link");
    unlink("link");
    unlink("a");
}

static void test_refusals_have_reasons(void)
{
    CHECK(slc_file_replace("no/such/a", "x", 1, &err) == SLC_EIO, "no directory");
    CHECK(strstr(err.msg, "No such file"), "%s", err.msg);
    mkdir("d", 0777);
    CHECK(slc_file_replace("d", "x", 1, &err) == SLC_EIO, "a directory");
    CHECK(entries() == 1, "%zu entries", entries());

    slc_map map;
    uint8_t *bytes = NULL;
    size_t size;
    CHECK(slc_map_open(&map, "none", &err) == SLC_EDATA, "missing");
    CHECK(strcmp(err.msg, "none: No such file or directory") == 0, "%s", err.msg);
    CHECK(slc_map_open(&map, "d", &err) == SLC_EDATA && !map.bytes, "a directory");
    CHECK(mkfifo("pipe", 0666) == 0, "pipe");
    CHECK(slc_map_open(&map, "pipe", &err) == SLC_EDATA, "a pipe without a writer");
    CHECK(slc_file_read(&bytes, &size, "d", 10, &err) == SLC_EDATA && !bytes,
          "directory");
    CHECK(slc_file_read(&bytes, &size, "none", 10, &err) == SLC_EDATA && !bytes,
          "missing");
    unlink("pipe");
    rmdir("d");
}

static void test_read_has_a_limit(void)
{
    uint8_t *bytes;
    size_t size;
    write_text("a", "12345");
    CHECK(slc_file_read(&bytes, &size, "a", 4, &err) == SLC_ELIMIT && !bytes, "4 of 5");
    CHECK(strcmp(err.msg, "a: larger than 4 bytes") == 0, "%s", err.msg);
    CHECK(slc_file_read(&bytes, &size, "a", 5, &err) == SLC_OK && size == 5, "5 of 5");
    free(bytes);
    CHECK(slc_file_read(&bytes, &size, "/dev/zero", 10000, &err) == SLC_ELIMIT,
          "endless");
    CHECK(slc_file_read(&bytes, &size, "a", SIZE_MAX, &err) == SLC_OK, "no limit");
    free(bytes);
    CHECK(slc_file_read(&bytes, &size, "/proc/self/status", 1 << 20, &err) == SLC_OK &&
              size > 99,
          "a file that says it is empty");
    free(bytes);
    slc_map map;
    write_text("a", "");
    CHECK(slc_map_open(&map, "a", &err) == SLC_OK && !map.bytes && map.size == 0,
          "empty");
    slc_map_close(&map);
    unlink("a");
}

static void test_pieces_of_every_size(void)
{
    slc_writer *w;
    static uint8_t piece[70000];
    uint8_t *bytes;
    size_t want = 0, size;
    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = (uint8_t)(i * 7 + i / 256);
    static const size_t sizes[] = {0, 1, 65535, 1, 65536, 69999, 3, 40000, 40000};
    CHECK(slc_writer_open(&w, "a", &err) == SLC_OK, "%s", err.msg);
    for (size_t i = 0; i < SLC_COUNT(sizes); i++) {
        CHECK(slc_writer_add(w, piece, sizes[i], &err) == SLC_OK, "%s", err.msg);
        want += sizes[i];
    }
    CHECK(slc_writer_commit(&w, &err) == SLC_OK && !w, "%s", err.msg);
    CHECK(slc_file_read(&bytes, &size, "a", 1 << 20, &err) == SLC_OK, "%s", err.msg);
    CHECK(size == want, "%zu bytes, not %zu", size, want);
    const uint8_t *p = bytes;
    for (size_t i = 0; i < SLC_COUNT(sizes); p += sizes[i++])
        CHECK(memcmp(p, piece, sizes[i]) == 0, "piece %zu", i);
    free(bytes);

    CHECK(slc_writer_open(&w, "b", &err) == SLC_OK, "%s", err.msg);
    slc_writer_abandon(&w);
    slc_writer_abandon(&w);
    CHECK(entries() == 1, "%zu entries after abandon", entries());
    unlink("a");
}

static void test_two_writers_of_one_file(void)
{
    slc_writer *first, *second;
    CHECK(slc_writer_open(&first, "a", &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_writer_open(&second, "a", &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_writer_add(first, "first", 5, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_writer_add(second, "2", 1, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_writer_commit(&first, &err) == SLC_OK, "%s", err.msg);
    check_text("a", "first");
    CHECK(slc_writer_commit(&second, &err) == SLC_OK, "%s", err.msg);
    check_text("a", "2");
    CHECK(entries() == 1, "%zu entries", entries());
    unlink("a");
}

static void test_appends_lines(void)
{
    CHECK(slc_file_append_line("log", "one", &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_file_append_line("log", "two", &err) == SLC_OK, "%s", err.msg);
    check_text("log", "one\ntwo\n");
    CHECK(slc_file_append_line("/dev/full", "x", &err) == SLC_EIO, "a full disk");
    CHECK(slc_file_append_line("no/log", "x", &err) == SLC_EIO, "no directory");
    unlink("log");
}

static void test_makes_directories(void)
{
    struct stat info;
    CHECK(slc_dir_make("x/y//z/", &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_dir_make("x/y/z", &err) == SLC_OK, "%s", err.msg);
    CHECK(stat("x/y/z", &info) == 0 && S_ISDIR(info.st_mode), "made");
    write_text("x/file", "");
    CHECK(slc_dir_make("x/file", &err) == SLC_EIO, "in the way");
    CHECK(strcmp(err.msg, "x/file: make directory: Not a directory") == 0, "%s", err.msg);
    CHECK(slc_dir_make("x/file/a", &err) == SLC_EIO, "below a file");
    CHECK(slc_dir_make("/", &err) == SLC_OK, "%s", err.msg);
    unlink("x/file");
    CHECK(rmdir("x/y/z") == 0 && rmdir("x/y") == 0 && rmdir("x") == 0, "remove");
}

static void test_lock_names_its_holder(void)
{
    int fd, ready[2], done[2];
    char c = 0, want[64];
    CHECK(pipe(ready) == 0 && pipe(done) == 0, "pipes");
    const pid_t child = fork();
    if (child == 0) {
        close(done[1]);
        c = slc_lock_take(&fd, "lock", NULL) == SLC_OK ? 'y' : 'n';
        if (write(ready[1], &c, 1) != 1 || read(done[0], &c, 1) < 0) _exit(1);
        _exit(0); /* without dropping it: a crash frees the lock */
    }
    close(done[0]);
    CHECK(read(ready[0], &c, 1) == 1 && c == 'y', "the child has it");
    CHECK(slc_lock_take(&fd, "lock", &err) == SLC_EINVAL && fd == -1, "taken twice");
    snprintf(want, sizeof(want), "lock: in use by process %ld", (long)child);
    CHECK(strcmp(err.msg, want) == 0, "%s, not %s", err.msg, want);
    close(done[1]);
    waitpid(child, NULL, 0);
    CHECK(slc_lock_take(&fd, "lock", &err) == SLC_OK, "%s", err.msg);
    int second;
    CHECK(slc_lock_take(&second, "lock", &err) == SLC_EINVAL, "one per process, too");
    slc_lock_drop(&fd);
    CHECK(slc_lock_take(&second, "lock", &err) == SLC_OK && fd == -1, "%s", err.msg);
    slc_lock_drop(&second);
    slc_lock_drop(&second);
    CHECK(slc_lock_take(&fd, "no/lock", &err) == SLC_EIO, "no directory");
    unlink("lock");
}

/* Killed at any moment, a reader finds all old or all new bytes. */
static void test_killed_while_replacing(void)
{
    static char bytes[1 << 18];
    memset(bytes, 'a', sizeof(bytes));
    CHECK(slc_file_replace("a", bytes, sizeof(bytes), &err) == SLC_OK, "%s", err.msg);
    for (int round = 0; round < 20; round++) {
        const pid_t child = fork();
        if (child == 0)
            for (char c = 'a';; c = c == 'z' ? 'a' : (char)(c + 1)) {
                memset(bytes, c, sizeof(bytes));
                if (slc_file_replace("a", bytes, sizeof(bytes), NULL) != SLC_OK) _exit(1);
            }
        usleep((useconds_t)(300 + 517 * round));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint8_t *got;
        size_t size;
        CHECK(slc_file_read(&got, &size, "a", sizeof(bytes), &err) == SLC_OK, "%s",
              err.msg);
        CHECK(size == sizeof(bytes), "%zu bytes", size);
        for (size_t i = 0; i < size; i++)
            CHECK(got[i] == got[0], "a mixture at %zu", i);
        free(got);
    }
    CHECK(system("rm -f a a.tmp-*") == 0, "remove");
}

/* Takes the lock again and again and removes it each time, as a run that ends does; "inside"
 * can be made only by a holder who is alone. */
static int quarrel(void)
{
    for (int taken = 0; taken < 200;) {
        int fd;
        if (slc_lock_take(&fd, "shared", NULL) != SLC_OK) continue;
        if (mkdir("inside", 0777) != 0) return 1;
        rmdir("inside");
        remove("shared");
        slc_lock_drop(&fd);
        taken++;
    }
    return 0;
}

static void test_lock_removed_while_it_was_opened_is_no_lock(void)
{
    enum { MEMBERS = 3 };
    for (int i = 0; i < MEMBERS; i++)
        if (fork() == 0) _exit(quarrel());
    for (int i = 0; i < MEMBERS; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0, "two held the lock at a time");
    }
}

int main(void)
{
    char folder[] = "/tmp/sluice-file-XXXXXX";
    CHECK(mkdtemp(folder) && chdir(folder) == 0, "%s", folder);
    test_replaces_whole_files();
    test_never_writes_into_the_old_file();
    test_keeps_the_old_file();
    test_commit_can_fail();
    test_writes_to_devices();
    test_follows_symbolic_links();
    test_refusals_have_reasons();
    test_read_has_a_limit();
    test_pieces_of_every_size();
    test_two_writers_of_one_file();
    test_appends_lines();
    test_makes_directories();
    test_lock_names_its_holder();
    test_killed_while_replacing();
    test_lock_removed_while_it_was_opened_is_no_lock();
    CHECK(entries() == 0 && chdir("/") == 0 && rmdir(folder) == 0, "%s is not empty",
          folder);
    return 0;
}
