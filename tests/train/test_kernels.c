/* GELU, which bf16 has a way of its own for, over every number there is in bf16. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dtype.h"
#include "base/isa.h"
#include "tests/check.h"
#include "train/engine/kernel.h"

enum { ALL = 1 << 16 };

static double normal(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double slope(double x)
{
    return normal(x) + x * exp(-x * x / 2) / sqrt(2 * acos(-1));
}

/* relative: of the value, where it is more than small. */
static void compare(const char *what, double got, double want, double x, double relative,
                    double small)
{
    CHECK(fabs(got - want) <= relative * fabs(want) + small, "%s(%g) is %g, not %g", what,
          x, got, want);
}

static void test_bf16(slc_isa isa)
{
    const slc_kernels *k = slc_kernels_for(isa, SLC_BF16);
    uint16_t *x = calloc(4 * ALL, sizeof(*x)), *y = x + ALL, *dx = y + ALL,
             *dy = dx + ALL;
    CHECK(x, "memory");
    for (size_t i = 0; i < ALL; i++)
        x[i] = (uint16_t)i, dy[i] = slc_bf16_from_f32(1);
    k->act(SLC_ACT_GELU, 0, y, x, ALL);
    k->act_back(SLC_ACT_GELU, 0, dx, false, x, dy, ALL);
    for (size_t i = 0; i < ALL; i++) {
        const double v = (double)slc_f32_from_bf16(x[i]);
        const double got = (double)slc_f32_from_bf16(y[i]),
                     up = (double)slc_f32_from_bf16(dx[i]);
        if (isnan(v)) {
            CHECK(isnan(got) && isnan(up), "%zu: NaN is lost", i);
        } else if (isfinite(v)) {
            compare("gelu", got, v * normal(v), v, 0x1p-8 + 2e-3, 2e-7);
            compare("gelu'", up, slope(v), v, 0x1p-8, 1e-3);
        }
    }
    free(x);
}

static void test_f32(slc_isa isa)
{
    const slc_kernels *k = slc_kernels_for(isa, SLC_F32);
    enum { COUNT = 20001 };
    float *x = calloc(4 * COUNT, sizeof(*x)), *y = x + COUNT, *dx = y + COUNT,
          *dy = dx + COUNT;
    CHECK(x, "memory");
    for (size_t i = 0; i < COUNT; i++)
        x[i] = (float)i * 1e-3f - 10, dy[i] = 1;
    k->act(SLC_ACT_GELU, 0, y, x, COUNT);
    k->act_back(SLC_ACT_GELU, 0, dx, false, x, dy, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const double v = (double)x[i];
        compare("gelu", (double)y[i], v * normal(v), v, 1e-6, 2e-6);
        compare("gelu'", (double)dx[i], slope(v), v, 1e-6, 2e-6);
    }
    free(x);
}

int main(void)
{
    for (slc_isa isa = SLC_ISA_C; isa <= slc_isa_detect(); isa++) {
        test_bf16(isa);
        test_f32(isa);
    }
    return 0;
}
