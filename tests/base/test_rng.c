#include "base/rng.h"

#include <stdbool.h>

#include "tests/check.h"

/* Random123 1.14, kat_vectors: philox4x32-10. */
static void test_philox_known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u},
         {~0u, ~0u},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        uint32_t out[4];
        slc_philox(known[i].counter, known[i].key, out);
        CHECK(memcmp(out, known[i].want, sizeof(out)) == 0, "vector %zu: %08x", i,
              out[0]);
    }
}

/* The documented layout, so that a release never changes what seeds mean. */
static void test_stream_layout(void)
{
    const uint32_t seed[2] = {7, 8}, epoch[4] = {9, 10, 0x51c5, 0};
    uint32_t key[4], want[4];
    slc_philox(epoch, seed, key);
    slc_rng rng = slc_rng_at(7 | 8ull << 32, 9 | 10ull << 32, 11 | 12ull << 32, 13);
    for (uint32_t block = 0; block < 3; block++) {
        slc_philox((uint32_t[]){block, 13, 11, 12}, key, want);
        for (int i = 0; i < 4; i++) {
            const uint32_t got = slc_rng_u32(&rng);
            CHECK(got == want[i], "block %u word %d: %08x", block, i, got);
        }
    }
}

static void test_names_of_streams_matter(void)
{
    slc_rng rng[] = {slc_rng_at(1, 1, 1, 1),          slc_rng_at(2, 1, 1, 1),
                     slc_rng_at(1, 2, 1, 1),          slc_rng_at(1, 1, 2, 1),
                     slc_rng_at(1, 1, 1, 2),          slc_rng_at(1ull << 32, 1, 1, 1),
                     slc_rng_at(1, 1ull << 32, 1, 1), slc_rng_at(1, 1, 1ull << 32, 1)};
    uint64_t first[SLC_COUNT(rng)];
    for (size_t i = 0; i < SLC_COUNT(rng); i++) {
        first[i] = slc_rng_u64(&rng[i]);
        for (size_t j = 0; j < i; j++)
            CHECK(first[i] != first[j], "streams %zu, %zu", i, j);
    }
    slc_rng a = slc_rng_at(1, 1, 1, 1), fork;
    slc_rng_u32(&a);
    fork = a;
    for (int i = 0; i < 9; i++)
        CHECK(slc_rng_u32(&a) == slc_rng_u32(&fork), "draw %d", i);
}

