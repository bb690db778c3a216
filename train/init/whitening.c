/* Whitening cannot start without pictures: until a run fills it (train/fit/whiten.c), it is
 * what PyTorch's layers start from. */
#include <math.h>

#include "train/net.h"

static void fill(const void *set, const slc_fill *what, slc_rng *rng, float *out)
{
    const double bound = 1 / sqrt((double)what->fan_in);
    (void)set;
    for (size_t i = 0; i < what->size; i++)
        out[i] = (float)slc_rng_uniform(rng, -bound, bound);
}

const slc_init slc_init_whitening = {
    .entry = {.name = "whitening",
              .summary =
                  "filters that whiten the training pictures, with both signs, then "
                  "frozen; for a first layer",
              .source = "Jordan 2024 (arXiv:2404.00498)"},
    .fill = fill,
};
