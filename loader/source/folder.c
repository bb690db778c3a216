/* A tree of pictures: one folder per class, or a flat folder without labels. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "loader/source/listing.h"
#include "loader/source/source_impl.h"

typedef struct settings {
    const char *path;
    slc_texts classes;
} settings;

static const slc_param params[] = {
    {"path", SLC_FIELD(settings, path),
     .help = "the folder that holds the class folders"},
    {"classes", SLC_FIELD(settings, classes), .initial = "[]",
     .help = "only these class folders, numbered in this order"},
    {0},
};

typedef struct folder {
    slc_listing listing;
    int fd;
} folder;

static slc_status open_source(slc_source *s, const void *set, const slc_source_how *how,
                              slc_err *err)
{
    const settings *given = set;
    folder *f = slc_arena_zero(&s->arena, 1, sizeof(*f));
    if (!f) return slc_fail(err, SLC_ENOMEM, "out of memory");
    s->state = f;
    f->fd = -1;
    s->root = slc_source_root(s, given->path);
    s->describe = slc_arena_printf(&s->arena, "folder %s", given->path);
    if (!s->root || !s->describe) return slc_fail(err, SLC_ENOMEM, "out of memory");
    const slc_status st = slc_listing_make(&f->listing, s->root, how->split,
                                           &given->classes, how->log, err);
    if (st != SLC_OK) return st;
    f->fd = open(given->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0) return slc_fail_errno(err, SLC_EDATA, "%s", given->path);
    s->count = f->listing.count;
    s->classes = f->listing.classes;
    s->class_names = f->listing.class_names;
    if (s->classes > 0) s->labels = f->listing.label;
    s->split_picked = f->listing.split_picked;
    return SLC_OK;
}

static const char *name(const slc_source *s, uint64_t index, char *buffer, size_t size)
{
    (void)buffer, (void)size;
    const folder *f = s->state;
    return f->listing.texts + f->listing.offset[index];
}

static slc_status read_sample(const slc_source *s, uint64_t index, slc_arena *arena,
                              slc_stored *out, slc_err *err)
{
    const folder *f = s->state;
    return slc_sample_read(f->fd, name(s, index, NULL, 0), arena, out, err);
}

static void hint(const slc_source *s, uint64_t index)
{
    const folder *f = s->state;
    const int fd = openat(f->fd, name(s, index, NULL, 0),
                          O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return;
    posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
    close(fd);
}

static void close_source(slc_source *s)
{
    folder *f = s->state;
    if (!f) return;
    slc_listing_free(&f->listing);
    if (f->fd >= 0) close(f->fd);
}

const slc_source_kind slc_source_kind_folder = {
    .entry = {"folder", "a folder per class, or a flat folder of pictures",
              "torchvision.datasets.ImageFolder", params, sizeof(settings)},
    .open = open_source,
    .read = read_sample,
    .name = name,
    .hint = hint,
    .close = close_source,
};
