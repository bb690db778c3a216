/* What a decoder keeps between images. */
#ifndef AUGMENT_CODEC_DECODER_H
#define AUGMENT_CODEC_DECODER_H

#include "augment/codec.h"

typedef struct slc_jpeg_reader slc_jpeg_reader;
typedef struct slc_jpeg_writer slc_jpeg_writer;

/* Scratch memory over this size goes back to the system after the image that needed it, so
 * that one huge or hostile picture does not stay in memory for the whole run. */
enum { SLC_DECODER_KEEP = 8 << 20 };

struct slc_decoder {
    slc_jpeg_reader *jpeg;   /* made at the first JPEG */
    slc_jpeg_writer *writer; /* made at the first slc_jpeg_trip */
    slc_arena scratch;       /* of one image: libpng's memory, row buffers */
};

void slc_jpeg_reader_destroy(slc_jpeg_reader **reader);
void slc_jpeg_writer_destroy(slc_jpeg_writer **writer);

/* Empties an arena of one image's scratch; frees it if it has grown beyond the usual. */
void slc_scratch_reset(slc_arena *arena);

#endif
