/* Opening a source: from a text or a map to the kind that knows it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "augment/codec.h"
#include "base/str.h"
#include "loader/source/source_impl.h"

enum { HEAD = 512 };

static slc_status create(slc_source **out, const slc_source_kind *kind,
                         const slc_node *settings, const slc_source_how *how,
                         slc_err *err)
{
    slc_status st = SLC_OK;
    char what[64];
    void *bound = NULL;
    slc_source *s = calloc(1, sizeof(*s));
    if (!s) return slc_fail(err, SLC_ENOMEM, "source: out of memory");
    s->kind = kind;
    s->root = "";
    bound = slc_arena_zero(&s->arena, 1, kind->entry.settings_size);
    if (!bound) {
        st = slc_fail(err, SLC_ENOMEM, "source: out of memory");
        goto done;
    }
    snprintf(what, sizeof(what), "source %s", kind->entry.name);
    st =
        slc_params_bind(kind->entry.params, bound, settings, false, what, &s->arena, err);
    if (st == SLC_OK) st = kind->open(s, bound, how, err);
    if (st == SLC_OK && s->count == 0)
        st = slc_fail(err, SLC_EDATA, "%s: has no samples",
                      s->describe ? s->describe : kind->entry.name);
done:
    if (st == SLC_OK)
        *out = s;
    else
        slc_source_close(&s);
    return st;
}

static const slc_source_kind *kind_by_name(const char *name, size_t n)
{
    for (size_t i = 0; slc_source_kinds[i]; i++) {
        const char *known = slc_source_kinds[i]->entry.name;
        if (strlen(known) == n && memcmp(known, name, n) == 0) return slc_source_kinds[i];
    }
    return NULL;
}

static const char *next_kind(const void *of, size_t i)
{
    const slc_source_kind *const *const kinds = of;
    return kinds[i] ? kinds[i]->entry.name : NULL;
}

/* No such path; perhaps because "foldr:/data/birds" is one behind a kind that was misspelt. */
static slc_status not_there(const char *path, slc_err *err)
{
    const int why = errno;
    char kind[16] = "";
    if (strcspn(path, ":/") < sizeof(kind) && path[strcspn(path, ":/")] == ':')
        snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(path, ":"), path);
    const char *const near =
        *kind ? slc_suggest(kind, next_kind, slc_source_kinds) : NULL;
    if (near)
        return slc_fail(err, SLC_EDATA, "%s: unknown kind \"%s\"; did you mean \"%s:\"?",
                        path, kind, near);
    errno = why;
    return slc_fail_errno(err, SLC_EDATA, "%s", path);
}

/* Which kind a bare path is, found out by looking at it. */
static slc_status kind_by_looks(const slc_source_kind **out, const char *path,
                                slc_err *err)
{
    struct stat info;
    uint8_t head[HEAD];
    ssize_t n = 0;
    if (stat(path, &info) != 0) {
        /* Brace patterns name no file, but all have to end alike. */
        const char *brace = strchr(path, '{');
        if (brace && strstr(brace, ".tar") && (*out = kind_by_name("tar", 3)))
            return SLC_OK;
        return not_there(path, err);
    }
    if (S_ISREG(info.st_mode)) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return slc_fail_errno(err, SLC_EDATA, "%s", path);
        n = read(fd, head, sizeof(head));
        close(fd);
    }
    for (size_t i = 0; slc_source_kinds[i]; i++)
        if (slc_source_kinds[i]->looks &&
            slc_source_kinds[i]->looks(path, &info, head, n < 0 ? 0 : (size_t)n))
            return (*out = slc_source_kinds[i]), SLC_OK;
    if (S_ISDIR(info.st_mode)) return (*out = &slc_source_kind_folder), SLC_OK;
    if (S_ISREG(info.st_mode) && slc_codec_by_extension(path)) {
        const slc_status st = slc_codec_known(head, n < 0 ? 0 : (size_t)n, err);
        slc_err_prefix(err, "%s", path);
        return st;
    }
    return slc_fail(err, SLC_EDATA,
                    "%s: is no data set: neither a folder, a picture, a manifest, a tar "
                    "file, IDX nor CIFAR",
                    path);
}

