/* One picture through a list of ops: preprocess IN OUT. */
#ifndef TOOLS_ONE_PICTURE_H
#define TOOLS_ONE_PICTURE_H

#include "augment/codec.h"
#include "augment/policy.h"

typedef struct cli_one_picture {
    const char *in, *out;
    const char *ops; /* YAML list */
    slc_key key;     /* which draws */
    slc_encoding encoding;
    slc_decode decode; /* channels: 1 or 3; 0 = the file's own */
} cli_one_picture;

/* Decodes exactly, runs the ops, encodes by out's extension, replaces the file. *w and *h receive
 * the new size. Errors: SLC_EINVAL (ops, encoding, a normalised result, an unknown extension),
 * SLC_EDATA, SLC_EFORMAT, SLC_ELIMIT (with the path), SLC_EIO. */
SLC_CHECKED slc_status cli_one_picture_run(const cli_one_picture *job, size_t *w,
                                           size_t *h, slc_err *err);

#endif
