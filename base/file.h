/* Files: mapped, read whole, replaced whole; directories listed in byte order. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A file's bytes, read-only. Errors of opening and reading are SLC_EDATA. */
typedef struct slc_map {
    const uint8_t *bytes; /* NULL for an empty file */
    size_t size;
} slc_map;
SLC_API SLC_CHECKED slc_status slc_map_open(slc_map *out, const char *path, slc_err *err);
SLC_API void slc_map_close(slc_map *map);

/* Reads a whole file of at most limit bytes into malloc'ed memory with a 0 behind it; the
 * caller frees *out. Larger files are SLC_ELIMIT, everything else SLC_EDATA. */
SLC_API SLC_CHECKED slc_status slc_file_read(uint8_t **out, size_t *size,
                                             const char *path, size_t limit,
                                             slc_err *err);

/* Replaces the file at path by size bytes, durably and all at once: after a crash at any
 * moment the file holds either the old bytes or the new ones, never a mixture. On failure
 * the old file is as it was, and nothing else is left behind. Writes through a temporary
 * name in the same directory that holds the process number. Errors: SLC_EIO, SLC_ENOMEM. */
SLC_API SLC_CHECKED slc_status slc_file_replace(const char *path, const void *bytes,
                                                size_t size, slc_err *err);

/* The same for content that is made in pieces: open, append..., commit or abandon. */
typedef struct slc_writer slc_writer;
SLC_API SLC_CHECKED slc_status slc_writer_open(slc_writer **out, const char *path,
                                               slc_err *err);
SLC_API SLC_CHECKED slc_status slc_writer_add(slc_writer *w, const void *bytes,
                                              size_t size, slc_err *err);
SLC_API SLC_CHECKED slc_status
slc_writer_commit(slc_writer **w, slc_err *err); /* fsync, rename, fsync dir */
SLC_API void slc_writer_abandon(
    slc_writer **w); /* removes the temporary; accepts NULL inside */

/* Appends one line (a newline is added) with a single write(2), creating the file. */
SLC_API SLC_CHECKED slc_status slc_file_append_line(const char *path, const char *line,
                                                    slc_err *err);

/* Makes a directory and its parents; one that exists is fine. */
SLC_API SLC_CHECKED slc_status slc_dir_make(const char *path, slc_err *err);

/* Takes the run-directory lock: path is created and locked until close. SLC_EINVAL with a
 * sentence naming the holder's process number if another process has it. */
SLC_API SLC_CHECKED slc_status slc_lock_take(int *fd, const char *path, slc_err *err);
SLC_API void slc_lock_drop(int *fd);

#endif
