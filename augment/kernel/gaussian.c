#include "augment/kernel/gaussian.h"

#include <math.h>

size_t slc_gaussian_taps(uint16_t taps[SLC_MAX_GAUSSIAN], size_t size, double sigma)
{
    const size_t middle = size / 2;
    double weight[SLC_MAX_GAUSSIAN / 2 + 1], sum = 1;
    for (size_t i = 1; i <= middle; i++) {
        const double x = (double)i / sigma;
        weight[i] = exp(-0.5 * x * x);
        sum += 2 * weight[i];
    }
    uint16_t outer[SLC_MAX_GAUSSIAN / 2 + 1];
    uint32_t rest = 65536;
    size_t pairs = 0;
    for (size_t i = 1; i <= middle; i++) {
        const uint16_t tap = (uint16_t)lrint(weight[i] / sum * 65536);
        if (tap == 0) break;
        outer[++pairs] = tap;
        rest -= 2u * tap;
    }
    for (size_t i = 1; i <= pairs; i++)
        taps[pairs - i] = taps[pairs + i] = outer[i];
    taps[pairs] = (uint16_t)(rest > UINT16_MAX ? UINT16_MAX : rest);
    return 2 * pairs + 1;
}
