/* Resizing in the runner: which passes are needed, over which rows, in which memory. */
#include <math.h>
#include <string.h>

#include "augment/kernel/move.h"
#include "augment/kernel/resize.h"
#include "augment/kernel/resize_stb.h"
#include "augment/policy/steps.h"
#include "base/num.h"

static const slc_kernel_filter *filter_of(const slc_resample *s)
{
    switch (s->filter) {
    case SLC_BOX: return &slc_filter_box;
    case SLC_BILINEAR: return &slc_filter_bilinear;
    case SLC_HAMMING: return &slc_filter_hamming;
    case SLC_BICUBIC:
        return s->no_antialias ? &slc_filter_bicubic_sharp : &slc_filter_bicubic;
    case SLC_LANCZOS: return &slc_filter_lanczos;
    case SLC_NEAREST:
    case SLC_NEAREST_EXACT:
    case SLC_MITCHELL:
    case SLC_CATMULL_ROM:
    case SLC_CUBIC_BSPLINE:
    case SLC_FILTER_COUNT: break;
    }
    return NULL;
}

/* Pillow's way through the columns: positions by repeated addition in double. */
static slc_status nearest(slc_runner *r, const slc_image *in, const slc_resample *s,
                          const slc_image *out)
{
    const slc_arena_mark mark = slc_arena_get_mark(&r->work->arena);
    size_t *column = slc_arena_alloc(&r->work->arena, out->w * sizeof(*column));
    if (!column) return slc_fail(r->err, SLC_ENOMEM, "resize: no memory");
    const double sx = (double)((float)s->x1 - (float)s->x0) / (double)out->w,
                 sy = (double)((float)s->y1 - (float)s->y0) / (double)out->h;
    double x = (double)(float)s->x0 + sx * 0.5, y = (double)(float)s->y0 + sy * 0.5;
    for (size_t i = 0; i < out->w; i++, x += sx)
        column[i] = slc_min((size_t)x, in->w - 1) * in->channels;
    for (size_t j = 0; j < out->h; j++, y += sy) {
        const uint8_t *src = in->px + slc_min((size_t)y, in->h - 1) * in->stride;
        uint8_t *dst = out->px + j * out->stride;
        if (in->channels == 1)
            for (size_t i = 0; i < out->w; i++)
                dst[i] = src[column[i]];
        else
            for (size_t i = 0; i < out->w; i++)
                memcpy(dst + 3 * i, src + column[i], 3);
    }
    slc_arena_rewind(&r->work->arena, mark);
    return SLC_OK;
}

static slc_status no_memory(slc_runner *r)
{
    return slc_fail(r->err, SLC_ENOMEM, "resize: no memory");
}

static void copy(const slc_image *out, const slc_image *in)
{
    for (size_t y = 0; y < out->h; y++)
        memcpy(out->px + y * out->stride, in->px + y * in->stride,
               out->w * out->channels);
}

/* Across first, then down, as Pillow; a pass that changes nothing is left out. */
static slc_status two_passes(slc_runner *r, const slc_image *in, const slc_resample *s,
                             const slc_image *out)
{
    const slc_kernel_filter *filter = filter_of(s);
    slc_arena *arena = &r->work->arena;
    slc_taps across, down;
    const bool need_across = out->w != in->w || s->x0 != 0 || s->x1 != (double)in->w,
               need_down = out->h != in->h || s->y0 != 0 || s->y1 != (double)in->h;
    size_t top = 0, bottom = in->h;
    slc_image middle = *in;
    slc_status status;

    if (!need_across && !need_down) copy(out, in); /* onto a canvas */
    if (need_down) {
        if (!slc_taps_make(&down, arena, filter, in->h, s->y0, s->y1, out->h,
                           s->no_antialias))
            return no_memory(r);
        top = (size_t)down.first[0];
        bottom = (size_t)(down.first[out->h - 1] + down.count[out->h - 1]);
    }
    if (need_across) {
        if (!slc_taps_make(&across, arena, filter, in->w, s->x0, s->x1, out->w,
                           s->no_antialias))
            return no_memory(r);
        middle = *out;
        if (need_down && (status = slc_image_alloc(&middle, arena, out->w, bottom - top,
                                                   in->channels, r->err)))
            return status;
        slc_resize_across[r->work->isa](middle.px, middle.stride,
                                        in->px + top * in->stride, in->stride, in->w,
                                        bottom - top, in->channels, &across);
    } else {
        top = 0;
    }
    for (size_t y = 0; need_down && y < out->h; y++)
        slc_resize_down[r->work->isa](
            out->px + y * out->stride,
            middle.px + ((size_t)down.first[y] - top) * middle.stride, middle.stride,
            out->w * out->channels, down.coef + y * down.room,
            down.quad + y * down.room / 4 * 3, (size_t)down.count[y]);
    return SLC_OK;
}

