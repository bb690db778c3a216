#include "base/rng.h"

#include <math.h>

/* Constants of Random123's philox.h. */
enum { ROUNDS = 10 };
#define MUL0 0xd2511f53u
#define MUL1 0xcd9e8d57u
#define WEYL0 0x9e3779b9u
#define WEYL1 0xbb67ae85u

/* What a key is derived for, in the third word of the counter. */
enum { FOR_STREAM = 0x51c5, FOR_ORDER = 0x0bde };

void slc_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t p0 = (uint64_t)MUL0 * c0, p1 = (uint64_t)MUL1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += WEYL0;
        k1 += WEYL1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void derive_key(uint64_t seed, uint64_t epoch, uint32_t what, uint32_t key[2])
{
    const uint32_t from[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)epoch, (uint32_t)(epoch >> 32), what, 0};
    uint32_t out[4];
    slc_philox(counter, from, out);
    key[0] = out[0];
    key[1] = out[1];
}

slc_rng slc_rng_at(uint64_t seed, uint64_t epoch, uint64_t item, uint32_t slot)
{
    slc_rng rng = {.counter = {0, slot, (uint32_t)item, (uint32_t)(item >> 32)}};
    derive_key(seed, epoch, FOR_STREAM, rng.key);
    return rng;
}

uint32_t slc_rng_u32(slc_rng *rng)
{
    if (rng->left == 0) {
        slc_philox(rng->counter, rng->key, rng->block);
        rng->counter[0]++;
        rng->left = 4;
    }
    return rng->block[4 - rng->left--];
}

uint64_t slc_rng_u64(slc_rng *rng)
{
    const uint64_t low = slc_rng_u32(rng);
    return low | (uint64_t)slc_rng_u32(rng) << 32;
}

uint64_t slc_rng_below(slc_rng *rng, uint64_t n)
{
    if (n == 0) return 0;
    const uint64_t surplus =
        (0 - n) % n; /* 2^64 mod n: the first so many would be biased */
    for (;;) {
        const uint64_t x = slc_rng_u64(rng);
        if (x >= surplus) return x % n;
    }
}

double slc_rng_unit(slc_rng *rng)
{
    return (double)(slc_rng_u64(rng) >> 11) * 0x1p-53;
}

double slc_rng_uniform(slc_rng *rng, double lo, double hi)
{
    const double x = lo + (hi - lo) * slc_rng_unit(rng);
    return x < hi || lo == hi ? x : nextafter(hi, lo); /* the sum may round up to hi */
}

double slc_rng_normal(slc_rng *rng)
{
    const double u = 1 - slc_rng_unit(rng); /* (0, 1]: its logarithm is finite */
    const double v = slc_rng_unit(rng);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000),
 * for shape >= 1; section 6 for smaller ones: G(a) = G(a + 1) U^(1/a), here as a logarithm,
 * since that power underflows for small a. */
static double log_gamma_draw(slc_rng *rng, double shape)
{
    double boost = 0;
    if (shape < 1) {
        boost = log(1 - slc_rng_unit(rng)) / shape;
        shape += 1;
    }
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = slc_rng_normal(rng);
        const double root = 1 + c * x;
        if (root <= 0) continue;
        const double v = root * root * root;
        const double u = 1 - slc_rng_unit(rng);
        if (log(u) <= 0.5 * x * x + d - d * v + d * log(v)) return log(d * v) + boost;
    }
}

/* Beyond this the draw is its mean to the last bit, and the test above loses all digits. */
static const double huge_shape = 1e30;

double slc_rng_gamma(slc_rng *rng, double shape)
{
    if (!(shape > 0)) return 0;
    return shape < huge_shape ? exp(log_gamma_draw(rng, shape)) : shape;
}

double slc_rng_beta(slc_rng *rng, double a, double b)
{
    if (!(a > 0)) return 0;
    if (!(b > 0)) return 1;
    if (a >= huge_shape || b >= huge_shape) return 1 / (1 + b / a);
    const double x = log_gamma_draw(rng, a), y = log_gamma_draw(rng, b);
    const double share = 1 / (1 + exp(y - x)); /* X / (X + Y) */
    if (!isnan(share)) return share;
    return slc_rng_unit(rng) < 1 / (1 + b / a)
               ? 1
               : 0; /* both were 0: the limit of small a, b */
}

slc_perm slc_perm_make(uint64_t seed, uint64_t epoch, uint64_t n)
{
    slc_perm perm = {.n = n};
    while (perm.half_bits < 31 && (uint64_t)1 << (2 * perm.half_bits) < n)
        perm.half_bits++;
    derive_key(seed, epoch, FOR_ORDER, perm.key);
    return perm;
}

/* Eight rounds of a balanced Feistel network; Philox is the round function, so that even
 * orders of a few items show no pattern. */
static uint64_t feistel(const slc_perm *perm, uint64_t x)
{
    const uint32_t bits = perm->half_bits;
    const uint32_t mask = (uint32_t)(((uint64_t)1 << bits) - 1);
    uint32_t left = (uint32_t)(x >> bits), right = (uint32_t)x & mask;
    for (uint32_t round = 0; round < 8; round++) {
        const uint32_t counter[4] = {right, round, 0, 0};
        uint32_t out[4];
        slc_philox(counter, perm->key, out);
        const uint32_t next = left ^ (out[0] & mask);
        left = right;
        right = next;
    }
    return (uint64_t)left << bits | right;
}

uint64_t slc_perm_at(const slc_perm *perm, uint64_t position)
{
    if (position >= perm->n)
        return position; /* the caller's mistake; never an endless walk */
    /* Back into [0, n) along the cycle: at most 4 steps on average. */
    uint64_t x = feistel(perm, position);
    while (x >= perm->n)
        x = feistel(perm, x);
    return x;
}
