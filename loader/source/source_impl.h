/* The inside of a source, for the files in this folder. To add a kind: one file that defines
 * an slc_source_kind, one line in source_list.h. */
#ifndef LOADER_SOURCE_SOURCE_IMPL_H
#define LOADER_SOURCE_SOURCE_IMPL_H

#include <sys/stat.h>

#include "base/str.h"
#include "loader/source.h"

enum { SLC_SOURCE_FILE_BYTES = 256 << 20 }; /* largest file read as one sample */

/* How a source is opened, apart from its own settings. */
typedef struct slc_source_how {
    const char *split; /* "train", "val", "test" or NULL */
    const slc_log *log;
} slc_source_how;

struct slc_source_kind {
    slc_entry entry; /* a param called "path" takes the text behind "kind:" */
    /* Whether a bare path is one of this kind; head: its first bytes if it is a file. NULL =
     * only when asked for by name. */
    bool (*looks)(const char *path, const struct stat *info, const uint8_t *head,
                  size_t size);
    slc_status (*open)(slc_source *s, const void *settings, const slc_source_how *how,
                       slc_err *err);
    slc_status (*read)(const slc_source *s, uint64_t index, slc_arena *arena,
                       slc_stored *out, slc_err *err);
    /* The sample's name inside the source, the same wherever the data set is kept; buffer is
     * used if the text must be made. */
    const char *(*name)(const slc_source *s, uint64_t index, char *buffer, size_t size);
    /* Tells the system that the sample is wanted soon; may be NULL. */
    void (*hint)(const slc_source *s, uint64_t index);
    void (*close)(slc_source *s); /* releases state; accepts a half-opened source */
};

/* What all kinds share. open() fills it. */
struct slc_source {
    const slc_source_kind *kind;
    slc_arena arena; /* settings, texts, state */
    uint64_t count;
    size_t classes;
    const char *const *class_names; /* classes of them */
    const int32_t *labels;          /* count, or NULL: none has one */
    const float *weights;           /* count, or NULL: all 1 */
    const uint64_t *groups; /* count hashes of group names, or NULL: each is its own */
    const char *root;       /* what stands before a name in a key: "/data/birds/" or "" */
    const char *describe;
    size_t w, h, channels; /* of raw pictures that all have one size; else 0 */
    bool split_picked;     /* the split asked for is one of the source's own */
    void *state;
};

/* Texts in s->arena; NULL if memory ran out. */
const char *slc_source_root(slc_source *s,
                            const char *dir); /* dir with one slash behind */

/* Reads a regular file as a sample, relative to dir (AT_FDCWD for none). The first bytes must
 * be those of a known picture format, so that no time and memory goes into anything else.
 * Errors: SLC_EDATA, SLC_EFORMAT, SLC_ELIMIT; without a path (callers prefix the key). */
SLC_CHECKED slc_status slc_sample_read(int dir, const char *path, slc_arena *arena,
                                       slc_stored *out, slc_err *err);
/* The same for size bytes at offset of an open file. */
SLC_CHECKED slc_status slc_sample_pread(int fd, uint64_t offset, uint64_t size,
                                        slc_arena *arena, slc_stored *out, slc_err *err);

/* Numbers class names in byte order. texts: count names, any order, repeated; the result
 * replaces each label (an index into texts) by its class. If every name is a whole number they
 * are sorted by value. */
SLC_CHECKED slc_status slc_classes_number(slc_source *s, const char *const *texts,
                                          size_t count, int32_t *new_label, slc_err *err);

/* Keeps only the samples of the named classes, relabelled in the order of names: fills
 * new_label[old] with the new label or -1. Errors: SLC_EINVAL naming an unknown class. */
SLC_CHECKED slc_status slc_classes_pick(slc_source *s, const slc_texts *names,
                                        int32_t *new_label, slc_err *err);

#define SLC_SOURCE(name) extern const slc_source_kind slc_source_kind_##name;
#include "loader/source/source_list.h"
#undef SLC_SOURCE
extern const slc_source_kind slc_source_kind_subset; /* made in code, not by name */

#endif
