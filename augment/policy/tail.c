/* The tail: what happens on the way into the batch, and the one pass that does it. */
#include <stdatomic.h>
#include <string.h>

#include "augment/kernel/dot.h"
#include "augment/kernel/pack.h"
#include "augment/policy/steps.h"

enum { LARGE = 128 * 128 }; /* pixels: batches of such pictures fit no cache */

slc_status slc_tail_step(slc_runner *r, const slc_step *step, const slc_draw *draw)
{
    const slc_status status = slc_runner_flush(r);
    if (status) return status;
    return step->op->tail(step->settings, draw, r->now.w, r->now.h, r->now.channels,
                          r->tail, r->work, r->err);
}

static size_t index_of(slc_layout layout, const slc_image *image, size_t c, size_t y,
                       size_t x)
{
    return layout == SLC_NCHW ? (c * image->h + y) * image->w + x
                              : (y * image->w + x) * image->channels + c;
}

static void erase(const slc_tail *tail, const slc_image *image, slc_dtype type,
                  slc_layout layout, void *slot)
{
    for (size_t i = 0; i < tail->erased; i++) {
        const slc_rect box = tail->erase[i].box;
        slc_rng rng = slc_rng_at((uint64_t)tail->erase[i].seed, 0, 0, 0);
        for (size_t c = 0; c < image->channels; c++)
            for (size_t y = box.y; y < box.y + box.h; y++)
                for (size_t x = box.x; x < box.x + box.w; x++)
                    slc_element_put(slot, type, index_of(layout, image, c, y, x),
                                    tail->erase[i].noise ? (float)slc_rng_normal(&rng)
                                                         : tail->erase[i].value[c]);
    }
}

/* Whitening works on the normalised image in NCHW order. centred: the tail's own scratch. */
static void whiten(const slc_tail *tail, const slc_image *image, slc_dtype type,
                   slc_layout layout, slc_isa isa, void *slot)
{
    float *centred = tail->centred;
    size_t i = 0;
    for (size_t c = 0; c < image->channels; c++)
        for (size_t y = 0; y < image->h; y++)
            for (size_t x = 0; x < image->w; x++, i++) {
                const uint8_t px = image->px[y * image->stride + x * image->channels + c];
                centred[i] = tail->norm->table[c][px] - tail->mean[i];
            }
    i = 0;
    for (size_t c = 0; c < image->channels; c++)
        for (size_t y = 0; y < image->h; y++)
            for (size_t x = 0; x < image->w; x++, i++)
                slc_element_put(
                    slot, type, index_of(layout, image, c, y, x),
                    slc_dot[isa](tail->matrix + i * tail->dims, centred, tail->dims));
}

slc_status slc_tail_write(const slc_tail *tail, const slc_image *image, slc_dtype type,
                          slc_layout layout, slc_isa isa, void *slot, slc_err *err)
{
    const bool planar = layout == SLC_NCHW;
    const slc_pack pack = {.type = type,
                           .channels = image->channels,
                           .plane = planar ? image->w * image->h : 1,
                           .step = planar ? 1 : image->channels,
                           .norm = tail->norm,
                           .past_cache = image->w * image->h >= LARGE};
    const size_t row =
        (planar ? image->w : image->w * image->channels) * slc_dtype_size(type);

    if (type == SLC_U8 && (tail->normalized || tail->erased || tail->dims))
        return slc_fail(
            err, SLC_EINVAL,
            "batch: normalised values do not fit into bytes; choose a float type");
    if (tail->dims) {
        whiten(tail, image, type, layout, isa, slot);
    } else {
        for (size_t y = 0; y < image->h; y++)
            slc_pack_row[isa](&pack, (uint8_t *)slot + y * row,
                              image->px + y * image->stride, image->w);
        if (pack.past_cache) atomic_thread_fence(memory_order_seq_cst);
    }
    erase(tail, image, type, layout, slot);
    return SLC_OK;
}
