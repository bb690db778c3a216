/* IDX: the files of MNIST and its kin (LeCun's format): a big-endian magic number whose last
 * byte counts dimensions, the dimensions, then bytes. Images: n x h x w (0x803), or n x h x w x 3
 * (0x804) in colour; labels: n (0x801). Plain or gzip'ed; held in memory as decompressed. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "loader/source/gunzip.h"
#include "loader/source/source_impl.h"

typedef struct settings {
    const char *path, *images, *labels;
    slc_texts classes;
} settings;

static const slc_param params[] = {
    {"path", SLC_FIELD(settings, path),
     .help = "folder with the -ubyte files, plain or .gz"},
    {"images", SLC_FIELD(settings, images), .initial = "",
     .help = "name of the file of images, if it is not to be found by the split"},
    {"labels", SLC_FIELD(settings, labels), .initial = "",
     .help = "name of the file of labels"},
    {"classes", SLC_FIELD(settings, classes), .initial = "[]",
     .help = "what the labels 0, 1, 2... are called"},
    {0},
};

enum { MOST_PARTS = 2, HEADER = 16 };

typedef struct part {
    char *image_name, *label_name; /* file names, owned */
    uint8_t *images;               /* whole file */
    uint64_t first, count, header; /* header: bytes before the first picture */
} part;

typedef struct idx {
    part parts[MOST_PARTS];
    size_t count;
    size_t picture; /* bytes */
} idx;

static uint64_t big32(const uint8_t *p)
{
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static slc_status expect_images(const uint8_t *head, uint64_t *size, slc_err *err)
{
    const uint64_t magic = big32(head), n = big32(head + 4), h = big32(head + 8),
                   w = big32(head + 12);
    size_t total;
    if (magic != 0x803 && magic != 0x804)
        return slc_fail(
            err, SLC_EFORMAT,
            "is not an IDX file of images: magic 0x%08llx instead of 0x00000803",
            (unsigned long long)magic);
    if (n == 0) return slc_fail(err, SLC_EFORMAT, "holds no images");
    if (w == 0 || h == 0 || w > SLC_MAX_SIDE || h > SLC_MAX_SIDE)
        return slc_fail(err, SLC_ELIMIT, "images of %llu x %llu px",
                        (unsigned long long)w, (unsigned long long)h);
    if (!slc_mul3(n, w, h, &total) || !slc_mul(total, magic == 0x804 ? 3 : 1, &total) ||
        !slc_add(total, magic == 0x804 ? 20 : 16, &total))
        return slc_fail(err, SLC_ELIMIT,
                        "its header says more bytes than can be counted");
    *size = total;
    return SLC_OK;
}

static slc_status expect_labels(const uint8_t *head, uint64_t *size, slc_err *err)
{
    if (big32(head) != 0x801)
        return slc_fail(
            err, SLC_EFORMAT,
            "is not an IDX file of labels: magic 0x%08llx instead of 0x00000801",
            (unsigned long long)big32(head));
    *size = 8 + big32(head + 4);
    return SLC_OK;
}

static const struct stem {
    const char *split, *stem;
} stems[] = {{"train", "train"}, {"test", "t10k"}, {"test", "test"}};

/* Whether a file name is that of what ("images", "labels") of a stem. */
static bool is_file_of(const char *name, const char *stem, const char *what)
{
    const size_t n = strlen(name);
    if (!strstr(name, stem) || !strstr(name, what) || name[0] == '.') return false;
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0) return strstr(name, "ubyte");
    return n > 5 && strcmp(name + n - 5, "ubyte") == 0;
}

/* The file, as a malloc'ed name; plain ones before .gz; NULL if there is none. */
static char *find_file(const char *dir, const char *stem, const char *what)
{
    char *best = NULL;
    DIR *d = opendir(dir);
    for (const struct dirent *e; d && (e = readdir(d));) {
        if (!is_file_of(e->d_name, stem, what)) continue;
        /* The shorter name, then the smaller: plain before .gz, whatever the disk's order. */
        const size_t n = strlen(e->d_name), m = best ? strlen(best) : SIZE_MAX;
        if (n > m || (n == m && strcmp(e->d_name, best) >= 0)) continue;
        free(best);
        best = strdup(e->d_name);
    }
    if (d) closedir(d);
    return best;
}

static bool looks(const char *path, const struct stat *info, const uint8_t *head,
                  size_t size)
{
    (void)head, (void)size;
    if (!S_ISDIR(info->st_mode)) return false;
    bool found = false;
    for (size_t i = 0; i < SLC_COUNT(stems) && !found; i++) {
        char *name = find_file(path, stems[i].stem, "images");
        found = name != NULL;
        free(name);
    }
    return found;
}

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "idx: out of memory");
}

/* Which files are wanted. */
static slc_status find_parts(slc_source *s, idx *x, const settings *given,
                             const char *split, slc_err *err)
{
    if (given->images && *given->images) {
        x->parts[0].image_name = strdup(given->images);
        x->parts[0].label_name =
            given->labels && *given->labels ? strdup(given->labels) : NULL;
        x->count = 1;
        return x->parts[0].image_name ? SLC_OK : no_memory(err);
    }
    bool seen_any = false, have_test = false;
    for (size_t i = 0; i < SLC_COUNT(stems) && x->count < MOST_PARTS; i++) {
        const bool test = strcmp(stems[i].split, "test") == 0;
        char *name = find_file(given->path, stems[i].stem, "images");
        if (!name) continue;
        seen_any = true;
        if ((test && have_test) || (split && strcmp(split, stems[i].split) != 0)) {
            free(name);
            continue;
        }
        have_test |= test;
        x->parts[x->count].image_name = name;
        x->parts[x->count++].label_name = find_file(given->path, stems[i].stem, "labels");
    }
    if (x->count > 0) {
        s->split_picked = split != NULL;
        return SLC_OK;
    }
    if (seen_any)
        return slc_fail(err, SLC_EDATA, "%s: has no IDX files for the split \"%s\"",
                        given->path, split);
    return slc_fail(err, SLC_EDATA,
                    "%s: holds no IDX files (train-images-idx3-ubyte, t10k-images-..., "
                    "plain or .gz)",
                    given->path);
}

