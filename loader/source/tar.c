/* WebDataset: pictures and labels in tar shards, read at random through an index. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "loader/source/braces.h"
#include "loader/source/source_impl.h"
#include "loader/source/tar_index.h"

typedef struct settings {
    const char *path, *image, *label, *label_key;
    slc_texts classes;
} settings;

static const slc_param params[] = {
    {"path", SLC_FIELD(settings, path),
     .help = "a shard, a folder of shards, or a pattern: shard-{000..099}.tar"},
    {"image", SLC_FIELD(settings, image), .initial = "",
     .help = "field of the picture (\"jpg\"), if it is not to be found by its extension"},
    {"label", SLC_FIELD(settings, label), .initial = "",
     .help = "field of the label, or none; otherwise cls, else json"},
    {"label_key", SLC_FIELD(settings, label_key), .initial = "label",
     .help = "the key of the label in a field of JSON"},
    {"classes", SLC_FIELD(settings, classes), .initial = "[]",
     .help = "what the labels 0, 1, 2... are called, or the only labels to keep"},
    {0},
};

enum { MAX_THREADS = 8, MOST_CLASSES = 1 << 20, MOST_NAMES = 64 << 20 };

typedef struct shard {
    const char *path; /* as given */
    const char *name; /* its last part */
    slc_tar_index index;
    uint64_t first; /* the number of its first sample */
    slc_status st;
    slc_err err;
} shard;

typedef struct tar {
    slc_tar_fields fields;
    shard *shards;
    size_t count;
    atomic_size_t next; /* the next shard to index; the order of claims does not matter */
    uint32_t *rows;     /* sample -> row of its shard, if a class filter left some out */
} tar;

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "tar: out of memory");
}

static bool ends_in_tar(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && name[0] != '.' && strcmp(name + n - 4, ".tar") == 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All shards of a folder, in byte order. */
static slc_status list_folder(slc_source *s, slc_texts *out, const char *path,
                              slc_err *err)
{
    slc_str names = {0};
    slc_status st = SLC_OK;
    const char *root = slc_source_root(s, path);
    DIR *dir = opendir(path);
    if (!root || !dir) {
        if (dir) closedir(dir);
        return root ? slc_fail_errno(err, SLC_EDATA, "%s", path) : no_memory(err);
    }
    size_t count = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        if (!ends_in_tar(e->d_name)) continue;
        slc_str_add_n(&names, e->d_name, strlen(e->d_name) + 1);
        count++;
    }
    closedir(dir);
    out->v = slc_arena_zero(&s->arena, count + 1, sizeof(*out->v));
    if (names.failed || !out->v) st = no_memory(err);
    for (size_t at = 0; st == SLC_OK && out->n < count; out->n++) {
        out->v[out->n] = slc_arena_printf(&s->arena, "%s%s", root, names.text + at);
        if (!out->v[out->n]) st = no_memory(err);
        at += strlen(names.text + at) + 1;
    }
    slc_str_free(&names);
    if (st == SLC_OK && count == 0)
        return slc_fail(err, SLC_EDATA, "%s: holds no .tar files", path);
    if (st == SLC_OK) qsort(out->v, out->n, sizeof(*out->v), by_bytes);
    return st;
}

static slc_status find_shards(slc_source *s, slc_texts *out, const char *path,
                              slc_err *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return list_folder(s, out, path, err);
    if (stat(path, &info) != 0 && (strchr(path, '{') || strstr(path, "::")))
        return slc_braces_expand(out, &s->arena, path, err);
    out->v = slc_arena_zero(&s->arena, 1, sizeof(*out->v));
    if (!out->v) return no_memory(err);
    out->v[out->n] = slc_arena_text(&s->arena, path); /* the settings' own goes away */
    return out->v[out->n++] ? SLC_OK : no_memory(err);
}

static void run_indexers(void *arg, size_t thread)
{
    (void)thread;
    tar *t = arg;
    for (;;) {
        const size_t k = atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed);
        if (k >= t->count) return;
        shard *one = &t->shards[k];
        one->st = slc_tar_index_open(&one->index, one->path, &t->fields, &one->err);
    }
}

static void stop_indexers(void *arg)
{
    tar *t = arg;
    atomic_store_explicit(&t->next, t->count, memory_order_relaxed);
}

