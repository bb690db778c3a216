/* One folder and all below it. */
#ifndef LOADER_SOURCE_WALK_H
#define LOADER_SOURCE_WALK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum { SLC_WALK_DEPTH = 64 };

typedef struct slc_walk {
    slc_str texts; /* paths, each with its 0 */
    slc_str
        starts; /* uint64_t offsets into texts; sorted by the path's bytes when done */
    uint64_t count;
    uint64_t left_out;       /* files without a picture's extension */
    slc_str dirs, dir_texts; /* slc_seen_dir records */
    struct {
        dev_t dev;
        ino_t ino;
    } above[SLC_WALK_DEPTH]; /* the folders we are in: a link to one of them is a loop */
    size_t depth;
    bool flat; /* files of this folder only */
} slc_walk;

/* Lists root_fd/path (path "" = root_fd itself) into walk. Hidden entries are skipped, links
 * followed, loops left out. Errors: SLC_EDATA naming root/path, SLC_ENOMEM. */
SLC_CHECKED slc_status slc_walk_run(slc_walk *walk, int root_fd, const char *root,
                                    const char *path, slc_err *err);
void slc_walk_free(slc_walk *walk);

/* The names of the folders right in root_fd/path, sorted, into walk; pictures lying beside
 * them are counted in *loose. */
SLC_CHECKED slc_status slc_walk_folders(slc_walk *walk, int root_fd, const char *root,
                                        const char *path, uint64_t *loose, slc_err *err);

#endif
