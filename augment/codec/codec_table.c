/* The registry of formats, and the way from bytes to the right one. */
#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"

#define SLC_CODEC(name) extern const slc_codec slc_codec_##name;
#include "augment/codec/codec_list.h"
#undef SLC_CODEC

const slc_codec *const slc_codecs[] = {
#define SLC_CODEC(name) &slc_codec_##name,
#include "augment/codec/codec_list.h"
#undef SLC_CODEC
    NULL,
};

const slc_codec *slc_codec_of(const uint8_t *bytes, size_t size)
{
    for (const slc_codec *const *codec = slc_codecs; *codec; codec++)
        if ((*codec)->is(bytes, size)) return *codec;
    return NULL;
}

/* Whether word is one of the words of a list with single spaces, in any case. */
static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = list; *p; p += strcspn(p, " ")) {
        p += *p == ' ';
        if (strcspn(p, " ") == n && strncasecmp(p, word, n) == 0) return true;
    }
    return false;
}

const slc_codec *slc_codec_by_extension(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name ? name : path, '.');
    if (!dot || dot[1] == '\0') return NULL;
    for (const slc_codec *const *codec = slc_codecs; *codec; codec++)
        if (has_word((*codec)->extensions, dot + 1)) return *codec;
    return NULL;
}

slc_status slc_decoder_create(slc_decoder **out, slc_err *err)
{
    *out = calloc(1, sizeof(**out));
    return *out ? SLC_OK : slc_fail(err, SLC_ENOMEM, "decoder: out of memory");
}

void slc_decoder_destroy(slc_decoder **decoder)
{
    if (!*decoder) return;
    slc_jpeg_reader_destroy(&(*decoder)->jpeg);
    slc_jpeg_writer_destroy(&(*decoder)->writer);
    slc_arena_free(&(*decoder)->scratch);
    free(*decoder);
    *decoder = NULL;
}

void slc_scratch_reset(slc_arena *arena)
{
    if (arena->total > SLC_DECODER_KEEP)
        slc_arena_free(arena);
    else
        slc_arena_reset(arena);
}

/* What the first bytes look like to a person, for the message about an unknown format. */
static const char *guess(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *magic, *name;
    } known[] = {
        {"<", "text with markup (HTML, SVG?)"},
        {"II*", "TIFF"},
        {"MM", "TIFF"},
        {"%PDF", "PDF"},
        {"PK", "ZIP"},
        {"8BPS", "Photoshop"},
        {"\x1f\x8b", "gzip"},
        {"{", "JSON"},
        {"\177ELF", "a program"},
        {"\0\0\1", "an icon"},
    };
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        const size_t n = known[i].magic[0] ? strlen(known[i].magic) : 3;
        if (size >= n && memcmp(bytes, known[i].magic, n) == 0) return known[i].name;
    }
    if (size >= 12 && memcmp(bytes + 4, "ftyp", 4) == 0) return "HEIF, AVIF or a film";
    return NULL;
}

slc_status slc_codec_known(const uint8_t *bytes, size_t size, slc_err *err)
{
    if (slc_codec_of(bytes, size)) return SLC_OK;
    if (size == 0) return slc_fail(err, SLC_EFORMAT, "is empty");
    const char *const other = guess(bytes, size);
    if (other)
        return slc_fail(err, SLC_EFORMAT, "is no picture that Sluice reads, but %s",
                        other);
    char shown[24];
    size_t n = 0;
    while (n < size && n + 1 < sizeof(shown) && bytes[n] >= ' ' && bytes[n] < 127)
        shown[n] = (char)bytes[n], n++;
    shown[n] = 0;
    if (n >= 4)
        return slc_fail(err, SLC_EFORMAT, "is no picture: begins with the text \"%s\"",
                        shown);
    if (size < 4) return slc_fail(err, SLC_EFORMAT, "is no picture: has %zu bytes", size);
    return slc_fail(err, SLC_EFORMAT,
                    "is no picture: begins with the bytes %02x %02x %02x %02x", bytes[0],
                    bytes[1], bytes[2], bytes[3]);
}

static slc_status find(const slc_codec **out, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_err *err)
{
    const uint64_t limit = slc_limits_or_default(&how->limits).file_bytes;
    if (size > limit)
        return slc_fail(err, SLC_ELIMIT, "picture: %zu bytes is over the limit of %llu",
                        size, (unsigned long long)limit);
    *out = slc_codec_of(bytes, size);
    return *out ? SLC_OK : slc_codec_known(bytes, size, err);
}

slc_status slc_decode_info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                           const slc_decode *how, slc_image_info *out, slc_err *err)
{
    const slc_codec *codec = NULL;
    slc_status st = find(&codec, bytes, size, how, err);
    if (st != SLC_OK) return st;
    *out = (slc_image_info){.format = codec->entry.name, .orientation = 1};
    st = codec->info(decoder, bytes, size, how, out, err);
    if (st == SLC_OK && !how->ignore_orientation &&
        slc_orientation_swaps(out->orientation)) {
        const size_t w = out->w;
        out->w = out->h;
        out->h = w;
    }
    slc_scratch_reset(&decoder->scratch);
    return st;
}

slc_status slc_decode_image(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                            const slc_decode *how, slc_arena *arena, slc_image *out,
                            slc_err *err)
{
    const slc_codec *codec = NULL;
    slc_status st = find(&codec, bytes, size, how, err);
    if (st != SLC_OK) return st;
    st = codec->decode(decoder, bytes, size, how, arena, out, err);
    slc_scratch_reset(&decoder->scratch);
    return st;
}

/* The quality of encoders is one INT parameter of that name. */
static void set_quality(const slc_param *table, void *settings, int quality)
{
    for (const slc_param *p = table; p && p->name; p++)
        if (strcmp(p->name, "quality") == 0)
            *(int64_t *)((char *)settings + p->offset) = quality;
}

/* The codec's settings, bound and checked, in arena. */
static slc_status bind(const slc_codec *codec, const slc_encoding *how, slc_arena *arena,
                       void **settings, slc_err *err)
{
    const int quality = how ? how->quality : 0;
    if (!codec->encode)
        return slc_fail(err, SLC_EINVAL, "%s: can be read, not written",
                        codec->entry.name);
    if (quality < 0 || quality > 100)
        return slc_fail(err, SLC_EINVAL, "%s: quality %d is not from 1 to 100",
                        codec->entry.name, quality);
    *settings = slc_arena_zero(arena, 1, codec->entry.settings_size);
    if (!*settings)
        return slc_fail(err, SLC_ENOMEM, "%s: out of memory", codec->entry.name);
    const slc_status st =
        slc_params_bind(codec->entry.params, *settings, how ? how->settings : NULL, false,
                        codec->entry.name, arena, err);
    if (st == SLC_OK && quality) set_quality(codec->entry.params, *settings, quality);
    return st;
}

slc_status slc_encoding_check(const slc_codec *codec, const slc_encoding *how,
                              slc_err *err)
{
    slc_arena arena = {0};
    void *settings = NULL;
    const slc_status st = bind(codec, how, &arena, &settings, err);
    slc_arena_free(&arena);
    return st;
}

slc_status slc_encode(const slc_codec *codec, const slc_encoding *how,
                      const slc_image *image, slc_str *out, slc_err *err)
{
    slc_arena arena = {0};
    void *settings = NULL;
    slc_status st = bind(codec, how, &arena, &settings, err);
    if (st == SLC_OK) st = codec->encode(settings, image, out, err);
    slc_arena_free(&arena);
    return st;
}
