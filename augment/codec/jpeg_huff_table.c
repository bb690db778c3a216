#include "augment/codec/jpeg_huff_table.h"

#include <string.h>

static void make_looks(slc_huff_table *t)
{
    unsigned code = 0, next = 0;
    memset(t->looks, 0, sizeof(t->looks));
    for (unsigned n = 1; n <= LONGEST; n++, code <<= 1) {
        t->offset[n] = (int)next - (int)code;
        for (unsigned i = 0; i < t->bits[n]; i++, code++) {
            const unsigned symbol = t->symbols[next++], size = symbol & 15;
            const unsigned rest = n <= LOOK ? LOOK - n : 0;
            for (unsigned k = 0; n <= LOOK && k < 1u << rest; k++) {
                look *const to = &t->looks[code << rest | k];
                if (size == 0 || size > rest) {
                    *to = symbol << 8 | n;
                } else {
                    const int value = slc_huff_extend(k >> (rest - size), size);
                    *to = (uint32_t)value << 16 | (symbol >> 4) << 8 | (n + size);
                }
            }
        }
        t->limit[n] = code << (LONGEST - n);
    }
    t->limit[LONGEST + 1] = UINT32_MAX;
}

static void list_items(slc_huff_items *l, const slc_huff_table *t)
{
    l->count = 0;
    for (unsigned size = 1; size <= LOOK; size++)
        for (unsigned i = 0; i < LOOKS; i += 1u << (LOOK - size)) {
            const look e = t->looks[i];
            const unsigned symbol = e >> 8 & 255;
            const int value = (int32_t)e >> 16;
            if ((e & 255) != size || (value == 0 && (symbol & 15) != 0)) continue;
            l->item[l->count++] = (item){
                .bits = (uint16_t)(i >> (LOOK - size)),
                .value = (int16_t)value,
                .size = (uint8_t)size,
                .run = (uint8_t)(value ? symbol : symbol >> 4),
                .end = value == 0 && symbol != 0xf0,
            };
        }
}

/* What some codes in a row come to. */
typedef struct row {
    unsigned bits, used, run; /* run: coefficients passed */
    pair pair;
    unsigned n; /* coefficients of pair; 3: what follows is not part of it */
} row;

static row append(row r, const item *e)
{
    r.bits = r.bits << e->size | e->bits;
    r.used += e->size;
    r.run += e->end ? 0 : e->run + 1u;
    r.n = r.n < 2 && !e->end && e->value == (int8_t)e->value ? r.n + 1
          : r.n <= 2 && e->end                               ? r.n
                                                             : 3;
    if (r.n == 3) return r;
    const uint32_t value = (uint8_t)e->value;
    r.pair = (r.pair & ~15u) | r.used << PAIR_BITS | (uint32_t)e->end << PAIR_END;
    if (e->end) return r;
    if (r.n == 1) r.pair |= (uint32_t)e->run << PAIR_RUN | value << PAIR_FIRST;
    if (r.n == 2) r.pair |= (e->run + 1u) << PAIR_STEP;
    r.pair = (r.pair & ((1u << PAIR_SECOND) - 1)) | value << PAIR_SECOND;
    return r;
}

/* Fills in every look that begins with r and one code more, and one more... */
static void fill_looks(slc_huff_table *t, const slc_huff_items *l, row r)
{
    for (unsigned i = 0; i < l->count; i++) {
        const item *const e = &l->item[i];
        if (r.used + e->size > LOOK) break;
        const row next = append(r, e);
        const unsigned rest = LOOK - next.used, at = next.bits << rest;
        if (next.run > LAST) continue;
        for (unsigned k = at; k < at + (1u << rest); k++)
            t->passes[k] = (uint16_t)((unsigned)e->end << 15 | next.run << 8 | next.used);
        for (unsigned k = at; next.n != 3 && k < at + (1u << rest); k++)
            t->pairs[k] = next.pair;
        if (!e->end && rest > 0) fill_looks(t, l, next);
    }
}

bool slc_huff_is_made_of(const slc_huff_table *t, const JHUFF_TBL *from)
{
    return t->made && memcmp(t->bits, from->bits, sizeof(t->bits)) == 0 &&
           memcmp(t->symbols, from->huffval, sizeof(t->symbols)) == 0;
}

void slc_huff_make(slc_huff_table *t, const JHUFF_TBL *from, slc_huff_items *room)
{
    if (slc_huff_is_made_of(t, from)) return;
    memcpy(t->bits, from->bits, sizeof(t->bits));
    memcpy(t->symbols, from->huffval, sizeof(t->symbols));
    make_looks(t);
    t->made = true;
    if (!room) return; /* of means, which come one in a block */
    list_items(room, t);
    for (unsigned i = 0; i < LOOKS; i++)
        t->pairs[i] = NO_PAIR;
    memset(t->passes, 0, sizeof(t->passes));
    fill_looks(t, room, (row){0});
}
