#include "tests/check.h"
#include "train/compare.h"
#include "train/metric.h"

/* Three classes, five images, worked out by hand. */
static void test_known_counts(void)
{
    static const float z[5][3] = {{2, 1, 0}, {0, 3, 1}, {1, 2, 3}, {5, 0, 4}, {0, 0, 0}};
    static const int32_t label[5] = {0, 2, 2, 1, 0};
    static const float each[5] = {1, 2, 3, 4, 5};
    slc_metric m;
    slc_err err = {0};
    CHECK(slc_metric_create(&m, 3, &err) == SLC_OK, "%s", err.msg);
    slc_metric_add(&m, &z[0][0], &(slc_targets){label, NULL, NULL}, NULL, each, 5);
    CHECK(m.count == 5 && m.hits == 3, "%d of %d", (int)m.hits, (int)m.count);
    CHECK(m.confusion[2 * 3 + 1] == 1 && m.confusion[1 * 3 + 0] == 1, "rows are truth");
    CHECK(slc_metric_loss(&m) == 3, "%g", slc_metric_loss(&m));
    const slc_class_score zero = slc_metric_class(&m, 0), one = slc_metric_class(&m, 1);
    CHECK(zero.count == 2 && zero.recall == 1 && fabs(zero.precision - 2.0 / 3) < 1e-15,
          "%g %g", zero.recall, zero.precision);
    CHECK(fabs(zero.f1 - 0.8) < 1e-15, "%g", zero.f1);
    CHECK(one.precision == 0 && one.recall == 0 && one.f1 == 0, "0 / 0 counts as 0");
    CHECK(slc_metric_topk(&m) == 1, "3 of 3 classes");
    slc_metric_free(&m);
}

static void test_top5_and_ties(void)
{
    float z[7] = {0, 0, 0, 0, 0, 0, 0};
    slc_metric m;
    slc_err err = {0};
    CHECK(slc_metric_create(&m, 7, &err) == SLC_OK && m.k == 5, "%s", err.msg);
    for (int32_t label = 0; label < 7; label++)
        slc_metric_add(&m, z, &(slc_targets){&label, NULL, NULL}, NULL, NULL, 1);
    CHECK(m.hits == 1 && m.hits_k == 5, "%d %d", (int)m.hits, (int)m.hits_k);
    slc_metric_free(&m);
}

/* Mixed labels: the accuracy has an honest ceiling. */
static void test_soft_accuracy(void)
{
    static const float z[2][2] = {{1, 0}, {0, 1}};
    static const int32_t a[2] = {0, 0}, b[2] = {1, 1};
    static const float lambda[2] = {0.75f, 0.75f};
    slc_metric m;
    slc_err err = {0};
    CHECK(slc_metric_create(&m, 2, &err) == SLC_OK, "%s", err.msg);
    slc_metric_add(&m, &z[0][0], &(slc_targets){a, b, lambda}, NULL, NULL, 2);
    CHECK(slc_metric_soft(&m) == 0.5 && slc_metric_bound(&m) == 0.75, "%g %g",
          slc_metric_soft(&m), slc_metric_bound(&m));
    slc_metric_free(&m);
}

/* Confidence 0.8 and right half of the time: the error of calibration is 0.3. */
static void test_calibration(void)
{
    const float z[2] = {(float)log(4), 0};
    slc_metric m;
    slc_err err = {0};
    CHECK(slc_metric_create(&m, 2, &err) == SLC_OK, "%s", err.msg);
    for (int32_t i = 0; i < 10; i++) {
        const int32_t label = i % 2;
        slc_metric_add(&m, z, &(slc_targets){&label, NULL, NULL}, NULL, NULL, 1);
    }
    CHECK(fabs(slc_metric_ece(&m) - 0.3) < 1e-6, "%g", slc_metric_ece(&m));
    slc_metric_free(&m);
}

/* Fifteen bins of equal width, as in Guo et al. (2017): 0.62 and 0.65 share the one from 9/15 to
 * 10/15, so that a right and a wrong answer there make up for each other. */
