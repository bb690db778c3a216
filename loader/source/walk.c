/* Reading directories, depth first, without changing the working directory. */
#include "loader/source/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "augment/codec.h"
#include "loader/source/listing.h"

typedef enum kind { OTHER, REGULAR, FOLDER } kind;

static kind kind_of(int dir, const struct dirent *entry)
{
    struct stat info;
    if (entry->d_type == DT_REG) return REGULAR;
    if (entry->d_type == DT_DIR) return FOLDER;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) return OTHER;
    if (fstatat(dir, entry->d_name, &info, 0) != 0) return OTHER; /* dangling link */
    return S_ISDIR(info.st_mode) ? FOLDER : S_ISREG(info.st_mode) ? REGULAR : OTHER;
}

static void add_path(slc_walk *walk, const char *path)
{
    const uint64_t start = walk->texts.size;
    slc_str_add_n(&walk->texts, path, strlen(path) + 1);
    slc_str_add_n(&walk->starts, &start, sizeof(start));
    walk->count++;
}

static void note_dir(slc_walk *walk, const char *path, const struct stat *info)
{
    const slc_seen_dir seen = {walk->dir_texts.size, info->st_mtim.tv_sec,
                               info->st_mtim.tv_nsec};
    slc_str_add_n(&walk->dir_texts, path, strlen(path) + 1);
    slc_str_add_n(&walk->dirs, &seen, sizeof(seen));
}

/* Opens root_fd/path for reading; *out = NULL for a loop. */
static slc_status enter(slc_walk *walk, int root_fd, const char *root, const char *path,
                        DIR **out, slc_err *err)
{
    struct stat info;
    *out = NULL;
    const int fd =
        openat(root_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        slc_fail_errno(err, SLC_EDATA, "%s%s", root, path);
        if (fd >= 0) close(fd);
        return SLC_EDATA;
    }
    for (size_t i = 0; i < walk->depth; i++)
        if (walk->above[i].dev == info.st_dev && walk->above[i].ino == info.st_ino)
            return close(fd), SLC_OK;
    if (walk->depth == SLC_WALK_DEPTH) {
        close(fd);
        return slc_fail(err, SLC_EDATA, "%s%s: more than %d folders deep", root, path,
                        SLC_WALK_DEPTH);
    }
    walk->above[walk->depth].dev = info.st_dev;
    walk->above[walk->depth].ino = info.st_ino;
    walk->depth++;
    note_dir(walk, path, &info);
    *out = fdopendir(fd);
    if (*out) return SLC_OK;
    close(fd);
    return slc_fail_errno(err, SLC_EDATA, "%s%s", root, path);
}

/* The next entry that is not hidden; NULL at the end, *failed if that is an error. */
static const struct dirent *next_entry(DIR *dir, bool *failed)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(dir);
    } while (entry && entry->d_name[0] == '.');
    *failed = !entry && errno != 0;
    return entry;
}

static slc_status visit(slc_walk *walk, int root_fd, const char *root, slc_str *path,
                        slc_err *err)
{
    DIR *dir;
    bool failed = false;
    const size_t base = path->size;
    slc_status st = enter(walk, root_fd, root, base ? path->text : "", &dir, err);
    if (st != SLC_OK || !dir) return st;
    for (const struct dirent *e; st == SLC_OK && (e = next_entry(dir, &failed));) {
        const kind is = kind_of(dirfd(dir), e);
        if (is == OTHER || (is == FOLDER && walk->flat)) continue;
        if (is == REGULAR && !slc_codec_by_extension(e->d_name)) {
            walk->left_out++;
            continue;
        }
        if (base) slc_str_add(path, "/");
        slc_str_add(path, e->d_name);
        if (path->failed)
            st = slc_fail(err, SLC_ENOMEM, "%s: out of memory for its listing", root);
        else if (is == REGULAR)
            add_path(walk, path->text);
        else
            st = visit(walk, root_fd, root, path, err);
        path->size = base;
        if (path->text) path->text[base] = 0;
    }
    if (failed) st = slc_fail_errno(err, SLC_EDATA, "%s%s", root, base ? path->text : "");
    closedir(dir);
    walk->depth--;
    return st;
}

static int by_text(const void *a, const void *b, void *texts)
{
    return strcmp((const char *)texts + *(const uint64_t *)a,
                  (const char *)texts + *(const uint64_t *)b);
}

static slc_status finish(slc_walk *walk, const char *root, slc_err *err)
{
    if (walk->texts.failed || walk->starts.failed || walk->dirs.failed ||
        walk->dir_texts.failed)
        return slc_fail(err, SLC_ENOMEM, "%s: out of memory for its listing", root);
    if (walk->count > 1)
        qsort_r(walk->starts.text, walk->count, sizeof(uint64_t), by_text,
                walk->texts.text);
    return SLC_OK;
}

slc_status slc_walk_run(slc_walk *walk, int root_fd, const char *root, const char *path,
                        slc_err *err)
{
    slc_str text = {0};
    slc_str_add(&text, path);
    slc_status st = text.failed ? slc_fail(err, SLC_ENOMEM, "%s: out of memory", root)
                                : visit(walk, root_fd, root, &text, err);
    slc_str_free(&text);
    return st == SLC_OK ? finish(walk, root, err) : st;
}

slc_status slc_walk_folders(slc_walk *walk, int root_fd, const char *root,
                            const char *path, uint64_t *loose, slc_err *err)
{
    DIR *dir;
    bool failed = false;
    const slc_status st = enter(walk, root_fd, root, path, &dir, err);
    if (st != SLC_OK) return st;
    for (const struct dirent *e; dir && (e = next_entry(dir, &failed));) {
        const kind is = kind_of(dirfd(dir), e);
        if (is == FOLDER)
            add_path(walk, e->d_name);
        else if (is == REGULAR && slc_codec_by_extension(e->d_name))
            ++*loose;
        else if (is == REGULAR)
            walk->left_out++;
    }
    if (dir) closedir(dir);
    walk->depth = 0;
    if (failed) return slc_fail_errno(err, SLC_EDATA, "%s%s", root, path);
    return finish(walk, root, err);
}

void slc_walk_free(slc_walk *walk)
{
    slc_str_free(&walk->texts);
    slc_str_free(&walk->starts);
    slc_str_free(&walk->dirs);
    slc_str_free(&walk->dir_texts);
}
