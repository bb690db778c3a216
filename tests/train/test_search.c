/* Search: the parts against known answers, the searches against each other. */
#include "base/arena.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/train/golden_search.h"
#include "train/search.h"

static void test_sobol_is_joe_and_kuos(void)
{
    double got[SLC_SOBOL_DIMS];
    for (uint64_t i = 0; i < 8; i++) {
        const uint64_t index = i < 4 ? 1 + i : 50001 + i - 4;
        const double *want =
            i < 4 ? golden_sobol_first + 32 * i : golden_sobol_later + 32 * (i - 4);
        slc_sobol(index, 32, 0, got);
        for (int d = 0; d < 32; d++) /* PyTorch keeps 30 bits */
            CHECK(fabs(got[d] - want[d]) < 0x1p-29,
                  "point %d, dimension %d: %.12g, not %.12g", (int)index, d, got[d],
                  want[d]);
    }
}

static uint64_t congruence;

static double unit_of_python(void)
{
    congruence = (congruence * 1103515245 + 12345) % 0x80000000u;
    return (double)congruence / 0x80000000u;
}

enum { N = 12, DIMS = 3, AT = 5 };
static const slc_gp_hyper hyper = {
    .signal = 1.7, .noise = 0.01, .length = {0.4, 0.9, 1.3}};

static void make_data(double x[N * DIMS], double y[N], double at[AT * DIMS])
{
    congruence = 12345;
    for (int i = 0; i < N * DIMS; i++)
        x[i] = unit_of_python();
    for (int i = 0; i < N; i++)
        y[i] = sin(5 * x[3 * i]) + x[3 * i + 1] * x[3 * i + 1] - 0.5 * x[3 * i + 2];
    for (int i = 0; i < AT * DIMS; i++)
        at[i] = unit_of_python();
}

static void test_gaussian_process_is_scikit_learns(void)
{
    double x[N * DIMS], y[N], at[AT * DIMS], slope[DIMS + 2];
    slc_gp *gp = NULL;
    slc_err err = {0};

    make_data(x, y, at);
    CHECK(slc_gp_create(&gp, x, y, N, DIMS, &hyper, &err) == SLC_OK, "%s", err.msg);
    for (int i = 0; i < AT; i++) {
        double mean, variance;
        slc_gp_predict(gp, at + DIMS * i, &mean, &variance);
        CHECK(fabs(mean - golden_gp_mean[i]) < 1e-6, "%d: mean %g, not %g", i, mean,
              golden_gp_mean[i]);
        CHECK(fabs(variance - golden_gp_variance[i]) < 1e-6, "%d: variance %g, not %g", i,
              variance, golden_gp_variance[i]);
    }
    const double value = slc_gp_likelihood(gp, slope);
    CHECK(fabs(value - golden_gp_likelihood[0]) < 1e-6, "likelihood %g, not %g", value,
          golden_gp_likelihood[0]);
    for (int i = 0; i < DIMS + 2; i++)
        CHECK(fabs(slope[i] - golden_gp_likelihood[1 + i]) < 1e-6, "slope %d: %g, not %g",
              i, slope[i], golden_gp_likelihood[1 + i]);
    slc_gp_destroy(&gp);
}

/* One point at the origin with y = 1 and almost no noise: the mean at distance d is k(d). */
static void test_matern_has_its_known_values(void)
{
    static const double distance[] = {0.5, 1, 2};
    slc_gp *gp = NULL;
    const slc_gp_hyper unit = {.signal = 1, .noise = 1e-12, .length = {1}};

    CHECK(slc_gp_create(&gp, &(double){0}, &(double){1}, 1, 1, &unit, NULL) == SLC_OK,
          "one point");
    for (int i = 0; i < 3; i++) {
        double mean, variance;
        slc_gp_predict(gp, &distance[i], &mean, &variance);
        CHECK(fabs(mean - golden_matern[i]) < 1e-9, "at %g: %.12g", distance[i], mean);
    }
    slc_gp_destroy(&gp);
}

static void test_fit_finds_the_likelier_scales(void)
{
    double x[N * DIMS], y[N], at[AT * DIMS];
    slc_gp *before = NULL, *after = NULL;
    slc_gp_hyper h = {.signal = 1, .noise = 1e-3, .length = {0.5, 0.5, 0.5}};

    make_data(x, y, at);
    CHECK(slc_gp_create(&before, x, y, N, DIMS, &h, NULL) == SLC_OK, "before");
    CHECK(slc_gp_fit(x, y, N, DIMS, &h, 100, NULL) == SLC_OK, "fit");
    CHECK(slc_gp_create(&after, x, y, N, DIMS, &h, NULL) == SLC_OK, "after");
    CHECK(slc_gp_likelihood(after, NULL) > slc_gp_likelihood(before, NULL) + 1,
          "%g, then %g", slc_gp_likelihood(before, NULL), slc_gp_likelihood(after, NULL));
    CHECK(h.length[0] < h.length[2], "the wavy dimension has the shorter scale: %g, %g",
          h.length[0], h.length[2]);
    slc_gp_destroy(&before);
    slc_gp_destroy(&after);
}

