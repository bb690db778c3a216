/* Picture formats, in and out. Bytes are recognised by their magic, never by a name. Every
 * byte is untrusted: limits are checked before memory is taken, and a decoder never ends the
 * process, prints, or gives back a silently wrong picture. */
#ifndef AUGMENT_CODEC_H
#define AUGMENT_CODEC_H

#include "augment/image.h"
#include "base/params.h"
#include "base/str.h"

/* What a file's header says. */
typedef struct slc_image_info {
    const char *format;     /* "jpeg", "png", "webp", "bmp", "gif", "pnm", "tga" */
    size_t w, h;            /* as decoded, orientation applied if asked */
    unsigned file_channels; /* 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA or CMYK */
    unsigned bits;          /* per channel in the file */
    unsigned orientation;   /* EXIF, 1 to 8; 1 if none */
    bool alpha, cmyk, palette, progressive, animated;
} slc_image_info;

typedef struct slc_limits {
    uint64_t pixels;     /* 0 = 178,956,970 (Pillow's bomb error) */
    uint64_t side;       /* 0 = 65,535 */
    uint64_t file_bytes; /* 0 = 256 MiB */
    uint64_t scans;      /* JPEG; 0 = 100 */
    uint64_t chunks;     /* PNG ancillary chunks kept or cached; 0 = 1,000 */
} slc_limits;

/* How to decode. Zero is the default: the whole image, in its own number of colours,
 * exactly as Pillow does, orientation applied, truncation an error.
 *
 * Where Pillow has no 8-bit answer: samples v of 16 bits become (v * 255 + 32895) >> 16, which
 * is v / 257 rounded to nearest; alpha is composited over background, to nearest; CMYK with
 * 255 = no ink becomes R = max(0, K - (255 - C) * K / 255 to nearest), G from M, B from Y. */
typedef struct slc_decode {
    slc_limits limits;
    unsigned channels; /* 1 or 3; 0 = 1 for grey files, 3 for all others */
    bool ignore_orientation;
    bool accept_truncated;   /* what is missing stays as the library leaves it */
    uint8_t background[3];   /* under transparent pixels */
    slc_rect region;         /* part to decode, oriented coordinates; w = 0: all of it */
    size_t least_w, least_h; /* fast: the region may come scaled down in the DCT domain to
                                   not less than this (0 = never scaled) */
} slc_decode;

/* A decoder keeps its libraries' objects between images. Threads: one at a time. */
typedef struct slc_decoder slc_decoder;
SLC_API SLC_CHECKED slc_status slc_decoder_create(slc_decoder **out, slc_err *err);
SLC_API void slc_decoder_destroy(slc_decoder **decoder);

/* Reads the header only. Errors: SLC_EFORMAT, SLC_ELIMIT, without a path (callers prefix it). */
SLC_API SLC_CHECKED slc_status slc_decode_info(slc_decoder *decoder, const uint8_t *bytes,
                                               size_t size, const slc_decode *how,
                                               slc_image_info *out, slc_err *err);

/* Decodes into the arena. The picture is exactly how->region of the whole one (or of it
 * scaled by n/8 when least_w, least_h allow). */
SLC_API SLC_CHECKED slc_status slc_decode_image(slc_decoder *decoder,
                                                const uint8_t *bytes, size_t size,
                                                const slc_decode *how, slc_arena *arena,
                                                slc_image *out, slc_err *err);

/* Through a JPEG file in memory and back: out is what Pillow makes of save(quality=...), open.
 * With the same decoder, nothing is allocated once the largest image was met. */
SLC_API SLC_CHECKED slc_status slc_jpeg_trip(slc_decoder *decoder, int quality,
                                             const slc_image *image, slc_arena *arena,
                                             slc_image *out, slc_err *err);

/* A format. One file in augment/codec and one line in codec_list.h. Settings are those of its
 * encoder; encode is NULL if it only reads. */
typedef struct slc_codec {
    slc_entry entry;
    const char *extensions; /* "jpg jpeg": first is what writers use */
    bool (*is)(const uint8_t *bytes, size_t size);
    slc_status (*info)(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_image_info *out, slc_err *err);
    slc_status (*decode)(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                         const slc_decode *how, slc_arena *arena, slc_image *out,
                         slc_err *err);
    slc_status (*encode)(const void *settings, const slc_image *image, slc_str *out,
                         slc_err *err);
} slc_codec;

extern SLC_API const slc_codec *const slc_codecs[]; /* NULL at the end */
SLC_API const slc_codec *slc_codec_of(const uint8_t *bytes,
                                      size_t size); /* by magic, or NULL */
/* From the first bytes of a file: SLC_OK if some codec reads it, else SLC_EFORMAT with what they
 * are: "is empty", "is no picture: begins with the text "hello"". */
SLC_API SLC_CHECKED slc_status slc_codec_known(const uint8_t *bytes, size_t size,
                                               slc_err *err);
SLC_API const slc_codec *slc_codec_by_extension(const char *path); /* or NULL */

/* How to write. Zero is the codec's own defaults. */
typedef struct slc_encoding {
    int quality; /* 1 to 100, for codecs that have one; 0 = as settings say */
    const slc_node *settings; /* of the codec's params, {subsampling: 444}; NULL = none */
} slc_encoding;

/* how may be NULL. Errors: SLC_EINVAL (the codec only reads, settings it does not take). */
SLC_API SLC_CHECKED slc_status slc_encode(const slc_codec *codec, const slc_encoding *how,
                                          const slc_image *image, slc_str *out,
                                          slc_err *err);
/* Only whether slc_encode would take codec and how. */
SLC_API SLC_CHECKED slc_status slc_encoding_check(const slc_codec *codec,
                                                  const slc_encoding *how, slc_err *err);

#endif
