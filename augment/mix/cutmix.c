/* CutMix (Yun et al., ICCV 2019): a box of one image in another; the label's lambda is
 * what the box, clipped at the border, really leaves. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "augment/mix/mixer.h"
#include "base/num.h"

static const slc_param params[] = {SLC_MIX_PARAMS, {0}};

/* [from, from + size): a stretch of 2 * half around centre, as far as it lies in [0, n). */
static void clip(size_t centre, size_t half, size_t n, size_t *from, size_t *size)
{
    const size_t lo = centre > half ? centre - half : 0;
    *from = lo;
    *size = slc_min(centre + half, n) - lo;
}

static void draw(const slc_mix_common *s, const slc_mix_batch *batch, slc_rng *rng,
                 slc_mix_draw *out)
{
    const double lambda = slc_rng_beta(rng, s->alpha, s->alpha);
    const double r = 0.5 * sqrt(1 - lambda);
    const size_t w = batch->width, h = batch->height;
    const size_t cx = slc_rng_below(rng, w), cy = slc_rng_below(rng, h);

    clip(cx, (size_t)(r * (double)w), w, &out->x, &out->w);
    clip(cy, (size_t)(r * (double)h), h, &out->y, &out->h);
    out->lambda = 1 - (double)(out->w * out->h) / (double)(w * h);
}

static void apply(const slc_mix_draw *d, const slc_mix_batch *batch, void *image,
                  const void *partner, slc_isa isa)
{
    const bool planar = batch->layout == SLC_NCHW;
    const size_t planes = planar ? batch->channels : 1;
    const size_t step = (planar ? 1 : batch->channels) * slc_dtype_size(batch->type);
    (void)isa;

    for (size_t p = 0; p < planes; p++)
        for (size_t y = d->y; y < d->y + d->h; y++) {
            const size_t at = ((p * batch->height + y) * batch->width + d->x) * step;
            memcpy((char *)image + at, (const char *)partner + at, d->w * step);
        }
}

static const char *text(const slc_mix_draw *d, char *buffer, size_t size)
{
    snprintf(buffer, size, "cutmix lambda=%.4f box=%zu,%zu,%zu,%zu", d->lambda, d->x,
             d->y, d->w, d->h);
    return buffer;
}

const slc_mixer slc_mixer_cutmix = {
    .entry = {"cutmix", "put a box of one image into another",
              "Yun et al., ICCV 2019 (arXiv:1905.04899)", params, sizeof(slc_mix_common)},
    .draw = draw,
    .apply = apply,
    .text = text,
};
