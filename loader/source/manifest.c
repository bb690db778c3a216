/* A list of pictures in a text file, with labels, splits, weights and groups. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "loader/source/manifest_table.h"
#include "loader/source/source_impl.h"

typedef struct settings {
    const char *path;
    int delimiter;
    slc_texts classes;
} settings;

static const char *const delimiters[] = {"auto", "comma", "tab", "semicolon", NULL};
static const char delimiter_bytes[] = {0, ',', '\t', ';'};

static const slc_param params[] = {
    {"path", SLC_FIELD(settings, path),
     .help =
         "the list: a header with path, and label, split, weight or group; then rows"},
    {"delimiter", SLC_FIELD(settings, delimiter), .choices = delimiters,
     .initial = "auto",
     .help = "what stands between fields; auto: a tab if the header has one"},
    {"classes", SLC_FIELD(settings, classes), .initial = "[]",
     .help = "only these labels, numbered in this order"},
    {0},
};

typedef struct manifest {
    slc_manifest table;
    int fd; /* of the folder that relative paths start from */
} manifest;

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "manifest: out of memory");
}

static bool looks(const char *path, const struct stat *info, const uint8_t *head,
                  size_t size)
{
    const char *dot = strrchr(path, '.');
    return S_ISREG(info->st_mode) && dot &&
           (strcasecmp(dot, ".csv") == 0 || strcasecmp(dot, ".tsv") == 0 ||
            (strcasecmp(dot, ".txt") == 0 &&
             slc_manifest_looks((const char *)head, size)));
}

static slc_status read_table(manifest *m, const settings *given, const char *split,
                             slc_err *err)
{
    struct stat info;
    slc_status st;
    const int fd = open(given->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return slc_fail_errno(err, SLC_EDATA, "%s", given->path);
    if (fstat(fd, &info) != 0) {
        st = slc_fail_errno(err, SLC_EDATA, "%s", given->path);
    } else if (!S_ISREG(info.st_mode)) {
        st = slc_fail(err, SLC_EDATA, "%s: is not a regular file", given->path);
    } else {
        const slc_manifest_how how = {.split = split,
                                      .delimiter = delimiter_bytes[given->delimiter]};
        st = slc_manifest_read(&m->table, fd, (uint64_t)info.st_size, &how, err);
        if (st != SLC_OK) slc_err_prefix(err, "%s", given->path);
    }
    close(fd);
    return st;
}

/* Drops the rows whose label became -1; their texts stay. */
static void filter(slc_manifest *t)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < t->count; i++) {
        if (t->label[i] < 0) continue;
        t->path[kept] = t->path[i];
        t->label[kept] = t->label[i];
        if (t->weight) t->weight[kept] = t->weight[i];
        if (t->group) t->group[kept] = t->group[i];
        kept++;
    }
    t->count = kept;
}

static slc_status number_labels(slc_source *s, slc_manifest *t, const slc_texts *given,
                                slc_err *err)
{
    const size_t n = t->labels.count;
    slc_status st = SLC_OK;
    const char **texts = slc_arena_zero(&s->arena, n + 1, sizeof(*texts));
    int32_t *number = malloc((n + 1) * sizeof(*number));
    int32_t *picked = malloc((n + 1) * sizeof(*picked));
    if (!texts || !number || !picked) {
        st = no_memory(err);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        texts[i] = slc_interned(&t->labels, i);
    if ((st = slc_classes_number(s, texts, n, number, err)) != SLC_OK) goto done;
    if (given->n > 0) {
        if ((st = slc_classes_pick(s, given, picked, err)) != SLC_OK) goto done;
        for (size_t i = 0; i < n; i++)
            number[i] = picked[number[i]];
    }
    for (uint64_t i = 0; i < t->count; i++)
        t->label[i] = number[t->label[i]];
    if (given->n > 0) filter(t);
done:
    free(number);
    free(picked);
    return st;
}

static slc_status open_source(slc_source *s, const void *set, const slc_source_how *how,
                              slc_err *err)
{
    slc_status st;
    const settings *given = set;
    manifest *m = slc_arena_zero(&s->arena, 1, sizeof(*m));
    if (!m) return no_memory(err);
    m->fd = -1;
    s->state = m;
    const char *slash = strrchr(given->path, '/');
    s->root = slash ? slc_arena_text_n(&s->arena, given->path,
                                       (size_t)(slash - given->path) + 1)
                    : "";
    s->describe = slc_arena_printf(&s->arena, "manifest %s", given->path);
    if (!s->root || !s->describe) return no_memory(err);
    if ((st = read_table(m, given, how->split, err)) != SLC_OK) return st;
    s->split_picked = m->table.has_split && how->split;
    if (m->table.count == 0 && s->split_picked)
        return slc_fail(err, SLC_EDATA, "%s: has no rows of the split \"%s\"",
                        given->path, how->split);
    m->fd = open(*s->root ? s->root : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->fd < 0) return slc_fail_errno(err, SLC_EDATA, "%s", s->root);
    if (m->table.label) {
        st = number_labels(s, &m->table, &given->classes, err);
        if (st != SLC_OK) return st;
    } else if (given->classes.n > 0) {
        return slc_fail(err, SLC_EINVAL, "classes: %s has no labels", given->path);
    }
    s->count = m->table.count;
    s->labels = m->table.label;
    s->weights = m->table.weight;
    s->groups = m->table.group;
    return SLC_OK;
}

static const char *name(const slc_source *s, uint64_t index, char *buffer, size_t size)
{
    (void)buffer, (void)size;
    const manifest *m = s->state;
    return m->table.texts + m->table.path[index];
}

static slc_status read_sample(const slc_source *s, uint64_t index, slc_arena *arena,
                              slc_stored *out, slc_err *err)
{
    const manifest *m = s->state;
    return slc_sample_read(m->fd, name(s, index, NULL, 0), arena, out, err);
}

static void hint(const slc_source *s, uint64_t index)
{
    const manifest *m = s->state;
    const int fd = openat(m->fd, name(s, index, NULL, 0),
                          O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return;
    posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
    close(fd);
}

static void close_source(slc_source *s)
{
    manifest *m = s->state;
    if (!m) return;
    slc_manifest_free(&m->table);
    if (m->fd >= 0) close(m->fd);
}

const slc_source_kind slc_source_kind_manifest = {
    .entry = {"manifest", "a list in CSV or TSV: path, label, split, weight, group",
              "RFC 4180", params, sizeof(settings)},
    .looks = looks,
    .open = open_source,
    .read = read_sample,
    .name = name,
    .hint = hint,
    .close = close_source,
};
