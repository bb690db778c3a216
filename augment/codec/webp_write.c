/* WebP files: lossy with libwebp's quality scale, or lossless. */
#include "augment/codec/webp_write.h"

#include "config.h"

#if SLC_HAVE_WEBP
#include <webp/encode.h>

const slc_param slc_webp_params[] = {
    {"quality", SLC_FIELD(slc_webp_settings, quality), .lo = 1, .hi = 100,
     .initial = "80", .help = "libwebp's scale; of lossless files the effort"},
    {"effort", SLC_FIELD(slc_webp_settings, effort), .lo = 0, .hi = 6, .initial = "4",
     .help = "0 is fast, 6 makes the smallest files"},
    {"lossless", SLC_FIELD(slc_webp_settings, lossless), .initial = "false",
     .help = "keep every pixel as it is"},
    {0}};

static int on_write(const uint8_t *bytes, size_t n, const WebPPicture *picture)
{
    slc_str_add_n(picture->custom_ptr, bytes, n);
    return 1;
}

/* libwebp takes RGB only. */
static bool import(WebPPicture *picture, const slc_image *image)
{
    if (image->channels == 3)
        return WebPPictureImportRGB(picture, image->px, (int)image->stride);
    if (!WebPPictureAlloc(picture)) return false;
    for (size_t y = 0; y < image->h; y++)
        for (size_t x = 0; x < image->w; x++) {
            const uint32_t v = image->px[y * image->stride + x];
            picture->argb[y * (size_t)picture->argb_stride + x] =
                0xff000000u | v << 16 | v << 8 | v;
        }
    return true;
}

slc_status slc_webp_encode(const void *settings, const slc_image *image, slc_str *out,
                           slc_err *err)
{
    const slc_webp_settings *set = settings;
    WebPConfig config;
    WebPPicture picture;
    slc_status st = SLC_OK;
    if (image->w > WEBP_MAX_DIMENSION || image->h > WEBP_MAX_DIMENSION)
        return slc_fail(err, SLC_EINVAL,
                        "webp: %zu x %zu px; at most %d a side are possible", image->w,
                        image->h, WEBP_MAX_DIMENSION);
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
        return slc_fail(err, SLC_EINVAL, "webp: libwebp is of another version");
    config.quality = (float)set->quality;
    config.method = (int)set->effort;
    config.lossless = set->lossless;
    picture.use_argb = set->lossless || image->channels == 1;
    picture.width = (int)image->w;
    picture.height = (int)image->h;
    picture.writer = on_write;
    picture.custom_ptr = out;
    if (!import(&picture, image))
        st = slc_fail(err, SLC_ENOMEM, "webp: out of memory");
    else if (!WebPEncode(&config, &picture))
        st = slc_fail(err, SLC_EINVAL, "webp: libwebp's error %d",
                      (int)picture.error_code);
    else if (out->failed)
        st = slc_fail(err, SLC_ENOMEM, "webp: out of memory");
    WebPPictureFree(&picture);
    return st;
}
#else
typedef int slc_webp_write_is_not_built;
#endif
