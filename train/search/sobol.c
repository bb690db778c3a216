/* The Sobol sequence in Gray-code order-free form: point i is the exclusive or of the direction
 * numbers of the set bits of i ^ (i >> 1). Direction numbers: Joe & Kuo, "Constructing Sobol
 * sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), file
 * new-joe-kuo-6.21201, first 32 dimensions. */
#include "base/rng.h"
#include "train/search.h"

enum { BITS = 32, MOST_DEGREE = 7 };

/* Primitive polynomial (degree s, inner coefficients a) and initial numbers m of dimension
 * d = 2, 3, ...; the first dimension is van der Corput's. */
static const struct {
    uint8_t s, a, m[MOST_DEGREE];
} row[SLC_SOBOL_DIMS - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
};

static void directions(size_t dim, uint32_t v[BITS])
{
    if (dim == 0) {
        for (unsigned i = 0; i < BITS; i++)
            v[i] = 1u << (31 - i);
        return;
    }
    const unsigned s = row[dim - 1].s, a = row[dim - 1].a;
    for (unsigned i = 0; i < s; i++)
        v[i] = (uint32_t)row[dim - 1].m[i] << (31 - i);
    for (unsigned i = s; i < BITS; i++) {
        v[i] = v[i - s] ^ (v[i - s] >> s);
        for (unsigned k = 1; k < s; k++)
            if ((a >> (s - 1 - k)) & 1) v[i] ^= v[i - k];
    }
}

void slc_sobol(uint64_t index, size_t dims, uint64_t seed, double *out)
{
    const uint32_t gray = (uint32_t)(index ^ (index >> 1));
    for (size_t d = 0; d < dims; d++) {
        uint32_t v[BITS], x = 0;
        directions(d, v);
        for (unsigned i = 0; i < BITS; i++)
            if ((gray >> i) & 1) x ^= v[i];
        if (seed) {
            slc_rng rng = slc_rng_at(seed, 0, d, SLC_SLOT_SEARCH + 1);
            x ^= slc_rng_u32(&rng);
        }
        out[d] = (double)x * 0x1p-32;
    }
}
