/* Early stopping by hand: histories short enough to work out on paper. */
#include <string.h>

#include "tests/check.h"
#include "train/fit/stopping.h"

static const double *losses, *top1s, *trains;

/* Does the rule stop after n evaluations, one an epoch? */
static bool stops(const slc_early_stop *rule, size_t n)
{
    char reason[128] = "";
    const stopping_history h = {.val_loss = losses,
                                .val_top1 = top1s,
                                .evaluations = n,
                                .train_loss = trains,
                                .epochs = n};
    const bool says = slc_stopping_says(rule, &h, reason, sizeof(reason));
    CHECK(says == (*reason != 0), "a reason goes with a stop: \"%s\"", reason);
    return says;
}

/* Stops after exactly n evaluations, not before. */
static void stops_at(const slc_early_stop *rule, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        CHECK(!stops(rule, i), "%s: stops after %zu, not %zu", what, i, n);
    CHECK(stops(rule, n), "%s: does not stop after %zu", what, n);
}

static void test_patience(void)
{
    static const double loss[] = {1, 0.8, 0.81, 0.79, 0.795, 0.79, 0.8, 0.5};
    static const double top1[] = {0.5, 0.6, 0.6, 0.59, 0.61, 0.61, 0.6, 0.9};
    losses = loss;
    top1s = top1;
    slc_early_stop rule = {.on = true, .metric = SLC_WATCH_LOSS, .patience = 3};
    stops_at(&rule, 7, "best 0.79 in the fourth");
    rule.min_delta = 0.05; /* 0.79 is then no improvement on 0.8 */
    stops_at(&rule, 5, "best by 0.05 in the second");
    rule = (slc_early_stop){.on = true, .metric = SLC_WATCH_TOP1, .patience = 2};
    stops_at(&rule, 4, "an equal value is no improvement");
    rule.min_delta = 0.005;
    rule.patience = 1;
    stops_at(&rule, 3, "patience of one");
    rule.on = false;
    for (size_t i = 0; i <= 8; i++)
        CHECK(!stops(&rule, i), "off, and stops after %zu", i);
}

/* GL = 100 (E / E_opt - 1): 0.82 is 2.5 % over 0.8. */
static void test_gl(void)
{
    static const double loss[] = {1, 0.8, 0.81, 0.82, 0.7, 0.7349};
    losses = loss;
    slc_early_stop rule = {
        .on = true, .metric = SLC_WATCH_LOSS, .rule = SLC_STOP_GL, .alpha = 2.4};
    stops_at(&rule, 4, "GL 2.5");
    rule.alpha = 2.6;
    stops_at(&rule, 6, "GL 4.99");
    rule.alpha = 5;
    CHECK(!stops(&rule, 6), "GL 4.99 is not over 5");
}

/* P_5 = 1000 (sum / (5 min) - 1): of 2, 2, 2, 2, 1 it is 800; GL of 0.55 over 0.5 is 10. */
static void test_pq(void)
{
    static const double loss[] = {1, 0.5, 0.5, 0.5, 0.55, 0.6, 0.6, 0.6, 0.6, 0.55};
    static const double train[] = {2, 2, 2, 2, 1, 1, 1, 1, 1, 0.5};
    losses = loss;
    trains = train;
    slc_early_stop rule = {.on = true,
                           .metric = SLC_WATCH_LOSS,
                           .rule = SLC_STOP_PQ,
                           .alpha = 0.0124,
                           .strip = 5};
    stops_at(&rule, 5, "PQ 10 / 800");
    rule.alpha = 0.0126;
    for (size_t i = 0; i <= 9; i++) /* between strips nobody looks, however bad it is */
        CHECK(!stops(&rule, i), "PQ 10 / 800: stops after %zu", i);
    CHECK(!stops(&rule, 10), "10 / 800 again");
    static const double flat[] = {1, 1, 1, 1, 1};
    trains = flat;
    rule.alpha = 1000;
    CHECK(stops(&rule, 5), "a strip without progress stops");
}

/* UP with two strips of two: the ends of three strips in a row, each larger than the last. */
static void test_up(void)
{
    static const double grows[] = {0.1, 0.5, 0.1, 0.6, 0.1, 0.7};
    static const double stays[] = {0.1, 0.5, 0.1, 0.6, 0.1, 0.6};
    static const double late[] = {0.1, 0.6, 0.1, 0.5, 0.1, 0.6, 0.1, 0.7};
    const slc_early_stop rule = {.on = true,
                                 .metric = SLC_WATCH_LOSS,
                                 .rule = SLC_STOP_UP,
                                 .strip = 2,
                                 .strips = 2};
    losses = grows;
    stops_at(&rule, 6, "two strips grew");
    losses = stays;
    CHECK(!stops(&rule, 6), "an equal end is no growth");
    losses = late;
    stops_at(&rule, 8, "the last two strips grew");
}

static void test_best(void)
{
    static const double loss[] = {3, 1, 2, 1};
    static const double top1[] = {0.1, 0.7, 0.7, 0.6};
    const stopping_history h = {.val_loss = loss, .val_top1 = top1, .evaluations = 4},
                           none = {0};
    CHECK(slc_stopping_best(SLC_WATCH_LOSS, &h) == 1, "the first of equals");
    CHECK(slc_stopping_best(SLC_WATCH_TOP1, &h) == 1, "the first of equals");
    CHECK(slc_stopping_best(SLC_WATCH_TOP1, &none) == SIZE_MAX, "none");
}

int main(void)
{
    test_patience();
    test_gl();
    test_pq();
    test_up();
    test_best();
    return 0;
}