static void test_bins_of_calibration(void)
{
    static const double sure[] = {0.62, 0.65, 0.68};
    slc_metric m;
    slc_err err = {0};
    CHECK(slc_metric_create(&m, 2, &err) == SLC_OK, "%s", err.msg);
    for (int32_t i = 0; i < 3; i++) {
        const float z[2] = {(float)log(sure[i] / (1 - sure[i])), 0};
        const int32_t label = i == 1;
        slc_metric_add(&m, z, &(slc_targets){&label, NULL, NULL}, NULL, NULL, 1);
    }
    const double want = (fabs(1 - 0.62 - 0.65) + fabs(1 - 0.68)) / 3;
    CHECK(fabs(slc_metric_ece(&m) - want) < 1e-6, "%g, not %g", slc_metric_ece(&m), want);
    slc_metric_free(&m);
}

/* Largest first; of equals the first row, then the first column; the diagonal is left out. */
static void test_confused_pairs(void)
{
    static const int32_t pair[][2] = {{0, 1}, {2, 1}, {2, 0}, {2, 1},
                                      {1, 1}, {1, 1}, {1, 1}};
    static const slc_confused want[] = {{2, 1, 2}, {0, 1, 1}, {2, 0, 1}};
    slc_confused got[5];
    slc_metric m;
    slc_err err = {0};
    CHECK(slc_metric_create(&m, 3, &err) == SLC_OK, "%s", err.msg);
    for (size_t i = 0; i < SLC_COUNT(pair); i++) {
        float z[3] = {0};
        z[pair[i][1]] = 1;
        slc_metric_add(&m, z, &(slc_targets){&pair[i][0], NULL, NULL}, NULL, NULL, 1);
    }
    CHECK(slc_metric_confused(&m, got, 5) == 3, "%zu", slc_metric_confused(&m, got, 5));
    for (size_t i = 0; i < 3; i++)
        CHECK(got[i].truth == want[i].truth && got[i].prediction == want[i].prediction &&
                  got[i].count == want[i].count,
              "%zu: %zu as %zu", i, got[i].truth, got[i].prediction);
    CHECK(slc_metric_confused(&m, got, 1) == 1, "no more than asked for");
    slc_metric_free(&m);
}

static void test_padding_does_not_count(void)
{
    static const float z[3][2] = {{1, 0}, {1, 0}, {1, 0}};
    static const int32_t label[3] = {0, -1, 0};
    static const uint8_t real[3] = {1, 1, 0};
    slc_metric m;
    slc_err err = {0};
    CHECK(slc_metric_create(&m, 2, &err) == SLC_OK, "%s", err.msg);
    slc_metric_add(&m, &z[0][0], &(slc_targets){label, NULL, NULL}, real, NULL, 3);
    CHECK(m.count == 1, "%d", (int)m.count);
    slc_metric_free(&m);
}

/* scipy.stats.binomtest(5, 20).pvalue = 0.04138946533203125 */
static void test_comparison(void)
{
    uint8_t a[100], b[100];
    for (int i = 0; i < 100; i++) {
        a[i] = i < 65;            /* 60 both, 5 only a */
        b[i] = i < 60 || i >= 85; /* 15 only b */
    }
    const slc_comparison c = slc_compare(a, b, 100, 2000, 1);
    CHECK(c.only_a == 5 && c.only_b == 15 && c.both == 60, "%d %d %d", (int)c.only_a,
          (int)c.only_b, (int)c.both);
    CHECK(fabs(c.p_value - 0.04138946533203125) < 1e-12, "%.17g", c.p_value);
    CHECK(fabs(c.difference - 0.1) < 1e-12 && c.lo < 0.03 && c.lo > -0.01 &&
              c.hi > 0.17 && c.hi < 0.21,
          "%g [%g, %g]", c.difference, c.lo, c.hi);
    CHECK(slc_compare(a, a, 100, 100, 1).p_value == 1, "the same model");
}

/* Logits twice too large ask for temperature 2. */
static void test_temperature(void)
{
    enum { M = 4000 };
    static float z[M * 2];
    static int32_t label[M];
    for (int i = 0; i < M; i++) {
        const double p = (i % 40 + 0.5) / 40; /* of class 1, which it is p of the time */
        label[i] = (i / 40) < p * M / 40;
        z[2 * i] = 0;
        z[2 * i + 1] = (float)(2 * log(p / (1 - p)));
    }
    const double heat = slc_fit_temperature(z, label, M, 2);
    CHECK(fabs(heat - 2) < 0.05, "%g", heat);
}

int main(void)
{
    test_comparison();
    test_temperature();
    test_known_counts();
    test_top5_and_ties();
    test_soft_accuracy();
    test_calibration();
    test_bins_of_calibration();
    test_confused_pairs();
    test_padding_does_not_count();
    return 0;
}
