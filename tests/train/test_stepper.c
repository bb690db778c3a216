/* The fused step against PyTorch: clipping, parameter groups, lookahead, norms. */
#include "base/attr.h"
#include "tests/check.h"
#include "tests/train/golden_stepper.h"
#include "train/fit/stepper.h"

/* As in tests/golden/stepper.py. */
static float grad(int t, int i)
{
    return (float)((t * 37 + i * 101 + t * i * 3) % 257 - 120) / 128.0f;
}

static float start(int i)
{
    return ((float)(i * 5 % 13) - 5.5f) / 4.0f;
}

static slc_recipe read(const char *text)
{
    char all[1000];
    slc_arena arena = {0};
    slc_node *node;
    slc_recipe recipe;
    slc_err err = {0};
    snprintf(all, sizeof(all),
             "model: {layers: [flatten, {linear: {name: fc, out: %d}}]}\nschedule: "
             "constant\n%s",
             N, text);
    CHECK(slc_node_parse(&node, &arena, all, strlen(all), "recipe", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_recipe_read(&recipe, node, &err) == SLC_OK, "%s: %s", text, err.msg);
    slc_arena_free(&arena);
    return recipe;
}

static slc_model *make(const slc_recipe *recipe, size_t width)
{
    slc_model *m;
    slc_err err = {0};
    CHECK(slc_model_create(&m,
                           &(slc_model_settings){.spec = recipe->model,
                                                 .channels = 1,
                                                 .height = 1,
                                                 .width = width,
                                                 .classes = N,
                                                 .threads = 2,
                                                 .engine = "blas"},
                           &err) == SLC_OK,
          "%s", err.msg);
    const size_t count = slc_model_weight_count(m);
    CHECK(count == (width + 1) * N, "%zu", count);
    for (size_t i = 0; i < count; i++)
        slc_model_weights(m)[i] = start((int)i);
    return m;
}

static void compare(size_t k, int mark, const float *w, const stepper_result *r)
{
    double off = 0, size = 0;
    for (int i = 0; i < 2 * N; i++) {
        off += pow((double)w[i] - golden[k].w[mark][i], 2);
        size += pow(golden[k].w[mark][i], 2);
    }
    const double norm = golden[k].norm[mark], clipped = golden[k].clipped[mark];
    CHECK(sqrt(off / size) <= 1e-6, "%s after %d steps: %g relative", golden[k].recipe,
          golden_at[mark], sqrt(off / size));
    CHECK(fabs(r->norm - norm) <= 1e-6 * norm, "%s: norm %.9g, not %.9g",
          golden[k].recipe, r->norm, norm);
    CHECK(fabs(r->clipped - clipped) <= 1e-6 * clipped, "%s: clipped norm %.9g, not %.9g",
          golden[k].recipe, r->clipped, clipped);
}

static void test_agrees_with_pytorch(size_t k)
{
    slc_recipe recipe = read(golden[k].recipe);
    slc_model *m = make(&recipe, 1);
    stepper s;
    slc_err err = {0};
    CHECK(slc_stepper_create(&s, m, &recipe, 2, &err) == SLC_OK, "%s", err.msg);
    const slc_optim_common *common = recipe.optim_settings;
    int mark = 0;
    for (int t = 1; t <= STEPS; t++) {
        for (int i = 0; i < 2 * N; i++)
            slc_model_grads(m)[i] = grad(t, i);
        const slc_rate rate = {common->lr, -1, (double)t / STEPS};
        const stepper_result r = slc_stepper_step(&s, (uint64_t)t, rate, -1);
        if (t == golden_at[mark]) compare(k, mark++, slc_model_weights(m), &r);
    }
    slc_stepper_free(&s);
    slc_model_destroy(&m);
    slc_recipe_free(&recipe);
}

/* Adam's first step has the length of the rate, also for weights that begin late. */
static void test_thawed_weights_count_from_their_first_step(void)
{
    slc_recipe recipe = read("optim: {name: adam, lr: 0.01}\n"
                             "train: {freeze: [fc.weight], unfreeze_at: 1}\n");
    slc_model *m = make(&recipe, 1);
    slc_err err = {0};
    stepper s;
    const slc_rate rate = {.lr = 0.01, .momentum = -1};
    (void)slc_model_freeze(m, "fc.weight", true);
    CHECK(slc_stepper_create(&s, m, &recipe, 2, &err) == SLC_OK, "%s", err.msg);
    for (uint64_t t = 1; t <= 100; t++) {
        for (int i = 0; i < 2 * N; i++)
            slc_model_grads(m)[i] = 0.5f;
        (void)slc_stepper_step(&s, t, rate, -1);
    }
    CHECK(slc_model_weights(m)[0] == start(0), "%g", (double)slc_model_weights(m)[0]);
    (void)slc_model_freeze(m, "fc.weight", false);
    s.thawed = 100;
    CHECK(slc_stepper_cut(&s, &err) == SLC_OK, "%s", err.msg);
    const float bias = slc_model_weights(m)[2 * N - 1];
    (void)slc_stepper_step(&s, 101, rate, -1);
    const double first = slc_model_weights(m)[0] - start(0),
                 next = slc_model_weights(m)[2 * N - 1] - bias;
    CHECK(fabs(first + 0.01) < 1e-6 && fabs(next + 0.01) < 1e-5, "%g, %g", first, next);
    slc_stepper_free(&s);
    slc_model_destroy(&m);
    slc_recipe_free(&recipe);
}

/* The weights of the layer, and its bias, after some steps. */
static void walk(const char *optim, float w[3 * N])
{
    slc_recipe recipe = read(optim);
    slc_model *m = make(&recipe, 2);
    stepper s;
    slc_err err = {0};
    const slc_optim_common *common = recipe.optim_settings;
    CHECK(slc_stepper_create(&s, m, &recipe, 2, &err) == SLC_OK, "%s", err.msg);
    for (int t = 1; t <= 5; t++) {
        for (int i = 0; i < 3 * N; i++)
            slc_model_grads(m)[i] = grad(t, i);
        (void)slc_stepper_step(&s, (uint64_t)t,
                               (slc_rate){.lr = common->lr, .momentum = -1}, -1);
    }
    memcpy(w, slc_model_weights(m), 3 * N * sizeof(*w));
    slc_stepper_free(&s);
    slc_model_destroy(&m);
    slc_recipe_free(&recipe);
}

static void test_muon_moves_what_is_plain_as_sgd(void)
{
    static const char muon[] = "optim: {name: muon, lr: 0.1, nesterov: false%s}\n";
    char text[200];
    float sgd[3 * N], all[3 * N], bias[3 * N];
    walk("optim: {name: sgd, lr: 0.1, momentum: 0.9}\n", sgd);
    snprintf(text, sizeof(text), muon, "");
    walk(text, bias);
    snprintf(text, sizeof(text), muon, ", groups: [{match: fc.weight, plain: true}]");
    walk(text, all);
    CHECK(memcmp(all, sgd, sizeof(all)) == 0, "plain weights do not move as by sgd");
    CHECK(memcmp(bias, sgd, 2 * N * sizeof(*bias)) != 0, "a matrix moves as by sgd");
    CHECK(memcmp(bias + 2 * N, sgd + 2 * N, N * sizeof(*bias)) == 0, "a vector does not");
}

static void test_plain_is_for_muon(void)
{
    slc_recipe recipe =
        read("optim: {name: sgd, groups: [{match: fc.weight, plain: true}]}\n");
    slc_model *m = make(&recipe, 1);
    stepper s;
    slc_err err = {0};
    CHECK(slc_stepper_create(&s, m, &recipe, 2, &err) == SLC_EINVAL &&
              strstr(err.msg, "plain is for muon"),
          "%s", err.msg);
    slc_model_destroy(&m);
    slc_recipe_free(&recipe);
}

int main(void)
{
    test_muon_moves_what_is_plain_as_sgd();
    test_plain_is_for_muon();
    test_thawed_weights_count_from_their_first_step();
    for (size_t k = 0; k < SLC_COUNT(golden); k++)
        test_agrees_with_pytorch(k);
    return 0;
}
