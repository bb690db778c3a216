#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"

slc_status slc_map_open(slc_map *out, const char *path, slc_err *err)
{
    slc_status st = SLC_OK;
    struct stat info;
    *out = (slc_map){0};

    /* O_NONBLOCK: a pipe lying among the pictures must not stop us for ever. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return slc_fail_errno(err, SLC_EDATA, "%s", path);
    if (fstat(fd, &info) != 0) {
        st = slc_fail_errno(err, SLC_EDATA, "%s", path);
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        st = slc_fail(err, SLC_EDATA, "%s: not a regular file", path);
        goto done;
    }
    if (info.st_size == 0) goto done;

    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        st = slc_fail_errno(err, SLC_EDATA, "%s: map", path);
        goto done;
    }
    *out = (slc_map){bytes, (size_t)info.st_size};

done:
    close(fd);
    return st;
}

void slc_map_close(slc_map *map)
{
    if (map->bytes) munmap((void *)(uintptr_t)map->bytes, map->size);
    *map = (slc_map){0};
}

/* Reads up to size bytes, fewer only at the end of the file; -1 on failure. */
static ssize_t read_all(int fd, uint8_t *bytes, size_t size)
{
    size_t have = 0;
    while (have < size) {
        const ssize_t n = read(fd, bytes + have, size - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

/* A first guess at how much there is to read: pipes and /proc say 0. */
static size_t size_hint(int fd, size_t limit)
{
    struct stat info;
    size_t hint = 4096;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
        hint = (size_t)info.st_size + 1; /* one more, to meet the end in one go */
    return slc_min(hint, limit + 1);
}

slc_status slc_file_read(uint8_t **out, size_t *size, const char *path, size_t limit,
                         slc_err *err)
{
    slc_status st = SLC_OK;
    uint8_t *bytes = NULL;
    size_t have = 0, room = 0;
    *out = NULL;
    *size = 0;
    limit = slc_min(limit, SIZE_MAX / 4);

    /* A pipe that nobody writes to is empty; one that somebody does is waited for. */
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return slc_fail_errno(err, SLC_EDATA, "%s", path);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    while (have == room) {
        room = room ? slc_min(2 * room, limit + 1) : size_hint(fd, limit);
        uint8_t *more = realloc(bytes, room + 1);
        if (!more) {
            st = slc_fail(err, SLC_EDATA, "%s: out of memory", path);
            goto done;
        }
        bytes = more;
        const ssize_t n = read_all(fd, bytes + have, room - have);
        if (n < 0) {
            st = slc_fail_errno(err, SLC_EDATA, "%s", path);
            goto done;
        }
        have += (size_t)n;
        if (have > limit) {
            st = slc_fail(err, SLC_ELIMIT, "%s: larger than %zu bytes", path, limit);
            goto done;
        }
    }
    bytes[have] = 0;
    *out = bytes;
    *size = have;
    bytes = NULL;

done:
    free(bytes);
    close(fd);
    return st;
}

slc_status slc_file_append_line(const char *path, const char *line, slc_err *err)
{
    slc_status st = SLC_OK;
    const size_t size = strlen(line) + 1;
    char *text = malloc(size);
    if (!text) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    memcpy(text, line, size - 1);
    text[size - 1] = '\n';

    const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        st = slc_fail_errno(err, SLC_EIO, "%s: open", path);
        goto done;
    }
    ssize_t n;
    do
        n = write(fd, text, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        st = slc_fail_errno(err, SLC_EIO, "%s: write", path);
    else if ((size_t)n < size)
        st = slc_fail(err, SLC_EIO, "%s: only %zd of %zu bytes were written", path, n,
                      size);

done:
    if (fd >= 0) close(fd);
    free(text);
    return st;
}

/* mkdir, content with a directory that is there. */
static bool make_one(const char *path)
{
    struct stat info;
    if (mkdir(path, 0777) == 0) return true;
    const int why = errno;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return true;
        errno = ENOTDIR;
        return false;
    }
    errno = why;
    return false;
}

slc_status slc_dir_make(const char *path, slc_err *err)
{
    slc_status st = SLC_OK;
    char *copy = strdup(path);
    if (!copy) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    for (char *p = copy; *p && st == SLC_OK; p++) {
        if (*p != '/' || p == copy) continue;
        *p = '\0';
        if (!make_one(copy))
            st = slc_fail_errno(err, SLC_EIO, "%s: make directory", copy);
        *p = '/';
    }
    if (st == SLC_OK && !make_one(copy))
        st = slc_fail_errno(err, SLC_EIO, "%s: make directory", path);
    free(copy);
    return st;
}

/* The process number that a lock file's holder wrote into it; 0 if there is none yet. */
static long lock_holder(int fd)
{
    char text[32];
    const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    if (n <= 0) return 0;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

slc_status slc_lock_take(int *out, const char *path, slc_err *err)
{
    *out = -1;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return slc_fail_errno(err, SLC_EIO, "%s: open", path);

    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int why = errno;
        const long holder = lock_holder(fd);
        close(fd);
        errno = why;
        if (why != EWOULDBLOCK) return slc_fail_errno(err, SLC_EIO, "%s: lock", path);
        if (holder <= 0)
            return slc_fail(err, SLC_EINVAL, "%s: in use by another process", path);
        return slc_fail(err, SLC_EINVAL, "%s: in use by process %ld", path, holder);
    }
    struct stat held, named; /* its holder may have removed it since it was opened */
    if (fstat(fd, &held) != 0 || stat(path, &named) != 0 || held.st_ino != named.st_ino ||
        held.st_dev != named.st_dev) {
        close(fd);
        return slc_lock_take(out, path, err);
    }
    char text[32];
    const int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        const slc_status st = slc_fail_errno(err, SLC_EIO, "%s: write", path);
        close(fd);
        return st;
    }
    *out = fd;
    return SLC_OK;
}

void slc_lock_drop(int *fd)
{
    if (*fd >= 0) close(*fd); /* the lock goes with the descriptor */
    *fd = -1;
}
