/* Shapes of computation, each turning the runner's image into the next one. */
#include <math.h>
#include <string.h>

#include "augment/kernel/lut.h"
#include "augment/kernel/move.h"
#include "augment/kernel/point.h"
#include "augment/kernel/resize.h"
#include "augment/policy/steps.h"
#include "base/num.h"

static slc_status fresh(slc_runner *r, slc_image *out, size_t w, size_t h,
                        size_t channels)
{
    return slc_image_alloc(out, &r->work->arena, w, h, channels, r->err);
}

static void become(slc_runner *r, const slc_image *image)
{
    r->now = *image;
    r->own = true;
    r->planned = false;
}

slc_status slc_apply_table(slc_runner *r, const uint8_t table[3][256])
{
    const slc_image in = r->now;
    const bool same = in.channels == 1 || (memcmp(table[0], table[1], 256) == 0 &&
                                           memcmp(table[0], table[2], 256) == 0);
    if (!r->own) {
        const slc_status status = fresh(r, &r->now, in.w, in.h, in.channels);
        if (status) return status;
        r->own = true;
    }
    if (!same) {
        slc_lut3[r->work->isa](r->now.px, r->now.stride, in.px, in.stride, in.w, in.h,
                               table);
        return SLC_OK;
    }
    /* Rows without gaps are one long row: the kernels prepare their tables once. */
    const bool dense = in.stride == in.w * in.channels && r->now.stride == in.stride;
    const size_t rows = dense ? 1 : in.h, w = dense ? in.w * in.h : in.w;
    for (size_t y = 0; y < rows; y++)
        slc_lut[r->work->isa](r->now.px + y * r->now.stride, in.px + y * in.stride,
                              w * in.channels, table[0]);
    return SLC_OK;
}

slc_status slc_apply_colour(slc_runner *r, const slc_colour *colour)
{
    const slc_image in = r->now;
    if (!r->own) {
        const slc_status status = fresh(r, &r->now, in.w, in.h, in.channels);
        if (status) return status;
        r->own = true;
    }
    for (size_t y = 0; y < in.h; y++)
        slc_colour_row[r->work->isa](r->now.px + y * r->now.stride, in.px + y * in.stride,
                                     in.w, colour->m);
    return SLC_OK;
}

/* Transposition with both flips in the same pass: a flip is a negative stride. */
static slc_status transposed(slc_runner *r, slc_symmetry symmetry)
{
    const slc_image in = r->now;
    slc_image out;
    const slc_status status = fresh(r, &out, in.h, in.w, in.channels);
    if (status) return status;
    uint8_t *dst = out.px;
    const uint8_t *src = in.px;
    ptrdiff_t dst_stride = (ptrdiff_t)out.stride, src_stride = (ptrdiff_t)in.stride;
    if (symmetry & SLC_SYM_VFLIP) {
        dst += (out.h - 1) * out.stride;
        dst_stride = -dst_stride;
    }
    if (symmetry & SLC_SYM_HFLIP) {
        src += (in.h - 1) * in.stride;
        src_stride = -src_stride;
    }
    slc_transpose[r->work->isa](dst, dst_stride, src, src_stride, in.w, in.h,
                                in.channels);
    become(r, &out);
    return SLC_OK;
}

slc_status slc_apply_symmetry(slc_runner *r, slc_symmetry symmetry)
{
    const slc_image in = r->now;
    slc_image out;
    if (symmetry == SLC_SYM_NONE) return SLC_OK;
    if (symmetry & SLC_SYM_TRANSPOSE) return transposed(r, symmetry);
    const slc_status status = fresh(r, &out, in.w, in.h, in.channels);
    if (status) return status;
    for (size_t y = 0; y < out.h; y++) {
        const size_t row = symmetry & SLC_SYM_VFLIP ? out.h - 1 - y : y;
        const uint8_t *src = in.px + row * in.stride;
        if (symmetry & SLC_SYM_HFLIP)
            slc_mirror[r->work->isa](out.px + y * out.stride, src, out.w, out.channels);
        else
            memcpy(out.px + y * out.stride, src, out.w * out.channels);
    }
    become(r, &out);
    return SLC_OK;
}

/* Copies one row of a region: what lies inside with one memcpy, the rest pixel by pixel. */
static void region_row(uint8_t *dst, const uint8_t *src, const slc_image *in,
                       const slc_region *g, size_t (*inside)(ptrdiff_t i, size_t n))
{
    const size_t c = in->channels;
    const ptrdiff_t w = (ptrdiff_t)g->w;
    ptrdiff_t lo = g->x < 0 ? -g->x : 0, hi = (ptrdiff_t)in->w - g->x;
    lo = lo > w ? w : lo;
    hi = hi > w ? w : hi < lo ? lo : hi;

    memcpy(dst + (size_t)lo * c, src + (g->x + lo) * (ptrdiff_t)c, (size_t)(hi - lo) * c);
    if (!inside) {
        slc_paint(dst, (size_t)lo, c, g->fill);
        slc_paint(dst + (size_t)hi * c, (size_t)(w - hi), c, g->fill);
        return;
    }
    for (ptrdiff_t x = 0; x < w; x++) {
        if (x == lo) x = hi;
        if (x < w) memcpy(dst + (size_t)x * c, src + inside(g->x + x, in->w) * c, c);
    }
}

slc_status slc_apply_region(slc_runner *r, const slc_region *region)
{
    static size_t (*const border[SLC_BORDER_COUNT])(ptrdiff_t, size_t) = {
        NULL, slc_edge_at, slc_reflect_at, slc_symmetric_at};
    slc_region g = *region;
    const slc_image in = r->now;
    if (r->planned) {
        g.x -= (ptrdiff_t)r->window.x;
        g.y -= (ptrdiff_t)r->window.y;
        r->planned = false;
    }
    if (g.w == 0 || g.h == 0)
        return slc_fail(r->err, SLC_EINVAL, "crop: %zu x %zu px is empty", g.w, g.h);
    if (g.x >= 0 && g.y >= 0 && (size_t)g.x + g.w <= in.w && (size_t)g.y + g.h <= in.h) {
        r->now = slc_image_part(&in, (slc_rect){(size_t)g.x, (size_t)g.y, g.w, g.h});
        return SLC_OK;
    }
    slc_image out;
    const slc_status status = fresh(r, &out, g.w, g.h, in.channels);
    if (status) return status;
    for (size_t y = 0; y < g.h; y++) {
        const ptrdiff_t row = g.y + (ptrdiff_t)y;
        const bool inside = row >= 0 && row < (ptrdiff_t)in.h;
        uint8_t *dst = out.px + y * out.stride;
        if (!inside && !border[g.border]) {
            slc_paint(dst, g.w, in.channels, g.fill);
            continue;
        }
        const size_t from = inside ? (size_t)row : border[g.border](row, in.h);
        region_row(dst, in.px + from * in.stride, &in, &g, border[g.border]);
    }
    become(r, &out);
    return SLC_OK;
}
