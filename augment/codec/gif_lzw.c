#include "augment/codec/gif_lzw.h"

enum { NONE = SLC_GIF_CODES };

static void clear(slc_gif_lzw *z)
{
    z->width = z->literal + 1;
    z->next = (1u << z->literal) + 2;
    z->before = NONE;
}

void slc_gif_lzw_begin(slc_gif_lzw *z, const uint8_t *at, const uint8_t *end)
{
    z->at = at;
    z->end = end;
    z->block = z->have = z->bits = z->literal = 0;
    z->bad = at == end || *at < 1 || *at > 11;
    if (z->bad) return;
    z->literal = *z->at++;
    for (unsigned i = 0; i < 1u << z->literal; i++) {
        z->length[i] = 1;
        z->suffix[i] = z->first[i] = (uint8_t)i;
    }
    clear(z);
}

/* False at the end of the sub-blocks or of the file. */
static bool next_byte(slc_gif_lzw *z)
{
    if (z->block == 0) {
        if (z->at == z->end || *z->at == 0) return false;
        z->block = *z->at++;
    }
    if (z->at == z->end) return false;
    z->block--;
    z->bits |= (uint32_t)*z->at++ << z->have;
    z->have += 8;
    return true;
}

/* Gives the next code the string of the one before and the first pixel of this one. */
static void define(slc_gif_lzw *z, unsigned code)
{
    const unsigned n = z->next, before = z->before;
    z->prefix[n] = (uint16_t)before;
    z->length[n] = (uint16_t)(z->length[before] + 1);
    z->first[n] = z->first[before];
    z->suffix[n] = z->first[code == n ? before : code];
    z->next++;
    if (z->next == 1u << z->width && z->width < 12) z->width++;
}

/* The next code that stands for pixels, known to the tables; NONE at the end. */
static unsigned next_code(slc_gif_lzw *z)
{
    while (!z->bad) {
        while (z->have < z->width)
            if (!next_byte(z)) return NONE;
        const unsigned code = z->bits & ((1u << z->width) - 1),
                       literals = 1u << z->literal;
        z->bits >>= z->width;
        z->have -= z->width;
        if (code == literals) {
            clear(z);
            continue;
        }
        if (code == literals + 1) return NONE;
        const bool grows = z->before != NONE && z->next < SLC_GIF_CODES;
        z->bad = code > z->next || (code == z->next && !grows);
        if (z->bad) break;
        if (grows) define(z, code);
        z->before = code;
        return code;
    }
    return NONE;
}

const uint8_t *slc_gif_lzw_next(slc_gif_lzw *z, size_t *length)
{
    unsigned code = next_code(z);
    if (code == NONE) return NULL;
    *length = z->length[code];
    for (size_t i = *length; i > 1; code = z->prefix[code])
        z->string[--i] = z->suffix[code];
    z->string[0] = z->suffix[code];
    return z->string;
}

uint64_t slc_gif_lzw_count(slc_gif_lzw *z, uint64_t enough)
{
    uint64_t n = 0;
    while (n < enough) {
        const unsigned code = next_code(z);
        if (code == NONE) break;
        n += z->length[code];
    }
    return n;
}