static slc_status load_images(slc_source *s, idx *x, part *p, slc_err *err)
{
    uint64_t size;
    const char *path = slc_arena_printf(&s->arena, "%s%s", s->root, p->image_name);
    if (!path) return no_memory(err);
    slc_status st = slc_gunzip(&p->images, &size, path, HEADER, expect_images, err);
    if (st != SLC_OK) return st;
    const bool colour = big32(p->images) == 0x804;
    const size_t h = big32(p->images + 8), w = big32(p->images + 12);
    p->first = s->count;
    p->count = big32(p->images + 4);
    p->header = colour ? 20 : 16;
    if (colour && big32(p->images + 16) != 3)
        return slc_fail(err, SLC_EFORMAT, "%s: %llu channels instead of 3", path,
                        (unsigned long long)big32(p->images + 16));
    if (s->w && (s->w != w || s->h != h || s->channels != (colour ? 3 : 1)))
        return slc_fail(err, SLC_EDATA,
                        "%s: images of %zu x %zu px, the other file's are %zu x %zu",
                        path, w, h, s->w, s->h);
    s->w = w;
    s->h = h;
    s->channels = colour ? 3 : 1;
    x->picture = w * h * s->channels;
    s->count += p->count;
    return SLC_OK;
}

static slc_status load_labels(slc_source *s, const part *p, int32_t *label, slc_err *err)
{
    uint64_t size;
    uint8_t *bytes;
    const char *path = slc_arena_printf(&s->arena, "%s%s", s->root, p->label_name);
    if (!path) return no_memory(err);
    slc_status st = slc_gunzip(&bytes, &size, path, 8, expect_labels, err);
    if (st != SLC_OK) return st;
    if (size - 8 != p->count)
        st = slc_fail(err, SLC_EDATA, "%s: %llu labels for the %llu images of %s", path,
                      (unsigned long long)size - 8, (unsigned long long)p->count,
                      p->image_name);
    for (uint64_t i = 0; st == SLC_OK && i < p->count; i++) {
        label[p->first + i] = bytes[8 + i];
        s->classes = slc_max(s->classes, (size_t)bytes[8 + i] + 1);
    }
    free(bytes);
    return st;
}

static slc_status name_classes(slc_source *s, const slc_texts *given, slc_err *err)
{
    if (given->n && given->n < s->classes)
        return slc_fail(err, SLC_EINVAL, "classes: %zu names, but labels go up to %zu",
                        given->n, s->classes - 1);
    if (given->n) s->classes = given->n;
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

static slc_status open_source(slc_source *s, const void *set, const slc_source_how *how,
                              slc_err *err)
{
    slc_status st;
    const settings *given = set;
    idx *x = slc_arena_zero(&s->arena, 1, sizeof(*x));
    if (!x) return no_memory(err);
    s->state = x;
    s->root = slc_source_root(s, given->path);
    s->describe = slc_arena_printf(&s->arena, "idx %s", given->path);
    if (!s->root || !s->describe) return no_memory(err);
    if ((st = find_parts(s, x, given, how->split, err)) != SLC_OK) return st;
    size_t labelled = 0;
    for (size_t i = 0; i < x->count; i++) {
        if ((st = load_images(s, x, &x->parts[i], err)) != SLC_OK) return st;
        labelled += x->parts[i].label_name != NULL;
    }
    if (labelled == 0) return SLC_OK;
    if (labelled < x->count)
        return slc_fail(err, SLC_EDATA, "%s: a file of labels is missing", given->path);
    int32_t *label = slc_arena_zero(&s->arena, s->count, sizeof(*label));
    if (!label) return no_memory(err);
    for (size_t i = 0; i < x->count; i++)
        if ((st = load_labels(s, &x->parts[i], label, err)) != SLC_OK) return st;
    s->labels = label;
    return name_classes(s, &given->classes, err);
}

static const part *part_of(const idx *x, uint64_t index)
{
    return &x->parts[x->count == 2 && index >= x->parts[1].first];
}

static slc_status read_sample(const slc_source *s, uint64_t index, slc_arena *arena,
                              slc_stored *out, slc_err *err)
{
    (void)arena, (void)err;
    const idx *x = s->state;
    const part *p = part_of(x, index);
    out->pixels = (slc_image){
        .px = p->images + p->header + (index - p->first) * x->picture,
        .w = s->w,
        .h = s->h,
        .channels = s->channels,
        .stride = s->w * s->channels,
    };
    return SLC_OK;
}

static const char *name(const slc_source *s, uint64_t index, char *buffer, size_t size)
{
    const part *p = part_of(s->state, index);
    snprintf(buffer, size, "%s#%llu", p->image_name,
             (unsigned long long)(index - p->first));
    return buffer;
}

static void close_source(slc_source *s)
{
    idx *x = s->state;
    for (size_t i = 0; x && i < MOST_PARTS; i++) {
        free(x->parts[i].image_name);
        free(x->parts[i].label_name);
        free(x->parts[i].images);
    }
}

const slc_source_kind slc_source_kind_idx = {
    .entry = {"idx", "MNIST's files: pixels and labels in memory",
              "http://yann.lecun.com/exdb/mnist/", params, sizeof(settings)},
    .looks = looks,
    .open = open_source,
    .read = read_sample,
    .name = name,
    .close = close_source,
};
