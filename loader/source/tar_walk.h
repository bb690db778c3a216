/* The members of a tar file, one after the other: ustar, pax, GNU long names, and the old form
 * without magic. Reads headers only, by pread. Nothing is ever extracted; what could lead out
 * of the archive or is not a plain file is refused all the same, because a shard that holds it
 * was not written for this. */
#ifndef LOADER_SOURCE_TAR_WALK_H
#define LOADER_SOURCE_TAR_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SLC_TAR_BLOCK = 512,
    SLC_TAR_NAME = 4096,
    SLC_TAR_WINDOW = 16384,
    SLC_TAR_PAX = 32768
};

typedef struct slc_tar_walk {
    int fd;
    uint64_t file_size, next; /* where the next header is */
    bool ended;               /* by the mark that ends an archive */
    const char *name;         /* of the current member, without "./" in front */
    uint64_t offset, size;    /* of its content */
    char texts[SLC_TAR_NAME + 1], long_name[SLC_TAR_NAME + 1];
    bool have_long_name, have_long_size;
    uint64_t long_size;
    uint64_t window_start;
    size_t window_size;
    uint8_t window[SLC_TAR_WINDOW], pax[SLC_TAR_PAX + 1];
} slc_tar_walk; /* large: keep it on the heap */

/* Begins at the start of an open file. */
void slc_tar_begin(slc_tar_walk *walk, int fd, uint64_t file_size);

/* Goes to the next regular file; *more is false behind the last. Errors, without the path:
 * SLC_EDATA (unreadable, truncated), SLC_EFORMAT (no tar), SLC_ELIMIT; refused members are
 * SLC_EDATA naming the member. */
SLC_CHECKED slc_status slc_tar_next(slc_tar_walk *walk, bool *more, slc_err *err);

#endif