static slc_status index_all(tar *t, slc_err *err)
{
    slc_pool *pool = NULL;
    const size_t cores = slc_pool_cores();
    size_t threads = t->count < MAX_THREADS ? t->count : MAX_THREADS;
    if (threads > cores) threads = cores;
    if (threads > 1) {
        const slc_status st =
            slc_pool_start(&pool, threads, run_indexers, stop_indexers, t, err);
        if (st != SLC_OK) return st;
        slc_pool_join(&pool);
    } else {
        run_indexers(t, 0);
    }
    for (size_t k = 0; k < t->count; k++) {
        if (t->shards[k].st == SLC_OK) continue;
        if (err) *err = t->shards[k].err;
        return t->shards[k].st;
    }
    return SLC_OK;
}

static void tell(const tar *t, const slc_log *log)
{
    uint64_t left_out = 0;
    for (size_t k = 0; k < t->count; k++) {
        left_out += t->shards[k].index.left_out;
        if (t->shards[k].index.cut)
            slc_log_line(log, SLC_WARNING,
                         "%s: has no end mark: it may have been cut off",
                         t->shards[k].path);
    }
    if (left_out > 0)
        slc_log_line(log, SLC_INFO, "%s: %llu keys without a picture left out",
                     t->shards[0].path, (unsigned long long)left_out);
}

static const shard *shard_of(const tar *t, uint64_t index)
{
    size_t lo = 0, hi = t->count;
    while (hi - lo > 1) {
        const size_t middle = lo + (hi - lo) / 2;
        if (t->shards[middle].first <= index)
            lo = middle;
        else
            hi = middle;
    }
    return &t->shards[lo];
}

static uint64_t row_of(const tar *t, const shard *one, uint64_t index)
{
    return t->rows ? t->rows[index] : index - one->first;
}

/* Groups are WebDataset's keys: splits cut by them are the same for shards of any size. */
static slc_status hash_groups(slc_source *s, const tar *t, slc_err *err)
{
    uint64_t *groups = slc_arena_zero(&s->arena, s->count + 1, sizeof(*groups));
    if (!groups) return no_memory(err);
    for (size_t k = 0, i = 0; k < t->count; k++) {
        const slc_tar_index *index = &t->shards[k].index;
        for (uint64_t r = 0; r < index->count; r++) {
            const char *name = index->texts + index->samples[r].name;
            const char *base = strrchr(name, '/');
            base = base ? base + 1 : name;
            groups[i++] = slc_hash64(name, (size_t)(base - name) + strcspn(base, "."), 0);
        }
    }
    s->groups = groups;
    return SLC_OK;
}

/* Numbers are labels as they stand, so that shards of a part have the labels of the whole. */
static bool all_small_numbers(const char *const *texts, uint64_t count, int64_t *most)
{
    *most = -1;
    for (uint64_t i = 0; i < count; i++) {
        int64_t value;
        const size_t n = strlen(texts[i]);
        if (n != strspn(texts[i], "0123456789") || !slc_parse_int(texts[i], &value) ||
            value < 0 || value >= MOST_CLASSES)
            return false;
        if (value > *most) *most = value;
    }
    return true;
}

/* The names in classes.txt beside the first shard, one a line, where preprocess puts them;
 * none if there is no such file. */
static slc_status read_names(slc_source *s, const shard *first, slc_texts *out,
                             slc_err *err)
{
    uint8_t *bytes;
    size_t size;
    slc_err ignored;
    const char *path = slc_arena_printf(&s->arena, "%.*sclasses.txt",
                                        (int)(first->name - first->path), first->path);
    if (!path) return no_memory(err);
    if (slc_file_read(&bytes, &size, path, MOST_NAMES, &ignored) != SLC_OK) return SLC_OK;
    char *text = slc_arena_text_n(&s->arena, (const char *)bytes, size), *rest = NULL;
    free(bytes);
    size_t lines = 1;
    for (size_t i = 0; text && text[i]; i++)
        lines += text[i] == '\n';
    out->v = slc_arena_zero(&s->arena, lines, sizeof(*out->v));
    if (!text || !out->v) return no_memory(err);
    for (char *line = strtok_r(text, "\r\n", &rest); line;
         line = strtok_r(NULL, "\r\n", &rest))
        out->v[out->n++] = line;
    return SLC_OK;
}

static slc_status name_numbers(slc_source *s, const tar *t, const slc_texts *given,
                               int64_t most, slc_err *err)
{
    const size_t need = (size_t)most + 1;
    slc_texts beside = {0};
    slc_status st = SLC_OK;
    if (given->n == 0 && (st = read_names(s, &t->shards[0], &beside, err)) != SLC_OK)
        return st;
    if (beside.n > 0) given = &beside;
    if (given->n && given->n < need)
        return slc_fail(err, SLC_EINVAL, "%s: %zu names, but labels go up to %zu",
                        beside.n ? "classes.txt beside the shards" : "classes", given->n,
                        need - 1);
    s->classes = given->n ? given->n : need;
    const char **names = slc_arena_zero(&s->arena, s->classes + 1, sizeof(*names));
    if (!names) return no_memory(err);
    for (size_t i = 0; i < s->classes; i++) {
        names[i] = given->n ? slc_arena_text(&s->arena, given->v[i])
                            : slc_arena_printf(&s->arena, "%zu", i);
        if (!names[i]) return no_memory(err);
    }
    s->class_names = names;
    return SLC_OK;
}