/* Whether stb_image_resize does it, and as which filter. */
static bool by_stb(const slc_resample *s, slc_stb_filter *filter)
{
    switch (s->filter) {
    case SLC_MITCHELL: *filter = SLC_STB_MITCHELL; return true;
    case SLC_CATMULL_ROM: *filter = SLC_STB_CATMULL_ROM; return true;
    case SLC_CUBIC_BSPLINE: *filter = SLC_STB_CUBIC_BSPLINE; return true;
    case SLC_BOX: *filter = SLC_STB_BOX; return s->linear_light;
    case SLC_BILINEAR: *filter = SLC_STB_TRIANGLE; return s->linear_light;
    case SLC_BICUBIC: *filter = SLC_STB_CATMULL_ROM; return s->linear_light;
    case SLC_NEAREST:
    case SLC_NEAREST_EXACT:
    case SLC_HAMMING:
    case SLC_LANCZOS:
    case SLC_FILTER_COUNT: break;
    }
    return false;
}

static slc_status stb(slc_runner *r, const slc_image *in, const slc_resample *s,
                      slc_stb_filter filter, const slc_image *out)
{
    const slc_stb_image to = {out->px, out->w, out->h, out->stride},
                        from = {in->px, in->w, in->h, in->stride};
    const double box[4] = {s->x0, s->y0, s->x1, s->y1};
    const size_t most = SLC_STB_MAX_SIDE;
    if (in->w > most || in->h > most || out->w > most || out->h > most)
        return slc_fail(
            r->err, SLC_ELIMIT,
            "resize: %s takes sides of at most %zu px, not %zu x %zu to %zu x %zu",
            slc_filter_names[s->filter], most, in->w, in->h, out->w, out->h);
    if (!slc_resize_stb(&to, &from, box, in->channels, filter, s->linear_light,
                        &r->work->arena))
        return no_memory(r);
    return SLC_OK;
}

/* The box in the coordinates of what was decoded. */
static slc_resample localise(const slc_runner *r, const slc_resample *resample)
{
    slc_resample s = *resample;
    if (!r->planned) return s;
    const double w = (double)r->window.w, h = (double)r->window.h;
    s.x0 = (s.x0 - (double)r->window.x) * (double)r->now.w / w;
    s.x1 = (s.x1 - (double)r->window.x) * (double)r->now.w / w;
    s.y0 = (s.y0 - (double)r->window.y) * (double)r->now.h / h;
    s.y1 = (s.y1 - (double)r->window.y) * (double)r->now.h / h;
    return s;
}

/* Where the result goes: an image of its own, or a place on a painted canvas. */
static slc_status place(slc_runner *r, const slc_resample *s, slc_image *whole,
                        slc_image *part)
{
    const bool canvas = s->canvas_w > 0;
    const slc_status status =
        slc_image_alloc(whole, &r->work->arena, canvas ? s->canvas_w : s->w,
                        canvas ? s->canvas_h : s->h, r->now.channels, r->err);
    if (status) return status;
    *part = *whole;
    if (!canvas) return SLC_OK;
    for (size_t y = 0; y < whole->h; y++)
        slc_paint(whole->px + y * whole->stride, whole->w, whole->channels, s->fill);
    *part = slc_image_part(whole, (slc_rect){s->at_x, s->at_y, s->w, s->h});
    return SLC_OK;
}

slc_status slc_apply_resample(slc_runner *r, const slc_resample *resample)
{
    slc_resample s = localise(r, resample);
    slc_image in = r->now, whole, part;
    const bool sharp = s.filter == SLC_NEAREST || s.filter == SLC_NEAREST_EXACT;
    slc_stb_filter stb_filter = SLC_STB_BOX;

    if (!s.see_outside) {
        const double x0 = floor(s.x0), y0 = floor(s.y0);
        in = slc_image_part(&in,
                            (slc_rect){(size_t)x0, (size_t)y0, (size_t)(ceil(s.x1) - x0),
                                       (size_t)(ceil(s.y1) - y0)});
        s.x0 -= x0, s.x1 -= x0;
        s.y0 -= y0, s.y1 -= y0;
    }
    if (!s.canvas_w && s.w == in.w && s.h == in.h && s.x0 == 0 && s.y0 == 0 &&
        s.x1 == (double)in.w && s.y1 == (double)in.h) {
        r->now = in;
        r->planned = false;
        return SLC_OK;
    }
    slc_status status = place(r, &s, &whole, &part);
    if (status) return status;
    const slc_arena_mark mark = slc_arena_get_mark(&r->work->arena);
    if (by_stb(&s, &stb_filter))
        status = stb(r, &in, &s, stb_filter, &part);
    else
        status = sharp ? nearest(r, &in, &s, &part) : two_passes(r, &in, &s, &part);
    slc_arena_rewind(&r->work->arena, mark);
    r->now = whole;
    r->own = true;
    r->planned = false;
    return status;
}