/* By hand: mean 0, sd 1, best 0 gives the density at 0; certainty gives the plain gain. */
static void test_expected_improvement(void)
{
    CHECK(fabs(slc_expected_improvement(0, 1, 0) - 0.3989422804) < 1e-9, "at 0");
    CHECK(slc_expected_improvement(1, 0, 3) == 2, "certain gain");
    CHECK(slc_expected_improvement(3, 0, 1) == 0, "certain loss");
    CHECK(fabs(slc_expected_improvement(1, 4, 0) - 0.3955931) < 1e-6, "%.9g",
          slc_expected_improvement(1, 4, 0)); /* -1 Phi(-.5) + 2 phi(.5) */
}

static const char recipe[] = "optim:\n"
                             "  name: {choice: [sgd, adamw]}\n"
                             "  lr: {log: [1e-4, 1]}\n"
                             "  momentum: {uniform: [0, 0.9], when: {optim.name: sgd}}\n"
                             "augment:\n"
                             "  - cutout: {size: {int: [8, 64], step: 8}}\n";

static slc_node *parse(slc_arena *arena, const char *text)
{
    slc_node *node = NULL;
    slc_err err = {0};
    CHECK(slc_node_parse(&node, arena, text, strlen(text), "r.yaml", &err) == SLC_OK,
          "%s", err.msg);
    return node;
}

static void test_space_is_read_and_written_back(void)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_space space;
    slc_str text = {0};
    slc_node *node = parse(&arena, recipe);

    CHECK(slc_space_read(&space, node, &arena, &err) == SLC_OK, "%s", err.msg);
    CHECK(space.n == 4, "%zu dimensions", space.n);
    CHECK(slc_dim_cells(&space.dim[3]) == 8, "8, 16, ... 64 are %zu",
          slc_dim_cells(&space.dim[3]));
    CHECK(strcmp(space.dim[3].path, "augment.0.cutout.size") == 0, "%s",
          space.dim[3].path);

    slc_node_write(slc_space_apply(&space, node, (double[]){0.1, 0.5, 0.5, 0.99}, &arena),
                   &text);
    CHECK(strstr(text.text, "name: sgd") && strstr(text.text, "lr: 0.01") &&
              strstr(text.text, "momentum: 0.45") && strstr(text.text, "size: 64"),
          "%s", text.text);
    slc_str_free(&text);
    slc_node_write(slc_space_apply(&space, node, (double[]){0.9, 0, 0.5, 0}, &arena),
                   &text);
    CHECK(strstr(text.text, "name: adamw") && !strstr(text.text, "momentum") &&
              strstr(text.text, "size: 8"),
          "%s", text.text);
    slc_str_free(&text);
    slc_arena_free(&arena);
}

static void test_space_refuses(void)
{
    static const struct {
        const char *yaml, *why;
    } bad[] = {
        {"a: 1\n", "r.yaml: the recipe has nothing to search"},
        {"a: {log: [0, 1]}\n",
         "r.yaml:1: search: a: a logarithmic range must be above 0"},
        {"a: {uniform: [2, 1]}\n", "low is not below high"},
        {"a: {choice: []}\n", "the choice is empty"},
        {"a: {int: [1, 2.5]}\n", "whole"},
        {"a: {uniform: [1, 2], stepp: 3}\n", "only step"},
        {"data:\n  val_fraction: {uniform: [0.1, 0.2]}\n",
         "r.yaml:2: search: data.val_fraction: a search must not"},
        {"a: {uniform: [1, 2], when: {b.c: 3}}\n",
         "names b.c, which is not in the recipe"},
    };
    for (size_t i = 0; i < SLC_COUNT(bad); i++) {
        slc_arena arena = {0};
        slc_err err = {0};
        slc_space space;
        CHECK(slc_space_read(&space, parse(&arena, bad[i].yaml), &arena, &err) ==
                  SLC_EINVAL,
              "accepted: %s", bad[i].yaml);
        CHECK(strstr(err.msg, bad[i].why), "%s: %s", bad[i].yaml, err.msg);
        slc_arena_free(&arena);
    }
}

/* --- searches on functions with known minima ------------------------------------------- */

static double branin(const double *u)
{
    const double x = 15 * u[0] - 5, y = 15 * u[1], pi = 3.14159265358979323846;
    const double t = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
    return t * t + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10 - 0.39788735772973816;
}

