/* A JPEG file's markers, read without decoding anything (ITU-T T.81, annex B). */
#ifndef AUGMENT_CODEC_JPEG_WALK_H
#define AUGMENT_CODEC_JPEG_WALK_H

#include <stddef.h>
#include <stdint.h>

/* The EXIF orientation; 1 if there is none before the first scan. */
unsigned slc_jpeg_orientation(const uint8_t *bytes, size_t size);

/* How many scans follow each other; stops counting above most. */
uint64_t slc_jpeg_scans(const uint8_t *bytes, size_t size, uint64_t most);

#endif
