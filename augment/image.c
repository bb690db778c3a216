#include "augment/image.h"

#include "base/num.h"

slc_status slc_image_alloc(slc_image *out, slc_arena *arena, size_t w, size_t h,
                           size_t channels, slc_err *err)
{
    if (w == 0 || h == 0 || w > SLC_MAX_SIDE || h > SLC_MAX_SIDE)
        return slc_fail(err, SLC_ELIMIT, "image: %zu x %zu px, sides are 1 to %d px", w,
                        h, SLC_MAX_SIDE);
    const size_t stride = slc_round_up(w * channels, 64);
    uint8_t *px = slc_arena_alloc(arena, stride * h + 64);
    if (!px) return slc_fail(err, SLC_ENOMEM, "image: no memory for %zu x %zu px", w, h);
    *out = (slc_image){.px = px, .w = w, .h = h, .channels = channels, .stride = stride};
    return SLC_OK;
}

slc_image slc_image_part(const slc_image *image, slc_rect rect)
{
    slc_image part = *image;
    part.px += rect.y * image->stride + rect.x * image->channels;
    part.w = rect.w;
    part.h = rect.h;
    return part;
}