/* Drops the samples whose label became -1. */
static slc_status filter(slc_source *s, tar *t, int32_t *label, slc_err *err)
{
    uint64_t *groups = (uint64_t *)s->groups;
    t->rows = slc_arena_zero(&s->arena, s->count + 1, sizeof(*t->rows));
    if (!t->rows) return no_memory(err);
    uint64_t kept = 0, i = 0;
    for (size_t k = 0; k < t->count; k++) {
        t->shards[k].first = kept;
        for (uint64_t r = 0; r < t->shards[k].index.count; r++, i++) {
            if (label[i] < 0) continue;
            label[kept] = label[i];
            groups[kept] = groups[i];
            t->rows[kept++] = (uint32_t)r;
        }
    }
    s->count = kept;
    return SLC_OK;
}

/* Text labels: numbered in byte order, or the given ones in their order. */
static slc_status number_texts(slc_source *s, tar *t, const char *const *texts,
                               const slc_texts *given, int32_t *label, slc_err *err)
{
    slc_status st = slc_classes_number(s, texts, s->count, label, err);
    if (st != SLC_OK) return st;
    if (s->classes > MOST_CLASSES)
        return slc_fail(err, SLC_ELIMIT, "%s: more than %d different labels", s->describe,
                        MOST_CLASSES);
    if (given->n == 0) return SLC_OK;
    int32_t *new_label = slc_arena_zero(&s->arena, s->classes + 1, sizeof(*new_label));
    if (!new_label) return no_memory(err);
    if ((st = slc_classes_pick(s, given, new_label, err)) != SLC_OK) return st;
    for (uint64_t i = 0; i < s->count; i++)
        label[i] = new_label[label[i]];
    return filter(s, t, label, err);
}

/* The texts of all labels; *labelled is how many are not empty. */
static uint64_t gather_labels(const tar *t, const char **texts, const char **without)
{
    uint64_t labelled = 0, i = 0;
    for (size_t k = 0; k < t->count; k++) {
        const slc_tar_index *index = &t->shards[k].index;
        for (uint64_t r = 0; r < index->count; r++) {
            texts[i] = index->texts + index->samples[r].label;
            if (*texts[i++])
                labelled++;
            else
                *without = index->texts + index->samples[r].name;
        }
    }
    return labelled;
}

static slc_status label_all(slc_source *s, tar *t, const slc_texts *given, slc_err *err)
{
    int64_t most;
    slc_status st = SLC_OK;
    const char *without = "";
    const char **texts = malloc((s->count + 1) * sizeof(*texts));
    int32_t *label = slc_arena_zero(&s->arena, s->count + 1, sizeof(*label));
    if (!texts || !label) {
        free(texts);
        return no_memory(err);
    }
    const uint64_t labelled = gather_labels(t, texts, &without);
    if (labelled > 0 && labelled < s->count) {
        st = slc_fail(err, SLC_EDATA, "%s: \"%.200s\" has no label, others have",
                      s->describe, without);
    } else if (labelled > 0) {
        s->labels = label;
        if (all_small_numbers(texts, s->count, &most)) {
            for (uint64_t i = 0; i < s->count; i++)
                label[i] = (int32_t)strtol(texts[i], NULL, 10);
            st = name_numbers(s, t, given, most, err);
        } else {
            st = number_texts(s, t, texts, given, label, err);
        }
    } else if (given->n > 0) {
        st = slc_fail(err, SLC_EINVAL, "classes: %s has no labels", s->describe);
    }
    free(texts);
    return st;
}

