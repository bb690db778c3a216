/* GIF's variety of LZW: codes of up to 12 bits, low bits first, in sub-blocks of at most 255
 * bytes. Stays inside its bytes whatever they are. Source: GIF89a, appendix F. */
#ifndef AUGMENT_CODEC_GIF_LZW_H
#define AUGMENT_CODEC_GIF_LZW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLC_GIF_CODES = 4096 };

typedef struct slc_gif_lzw {
    const uint8_t *at, *end;
    size_t block; /* bytes left of the sub-block */
    uint32_t bits;
    unsigned have, width, literal; /* bits; of a code; of a pixel */
    unsigned next, before;         /* code to be defined; last code, or SLC_GIF_CODES */
    bool bad;                      /* met a code that cannot be there */
    uint16_t prefix[SLC_GIF_CODES], length[SLC_GIF_CODES];
    uint8_t suffix[SLC_GIF_CODES], first[SLC_GIF_CODES], string[SLC_GIF_CODES];
} slc_gif_lzw;

/* Begins at the byte that says how many bits a pixel has. */
void slc_gif_lzw_begin(slc_gif_lzw *z, const uint8_t *at, const uint8_t *end);

/* The pixels that the next code stands for, valid until the next call; NULL behind the last. */
const uint8_t *slc_gif_lzw_next(slc_gif_lzw *z, size_t *length);

/* How many pixels the codes from here stand for; stops once enough were counted. */
uint64_t slc_gif_lzw_count(slc_gif_lzw *z, uint64_t enough);

#endif
