/* Listings kept between runs. A file in $SLUICE_CACHE or ~/.cache/sluice, named by the hash of
 * the folder's real path and the settings; used only while no directory in it has another
 * modification time than it had when it was read.
 *
 *   char magic[8]; u64 version, counts and sizes as in the struct; then seen directories,
 *   offsets, class offsets, labels, directory texts, texts. Machine byte order: it never
 *   travels, and the magic is written as a number so that another order refuses it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/num.h"
#include "loader/source/listing.h"

#define MAGIC UINT64_C(0x31676e69746c6c73) /* "slltingl" and the version */

enum {
    LEAST = 1000
}; /* pictures: smaller folders are listed faster than this is worth */

typedef struct header {
    uint64_t magic, size, check; /* of the whole file; hash of root and salt */
    uint64_t count, classes, dirs, dir_text_size, text_size, split_picked;
} header;

/* Where the cache file of this listing is; false if there is no place for it. */
static bool place(char path[PATH_MAX], const char *root, const char *salt,
                  uint64_t *check)
{
    const char *dir = getenv("SLUICE_CACHE"), *home = getenv("HOME");
    char *real = realpath(root, NULL);
    if (!real) return false;
    *check = slc_hash64(real, strlen(real), slc_hash64(salt, strlen(salt), 1));
    free(real);
    int n = -1;
    if (dir && *dir)
        n = snprintf(path, PATH_MAX, "%s/listing-%016llx", dir,
                     (unsigned long long)*check);
    else if (!dir && home && *home)
        n = snprintf(path, PATH_MAX, "%s/.cache/sluice/listing-%016llx", home,
                     (unsigned long long)*check);
    return n > 0 && n < PATH_MAX;
}

/* The bytes all parts together must have; false if the header is nonsense. */
static bool expected(const header *h, uint64_t *size)
{
    size_t dirs, offsets, labels, total = sizeof(*h);
    return slc_mul(h->dirs, sizeof(slc_seen_dir), &dirs) &&
           slc_add(h->count, h->classes, &offsets) && slc_mul(offsets, 8, &offsets) &&
           slc_add(h->count, 1, &labels) && slc_mul(labels / 2, 8, &labels) &&
           slc_add(total, dirs, &total) && slc_add(total, offsets, &total) &&
           slc_add(total, labels, &total) && slc_add(total, h->dir_text_size, &total) &&
           slc_add(total, h->text_size, &total) && (*size = total, true);
}

static bool unchanged(const char *root, const slc_seen_dir *dirs, uint64_t count,
                      const char *texts, uint64_t text_size)
{
    struct stat info;
    const int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool same = count > 0 && text_size > 0 && texts[text_size - 1] == 0;
    for (uint64_t i = 0; same && i < count; i++) {
        const char *path = dirs[i].path < text_size ? texts + dirs[i].path : "";
        same = dirs[i].path < text_size &&
               fstatat(fd, *path ? path : ".", &info, 0) == 0 &&
               info.st_mtim.tv_sec == dirs[i].seconds &&
               info.st_mtim.tv_nsec == dirs[i].nanoseconds;
    }
    close(fd);
    return same;
}

/* Points the listing into the mapped file; false if anything in it leads outside. */
static bool point(slc_listing *out, const header *h)
{
    uint64_t *p = (uint64_t *)(void *)((char *)out->map + sizeof(*h) +
                                       h->dirs * sizeof(slc_seen_dir));
    out->count = h->count;
    out->classes = h->classes;
    out->split_picked = h->split_picked != 0;
    out->offset = p;
    const uint64_t *class_offset = p + h->count;
    out->label = (int32_t *)(void *)(p + h->count + h->classes);
    out->texts =
        (char *)(p + h->count + h->classes + (h->count + 1) / 2) + h->dir_text_size;
    out->text_size = h->text_size;
    if (h->text_size == 0 || out->texts[h->text_size - 1] != 0) return false;
    for (uint64_t i = 0; i < h->count + h->classes; i++)
        if (p[i] >= h->text_size) return false;
    for (uint64_t i = 0; i < h->count; i++)
        if (out->label[i] < -1 || out->label[i] >= (int64_t)h->classes) return false;
    out->class_names = malloc((h->classes + 1) * sizeof(*out->class_names));
    if (!out->class_names) return false;
    for (uint64_t i = 0; i < h->classes; i++)
        out->class_names[i] = out->texts + class_offset[i];
    return true;
}