/* Limits at p = 1e-9. */
static void check_chi_square(const char *what, const size_t *count, size_t cells,
                             double expected)
{
    double sum = 0;
    for (size_t i = 0; i < cells; i++)
        sum += ((double)count[i] - expected) * ((double)count[i] - expected) / expected;
    const double k = (double)cells - 1; /* Wilson & Hilferty's approximation, z = 6 */
    const double limit = k * pow(1 - 2 / (9 * k) + 6 * sqrt(2 / (9 * k)), 3);
    CHECK(sum < limit, "%s: chi-square %g of %g degrees, limit %g", what, sum, k, limit);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { DRAWS = 50000 };

static void check_distribution(const char *what,
                               double (*draw)(slc_rng *, double, double),
                               double (*cdf)(double, double, double), double a, double b)
{
    double *x = malloc(DRAWS * sizeof(*x)), most = 0;
    CHECK(x, "memory");
    for (size_t i = 0; i < DRAWS; i++) { /* a stream per draw: what the loader does */
        slc_rng rng = slc_rng_at(42, 3, i, 5);
        x[i] = draw(&rng, a, b);
    }
    qsort(x, DRAWS, sizeof(*x), ascending);
    for (size_t i = 0; i < DRAWS; i++) {
        const double f = cdf(x[i], a, b);
        most = fmax(most, fmax(f - (double)i / DRAWS, (double)(i + 1) / DRAWS - f));
    }
    const double limit = 3.28 / sqrt(DRAWS); /* 2 exp(-2 z^2) = 1e-9 */
    CHECK(most < limit, "%s(%g, %g): KS distance %g, limit %g", what, a, b, most, limit);
    free(x);
}

static double draw_normal(slc_rng *rng, double a, double b)
{
    return a + b * slc_rng_normal(rng);
}

static double cdf_normal(double x, double a, double b)
{
    return 0.5 * erfc((a - x) / b / sqrt(2));
}

static double cdf_uniform(double x, double a, double b)
{
    return (x - a) / (b - a);
}

static double draw_gamma(slc_rng *rng, double shape, double unused)
{
    return slc_rng_gamma(rng, shape) + unused;
}

/* The regularised lower incomplete gamma function by its series. */
static double cdf_gamma(double x, double a, double unused)
{
    if (x <= unused) return 0;
    double term = exp(a * log(x) - x - lgamma(a + 1)), sum = 0;
    for (double n = 1; n < 2000 && term > 0; n++) {
        sum += term;
        term *= x / (a + n);
    }
    return fmin(sum, 1);
}

static double cdf_power(double x, double a, double unused) /* Beta(a, 1) */
{
    return pow(x, a) + 0 * unused;
}

static double cdf_arcsine(double x, double a, double b) /* Beta(1/2, 1/2) */
{
    return 2 / 3.141592653589793 * asin(sqrt(x)) + 0 * a * b;
}

static double cdf_beta_2_3(double x, double a, double b)
{
    return x * x * (6 - 8 * x + 3 * x * x) + 0 * a * b;
}

static void test_distributions(void)
{
    check_distribution("uniform", slc_rng_uniform, cdf_uniform, -3, 8);
    check_distribution("normal", draw_normal, cdf_normal, 0, 1);
    static const double shapes[] = {0.05, 0.2, 0.5, 1, 1.5, 4, 100};
    for (size_t i = 0; i < SLC_COUNT(shapes); i++)
        check_distribution("gamma", draw_gamma, cdf_gamma, shapes[i], 0);
    check_distribution("beta", slc_rng_beta, cdf_power, 0.01, 1);
    check_distribution("beta", slc_rng_beta, cdf_power, 3, 1);
    check_distribution("beta", slc_rng_beta, cdf_arcsine, 0.5, 0.5);
    check_distribution("beta", slc_rng_beta, cdf_beta_2_3, 2, 3);
}

/* Sharper than Kolmogorov and Smirnov about the width: both limits are six sigma. */
static void test_normal_moments(void)
{
    slc_rng rng = slc_rng_at(8, 0, 0, 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < 1000000; i++) {
        const double x = slc_rng_normal(&rng);
        sum += x;
        squares += x * x;
    }
    CHECK(fabs(sum) < 6e3, "mean %g", sum / 1e6);
    CHECK(fabs(squares / 1e6 - 1) < 6 * sqrt(2e-6), "variance %g", squares / 1e6);
}

static void test_extreme_shapes(void)
{
    static const double a[] = {0, -1, 1e-310, 1e-5, 1, 1e29, 1e31, 1e308, INFINITY, NAN};
    for (size_t i = 0; i < SLC_COUNT(a); i++) {
        for (size_t j = 0; j < SLC_COUNT(a); j++) {
            slc_rng rng = slc_rng_at(1, 2, i, (uint32_t)j);
            const double x = slc_rng_beta(&rng, a[i], a[j]);
            const double g = slc_rng_gamma(&rng, a[i]);
            if (isinf(a[i]) && isinf(a[j])) continue; /* no such distribution */
            CHECK(x >= 0 && x <= 1, "beta(%g, %g) = %g", a[i], a[j], x);
            CHECK(g >= 0, "gamma(%g) = %g", a[i], g);
        }
    }
    slc_rng rng =
        slc_rng_at(1, 2, 3, 4); /* mixup with a tiny alpha: both ends, no middle */
    size_t ones = 0, middle = 0;
    for (int i = 0; i < 10000; i++) {
        const double x = slc_rng_beta(&rng, 1e-4, 1e-4);
        ones += x > 0.99;
        middle += x > 0.01 && x < 0.99;
    }
    CHECK(ones > 4700 && ones < 5300 && middle < 30, "%zu ones, %zu between", ones,
          middle);
}

static void test_unit_is_below_one_and_full(void)
{
    slc_rng rng = slc_rng_at(5, 0, 0, 0);
    size_t count[256] = {0}, low[256] = {0};
    for (int i = 0; i < 1 << 18; i++) {
        const double u = slc_rng_unit(&rng);
        CHECK(u >= 0 && u < 1, "%g", u);
        count[(size_t)(u * 256)]++;
        low[(size_t)(u * 0x1p53) & 255]++; /* all 53 bits are random */
    }
    check_chi_square("high bits", count, 256, 1024);
    check_chi_square("low bits", low, 256, 1024);
    CHECK(slc_rng_uniform(&rng, 3, 3) == 3, "equal ends");
    const double hi = nextafter(1, 2);
    for (int i = 0; i < 100; i++)
        CHECK(slc_rng_uniform(&rng, 1, hi) < hi, "below the end");
}

static void test_below_is_unbiased(void)
{
    slc_rng rng = slc_rng_at(6, 0, 0, 0);
    CHECK(slc_rng_below(&rng, 0) == 0 && slc_rng_below(&rng, 1) == 0, "trivial");
    static const uint64_t n[] = {2, 3, 10, 1000};
    for (size_t k = 0; k < SLC_COUNT(n); k++) {
        size_t count[1000] = {0};
        for (uint64_t i = 0; i < 100 * n[k]; i++)
            count[slc_rng_below(&rng, n[k])]++;
        check_chi_square("below", count, n[k], 100);
    }
    /* With n = 3/4 of 2^64, a plain modulo would give the lower third twice as often. */
    size_t count[3] = {0};
    for (int i = 0; i < 30000; i++)
        count[slc_rng_below(&rng, 3ull << 62) / (1ull << 62)]++;
    check_chi_square("below", count, 3, 10000);
}

static void test_permutation_is_a_bijection(void)
{
    static const uint64_t n[] = {1,   2,    3,     4,     5,     7,     8,
                                 15,  16,   17,    50,    64,    65,    255,
                                 256, 1000, 10000, 16384, 16385, 50000, 60000};
    for (size_t k = 0; k < SLC_COUNT(n); k++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            bool *seen = calloc(n[k], 1);
            const slc_perm perm = slc_perm_make(seed, 7, n[k]);
            CHECK(seen, "memory");
            for (uint64_t i = 0; i < n[k]; i++) {
                const uint64_t at = slc_perm_at(&perm, i);
                CHECK(at < n[k] && !seen[at], "n %llu: %llu to %llu",
                      (unsigned long long)n[k], (unsigned long long)i,
                      (unsigned long long)at);
                seen[at] = true;
            }
            free(seen);
        }
    }
    const slc_perm huge = slc_perm_make(1, 1, 1ull << 62);
    CHECK(slc_perm_at(&huge, (1ull << 62) - 1) < 1ull << 62, "2^62");
}

