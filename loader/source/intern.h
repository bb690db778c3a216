/* Different texts, numbered as they come. */
#ifndef LOADER_SOURCE_INTERN_H
#define LOADER_SOURCE_INTERN_H

#include "base/str.h"

typedef struct slc_interner {
    slc_str texts; /* each with its 0 */
    uint64_t *starts;
    uint32_t *slots; /* number + 1, open addressing; room of them, a power of two */
    size_t count, room;
    size_t last; /* the number given last: equal texts often follow each other */
} slc_interner;  /* zero is empty */

/* The number of a text, new or old; -1 if memory ran out or there are 2^24 already. */
int32_t slc_intern(slc_interner *in, const char *text, size_t size);
const char *slc_interned(const slc_interner *in, size_t number);
void slc_interner_free(slc_interner *in);

#endif