bool slc_listing_load(slc_listing *out, const char *root, const char *salt)
{
    char path[PATH_MAX];
    uint64_t check, size;
    struct stat info;
    header h;
    *out = (slc_listing){0};
    if (!place(path, root, salt, &check)) return false;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    if (fstat(fd, &info) == 0 && info.st_size > (off_t)sizeof(h)) {
        void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) {
            out->map = map;
            out->map_size = (size_t)info.st_size;
        }
    }
    close(fd);
    if (!out->map) return false;
    memcpy(&h, out->map, sizeof(h));
    if (h.magic == MAGIC && h.check == check && h.size == out->map_size && h.count > 0 &&
        expected(&h, &size) && size == h.size) {
        const slc_seen_dir *dirs = (const void *)((const char *)out->map + sizeof(h));
        const char *dir_texts = (const char *)(const void *)dirs +
                                h.dirs * sizeof(*dirs) + (h.count + h.classes) * 8 +
                                (h.count + 1) / 2 * 8;
        if (unchanged(root, dirs, h.dirs, dir_texts, h.dir_text_size) && point(out, &h))
            return true;
    }
    slc_listing_free(out);
    return false;
}

/* A directory that changed within the last second may change again without another time. */
static bool settled(const slc_seen_dir *dirs, uint64_t count)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (uint64_t i = 0; i < count; i++)
        if (dirs[i].seconds + 1 >= now.tv_sec) return false;
    return true;
}

void slc_listing_keep(const slc_listing *listing, const char *root, const char *salt,
                      const slc_str *dirs, const slc_str *dir_texts)
{
    char path[PATH_MAX];
    uint64_t size = 0;
    slc_writer *w = NULL;
    header h = {.magic = MAGIC,
                .count = listing->count,
                .classes = listing->classes,
                .dirs = dirs->size / sizeof(slc_seen_dir),
                .dir_text_size = dir_texts->size,
                .text_size = listing->text_size,
                .split_picked = listing->split_picked};
    if (listing->count < LEAST || !settled((const void *)dirs->text, h.dirs) ||
        !place(path, root, salt, &h.check) || !expected(&h, &size))
        return;
    h.size = size;
    char *slash = strrchr(path, '/');
    *slash = 0;
    if (slc_dir_make(path, NULL) != SLC_OK) return;
    *slash = '/';
    if (slc_writer_open(&w, path, NULL) != SLC_OK) return;
    bool good = slc_writer_add(w, &h, sizeof(h), NULL) == SLC_OK &&
                slc_writer_add(w, dirs->text, dirs->size, NULL) == SLC_OK &&
                slc_writer_add(w, listing->offset, listing->count * 8, NULL) == SLC_OK;
    for (size_t i = 0; good && i < listing->classes; i++) {
        const uint64_t at = (uint64_t)(listing->class_names[i] - listing->texts);
        good = slc_writer_add(w, &at, sizeof(at), NULL) == SLC_OK;
    }
    const int32_t none = -1;
    good = good &&
           slc_writer_add(w, listing->label, listing->count * 4, NULL) == SLC_OK &&
           (listing->count % 2 == 0 || slc_writer_add(w, &none, 4, NULL) == SLC_OK) &&
           slc_writer_add(w, dir_texts->text, dir_texts->size, NULL) == SLC_OK &&
           slc_writer_add(w, listing->texts, listing->text_size, NULL) == SLC_OK &&
           slc_writer_commit(&w, NULL) == SLC_OK;
    if (!good) slc_writer_abandon(&w);
}

void slc_listing_free(slc_listing *listing)
{
    free(listing->class_names);
    if (listing->map) {
        munmap(listing->map, listing->map_size);
    } else {
        free(listing->offset);
        free(listing->label);
        free(listing->texts);
    }
    *listing = (slc_listing){0};
}
