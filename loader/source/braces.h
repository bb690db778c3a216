/* Shell braces: "shard-{000..099}.tar", "{train,extra}-{0..9}.tar", several joined by "::". */
#ifndef LOADER_SOURCE_BRACES_H
#define LOADER_SOURCE_BRACES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/params.h"

enum { SLC_BRACES_MOST = 100000 }; /* texts that one pattern may give */

/* Appends every text of the pattern to out (in the arena), the last brace counting fastest. A
 * range is as wide as its first number is written: {000..099}; it may run downwards.
 * Errors: SLC_EINVAL, naming the pattern. */
SLC_CHECKED slc_status slc_braces_expand(slc_texts *out, slc_arena *arena,
                                         const char *pattern, slc_err *err);

#endif