/* Over many seeds every item is as likely at every position, for small n all orders are
 * about as likely, and within one order neighbours are unrelated. */
static void test_permutation_shows_no_structure(void)
{
    static const uint64_t sizes[] = {2, 3, 5, 16, 17, 40};
    for (size_t k = 0; k < SLC_COUNT(sizes); k++) {
        const uint64_t n = sizes[k];
        size_t *count = calloc(n * n, sizeof(*count));
        CHECK(count, "memory");
        for (uint64_t seed = 0; seed < 100 * n; seed++) {
            const slc_perm perm = slc_perm_make(seed, seed % 3, n);
            for (uint64_t i = 0; i < n; i++)
                count[i * n + slc_perm_at(&perm, i)]++;
        }
        check_chi_square("item at position", count, n * n, 100);
        free(count);
    }

    size_t orders[64] = {0}, six[6], used = 0;
    for (uint64_t seed = 0; seed < 6000; seed++) {
        const slc_perm p = slc_perm_make(seed, 0, 3);
        orders[slc_perm_at(&p, 0) * 16 + slc_perm_at(&p, 1) * 4 + slc_perm_at(&p, 2)]++;
    }
    for (size_t i = 0; i < 64; i++)
        if (orders[i]) six[used++ % 6] = orders[i];
    CHECK(used == 6, "%zu orders of 3", used);
    check_chi_square("orders of 3", six, 6, 1000);

    size_t step[100] = {0}, block[100] = {0};
    const slc_perm perm = slc_perm_make(9, 9, 60000);
    for (uint64_t i = 0; i < 60000; i++) {
        const uint64_t a = slc_perm_at(&perm, i), b = slc_perm_at(&perm, (i + 1) % 60000);
        step[(b + 60000 - a) % 60000 / 600]++;
        block[i / 6000 * 10 + a / 6000]++;
    }
    check_chi_square("steps", step, 100, 600);
    check_chi_square("blocks", block, 100, 600);
}

/* What seeds mean does not change with a release. Made by ten lines of Python. */
static void test_order_is_pinned(void)
{
    static const uint64_t want[10] = {1, 2, 0, 9, 6, 3, 4, 7, 5, 8};
    const slc_perm perm = slc_perm_make(1, 2, 10);
    for (uint64_t i = 0; i < 10; i++)
        CHECK(slc_perm_at(&perm, i) == want[i], "position %d", (int)i);
}

static void test_epochs_have_other_orders(void)
{
    const slc_perm a = slc_perm_make(1, 0, 1000), b = slc_perm_make(1, 1, 1000);
    size_t same = 0;
    for (uint64_t i = 0; i < 1000; i++)
        same += slc_perm_at(&a, i) == slc_perm_at(&b, i);
    CHECK(same < 15, "%zu of 1000 are where they were", same);
}

int main(void)
{
    test_philox_known_answers();
    test_stream_layout();
    test_names_of_streams_matter();
    test_unit_is_below_one_and_full();
    test_below_is_unbiased();
    test_distributions();
    test_normal_moments();
    test_extreme_shapes();
    test_permutation_is_a_bijection();
    test_permutation_shows_no_structure();
    test_order_is_pinned();
    test_epochs_have_other_orders();
    return 0;
}
