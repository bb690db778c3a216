#include "augment/codec/jpeg_huff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#if SLC_HAVE_JPEGINT /* libjpeg-turbo's own header of its decoder objects */

#include <jpegint.h>

#include "augment/codec/jpeg_huff_table.h"

#define INLINE static inline __attribute__((always_inline))

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { WORTH = 1 };
#else
enum { WORTH = 16384 }; /* bytes of data that new tables pay off for */
#endif

enum {
    ENOUGH = 32,         /* bits of a code and its value: 16 + 15, and one */
    RUN_OVER = 16,       /* how far a hostile run may point behind a block */
    LARGEST_DC = 1 << 20 /* far from overflow, and from what a picture can mean */
};

/* Bits that wait, the next one on top. Below the left ones lie more of the same data, which
 * are fetched again. */
typedef struct stream {
    uint64_t bits;
    int left;
    int invented; /* of left: zeros behind the end of the data */
    const uint8_t *at, *end;
} stream;

typedef struct block_plan {
    const slc_huff_table *dc, *ac;
    int component;
    bool wants_dc, wants_ac;
} block_plan;

struct slc_jpeg_huff {
    struct jpeg_entropy_decoder libjpegs; /* first, as libjpeg's own decoders have it */
    void (*give_up)(j_decompress_ptr c);
    stream in;
    int dc[MAX_COMPS_IN_SCAN]; /* last mean of each component */
    unsigned until_restart, restarts;
    bool passing; /* the rest of this interval, which was not looked at */
    JDIMENSION column, first, last; /* in MCUs; last is wanted too */
    uint64_t mcus;                  /* that are left */
    block_plan plan[D_MAX_BLOCKS_IN_MCU];
    size_t waiting;      /* bytes of pictures that were left to libjpeg */
    slc_huff_items room; /* for making tables */
    slc_huff_table dc_tables[NUM_HUFF_TBLS], ac_tables[NUM_HUFF_TBLS];
};

/* T.81 figure A.6, and room for runs that lead out of the block. */
static const uint8_t ORDER[LAST + RUN_OVER] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33,
    40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
};

/* -- bits -- */

INLINE bool has_ff(uint64_t eight)
{
    return (~eight - 0x0101010101010101u) & eight & 0x8080808080808080u;
}

/* Byte by byte: past stuffed zeros, and zeros without end behind the end. */
static __attribute__((noinline)) stream refill_bytes(stream s)
{
    while (s.left <= 56) {
        uint64_t byte = 0;
        const bool ff = s.at < s.end && *s.at == 0xff;
        if (s.at == s.end || (ff && (s.at + 1 == s.end || s.at[1] != 0)))
            s.invented += 8;
        else {
            byte = *s.at;
            s.at += ff ? 2 : 1;
        }
        s.bits |= byte << (56 - s.left);
        s.left += 8;
    }
    return s;
}

/* At least ENOUGH bits. */
INLINE void refill(stream *s)
{
    if (s->left >= ENOUGH) return;
    if (s->end - s->at >= 8) {
        uint64_t eight;
        memcpy(&eight, s->at, sizeof(eight));
        eight = __builtin_bswap64(eight);
        if (!has_ff(eight)) {
            s->bits |= eight >> s->left;
            s->at += (63 - s->left) >> 3;
            s->left |= 56;
            return;
        }
    }
    *s = refill_bytes(*s);
}

INLINE void drop(stream *s, unsigned n)
{
    s->bits <<= n;
    s->left -= (int)n;
}

INLINE unsigned take(stream *s, unsigned n)
{
    const unsigned bits = (unsigned)(s->bits >> 1 >> (63 - n));
    drop(s, n);
    return bits;
}

/* The symbol whose look was e; above 255 if no code begins so. */
INLINE unsigned take_symbol(stream *s, const slc_huff_table *t, look e)
{
    if (e & 255) {
        drop(s, e & 255);
        return e >> 8 & 255;
    }
    const unsigned code = (unsigned)(s->bits >> 48);
    unsigned n = LOOK + 1;
    while (code >= t->limit[n])
        n++;
    if (n > LONGEST) return 256;
    drop(s, n);
    return t->symbols[((int)(code >> (LONGEST - n)) + t->offset[n]) & 255];
}

/* -- blocks -- */

/* The difference of the mean to the one before. */
INLINE bool take_dc(stream *s, const slc_huff_table *t, int *diff)
{
    refill(s);
    const look e = t->looks[s->bits >> (64 - LOOK)];
    *diff = (int32_t)e >> 16;
    if (e >> 16) {
        drop(s, e & 255);
        return true;
    }
    const unsigned size = take_symbol(s, t, e);
    if (size > 15) return false;
    if (size > 0) *diff = slc_huff_extend(take(s, size), size);
    return true;
}