static double hartmann6(const double *u)
{
    static const double alpha[4] = {1, 1.2, 3, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                   {0.05, 10, 17, 0.1, 8, 14},
                                   {3, 3.5, 1.7, 10, 17, 8},
                                   {17, 8, 0.05, 10, 0.1, 14}};
    static const double p[4][6] = {{.1312, .1696, .5569, .0124, .8283, .5886},
                                   {.2329, .4135, .8307, .3736, .1004, .9991},
                                   {.2348, .1451, .3522, .2883, .3047, .6650},
                                   {.4047, .8828, .8732, .5743, .1091, .0381}};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double q = 0;
        for (int j = 0; j < 6; j++)
            q += a[i][j] * (u[j] - p[i][j]) * (u[j] - p[i][j]);
        sum += alpha[i] * exp(-q);
    }
    return 3.32236801141551 - sum;
}

static double regret(const slc_search *search, double (*f)(const double *), size_t dims,
                     uint64_t seed)
{
    enum { TRIALS = 50 };
    slc_arena arena = {0};
    slc_space space = {.n = dims};
    double unit[TRIALS * 6], value[TRIALS], best = INFINITY;
    union {
        int64_t align;
        char bytes[64];
    } settings = {0};

    for (size_t d = 0; d < dims; d++)
        space.dim[d] = (slc_dim){.path = "x", .lo = 0, .hi = 1};
    if (search->entry.params)
        CHECK(slc_params_bind(search->entry.params, &settings, NULL, false, "search",
                              &arena, NULL) == SLC_OK,
              "defaults");
    for (uint64_t t = 0; t < TRIALS; t++) {
        const slc_history h = {.space = &space,
                               .n = t,
                               .unit = unit,
                               .value = value,
                               .seed = seed,
                               .trial = t};
        slc_err err = {0};
        CHECK(search->suggest(&settings, &h, unit + dims * t, &err) == SLC_OK, "%s",
              err.msg);
        value[t] = f(unit + dims * t);
        best = fmin(best, value[t]);
    }
    slc_arena_free(&arena);
    return best;
}

static const slc_search *find(const char *name)
{
    return slc_entry_find((const void *const *)slc_searches, "search", name, NULL, NULL);
}

static void test_models_beat_chance(void)
{
    static const struct {
        const char *name;
        double (*f)(const double *);
        size_t dims;
    } task[] = {{"branin", branin, 2}, {"hartmann6", hartmann6, 6}};
    for (int i = 0; i < 2; i++) {
        double random = 0, bayes = 0, tpe = 0;
        for (uint64_t seed = 1; seed <= 10; seed++) {
            random += regret(find("random"), task[i].f, task[i].dims, seed) / 10;
            bayes += regret(find("bayes"), task[i].f, task[i].dims, seed) / 10;
            tpe += regret(find("tpe"), task[i].f, task[i].dims, seed) / 10;
        }
        printf("%s: mean regret after 50 trials: random %.4f, tpe %.4f, bayes %.4f\n",
               task[i].name, random, tpe, bayes);
        CHECK(bayes < 0.5 * random, "%s: bayes %g, random %g", task[i].name, bayes,
              random);
        CHECK(tpe < random, "%s: tpe %g, random %g", task[i].name, tpe, random);
    }
}

static void test_grid_visits_everything_once(void)
{
    slc_arena arena = {0};
    slc_space space;
    slc_err err = {0};
    const slc_node *node =
        parse(&arena, "a: {choice: [x, y, z]}\nb: {int: [1, 4]}\nc: {uniform: [0, 1]}\n");
    const slc_search *grid = find("grid");
    int64_t points = 2;
    bool seen[24] = {false};
    double u[3];

    CHECK(slc_space_read(&space, node, &arena, &err) == SLC_OK, "%s", err.msg);
    CHECK(grid->count(&points, &space) == 24, "3 x 4 x 2");
    for (uint64_t t = 0; t < 24; t++) {
        const slc_history h = {.space = &space, .trial = t};
        CHECK(grid->suggest(&points, &h, u, &err) == SLC_OK, "%s", err.msg);
        const int cell = (int)(u[0] * 3) * 8 + (int)(u[1] * 4) * 2 + (u[2] > 0.5);
        CHECK(!seen[cell], "cell %d twice", cell);
        seen[cell] = true;
    }
    const slc_history over = {.space = &space, .trial = 24};
    CHECK(grid->suggest(&points, &over, u, &err) == SLC_EINVAL, "went on");
    slc_arena_free(&arena);
}

int main(void)
{
    test_sobol_is_joe_and_kuos();
    test_gaussian_process_is_scikit_learns();
    test_matern_has_its_known_values();
    test_fit_finds_the_likelier_scales();
    test_expected_improvement();
    test_space_is_read_and_written_back();
    test_space_refuses();
    test_grid_visits_everything_once();
    test_models_beat_chance();
    return 0;
}
