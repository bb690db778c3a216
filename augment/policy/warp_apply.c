/* Warps in the runner: a row of positions, a row of pixels. */
#include "augment/kernel/warp.h"
#include "augment/policy/steps.h"

slc_status slc_apply_warp(slc_runner *r, const slc_warp *warp)
{
    const slc_image in = r->now;
    const slc_isa isa = r->work->isa;
    const bool affine = warp->a[2][0] == 0 && warp->a[2][1] == 0 && warp->a[2][2] == 1;
    slc_warp_source source = {in.px, in.w, in.h, in.channels, in.stride, {0}};
    slc_image out;

    for (size_t c = 0; c < 3; c++)
        source.fill[c] = warp->fill[c];
    slc_status status =
        slc_image_alloc(&out, &r->work->arena, warp->w, warp->h, in.channels, r->err);
    if (status) return status;
    const slc_arena_mark mark = slc_arena_get_mark(&r->work->arena);
    int32_t *xs = slc_arena_alloc(&r->work->arena, 2 * out.w * sizeof(*xs));
    if (!xs) return slc_fail(r->err, SLC_ENOMEM, "warp: no memory");
    int32_t *ys = xs + out.w;
    const bool nearest = warp->filter == SLC_NEAREST || warp->filter == SLC_NEAREST_EXACT;
    slc_warp_sample_fn *const *sample = nearest ? slc_sample_nearest
                                        : warp->filter == SLC_BILINEAR
                                            ? slc_sample_bilinear
                                            : slc_sample_bicubic;
    if (affine && nearest) {
        slc_warp_affine_nearest(&source, warp->a, out.px, out.stride, out.w, out.h, xs);
    } else {
        for (size_t y = 0; y < out.h; y++) {
            (affine ? slc_warp_affine : slc_warp_perspective)[isa](xs, ys, warp->a, y,
                                                                   out.w);
            sample[isa](out.px + y * out.stride, &source, xs, ys, out.w);
        }
    }
    slc_arena_rewind(&r->work->arena, mark);
    r->now = out;
    r->own = true;
    return status;
}
