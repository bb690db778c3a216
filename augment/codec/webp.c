/* WebP through libwebp: lossy and lossless, alpha, the first frame of an animation. */
#include <string.h>

#include "config.h"

#if SLC_HAVE_WEBP
#include <webp/decode.h>
#include <webp/demux.h>

#include "augment/codec/decoder.h"
#include "augment/codec/frame.h"
#include "augment/codec/webp_write.h"

static bool is_webp(const uint8_t *bytes, size_t size)
{
    return size >= 12 && memcmp(bytes, "RIFF", 4) == 0 &&
           memcmp(bytes + 8, "WEBP", 4) == 0;
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The EXIF chunk of an extended file; some writers put JPEG's prefix before the TIFF. */
static unsigned orientation_of(const uint8_t *bytes, size_t size)
{
    for (size_t at = 12; size - at >= 8;) {
        const size_t n = get32(bytes + at + 4);
        const uint8_t *data = bytes + at + 8;
        if (n > size - at - 8) break;
        if (memcmp(bytes + at, "EXIF", 4) == 0) {
            const size_t skip = n >= 6 && memcmp(data, "Exif\0", 5) == 0 ? 6 : 0;
            return slc_exif_orientation(data + skip, n - skip);
        }
        if (n + (n & 1) > size - at - 8) break;
        at += 8 + n + (n & 1);
    }
    return 1;
}

static slc_status info(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                       const slc_decode *how, slc_image_info *out, slc_err *err)
{
    WebPBitstreamFeatures f;
    (void)decoder;
    if (WebPGetFeatures(bytes, size, &f) != VP8_STATUS_OK)
        return slc_fail(err, SLC_EFORMAT, "webp: the header is cut short or bad");
    *out = (slc_image_info){.format = "webp",
                            .w = (size_t)f.width,
                            .h = (size_t)f.height,
                            .file_channels = f.has_alpha ? 4 : 3,
                            .bits = 8,
                            .orientation = orientation_of(bytes, size),
                            .alpha = f.has_alpha,
                            .animated = f.has_animation};
    return slc_check_size("webp", out->w, out->h, &how->limits, err);
}

/* Decodes one still bitstream into rows of 3 or 4 channels; with tolerant, as much of it as
 * there is. */
static slc_status read_still(const uint8_t *bytes, size_t size, const slc_image *to,
                             bool tolerant, slc_err *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return slc_fail(err, SLC_EFORMAT, "webp: libwebp is of another version");
    config.output.colorspace = to->channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = to->px;
    config.output.u.RGBA.stride = (int)to->stride;
    config.output.u.RGBA.size = to->h * to->stride;
    VP8StatusCode code;
    if (tolerant) {
        WebPIDecoder *pieces = WebPIDecode(NULL, 0, &config);
        code = pieces ? WebPIUpdate(pieces, bytes, size) : VP8_STATUS_OUT_OF_MEMORY;
        WebPIDelete(pieces);
        if (code == VP8_STATUS_SUSPENDED) code = VP8_STATUS_OK;
    } else {
        code = WebPDecode(bytes, size, &config);
    }
    WebPFreeDecBuffer(&config.output);
    if (code == VP8_STATUS_OUT_OF_MEMORY)
        return slc_fail(err, SLC_ENOMEM, "webp: out of memory");
    if (code == VP8_STATUS_NOT_ENOUGH_DATA || code == VP8_STATUS_SUSPENDED)
        return slc_fail(err, SLC_EFORMAT, "webp: the file ends too early");
    if (code != VP8_STATUS_OK) return slc_fail(err, SLC_EFORMAT, "webp: corrupt data");
    return SLC_OK;
}

/* The first frame lies somewhere on the canvas; the rest of it is transparent. */
static slc_status read_frame(const uint8_t *bytes, size_t size, const slc_image *canvas,
                             bool tolerant, slc_err *err)
{
    const WebPData data = {bytes, size};
    WebPIterator frame = {0};
    slc_status st = SLC_OK;
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    WebPDemuxer *demuxer = WebPDemuxPartial(&data, &state);
    if (!demuxer || (state != WEBP_DEMUX_DONE && !tolerant) ||
        !WebPDemuxGetFrame(demuxer, 1, &frame)) {
        st = slc_fail(err, SLC_EFORMAT, "webp: the animation is cut short or bad");
        goto done;
    }
    const slc_rect r = {.x = (size_t)frame.x_offset,
                        .y = (size_t)frame.y_offset,
                        .w = (size_t)frame.width,
                        .h = (size_t)frame.height};
    if (frame.x_offset < 0 || frame.y_offset < 0 || r.x + r.w > canvas->w ||
        r.y + r.h > canvas->h) {
        st = slc_fail(err, SLC_EFORMAT, "webp: a frame lies outside the canvas");
        goto done;
    }
    const slc_image part = slc_image_part(canvas, r);
    slc_image to =
        part; /* libwebp wants the whole last row, which a part does not have */
    to.h = r.h;
    st = read_still(frame.fragment.bytes, frame.fragment.size, &to, tolerant, err);

done:
    WebPDemuxReleaseIterator(&frame);
    WebPDemuxDelete(demuxer);
    return st;
}

static slc_status decode(slc_decoder *decoder, const uint8_t *bytes, size_t size,
                         const slc_decode *how, slc_arena *arena, slc_image *out,
                         slc_err *err)
{
    slc_image_info facts;
    slc_frame f;
    slc_image whole, stored;
    slc_status st = info(decoder, bytes, size, how, &facts, err);
    if (st == SLC_OK)
        st = slc_frame_make(&f, facts.w, facts.h, 3, facts.orientation, how, err);
    if (st != SLC_OK) return st;

    /* libwebp decodes all rows in any case, so a region is a view of the whole. */
    const size_t channels = facts.alpha || facts.animated ? 4 : 3;
    const bool direct = channels == f.channels;
    st = slc_image_alloc(&whole, direct ? arena : &decoder->scratch, f.w, f.h, channels,
                         err);
    if (st != SLC_OK) return st;
    if (facts.animated || how->accept_truncated)
        memset(whole.px, 0, whole.h * whole.stride);
    st = facts.animated ? read_frame(bytes, size, &whole, how->accept_truncated, err)
                        : read_still(bytes, size, &whole, how->accept_truncated, err);
    if (st != SLC_OK) return st;

    stored = slc_image_part(&whole, f.region);
    if (!direct) {
        const slc_image from = stored;
        st = slc_image_alloc(&stored, arena, from.w, from.h, f.channels, err);
        if (st != SLC_OK) return st;
        for (size_t y = 0; y < from.h; y++)
            slc_row_convert(stored.px + y * stored.stride, f.channels,
                            from.px + y * from.stride, channels, from.w, how->background);
    }
    return slc_image_orient(out, &stored, f.orientation, arena, err);
}

const slc_codec slc_codec_webp = {
    .entry = {.name = "webp",
              .summary = "pictures for the web, lossy or lossless",
              .source = "RFC 9649; libwebp",
              .params = slc_webp_params,
              .settings_size = sizeof(slc_webp_settings)},
    .extensions = "webp",
    .is = is_webp,
    .info = info,
    .decode = decode,
    .encode = slc_webp_encode,
};
#else
typedef int slc_webp_is_not_built;
#endif
