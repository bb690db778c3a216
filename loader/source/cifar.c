/* CIFAR-10 and CIFAR-100, binary version: records of one or two label bytes and 3072 bytes of
 * 32 x 32 px, plane by plane. Held in memory as interleaved pixels (Krizhevsky 2009). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "loader/source/source_impl.h"

typedef struct settings {
    const char *path;
    int labels;
    slc_texts classes;
} settings;

static const char *const label_names[] = {"fine", "coarse", NULL};

static const slc_param params[] = {
    {"path", SLC_FIELD(settings, path), .help = "folder with the .bin files"},
    {"labels", SLC_FIELD(settings, labels), .choices = label_names, .initial = "fine",
     .help = "which labels of CIFAR-100: 100 classes or 20"},
    {"classes", SLC_FIELD(settings, classes), .initial = "[]",
     .help = "what the labels 0, 1, 2... are called, if no file beside them says"},
    {0},
};

enum { SIDE = 32, PLANE = SIDE * SIDE, PICTURE = 3 * PLANE, MOST_FILES = 6 };
enum { MOST_SIZE = 1 << 30, MOST_NAMES = 1 << 16 };

/* The two data sets: how many label bytes, and what their files are called. */
typedef struct variant {
    size_t label_bytes;
    struct {
        const char *name, *split;
    } files[MOST_FILES];
    struct {
        size_t classes;
        const char *names;
    } labels[2]; /* fine, coarse */
} variant;

static const variant variants[] = {
    {1,
     {{"data_batch_1.bin", "train"},
      {"data_batch_2.bin", "train"},
      {"data_batch_3.bin", "train"},
      {"data_batch_4.bin", "train"},
      {"data_batch_5.bin", "train"},
      {"test_batch.bin", "test"}},
     {{10, "batches.meta.txt"}, {0, ""}}},
    {2,
     {{"train.bin", "train"}, {"test.bin", "test"}},
     {{100, "fine_label_names.txt"}, {20, "coarse_label_names.txt"}}},
};

typedef struct part {
    const char *name;
    uint64_t first;
    uint8_t *bytes; /* while it is read */
    size_t size;
} part;

typedef struct cifar {
    part parts[MOST_FILES];
    size_t count;
    uint8_t *pixels;
} cifar;

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "cifar: out of memory");
}

static bool is_there(const char *folder, const char *name)
{
    char path[4096];
    struct stat info;
    const int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    return n > 0 && (size_t)n < sizeof(path) && stat(path, &info) == 0;
}

static const variant *find_variant(const char *folder)
{
    for (size_t v = 0; v < SLC_COUNT(variants); v++)
        for (size_t k = 0; k < MOST_FILES && variants[v].files[k].name; k++)
            if (is_there(folder, variants[v].files[k].name)) return &variants[v];
    return NULL;
}

static bool looks(const char *path, const struct stat *info, const uint8_t *head,
                  size_t size)
{
    (void)head, (void)size;
    return S_ISDIR(info->st_mode) && find_variant(path);
}

/* Reads the files of the split that are there. */
static slc_status read_parts(slc_source *s, cifar *c, const variant *v, const char *split,
                             slc_err *err)
{
    const size_t record = v->label_bytes + PICTURE;
    for (size_t k = 0; k < MOST_FILES && v->files[k].name; k++) {
        part *p = &c->parts[c->count];
        p->name = v->files[k].name;
        if (split && strcmp(split, v->files[k].split) != 0) continue;
        if (!is_there(s->root, p->name)) continue;
        const char *path = slc_arena_printf(&s->arena, "%s%s", s->root, p->name);
        if (!path) return no_memory(err);
        const slc_status st = slc_file_read(&p->bytes, &p->size, path, MOST_SIZE, err);
        if (st != SLC_OK) return st;
        p->first = s->count;
        c->count++;
        if (p->size == 0 || p->size % record != 0)
            return slc_fail(
                err, SLC_EDATA,
                "%s: is truncated: %zu bytes are not a whole number of records "
                "of %zu",
                path, p->size, record);
        s->count += p->size / record;
    }
    if (c->count > 0) return s->split_picked = split != NULL, SLC_OK;
    return slc_fail(err, SLC_EDATA, "%s: has no CIFAR file for the split \"%s\"", s->root,
                    split);
}

/* One file's records become pixels and labels. */
static slc_status unfold(const slc_source *s, const cifar *c, const part *p,
                         size_t label_bytes, size_t which, int32_t *labels, slc_err *err)
{
    const size_t record = label_bytes + PICTURE, count = p->size / record;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *r = p->bytes + i * record, *planes = r + label_bytes;
        const size_t label = r[label_bytes == 2 ? 1 - which : 0]; /* coarse comes first */
        if (label >= s->classes)
            return slc_fail(err, SLC_EDATA,
                            "%s%s: record %zu has label %zu of %zu classes", s->root,
                            p->name, i, label, s->classes);
        uint8_t *px = c->pixels + (p->first + i) * PICTURE;
        for (size_t k = 0; k < PLANE; k++) {
            px[3 * k] = planes[k];
            px[3 * k + 1] = planes[PLANE + k];
            px[3 * k + 2] = planes[2 * PLANE + k];
        }
        labels[p->first + i] = (int32_t)label;
    }
    return SLC_OK;
}

