/* What data sets call their splits. */
#ifndef LOADER_SOURCE_SPLITS_H
#define LOADER_SOURCE_SPLITS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a name in a data set means the split ("train", "val", "test" or any other text):
 * itself, or for val also "valid", "validation", "dev", for train "training", for test "testing". */
bool slc_split_is(const char *split, const char *name, size_t size);

#endif
