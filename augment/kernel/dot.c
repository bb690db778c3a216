#include "augment/kernel/dot.h"

#include "augment/kernel/variant.h"

float slc_dot_c(const float *a, const float *b, size_t n)
{
    enum { LANES = 16 };
    float part[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            part[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum += a[i] * b[i];
    for (size_t k = 0; k < LANES; k++)
        sum += part[k];
    return sum;
}

slc_dot_fn *const slc_dot[SLC_ISA_COUNT] = {slc_dot_c, SLC_AVX2(slc_dot),
                                            SLC_AVX2(slc_dot)};
