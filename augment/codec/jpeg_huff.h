/* Huffman decoding of sequential JPEG (ITU-T T.81, F.2.2) in place of libjpeg-turbo's own, where
 * more than half of the time of a photo goes. All else stays libjpeg's.
 *
 * Faster for three reasons: one look gives a code together with its value bits; eight bytes are
 * taken at a time; and of blocks whose pixels nobody wants, several codes are passed in one look.
 * It gives the coefficients libjpeg gives, or gives up: whatever is not plain and well-formed
 * (a bad code, too few bits, an unexpected marker) is left to libjpeg, which knows what to say. */
#ifndef AUGMENT_CODEC_JPEG_HUFF_H
#define AUGMENT_CODEC_JPEG_HUFF_H

#include <stdbool.h>
#include <stdio.h>

#include <jpeglib.h>

typedef struct slc_jpeg_huff
    slc_jpeg_huff; /* one per reader; keeps tables between pictures */

/* Takes over the entropy-coded data of c, between jpeg_start_decompress and the first row.
 * *huff is made when it is NULL. give_up must not return: it is called when c has to be decoded
 * again from its beginning without this. False if c is left to libjpeg: progressive, arithmetic,
 * of several scans, too small to be worth new tables, or no memory. */
bool slc_jpeg_huff_install(slc_jpeg_huff **huff, j_decompress_ptr c,
                           void (*give_up)(j_decompress_ptr c));

/* Pixels of columns [x, x + w) only will be looked at; called after jpeg_crop_scanline with
 * what it gave. */
void slc_jpeg_huff_columns(slc_jpeg_huff *huff, j_decompress_ptr c, JDIMENSION x,
                           JDIMENSION w);

/* After the last picture. *huff may be NULL and becomes NULL. */
void slc_jpeg_huff_destroy(slc_jpeg_huff **huff);

#endif
