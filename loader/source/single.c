/* One picture, given by its path. Unlabelled. */
#include <fcntl.h>

#include "augment/codec.h"
#include "loader/source/source_impl.h"

typedef struct settings {
    const char *path;
} settings;

static const slc_param params[] = {
    {"path", SLC_FIELD(settings, path), .help = "the picture"},
    {0},
};

static bool looks(const char *path, const struct stat *info, const uint8_t *head,
                  size_t size)
{
    (void)path;
    return S_ISREG(info->st_mode) && slc_codec_of(head, size);
}

static slc_status open_source(slc_source *s, const void *set, const slc_source_how *how,
                              slc_err *err)
{
    (void)how;
    const settings *given = set;
    struct stat info;
    if (stat(given->path, &info) != 0)
        return slc_fail_errno(err, SLC_EDATA, "%s", given->path);
    if (!S_ISREG(info.st_mode))
        return slc_fail(err, SLC_EDATA, "%s: is not a regular file", given->path);
    s->count = 1;
    s->state = slc_arena_text(&s->arena, given->path);
    s->describe = slc_arena_printf(&s->arena, "file %s", given->path);
    if (!s->state || !s->describe) return slc_fail(err, SLC_ENOMEM, "out of memory");
    return SLC_OK;
}

static slc_status read_sample(const slc_source *s, uint64_t index, slc_arena *arena,
                              slc_stored *out, slc_err *err)
{
    (void)index;
    return slc_sample_read(AT_FDCWD, s->state, arena, out, err);
}

static const char *name(const slc_source *s, uint64_t index, char *buffer, size_t size)
{
    (void)index, (void)buffer, (void)size;
    return s->state;
}

const slc_source_kind slc_source_kind_file = {
    .entry = {"file", "one picture", "", params, sizeof(settings)},
    .looks = looks,
    .open = open_source,
    .read = read_sample,
    .name = name,
};