/* One name a line; empty lines are left out. */
static slc_status read_names(slc_source *s, const char *name, const char **names,
                             slc_err *err)
{
    uint8_t *bytes;
    size_t size, n = 0;
    const char *path = slc_arena_printf(&s->arena, "%s%s", s->root, name);
    if (!path) return no_memory(err);
    slc_status st = slc_file_read(&bytes, &size, path, MOST_NAMES, err);
    if (st != SLC_OK) return st;
    char *rest = NULL;
    for (char *line = strtok_r((char *)bytes, "\r\n", &rest); line && n < s->classes;
         line = strtok_r(NULL, "\r\n", &rest)) {
        line[strcspn(line, "\t")] = 0;
        if (!slc_utf8_is_valid(line)) continue;
        if (!(names[n++] = slc_arena_text(&s->arena, line))) st = no_memory(err);
    }
    free(bytes);
    if (st == SLC_OK && n < s->classes)
        return slc_fail(err, SLC_EDATA, "%s: has %zu names for %zu classes", path, n,
                        s->classes);
    return st;
}

static slc_status name_classes(slc_source *s, const slc_texts *given, const char *file,
                               slc_err *err)
{
    const char **names = slc_arena_zero(&s->arena, s->classes + 1, sizeof(*names));
    if (!names) return no_memory(err);
    s->class_names = names;
    if (given->n && given->n != s->classes)
        return slc_fail(err, SLC_EINVAL, "classes: %zu names for %zu classes", given->n,
                        s->classes);
    if (!given->n && is_there(s->root, file)) return read_names(s, file, names, err);
    for (size_t i = 0; i < s->classes; i++) {
        names[i] = given->n ? slc_arena_text(&s->arena, given->v[i])
                            : slc_arena_printf(&s->arena, "%zu", i);
        if (!names[i]) return no_memory(err);
    }
    return SLC_OK;
}

static slc_status open_source(slc_source *s, const void *set, const slc_source_how *how,
                              slc_err *err)
{
    slc_status st;
    size_t bytes;
    const settings *given = set;
    const size_t which = (size_t)given->labels;
    cifar *c = slc_arena_zero(&s->arena, 1, sizeof(*c));
    if (!c) return no_memory(err);
    s->state = c;
    s->root = slc_source_root(s, given->path);
    s->describe = slc_arena_printf(&s->arena, "cifar %s", given->path);
    if (!s->root || !s->describe) return no_memory(err);
    const variant *v = find_variant(s->root);
    if (!v)
        return slc_fail(err, SLC_EDATA,
                        "%s: holds no CIFAR files (data_batch_1.bin, test_batch.bin; "
                        "train.bin, test.bin)",
                        given->path);
    s->classes = v->labels[which].classes;
    if (s->classes == 0)
        return slc_fail(err, SLC_EINVAL, "labels: CIFAR-10 has no coarse labels");
    if ((st = read_parts(s, c, v, how->split, err)) != SLC_OK) return st;
    int32_t *labels = slc_arena_zero(&s->arena, s->count, sizeof(*labels));
    if (!slc_mul(s->count, PICTURE, &bytes) || !labels ||
        !(c->pixels = malloc(bytes + 64)))
        return no_memory(err);
    memset(c->pixels + bytes, 0, 64); /* kernels may read that far */
    for (size_t k = 0; k < c->count; k++) {
        st = unfold(s, c, &c->parts[k], v->label_bytes, which, labels, err);
        if (st != SLC_OK) return st;
        free(c->parts[k].bytes);
        c->parts[k].bytes = NULL;
    }
    s->labels = labels;
    s->w = s->h = SIDE;
    s->channels = 3;
    return name_classes(s, &given->classes, v->labels[which].names, err);
}

static slc_status read_sample(const slc_source *s, uint64_t index, slc_arena *arena,
                              slc_stored *out, slc_err *err)
{
    (void)arena, (void)err;
    const cifar *c = s->state;
    out->pixels = (slc_image){.px = c->pixels + index * PICTURE,
                              .w = SIDE,
                              .h = SIDE,
                              .channels = 3,
                              .stride = 3 * SIDE};
    return SLC_OK;
}

static const char *name(const slc_source *s, uint64_t index, char *buffer, size_t size)
{
    const cifar *c = s->state;
    size_t k = c->count - 1;
    while (k > 0 && c->parts[k].first > index)
        k--;
    snprintf(buffer, size, "%s#%llu", c->parts[k].name,
             (unsigned long long)(index - c->parts[k].first));
    return buffer;
}

static void close_source(slc_source *s)
{
    cifar *c = s->state;
    if (!c) return;
    for (size_t k = 0; k < MOST_FILES; k++)
        free(c->parts[k].bytes);
    free(c->pixels);
}

const slc_source_kind slc_source_kind_cifar = {
    .entry = {"cifar",
              "CIFAR-10 or CIFAR-100, binary version: pixels and labels in memory",
              "https://www.cs.toronto.edu/~kriz/cifar.html", params, sizeof(settings)},
    .looks = looks,
    .open = open_source,
    .read = read_sample,
    .name = name,
    .close = close_source,
};
