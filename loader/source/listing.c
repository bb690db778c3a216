/* A data set of folders: which are classes, which are splits, and what lies in them. */
#include "loader/source/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"
#include "loader/source/walk.h"

enum { MAX_SPLITS = 3, MAX_THREADS = 8 };

/* What each split may be called, best first. */
static const struct split_names {
    const char *split, *folders[4];
} split_table[MAX_SPLITS] = {
    {"test", {"test", "testing"}},
    {"train", {"train", "training"}},
    {"val", {"val", "valid", "validation", "dev"}},
};

typedef struct job {
    const char *path, *name; /* of a class folder: "train/cat", "cat" */
    slc_walk walk;
    slc_status st;
    slc_err err;
} job;

typedef struct lister {
    const char *root; /* with a slash behind */
    int root_fd;
    slc_arena arena;
    job *jobs;
    size_t job_count, job_room;
    atomic_size_t next_job; /* order of claims does not matter */
    slc_walk tops;          /* the folders that hold class folders */
    uint64_t loose, left_out;
} lister;

static slc_status no_memory(const lister *l, slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "%s: out of memory for its listing", l->root);
}

static const char *walk_text(const slc_walk *walk, size_t i)
{
    return walk->texts.text + ((const uint64_t *)(const void *)walk->starts.text)[i];
}

static bool has(const slc_walk *walk, const char *name)
{
    for (size_t i = 0; name && i < walk->count; i++)
        if (strcmp(walk_text(walk, i), name) == 0) return true;
    return false;
}

/* The folder that answers to split k, or NULL. */
static const char *split_folder(const slc_walk *walk, size_t k)
{
    for (size_t i = 0; i < SLC_COUNT(split_table[k].folders); i++)
        if (has(walk, split_table[k].folders[i])) return split_table[k].folders[i];
    return NULL;
}

static slc_status add_job(lister *l, const char *top, const char *name, slc_err *err)
{
    if (l->job_count == l->job_room) {
        const size_t room = l->job_room * 2 + 64;
        job *grown = realloc(l->jobs, room * sizeof(*grown));
        if (!grown) return no_memory(l, err);
        l->jobs = grown;
        l->job_room = room;
    }
    job *j = &l->jobs[l->job_count++];
    *j = (job){.name = slc_arena_text(&l->arena, name)};
    j->path = *top ? slc_arena_printf(&l->arena, "%s/%s", top, name) : j->name;
    return j->name && j->path ? SLC_OK : no_memory(l, err);
}

/* The class folders of one top folder become jobs. */
static slc_status add_top(lister *l, const char *top, const slc_texts *classes,
                          slc_err *err)
{
    slc_walk walk = {0};
    slc_status st = slc_walk_folders(&walk, l->root_fd, l->root, top, &l->loose, err);
    for (size_t i = 0; st == SLC_OK && i < walk.count; i++) {
        bool wanted = classes->n == 0;
        for (size_t k = 0; k < classes->n && !wanted; k++)
            wanted = strcmp(classes->v[k], walk_text(&walk, i)) == 0;
        if (wanted) st = add_job(l, top, walk_text(&walk, i), err);
    }
    if (st == SLC_OK) {
        slc_str_add_n(&l->tops.dirs, walk.dirs.text, 0);
        const slc_seen_dir *seen = (const void *)walk.dirs.text;
        slc_seen_dir moved = *seen;
        moved.path = l->tops.dir_texts.size;
        slc_str_add_n(&l->tops.dir_texts, walk.dir_texts.text, walk.dir_texts.size);
        slc_str_add_n(&l->tops.dirs, &moved, sizeof(moved));
    }
    l->left_out += walk.left_out;
    slc_walk_free(&walk);
    return st;
}

/* Finds out whether the folder is cut into splits, and makes the jobs. */
static slc_status plan(lister *l, const char *split, const slc_texts *classes,
                       bool *picked, slc_err *err)
{
    const char *folder[MAX_SPLITS];
    size_t splits = 0;
    slc_status st = slc_walk_folders(&l->tops, l->root_fd, l->root, "", &l->loose, err);
    if (st != SLC_OK) return st;
    for (size_t k = 0; k < MAX_SPLITS; k++)
        splits += (folder[k] = split_folder(&l->tops, k)) != NULL;
    *picked = false;
    if (!folder[1] || splits != l->tops.count) { /* classes right here */
        l->loose = 0;
        return add_top(l, "", classes, err);
    }
    for (size_t k = 0; k < MAX_SPLITS && st == SLC_OK; k++) {
        if (split && strcmp(split, split_table[k].split) != 0) continue;
        if (folder[k]) {
            st = add_top(l, folder[k], classes, err);
            *picked = split != NULL;
        } else if (split) {
            return slc_fail(err, SLC_EDATA, "%s: has no folder for the split \"%s\"",
                            l->root, split);
        }
    }
    return st;
}

