/* Names and files of what preprocess writes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "loader/prep/prep.h"

/* Adds a name made of path components that lead nowhere but down. In shards a dot would end
 * the key, so it becomes an underscore. */
static void add_safely(char *to, size_t room, const char *from, size_t n, bool dots)
{
    size_t at = strlen(to);
    for (size_t i = 0; i < n && at + 1 < room;) {
        const char *end = memchr(from + i, '/', n - i);
        const size_t part = end ? (size_t)(end - from) - i : n - i;
        const bool up = part == 2 && from[i] == '.' && from[i + 1] == '.';
        if (part > 0 && !(part == 1 && from[i] == '.')) {
            if (at > 0 && to[at - 1] != '/' && at + 1 < room) to[at++] = '/';
            for (size_t k = 0; k < part && at + 1 < room; k++) {
                const char c = from[i + k];
                const bool bad = (unsigned char)c < ' ' || up || (k == 0 && c == '.') ||
                                 (c == '.' && !dots);
                to[at++] = bad ? '_' : c;
            }
        }
        i += part + 1;
    }
    to[at] = 0;
}

static bool has_component(const char *path, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = path; *p;) {
        const size_t part = strcspn(p, "/");
        if (part == n && p[part] == '/' && memcmp(p, name, n) == 0) return true;
        p += part + (p[part] == '/');
    }
    return false;
}

void slc_prep_stem(const slc_source *source, uint64_t index, bool shards, char *stem,
                   size_t size)
{
    char buffer[4352];
    size_t w, h, channels;
    const char *name = slc_source_name(source, index, buffer, sizeof(buffer));
    const int32_t label = slc_source_label(source, index);
    const char *class = label >= 0 ? slc_source_class(source, (size_t)label) : "";
    const size_t tail = 32;
    stem[0] = 0;
    if (*class && !has_component(name, class))
        add_safely(stem, size - tail, class, strlen(class), !shards);
    if (slc_source_fixed_size(source, &w, &h, &channels)) {
        const size_t at = strlen(stem);
        snprintf(stem + at, size - at, "%s%08llu", at ? "/" : "",
                 (unsigned long long)index);
        return;
    }
    const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
    const size_t n =
        dot && (!slash || dot > slash + 1) ? (size_t)(dot - name) : strlen(name);
    add_safely(stem, size - tail, name, n, !shards);
    if (!*stem || strlen(stem) + tail + 1 >= size)
        snprintf(stem, size, "sample-%08llu", (unsigned long long)index);
}

slc_status slc_prep_put(const char *path, const char *temp, const slc_str *bytes,
                        slc_err *err)
{
    slc_status st = SLC_OK;
    const int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return slc_fail_errno(err, SLC_EIO, "%s", temp);
    for (size_t at = 0; at < bytes->size && st == SLC_OK;) {
        const ssize_t n = write(fd, bytes->text + at, bytes->size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) st = slc_fail_errno(err, SLC_EIO, "%s: write", path);
        if (n > 0) at += (size_t)n;
    }
    if (close(fd) != 0 && st == SLC_OK)
        st = slc_fail_errno(err, SLC_EIO, "%s: write", path);
    if (st == SLC_OK && rename(temp, path) != 0) {
        /* The folder is made when the first of its pictures comes. */
        char dir[PATH_MAX];
        snprintf(dir, sizeof(dir), "%s", path);
        char *slash = strrchr(dir, '/');
        if (slash) *slash = 0;
        st = errno == ENOENT ? slc_dir_make(dir, err)
                             : slc_fail_errno(err, SLC_EIO, "%s: rename", path);
        if (st == SLC_OK && rename(temp, path) != 0)
            st = slc_fail_errno(err, SLC_EIO, "%s: rename", path);
    }
    if (st != SLC_OK) unlink(temp);
    return st;
}

slc_status slc_prep_stand(const char *out, const char *name, slc_err *err)
{
    char from[PATH_MAX], to[PATH_MAX];
    snprintf(from, sizeof(from), "%s/.sluice/%s", out, name);
    snprintf(to, sizeof(to), "%s/%s", out, name);
    return rename(from, to) == 0 ? SLC_OK
                                 : slc_fail_errno(err, SLC_EIO, "%s: rename", to);
}
