/* A manifest's rows as columns in memory. The file is cut into chunks by its size; each chunk's
 * rows are parsed where they lie, by any thread, and the columns are joined in the file's
 * order: the result does not depend on the number of threads or on the size of chunks. */
#ifndef LOADER_SOURCE_MANIFEST_TABLE_H
#define LOADER_SOURCE_MANIFEST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loader/source/intern.h"

typedef struct slc_manifest_how {
    const char
        *split;     /* keep only these rows, if there is a column of that name; or NULL */
    char delimiter; /* 0 = a tab if the header has one, else a comma */
    size_t chunk;   /* bytes; 0 = 4 MiB */
    size_t threads; /* 0 = all cores */
} slc_manifest_how;

typedef struct slc_manifest {
    uint64_t count;
    char *texts; /* paths, each with its 0 */
    size_t text_size;
    uint64_t *path;      /* count offsets into texts */
    int32_t *label;      /* count numbers of names in labels, or NULL: no labels */
    float *weight;       /* count, or NULL */
    uint64_t *group;     /* count hashes, or NULL */
    slc_interner labels; /* of all rows, those of other splits too */
    bool has_split;
} slc_manifest; /* zero is empty */

/* Reads an open file of size bytes: a header that names the columns path and, where there are
 * any, label, split, weight and group (others are passed over), then rows; commas or tabs;
 * quotes as in RFC 4180. Errors, without the file's name: "line 7: ..." SLC_EDATA, SLC_EFORMAT,
 * SLC_ELIMIT, SLC_ENOMEM. */
SLC_CHECKED slc_status slc_manifest_read(slc_manifest *out, int fd, uint64_t size,
                                         const slc_manifest_how *how, slc_err *err);
void slc_manifest_free(slc_manifest *manifest);

/* Whether the first bytes of a file are such a header. */
bool slc_manifest_looks(const char *head, size_t size);

#endif