/* One coefficient at k, which moves behind it; behind the block if it was the last. */
INLINE bool take_one(stream *s, const slc_huff_table *t, JCOEF *block, unsigned *k)
{
    const look e = t->looks[s->bits >> (64 - LOOK)];
    unsigned at = *k;
    if (e >> 16) {
        drop(s, e & 255);
        at += e >> 8 & 255;
        block[ORDER[at++]] = (JCOEF)((int32_t)e >> 16);
    } else {
        const unsigned symbol = take_symbol(s, t, e), size = symbol & 15;
        if (symbol > 255) return false;
        at = size || symbol == 0xf0 ? at + (symbol >> 4) : LAST - 1;
        if (size > 0) block[ORDER[at]] = (JCOEF)slc_huff_extend(take(s, size), size);
        at++;
    }
    *k = at; /* a run out of the block ends it, for libjpeg too */
    return true;
}

INLINE bool take_ac(stream *s, const slc_huff_table *t, JCOEF *block)
{
    for (unsigned k = 1; k < LAST;) {
        refill(s);
        const pair p = t->pairs[s->bits >> (64 - LOOK)];
        const unsigned end = p >> PAIR_END & 1;
        const unsigned first = k + (p >> PAIR_RUN & 15);
        const unsigned second = first + (p >> PAIR_STEP & 63);
        if (second + end >= LAST) {
            if (!take_one(s, t, block, &k)) return false;
            continue;
        }
        drop(s, p >> PAIR_BITS & 15);
        block[ORDER[first]] = (int8_t)(p >> PAIR_FIRST);
        block[ORDER[second]] = (int8_t)(p >> PAIR_SECOND);
        k = second + 1;
        if (end) break;
    }
    return true;
}

/* The same of a block that nobody looks at. */
INLINE bool pass_ac(stream *s, const slc_huff_table *t)
{
    JCOEF nobodys[LAST + RUN_OVER];
    for (unsigned k = 1; k < LAST;) {
        refill(s);
        const unsigned p = t->passes[s->bits >> (64 - LOOK)];
        const unsigned to = k + (p >> 8 & 127);
        if (p != 0 && to + (p >> 15) <= LAST) {
            drop(s, p & 255);
            if (p >> 15) return true;
            k = to;
            continue;
        }
        if (!take_one(s, t, nobodys, &k)) return false;
    }
    return true;
}

/* The first byte of which no bit was used. */
static const uint8_t *first_unread(const stream *s)
{
    const uint8_t *at = s->at;
    for (int n = (s->left - s->invented) / 8; n > 0; n--)
        at -= at[-1] == 0 && at[-2] == 0xff ? 2 : 1;
    return at;
}

/* Behind the bits of an interval stands its marker, and nothing between. */
static bool pass_restart(slc_jpeg_huff *h)
{
    stream *const s = &h->in;
    if (s->left - s->invented >= 8 || s->end - s->at < 2 || s->at[0] != 0xff ||
        s->at[1] != JPEG_RST0 + h->restarts % 8)
        return false;
    *s = (stream){.at = s->at + 2, .end = s->end};
    memset(h->dc, 0, sizeof(h->dc));
    h->restarts++;
    return true;
}

/* Whether nobody looks at any MCU of the interval that begins here. Of the next row, into which
 * it may reach, only the columns are known: libjpeg tells row by row what is passed over. */
static bool is_unseen(const slc_jpeg_huff *h, j_decompress_ptr c, bool row_passed)
{
    const JDIMENSION row = c->MCUs_per_row, end = h->column + c->restart_interval;
    const bool behind = row_passed || h->column > h->last;
    return end > row ? behind && end - row <= h->first : behind || end <= h->first;
}

/* Goes to the marker behind this interval, whose bits are all still there. */
static bool pass_interval(slc_jpeg_huff *h)
{
    const uint8_t *at = h->in.at, *const end = h->in.end;
    while ((at = memchr(at, 0xff, (size_t)(end - at))) && end - at >= 2 && at[1] == 0)
        at += 2;
    if (!at || end - at < 2) return false;
    h->in = (stream){.at = at, .end = end};
    return true;
}

static bool take_mcu(slc_jpeg_huff *h, int blocks, JBLOCKROW *to)
{
    stream s = h->in;
    const bool seen = to && h->column >= h->first && h->column <= h->last;
    for (int i = 0; i < blocks; i++) {
        const block_plan *const b = &h->plan[i];
        int diff;
        if (!take_dc(&s, b->dc, &diff)) return false;
        const int dc = h->dc[b->component] += diff;
        if (dc > LARGEST_DC || dc < -LARGEST_DC) return false;
        if (seen && b->wants_dc) (*to[i])[0] = (JCOEF)dc;
        if (seen && b->wants_ac ? !take_ac(&s, b->ac, *to[i]) : !pass_ac(&s, b->ac))
            return false;
    }
    h->in = s;
    return s.left >= s.invented;
}

