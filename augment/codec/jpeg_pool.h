/* libjpeg's memory of one image, served from an arena instead of malloc.
 *
 * libjpeg keeps what it needs for one image in the pool JPOOL_IMAGE and gives it back to
 * malloc after each. This replaces the methods of that pool in cinfo->mem, so that a decoder
 * that has met its largest image allocates no more. JPOOL_PERMANENT stays libjpeg's. */
#ifndef AUGMENT_CODEC_JPEG_POOL_H
#define AUGMENT_CODEC_JPEG_POOL_H

#include <stdio.h>

#include <jpeglib.h>

#include "base/arena.h"

typedef struct slc_jpeg_pool {
    slc_arena arena;
    struct jpeg_memory_mgr libjpegs; /* the methods that were replaced */
    jvirt_barray_ptr arrays;         /* coefficient arrays of this image */
} slc_jpeg_pool;

/* Called once after jpeg_create_decompress; cinfo->client_data becomes pool. */
void slc_jpeg_pool_install(slc_jpeg_pool *pool, j_common_ptr cinfo);

/* Called after jpeg_destroy_decompress. */
void slc_jpeg_pool_free(slc_jpeg_pool *pool);

#endif
