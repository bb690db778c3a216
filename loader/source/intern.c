#include "loader/source/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { MOST = 1 << 24, FIRST_ROOM = 64 };

const char *slc_interned(const slc_interner *in, size_t number)
{
    return in->texts.text + in->starts[number];
}

static bool is(const slc_interner *in, size_t number, const char *text, size_t size)
{
    const char *known = slc_interned(in, number);
    return memcmp(known, text, size) == 0 && known[size] == 0;
}

/* Twice the room; every text finds its slot again. */
static bool grow(slc_interner *in)
{
    const size_t room = in->room ? in->room * 2 : FIRST_ROOM;
    uint32_t *slots = calloc(room, sizeof(*slots));
    uint64_t *starts = realloc(in->starts, room / 2 * sizeof(*starts));
    if (starts) in->starts = starts;
    if (!slots || !starts) {
        free(slots);
        return false;
    }
    for (size_t i = 0; i < in->count; i++) {
        const char *text = slc_interned(in, i);
        size_t at = slc_hash64(text, strlen(text), 0) & (room - 1);
        while (slots[at])
            at = (at + 1) & (room - 1);
        slots[at] = (uint32_t)i + 1;
    }
    free(in->slots);
    in->slots = slots;
    in->room = room;
    return true;
}

int32_t slc_intern(slc_interner *in, const char *text, size_t size)
{
    if (in->count > 0 && in->texts.size - in->starts[in->last] > size &&
        is(in, in->last, text, size))
        return (int32_t)in->last;
    if (in->count >= in->room / 2 && (in->count >= MOST || !grow(in))) return -1;
    size_t at = slc_hash64(text, size, 0) & (in->room - 1);
    for (; in->slots[at]; at = (at + 1) & (in->room - 1)) {
        const size_t number = in->slots[at] - 1;
        if (in->texts.size - in->starts[number] > size && is(in, number, text, size))
            return (int32_t)(in->last = number);
    }
    in->starts[in->count] = in->texts.size;
    slc_str_add_n(&in->texts, text, size);
    slc_str_add_n(&in->texts, "", 1);
    if (in->texts.failed) return -1;
    in->slots[at] = (uint32_t)++in->count;
    return (int32_t)(in->last = in->count - 1);
}

void slc_interner_free(slc_interner *in)
{
    slc_str_free(&in->texts);
    free(in->starts);
    free(in->slots);
    *in = (slc_interner){0};
}
