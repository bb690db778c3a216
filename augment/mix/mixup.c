/* Mixup (Zhang et al., ICLR 2018): two images and their labels, blended. */
#include <stdio.h>

#include "augment/kernel/lerp.h"
#include "augment/mix/mixer.h"

static const slc_param params[] = {SLC_MIX_PARAMS, {0}};

static void draw(const slc_mix_common *s, const slc_mix_batch *batch, slc_rng *rng,
                 slc_mix_draw *out)
{
    (void)batch;
    out->lambda = (double)(float)slc_rng_beta(rng, s->alpha, s->alpha);
}

static void apply(const slc_mix_draw *drawn, const slc_mix_batch *batch, void *image,
                  const void *partner, slc_isa isa)
{
    slc_lerp[isa](image, image, partner, batch->channels * batch->height * batch->width,
                  batch->type, (float)drawn->lambda);
}

static const char *text(const slc_mix_draw *drawn, char *buffer, size_t size)
{
    snprintf(buffer, size, "mixup lambda=%.4f", drawn->lambda);
    return buffer;
}

const slc_mixer slc_mixer_mixup = {
    .entry = {"mixup", "blend pairs of images and labels",
              "Zhang et al., ICLR 2018 (arXiv:1710.09412)", params,
              sizeof(slc_mix_common)},
    .draw = draw,
    .apply = apply,
    .text = text,
};