static void run_jobs(void *arg, size_t i)
{
    (void)i;
    lister *l = arg;
    for (;;) {
        const size_t k = atomic_fetch_add_explicit(&l->next_job, 1, memory_order_relaxed);
        if (k >= l->job_count) return;
        job *j = &l->jobs[k];
        j->st = slc_walk_run(&j->walk, l->root_fd, l->root, j->path, &j->err);
    }
}

static void stop_jobs(void *arg)
{
    lister *l = arg;
    atomic_store_explicit(&l->next_job, l->job_count, memory_order_relaxed);
}

static slc_status walk_all(lister *l, slc_err *err)
{
    slc_pool *pool = NULL;
    size_t threads = slc_pool_cores();
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (threads > l->job_count) threads = l->job_count;
    if (threads > 1) {
        const slc_status st = slc_pool_start(&pool, threads, run_jobs, stop_jobs, l, err);
        if (st != SLC_OK) return st;
        slc_pool_join(&pool);
    } else {
        run_jobs(l, 0);
    }
    for (size_t k = 0; k < l->job_count; k++) {
        if (l->jobs[k].st != SLC_OK) {
            if (err) *err = l->jobs[k].err;
            return l->jobs[k].st;
        }
        if (l->jobs[k].walk.count == 0)
            return slc_fail(err, SLC_EDATA, "%s%s: the class folder has no pictures",
                            l->root, l->jobs[k].path);
    }
    return SLC_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The class names, in the order asked for or in that of their bytes. */
static slc_status name_classes(lister *l, slc_listing *out, const slc_texts *classes,
                               slc_err *err)
{
    const char **names = malloc((l->job_count + 1) * sizeof(*names));
    if (!names) return no_memory(l, err);
    for (size_t k = 0; k < l->job_count; k++)
        names[k] = l->jobs[k].name;
    qsort(names, l->job_count, sizeof(*names), by_name);
    size_t n = 0;
    for (size_t k = 0; k < l->job_count; k++)
        if (n == 0 || strcmp(names[n - 1], names[k]) != 0) names[n++] = names[k];
    out->class_names = names;
    out->classes = n;
    for (size_t k = 0; k < classes->n; k++) {
        if (!bsearch(&classes->v[k], names, n, sizeof(*names), by_name))
            return slc_fail(err, SLC_EINVAL, "classes: %s has no folder \"%s\"", l->root,
                            classes->v[k]);
    }
    if (classes->n > n) return slc_fail(err, SLC_EINVAL, "classes: one is named twice");
    for (size_t k = 0; k < classes->n; k++)
        for (size_t j = 0; j < l->job_count; j++)
            if (strcmp(classes->v[k], l->jobs[j].name) == 0) names[k] = l->jobs[j].name;
    return SLC_OK;
}

static int32_t label_of(const slc_listing *out, const char *name)
{
    for (size_t i = 0; i < out->classes; i++)
        if (strcmp(out->class_names[i], name) == 0) return (int32_t)i;
    return -1;
}

/* All walks, one behind the other, class by class within a split. */
static slc_status join(lister *l, slc_listing *out, slc_err *err)
{
    uint64_t count = 0;
    size_t size = 0;
    for (size_t k = 0; k < l->job_count; k++) {
        count += l->jobs[k].walk.count;
        size += l->jobs[k].walk.texts.size;
    }
    for (size_t i = 0; i < out->classes; i++)
        size += strlen(out->class_names[i]) + 1;
    out->offset = malloc((count + 1) * sizeof(*out->offset));
    out->label = malloc((count + 1) * sizeof(*out->label));
    out->texts = malloc(size + 1);
    if (!out->offset || !out->label || !out->texts) return no_memory(l, err);
    for (size_t k = 0; k < l->job_count; k++) {
        const slc_walk *walk = &l->jobs[k].walk;
        const uint64_t *start = (const void *)walk->starts.text;
        const int32_t label = l->jobs[k].name ? label_of(out, l->jobs[k].name) : -1;
        memcpy(out->texts + out->text_size, walk->texts.text, walk->texts.size);
        for (size_t i = 0; i < walk->count; i++) {
            out->offset[out->count] = out->text_size + start[i];
            out->label[out->count++] = label;
        }
        out->text_size += walk->texts.size;
    }
    for (size_t i = 0; i < out->classes; i++) { /* names outlive the lister */
        const size_t n = strlen(out->class_names[i]) + 1;
        memcpy(out->texts + out->text_size, out->class_names[i], n);
        out->class_names[i] = out->texts + out->text_size;
        out->text_size += n;
    }
    return SLC_OK;
}

/* A folder of pictures and nothing else. */
static slc_status plan_flat(lister *l, slc_err *err)
{
    slc_status st = add_job(l, "", "", err);
    if (st != SLC_OK) return st;
    l->jobs[0].name = NULL;
    l->jobs[0].walk.flat = true;
    if ((st = slc_walk_run(&l->jobs[0].walk, l->root_fd, l->root, "", err)) != SLC_OK)
        return st;
    if (l->jobs[0].walk.count == 0)
        return slc_fail(err, SLC_EDATA, "%s: holds no pictures and no class folders",
                        l->root);
    return SLC_OK;
}

/* Everything the cached listing depends on. */
static void keep(lister *l, const slc_listing *out, const char *salt)
{
    slc_str *dirs = &l->tops.dirs, *texts = &l->tops.dir_texts;
    for (size_t k = 0; k < l->job_count; k++) {
        const slc_walk *walk = &l->jobs[k].walk;
        const slc_seen_dir *seen = (const void *)walk->dirs.text;
        const uint64_t shift = texts->size;
        slc_str_add_n(texts, walk->dir_texts.text, walk->dir_texts.size);
        for (size_t i = 0; i < walk->dirs.size / sizeof(*seen); i++) {
            const slc_seen_dir moved = {seen[i].path + shift, seen[i].seconds,
                                        seen[i].nanoseconds};
            slc_str_add_n(dirs, &moved, sizeof(moved));
        }
    }
    if (!dirs->failed && !texts->failed)
        slc_listing_keep(out, l->root, salt, dirs, texts);
}

static void tell(const lister *l, const slc_listing *out, const slc_log *log)
{
    uint64_t left_out = l->left_out;
    for (size_t k = 0; k < l->job_count; k++)
        left_out += l->jobs[k].walk.left_out;
    if (left_out > 0)
        slc_log_line(log, SLC_INFO,
                     "%s: %llu files without a picture's extension left out", l->root,
                     (unsigned long long)left_out);
    if (out->classes > 0 && l->loose > 0)
        slc_log_line(log, SLC_WARNING,
                     "%s: %llu pictures beside the class folders left out", l->root,
                     (unsigned long long)l->loose);
}

/* What else, apart from the folder itself, decides what a listing holds. */
static char *salt_of(slc_arena *arena, const char *split, const slc_texts *classes)
{
    slc_str text = {0};
    slc_str_printf(&text, "split=%s", split ? split : "");
    for (size_t i = 0; i < classes->n; i++)
        slc_str_printf(&text, "\nclass=%s", classes->v[i]);
    char *copy = text.failed ? NULL : slc_arena_text(arena, text.text);
    slc_str_free(&text);
    return copy;
}

slc_status slc_listing_make(slc_listing *out, const char *root, const char *split,
                            const slc_texts *classes, const slc_log *log, slc_err *err)
{
    slc_status st = SLC_OK;
    lister l = {.root = root, .root_fd = -1};
    const char *salt = salt_of(&l.arena, split, classes);
    *out = (slc_listing){0};
    if (!salt) {
        st = no_memory(&l, err);
        goto done;
    }
    if (slc_listing_load(out, root, salt)) goto done;
    l.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l.root_fd < 0) {
        st = slc_fail_errno(err, SLC_EDATA, "%s", root);
        goto done;
    }
    if ((st = plan(&l, split, classes, &out->split_picked, err)) != SLC_OK) goto done;
    if (l.job_count == 0 && classes->n == 0) {
        if ((st = plan_flat(&l, err)) != SLC_OK) goto done;
    } else if ((st = walk_all(&l, err)) != SLC_OK ||
               (st = name_classes(&l, out, classes, err)) != SLC_OK) {
        goto done;
    }
    if ((st = join(&l, out, err)) != SLC_OK) goto done;
    keep(&l, out, salt);
    tell(&l, out, log);
done:
    if (st != SLC_OK) slc_listing_free(out);
    for (size_t k = 0; k < l.job_count; k++)
        slc_walk_free(&l.jobs[k].walk);
    slc_walk_free(&l.tops);
    free(l.jobs);
    slc_arena_free(&l.arena);
    if (l.root_fd >= 0) close(l.root_fd);
    return st;
}
