/* Replacing files: temporary name, fsync, rename, fsync of the directory. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"

enum { BUFFER = 1 << 16 };

struct slc_writer {
    int fd;
    char *path; /* what is replaced: behind symbolic links */
    char *temp; /* NULL while no temporary exists */
    size_t held;
    uint8_t buffer[BUFFER];
};

static slc_status no_memory(slc_err *err, const char *path)
{
    return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
}

/* Creates a new file beside path. The number after the process number tells apart writers
 * of one process, and steps over what a crashed process of the same number left. */
static slc_status open_temp(slc_writer *w, slc_err *err)
{
    const size_t size = strlen(w->path) + 48;
    char *name = malloc(size);
    if (!name) return no_memory(err, w->path);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, size, "%s.tmp-%ld-%d", w->path, (long)getpid(), i);
        w->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0) {
            w->temp = name;
            return SLC_OK;
        }
        if (errno != EEXIST) break;
    }
    const slc_status st = slc_fail_errno(err, SLC_EIO, "%s: create", w->path);
    free(name);
    return st;
}

slc_status slc_writer_open(slc_writer **out, const char *path, slc_err *err)
{
    slc_status st = SLC_OK;
    struct stat old;
    *out = NULL;
    slc_writer *w = calloc(1, sizeof(*w));
    if (!w) return no_memory(err, path);
    w->fd = -1;

    const bool exists = stat(path, &old) == 0;
    w->path = exists ? realpath(path, NULL) : strdup(path);
    if (!w->path) {
        st = slc_fail_errno(err, errno == ENOMEM ? SLC_ENOMEM : SLC_EIO, "%s", path);
        goto done;
    }
    if (exists && !S_ISREG(old.st_mode)) {
        /* A device or pipe is written to; replacing /dev/null would be a disaster. */
        w->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (w->fd < 0) st = slc_fail_errno(err, SLC_EIO, "%s: open", path);
        goto done;
    }
    if ((st = open_temp(w, err)) != SLC_OK) goto done;
    if (exists && fchmod(w->fd, old.st_mode & 0777) != 0)
        st = slc_fail_errno(err, SLC_EIO, "%s: set mode", path);

done:
    if (st != SLC_OK) slc_writer_abandon(&w);
    *out = w;
    return st;
}

static slc_status write_all(slc_writer *w, const uint8_t *p, size_t size, slc_err *err)
{
    while (size > 0) {
        const ssize_t n = write(w->fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return slc_fail_errno(err, SLC_EIO, "%s: write", w->path);
        p += n;
        size -= (size_t)n;
    }
    return SLC_OK;
}

static slc_status flush(slc_writer *w, slc_err *err)
{
    const size_t n = w->held;
    w->held = 0;
    return write_all(w, w->buffer, n, err);
}

slc_status slc_writer_add(slc_writer *w, const void *bytes, size_t size, slc_err *err)
{
    if (size > BUFFER - w->held) {
        const slc_status st = flush(w, err);
        if (st != SLC_OK) return st;
        if (size >= BUFFER) return write_all(w, bytes, size, err);
    }
    if (size > 0) memcpy(w->buffer + w->held, bytes, size);
    w->held += size;
    return SLC_OK;
}

/* Opens the directory that path stands in: a rename lives in the directory's own data. */
static int open_parent(const char *path)
{
    char *copy = strdup(path); /* dirname() writes to its argument */
    if (!copy) return -1;
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    return fd;
}

/* The temporary takes the place of the old file. All that can be refused is tried first. */
static slc_status put_in_place(slc_writer *w, slc_err *err)
{
    slc_status st = SLC_OK;
    const int dir = open_parent(w->path);
    if (dir < 0) return slc_fail_errno(err, SLC_EIO, "%s: open directory", w->path);
    if (fsync(w->fd) != 0) {
        st = slc_fail_errno(err, SLC_EIO, "%s: sync", w->path);
        goto done;
    }
    if (rename(w->temp, w->path) != 0) {
        st = slc_fail_errno(err, SLC_EIO, "%s: rename", w->path);
        goto done;
    }
    free(w->temp);
    w->temp = NULL;
    if (fsync(dir) != 0 &&
        errno != EINVAL) /* EINVAL: a file system that has no such thing */
        st = slc_fail_errno(err, SLC_EIO, "%s: sync directory", w->path);

done:
    close(dir);
    return st;
}

slc_status slc_writer_commit(slc_writer **writer, slc_err *err)
{
    slc_writer *w = *writer;
    slc_status st = flush(w, err);
    if (st == SLC_OK && w->temp) st = put_in_place(w, err);
    slc_writer_abandon(writer);
    return st;
}

void slc_writer_abandon(slc_writer **writer)
{
    slc_writer *w = *writer;
    if (!w) return;
    if (w->fd >= 0) close(w->fd); /* its errors were already caught by fsync */
    if (w->temp) unlink(w->temp);
    free(w->temp);
    free(w->path);
    free(w);
    *writer = NULL;
}

slc_status slc_file_replace(const char *path, const void *bytes, size_t size,
                            slc_err *err)
{
    slc_writer *w = NULL;
    slc_status st = slc_writer_open(&w, path, err);
    if (!w) return st;
    st = slc_writer_add(w, bytes, size, err);
    if (st == SLC_OK) st = slc_writer_commit(&w, err);
    slc_writer_abandon(&w);
    return st;
}
