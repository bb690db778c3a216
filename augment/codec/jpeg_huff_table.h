/* Tables for jpeg_huff.c: what the next bits of a scan mean, seen at once.
 *
 * A table of LOOKS entries is indexed by the next LOOK bits, the first of them on top. */
#ifndef AUGMENT_CODEC_JPEG_HUFF_TABLE_H
#define AUGMENT_CODEC_JPEG_HUFF_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

enum {
    LOOK = 10, /* bits of one look */
    LOOKS = 1 << LOOK,
    LONGEST = 16, /* bits of a code */
    LAST = 64     /* coefficients of a block */
};

/* What one look tells, in one of two forms:
 *     value << 16 | run << 8 | bits      a code and its value bits, which are not zero
 *     symbol << 8 | bits                 a code alone; no bits: it is longer than a look */
typedef uint32_t look;

/* Up to two coefficients of one look, and whether the block ends behind them. It is written twice
 * where it is one (step 0), and zero where it is none: blocks are zero before. */
typedef uint32_t pair;
enum {
    PAIR_BITS = 0,            /* 4 bits: the bits used */
    PAIR_RUN = 4,             /* 4: zeros before the first */
    PAIR_STEP = 8,            /* 6: from the first to the second */
    PAIR_END = 14,            /* 1 */
    PAIR_FIRST = 16,          /* 8, signed */
    PAIR_SECOND = 24,         /* 8, signed */
    NO_PAIR = 63 << PAIR_STEP /* leads out of every block */
};

typedef struct slc_huff_table {
    pair pairs[LOOKS];
    look looks[LOOKS];
    uint16_t
        passes[LOOKS]; /* as many codes as fit: end of block << 15 | run << 8 | bits */
    uint32_t limit[LONGEST + 2]; /* first 16-bit number behind the codes of a length */
    int offset[LONGEST + 1];     /* from a code of a length to its symbol */
    UINT8 bits[LONGEST + 1], symbols[256]; /* what this was made from */
    bool made;
} slc_huff_table;

/* A code with its value bits, together at most LOOK of them. */
typedef struct item {
    uint16_t bits;
    int16_t value;
    uint8_t size, run;
    bool end; /* of the block */
} item;

/* Room to make a table in. */
typedef struct slc_huff_items {
    item item[LOOKS]; /* the shortest first */
    unsigned count;
} slc_huff_items;

/* The signed value that n bits, one at least, mean (F.2.2.1, EXTEND). */
static inline int slc_huff_extend(unsigned bits, unsigned n)
{
    const int v = (int)bits;
    return v < 1 << (n - 1) ? v + 1 - (1 << n) : v;
}

/* Whether t was made of these codes already. */
bool slc_huff_is_made_of(const slc_huff_table *t, const JHUFF_TBL *from);

/* from must be sound, as libjpeg has checked at the beginning of a scan. Without room the table
 * is one of means: looks only. Does nothing if t is made of from. */
void slc_huff_make(slc_huff_table *t, const JHUFF_TBL *from, slc_huff_items *room);

#endif
