#include "augment/op/bordered.h"

#include <string.h>

enum { BEHIND = 80 };

slc_status slc_bordered(slc_image *out, const slc_image *in, size_t margin_x,
                        size_t margin_y, size_t (*at)(ptrdiff_t, size_t),
                        slc_arena *arena, slc_err *err)
{
    const size_t c = in->channels, w = in->w + 2 * margin_x, h = in->h + 2 * margin_y;
    const size_t stride = w * c + BEHIND;
    uint8_t *px = slc_arena_alloc(arena, stride * h);
    if (!px) return slc_fail(err, SLC_ENOMEM, "blur: no memory for %zu x %zu px", w, h);
    *out = (slc_image){.px = px + margin_y * stride + margin_x * c,
                       .w = in->w,
                       .h = in->h,
                       .channels = c,
                       .stride = stride};
    for (size_t y = 0; y < h; y++) {
        const size_t from = at((ptrdiff_t)y - (ptrdiff_t)margin_y, in->h);
        const uint8_t *src = in->px + from * in->stride;
        uint8_t *row = px + y * stride;
        memcpy(row + margin_x * c, src, in->w * c);
        for (size_t x = 0; x < margin_x; x++) {
            memcpy(row + x * c, src + at((ptrdiff_t)x - (ptrdiff_t)margin_x, in->w) * c,
                   c);
            memcpy(row + (margin_x + in->w + x) * c,
                   src + at((ptrdiff_t)(in->w + x), in->w) * c, c);
        }
        memset(row + w * c, 0, BEHIND);
    }
    return SLC_OK;
}
