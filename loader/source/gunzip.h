/* A file read whole into memory, through zlib if it is gzip'ed. */
#ifndef LOADER_SOURCE_GUNZIP_H
#define LOADER_SOURCE_GUNZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Gives malloc'ed bytes; the caller frees *out. expect is asked, with the first head bytes, for
 * how many bytes the whole must have, so that memory is taken once and no bomb unfolds; it may
 * refuse with a sentence. Both too few and too many bytes are errors.
 * Errors, each naming path: SLC_EDATA (missing, unreadable, truncated, damaged), SLC_EFORMAT
 * (expect), SLC_ENOMEM. */
SLC_CHECKED slc_status slc_gunzip(uint8_t **out, uint64_t *size, const char *path,
                                  size_t head,
                                  slc_status (*expect)(const uint8_t *head,
                                                       uint64_t *size, slc_err *err),
                                  slc_err *err);

#endif
