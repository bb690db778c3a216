/* Chi-square against equal chances. */
#ifndef TESTS_AUGMENT_EVEN_H
#define TESTS_AUGMENT_EVEN_H

#include "tests/check.h"

/* Chi-square of counts against equal chances: mean cells - 1, variance 2 (cells - 1); seven
 * deviations are far beyond p = 1e-9 only for many cells, so the limit is wider for few. */
static inline void check_even(const char *what, const uint64_t *count, size_t cells,
                              uint64_t total)
{
    const double want = (double)total / (double)cells, df = (double)cells - 1;
    double chi = 0;
    for (size_t i = 0; i < cells; i++)
        chi += ((double)count[i] - want) * ((double)count[i] - want) / want;
    /* Wilson and Hilferty: (chi / df)^(1/3) is nearly normal; 6 deviations. */
    const double z = (cbrt(chi / df) - (1 - 2 / (9 * df))) / sqrt(2 / (9 * df));
    CHECK(fabs(z) < 6, "%s: chi-square %g for %g degrees", what, chi, df);
}

#endif