/* "~/photos" with $HOME for the tilde, which no shell replaces inside "folder:~/photos". */
static const char *at_home(slc_arena *arena, const char *path)
{
    const char *const home = path[0] == '~' && path[1] == '/' ? getenv("HOME") : NULL;
    return home ? slc_arena_printf(arena, "%s%s", home, path + 1) : path;
}

/* {path: text} with the origin of at, if there is one. */
static slc_node *path_map(slc_arena *arena, const char *text, const slc_node *at)
{
    slc_node *map = slc_node_new(arena, SLC_NODE_MAP);
    slc_node *path = slc_node_scalar(arena, text);
    if (!map || !path) return NULL;
    path->quoted = true;
    if (at) {
        path->line = map->line = at->line;
        path->origin = map->origin = at->origin;
    }
    return slc_node_put(map, arena, "path", path) ? map : NULL;
}

static slc_status open_text(slc_source **out, const char *spec, const slc_node *at,
                            const slc_source_how *how, slc_err *err)
{
    slc_status st = SLC_OK;
    slc_arena arena = {0};
    const char *colon = strchr(spec, ':');
    const slc_source_kind *kind =
        colon ? kind_by_name(spec, (size_t)(colon - spec)) : NULL;
    const char *path = at_home(&arena, kind ? colon + 1 : spec);
    const slc_node *map = path ? path_map(&arena, path, at) : NULL;
    if (!map) {
        st = slc_fail(err, SLC_ENOMEM, "source: out of memory");
        goto done;
    }
    if (!*path) {
        st = slc_fail(err, SLC_EINVAL, "source \"%s\": names no path", spec);
        goto done;
    }
    if (!kind) st = kind_by_looks(&kind, path, err);
    if (st == SLC_OK) st = create(out, kind, map, how, err);
done:
    slc_arena_free(&arena);
    return st;
}

slc_status slc_source_open_text(slc_source **out, const char *spec, const char *split,
                                const slc_log *log, slc_err *err)
{
    *out = NULL;
    const slc_source_how how = {split, log};
    return open_text(out, spec, NULL, &how, err);
}

slc_status slc_source_open(slc_source **out, const slc_node *spec, const char *split,
                           const slc_log *log, slc_err *err)
{
    *out = NULL;
    char where[128];
    const slc_source_how how = {split, log};
    if (spec && spec->kind == SLC_NODE_SCALAR)
        return open_text(out, spec->text, spec, &how, err);
    if (!spec || spec->kind != SLC_NODE_MAP || spec->count != 1)
        return slc_fail(
            err, SLC_EINVAL,
            "%s: a source is a text (\"folder:/data/birds\") or one kind with "
            "its settings ({folder: {path: /data/birds}})",
            spec ? slc_node_where(spec, where, sizeof(where)) : "source");
    const slc_node *child = spec->first;
    const slc_source_kind *kind = slc_entry_find((const void *const *)slc_source_kinds,
                                                 "source", child->key, child, err);
    if (!kind) return SLC_EINVAL;
    if (child->kind == SLC_NODE_MAP) return create(out, kind, child, &how, err);
    if (child->kind != SLC_NODE_SCALAR)
        return slc_fail(err, SLC_EINVAL, "%s: source %s: must be a path or a map",
                        slc_node_where(child, where, sizeof(where)), kind->entry.name);
    slc_arena arena = {0};
    const char *const path = at_home(&arena, child->text);
    const slc_node *map = path ? path_map(&arena, path, child) : NULL;
    const slc_status st = map ? create(out, kind, map, &how, err)
                              : slc_fail(err, SLC_ENOMEM, "source: out of memory");
    slc_arena_free(&arena);
    return st;
}

void slc_source_close(slc_source **source)
{
    slc_source *s = *source;
    if (!s) return;
    if (s->kind->close) s->kind->close(s);
    slc_arena_free(&s->arena);
    free(s);
    *source = NULL;
}