/* libjpeg's call for the next MCU; to is NULL if it is to be passed over. */
static boolean decode_mcu(j_decompress_ptr c, JBLOCKROW *to)
{
    slc_jpeg_huff *const h = (slc_jpeg_huff *)c->entropy;
    if (c->restart_interval) {
        if (h->until_restart == 0) {
            if (!pass_restart(h)) h->give_up(c);
            h->until_restart = c->restart_interval;
        }
        if (h->until_restart == c->restart_interval) {
            h->passing = is_unseen(h, c, !to);
            if (h->passing && !pass_interval(h)) h->give_up(c);
        }
        h->until_restart--;
    }
    if (!h->passing && !take_mcu(h, c->blocks_in_MCU, to)) h->give_up(c);
    if (++h->column == c->MCUs_per_row) h->column = 0;
    if (--h->mcus == 0) { /* libjpeg looks for the next marker from here */
        c->src->next_input_byte = first_unread(&h->in);
        c->src->bytes_in_buffer = (size_t)(h->in.end - c->src->next_input_byte);
    }
    return TRUE;
}

static void start_pass(j_decompress_ptr c)
{
    (void)c; /* one scan, begun by install */
}

/* The tables of every component of the scan. New ones take as long as some kilobytes of data:
 * pictures that are smaller wait for others of their kind, and this is false. */
static bool has_tables(slc_jpeg_huff *h, j_decompress_ptr c)
{
    bool made = true;
    for (int i = 0; i < c->comps_in_scan; i++) {
        const int dc = c->cur_comp_info[i]->dc_tbl_no,
                  ac = c->cur_comp_info[i]->ac_tbl_no;
        made = made && slc_huff_is_made_of(&h->dc_tables[dc], c->dc_huff_tbl_ptrs[dc]) &&
               slc_huff_is_made_of(&h->ac_tables[ac], c->ac_huff_tbl_ptrs[ac]);
    }
    if (made) return true;
    h->waiting += c->src->bytes_in_buffer;
    if (h->waiting < WORTH) return false;
    h->waiting = 0;
    for (int i = 0; i < c->comps_in_scan; i++) {
        const int dc = c->cur_comp_info[i]->dc_tbl_no,
                  ac = c->cur_comp_info[i]->ac_tbl_no;
        slc_huff_make(&h->dc_tables[dc], c->dc_huff_tbl_ptrs[dc], NULL);
        slc_huff_make(&h->ac_tables[ac], c->ac_huff_tbl_ptrs[ac], &h->room);
    }
    return true;
}

static void make_plan(slc_jpeg_huff *h, j_decompress_ptr c)
{
    for (int i = 0; i < c->blocks_in_MCU; i++) {
        const int component = c->MCU_membership[i];
        const jpeg_component_info *const p = c->cur_comp_info[component];
        h->plan[i] = (block_plan){
            .dc = &h->dc_tables[p->dc_tbl_no],
            .ac = &h->ac_tables[p->ac_tbl_no],
            .component = component,
            .wants_dc = p->component_needed,
            .wants_ac = p->component_needed && p->DCT_scaled_size > 1,
        };
    }
}

bool slc_jpeg_huff_install(slc_jpeg_huff **huff, j_decompress_ptr c,
                           void (*give_up)(j_decompress_ptr c))
{
    if (c->progressive_mode || c->arith_code || c->data_precision != 8 ||
        jpeg_has_multiple_scans(c))
        return false;
    if (!*huff) *huff = calloc(1, sizeof(**huff));
    slc_jpeg_huff *const h = *huff;
    if (!h || !has_tables(h, c)) return false;
    make_plan(h, c);
    h->libjpegs =
        (struct jpeg_entropy_decoder){.start_pass = start_pass, .decode_mcu = decode_mcu};
    h->give_up = give_up;
    h->in = (stream){.at = c->src->next_input_byte,
                     .end = c->src->next_input_byte + c->src->bytes_in_buffer};
    memset(h->dc, 0, sizeof(h->dc));
    h->until_restart = c->restart_interval;
    h->restarts = 0;
    h->passing = false;
    h->column = h->first = 0;
    h->last = c->MCUs_per_row;
    h->mcus = (uint64_t)c->MCUs_per_row * c->MCU_rows_in_scan;
    c->entropy = &h->libjpegs;
    return true;
}

void slc_jpeg_huff_columns(slc_jpeg_huff *h, j_decompress_ptr c, JDIMENSION x,
                           JDIMENSION w)
{
    const int mcu = c->num_components == 1
                        ? c->min_DCT_scaled_size
                        : c->min_DCT_scaled_size * c->max_h_samp_factor;
    h->first = x / (JDIMENSION)mcu;
    h->last = (x + w - 1) / (JDIMENSION)mcu;
}

#else

struct slc_jpeg_huff {
    int none;
};

bool slc_jpeg_huff_install(slc_jpeg_huff **huff, j_decompress_ptr c,
                           void (*give_up)(j_decompress_ptr c))
{
    (void)huff, (void)c, (void)give_up;
    return false;
}

void slc_jpeg_huff_columns(slc_jpeg_huff *huff, j_decompress_ptr c, JDIMENSION x,
                           JDIMENSION w)
{
    (void)huff, (void)c, (void)x, (void)w;
}

#endif

void slc_jpeg_huff_destroy(slc_jpeg_huff **huff)
{
    free(*huff);
    *huff = NULL;
}