static slc_status open_source(slc_source *s, const void *set, const slc_source_how *how,
                              slc_err *err)
{
    slc_status st;
    const settings *given = set;
    slc_texts paths = {0};
    tar *t = slc_arena_zero(&s->arena, 1, sizeof(*t));
    if (!t) return no_memory(err);
    s->state = t;
    t->fields = (slc_tar_fields){given->image ? given->image : "",
                                 given->label ? given->label : "", given->label_key};
    s->describe = slc_arena_printf(&s->arena, "tar %s", given->path);
    if (!s->describe) return no_memory(err);
    if ((st = find_shards(s, &paths, given->path, err)) != SLC_OK) return st;
    t->shards = calloc(paths.n, sizeof(*t->shards));
    if (!t->shards) return no_memory(err);
    t->count = paths.n;
    for (size_t k = 0; k < t->count; k++) {
        const char *slash = strrchr(paths.v[k], '/');
        t->shards[k].path = paths.v[k];
        t->shards[k].name = slash ? slash + 1 : paths.v[k];
    }
    if ((st = index_all(t, err)) != SLC_OK) return st;
    for (size_t k = 0; k < t->count; k++) {
        t->shards[k].first = s->count;
        s->count += t->shards[k].index.count;
    }
    /* What is common to all paths stands in front of keys. */
    const size_t n = (size_t)(t->shards[0].name - t->shards[0].path);
    s->root = slc_arena_text_n(&s->arena, t->shards[0].path, n);
    if (!s->root) return no_memory(err);
    for (size_t k = 1; k < t->count && *s->root; k++)
        if (strlen(s->root) != (size_t)(t->shards[k].name - t->shards[k].path) ||
            strncmp(t->shards[k].path, s->root, n) != 0)
            s->root = "";
    tell(t, how->log);
    if ((st = hash_groups(s, t, err)) != SLC_OK) return st;
    return label_all(s, t, &given->classes, err);
}

/* Opens the shard and makes sure that it is the one that was indexed. */
static slc_status open_shard(const shard *one, int *fd, slc_err *err)
{
    struct stat info;
    *fd = open(one->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0) return slc_fail_errno(err, SLC_EDATA, "open");
    if (fstat(*fd, &info) != 0) {
        const slc_status st = slc_fail_errno(err, SLC_EDATA, "stat");
        close(*fd);
        return st;
    }
    const slc_tar_stamp stamp = slc_tar_stamp_of(&info);
    if (slc_tar_stamp_same(&stamp, &one->index.stamp)) return SLC_OK;
    close(*fd);
    return slc_fail(err, SLC_EDATA, "the shard was changed since it was opened");
}

static slc_status read_sample(const slc_source *s, uint64_t index, slc_arena *arena,
                              slc_stored *out, slc_err *err)
{
    int fd;
    const tar *t = s->state;
    const shard *one = shard_of(t, index);
    const slc_tar_sample *sample = &one->index.samples[row_of(t, one, index)];
    slc_status st = open_shard(one, &fd, err);
    if (st != SLC_OK) return st;
    st = slc_sample_pread(fd, sample->offset, sample->size, arena, out, err);
    close(fd);
    return st;
}

static void hint(const slc_source *s, uint64_t index)
{
    const tar *t = s->state;
    const shard *one = shard_of(t, index);
    const slc_tar_sample *sample = &one->index.samples[row_of(t, one, index)];
    const int fd = open(one->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return;
    posix_fadvise(fd, (off_t)sample->offset, (off_t)sample->size, POSIX_FADV_WILLNEED);
    close(fd);
}

static const char *name(const slc_source *s, uint64_t index, char *buffer, size_t size)
{
    const tar *t = s->state;
    const shard *one = shard_of(t, index);
    const slc_tar_sample *sample = &one->index.samples[row_of(t, one, index)];
    snprintf(buffer, size, "%s/%s", *s->root ? one->name : one->path,
             one->index.texts + sample->name);
    return buffer;
}

static void close_source(slc_source *s)
{
    tar *t = s->state;
    for (size_t k = 0; t && k < t->count; k++)
        slc_tar_index_free(&t->shards[k].index);
    if (t) free(t->shards);
}

/* A tar file, or a folder with nothing but shards (and what lies beside them). */
static bool looks(const char *path, const struct stat *info, const uint8_t *head,
                  size_t size)
{
    if (S_ISREG(info->st_mode))
        return (size >= 263 && memcmp(head + 257, "ustar", 5) == 0) || ends_in_tar(path);
    if (!S_ISDIR(info->st_mode)) return false;
    bool found = false, folders = false;
    DIR *dir = opendir(path);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        found |= ends_in_tar(e->d_name);
        folders |= e->d_name[0] != '.' && e->d_type == DT_DIR;
    }
    if (dir) closedir(dir);
    return found && !folders;
}

const slc_source_kind slc_source_kind_tar = {
    .entry = {"tar", "WebDataset shards, read at random through an index",
              "https://github.com/webdataset/webdataset", params, sizeof(settings)},
    .looks = looks,
    .open = open_source,
    .read = read_sample,
    .name = name,
    .hint = hint,
    .close = close_source,
};
