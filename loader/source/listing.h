/* The pictures below a folder, listed by several threads, in an order that depends on names
 * only: class by class in byte order, inside a class by the bytes of the path. */
#ifndef LOADER_SOURCE_LISTING_H
#define LOADER_SOURCE_LISTING_H

#include "base/log.h"
#include "base/params.h"
#include "base/str.h"

typedef struct slc_listing {
    uint64_t count;
    size_t classes;           /* 0: a flat folder, unlabelled */
    const char **class_names; /* in texts */
    uint64_t *offset;         /* count, into texts: paths relative to the root */
    int32_t *label;           /* count; -1 if flat */
    char *texts;
    size_t text_size;
    void *map; /* all of the above lies in this mapped cache file */
    size_t map_size;
    uint64_t left_out; /* files without a picture's extension */
    bool split_picked;
} slc_listing; /* zero is empty */

/* Lists the folder. split: "train", "val", "test" or NULL; picked if the folder has train, val
 * (valid, validation) and test below it. classes: only these, in this order (n = 0: all).
 * Errors: SLC_EDATA naming the folder that is missing, unreadable or empty. */
SLC_CHECKED slc_status slc_listing_make(slc_listing *out, const char *root,
                                        const char *split, const slc_texts *classes,
                                        const slc_log *log, slc_err *err);
void slc_listing_free(slc_listing *listing);

/* One directory that was read, and when it last changed: what a cached listing depends on. */
typedef struct slc_seen_dir {
    uint64_t path; /* offset of its path in the texts below */
    int64_t seconds, nanoseconds;
} slc_seen_dir;

/* A listing written by an earlier run for the same root and settings, if no directory has
 * changed since. */
bool slc_listing_load(slc_listing *out, const char *root, const char *salt);
/* Keeps a listing for later runs; a failure is of no consequence. dirs: records of
 * slc_seen_dir, their paths in dir_texts. */
void slc_listing_keep(const slc_listing *listing, const char *root, const char *salt,
                      const slc_str *dirs, const slc_str *dir_texts);

#endif
