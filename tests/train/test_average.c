/* Rates, decays and averages of a run against their definitions, number by number. */
#include "base/attr.h"
#include "tests/check.h"
#include "train/fit/run.h"

static const char *const net =
    "model: {layers: [{conv2d: {name: c, out: 3, kernel: 2}}, {batch_norm: {name: n}}, "
    "flatten, {linear: {name: h, out: 5}}, {linear: {name: o, out: 2}}]}\n";

typedef struct setup {
    slc_recipe recipe;
    slc_model *model;
    run r;
} setup;

static setup make(const char *text)
{
    char all[1500];
    slc_arena arena = {0};
    slc_node *node;
    setup s = {0};
    slc_err err = {0};
    snprintf(all, sizeof(all), "%s%s", net, text);
    CHECK(slc_node_parse(&node, &arena, all, strlen(all), "recipe", &err) == SLC_OK &&
              slc_recipe_read(&s.recipe, node, &err) == SLC_OK,
          "%s: %s", text, err.msg);
    slc_arena_free(&arena);
    const slc_model_settings settings = {.spec = s.recipe.model,
                                         .channels = 1,
                                         .height = 4,
                                         .width = 4,
                                         .classes = 2,
                                         .threads = 1,
                                         .engine = "blas"};
    CHECK(slc_model_create(&s.model, &settings, &err) == SLC_OK, "%s", err.msg);
    s.r = (run){.model = s.model, .batches = 10, .planned = 40};
    return s;
}

static void drop(setup *s)
{
    slc_stepper_free(&s->r.step_of);
    slc_model_destroy(&s->model);
    slc_recipe_free(&s->recipe);
}

/* What one step of plain SGD at rate 1 with gradients of zero takes from a weight of 1: its rate
 * times its decay. With gradients of 1 and no decay: its rate. */
static void check_step(const char *text, const char *name, double rate, double decay)
{
    setup s = make(text);
    slc_err err = {0};
    CHECK(slc_stepper_create(&s.r.step_of, s.model, &s.recipe, 1, &err) == SLC_OK, "%s",
          err.msg);
    const size_t n = slc_model_weight_count(s.model);
    for (int round = 0; round < 2; round++) {
        bool found = false;
        for (size_t i = 0; i < n; i++) {
            slc_model_weights(s.model)[i] = 1;
            slc_model_grads(s.model)[i] = (float)round;
        }
        (void)slc_stepper_step(&s.r.step_of, 1, (slc_rate){1, -1}, -1);
        for (size_t t = 0; t < slc_model_tensor_count(s.model); t++) {
            const slc_tensor_info *info = slc_model_tensor(s.model, t);
            if (strcmp(info->name, name) != 0) continue;
            const double moved = 1 - (double)slc_model_weights(s.model)[info->offset];
            const double want = rate * (round + decay);
            found = true;
            CHECK(fabs(moved - want) < 1e-6, "%s %s: moved by %g, not %g", text, name,
                  moved, want);
        }
        CHECK(found, "%s", name);
    }
    drop(&s);
}

static void test_every_tensor_has_its_rate_and_decay(void)
{
    static const char *const plain =
        "optim: {name: sgd, momentum: 0, weight_decay: 0.25}\n";
    static const char *const norms =
        "optim: {name: sgd, momentum: 0, weight_decay: 0.25, decay_norms: true}\n";
    static const char *const biases =
        "optim: {name: sgd, momentum: 0, weight_decay: 0.25, decay_biases: true}\n";
    static const char *const layers =
        "optim: {name: sgd, momentum: 0, layer_decay: 0.5}\n";
    static const char *const groups =
        "optim: {name: sgd, momentum: 0, weight_decay: 0.25, layer_decay: 0.5, groups: "
        "[{match: "
        "'h.*', "
        "lr: 0.1, weight_decay: 0.5}, {match: 'n.*', weight_decay: 0}]}\n";
    check_step(plain, "c.weight", 1, 0.25);
    check_step(plain, "n.weight", 1, 0);
    check_step(plain, "n.bias", 1, 0);
    check_step(plain, "h.bias", 1, 0);
    check_step(norms, "n.weight", 1, 0.25);
    check_step(norms, "n.bias", 1, 0.25);
    check_step(norms, "h.bias", 1, 0);
    check_step(biases, "h.bias", 1, 0.25);
    check_step(biases, "n.weight", 1, 0);
    check_step(layers, "o.weight", 1, 0);
    check_step(layers, "h.bias", 0.5, 0);
    check_step(layers, "n.weight", 0.25, 0);
    check_step(layers, "c.weight", 0.125, 0);
    check_step(groups, "h.weight", 0.05, 0.5);
    check_step(groups, "h.bias", 0.05, 0.5); /* a group's own decay is for all of it */
    check_step(groups, "n.weight", 0.25, 0);
    check_step(groups, "o.weight", 1, 0.25);
}

/* e <- d e + (1 - d) w with d = min(decay, (1 + t) / (10 + t)), every so many steps. */
static void check_ema(const char *text, double decay, bool warmup, uint64_t every)
{
    setup s = make(text);
    slc_err err = {0};
    s.r.recipe = &s.recipe;
    CHECK(slc_stepper_create(&s.r.step_of, s.model, &s.recipe, 1, &err) == SLC_OK, "%s",
          err.msg);
    float *w = slc_model_weights(s.model);
    double e = (double)w[0];
    for (uint64_t step = 1; step <= 30; step++) {
        for (size_t i = 0; i < slc_model_weight_count(s.model); i++)
            slc_model_grads(s.model)[i] = (float)(step % 3) - 0.5f;
        const double share = slc_run_ema_share(&s.r, step);
        (void)slc_stepper_step(&s.r.step_of, step, (slc_rate){0.1, -1}, share);
        if (step % every == 0) {
            const double t = (double)(step / every);
            const double d = warmup ? fmin(decay, (1 + t) / (10 + t)) : decay;
            e = d * e + (1 - d) * (double)w[0];
        }
        CHECK(fabs(e - (double)s.r.step_of.ema[0]) < 1e-6, "%s step %d: %g, not %g", text,
              (int)step, (double)s.r.step_of.ema[0], e);
    }
    drop(&s);
}

static void test_moving_average(void)
{
    check_ema("train: {ema: {decay: 0.4}}\n", 0.4, true, 1);
    check_ema("train: {ema: {decay: 0.99}}\n", 0.99, true, 1);
    check_ema("train: {ema: {decay: 0.7, warmup: false}}\n", 0.7, false, 1);
    check_ema("train: {ema: {decay: 0.9, every: 4}}\n", 0.9, true, 4);
}

static void test_swa_is_a_mean(void)
{
    setup s = make("train: {swa: {start: 0.5}}\n");
    static float sum[2000], average[2000], buffers[20];
    const size_t n = slc_model_weight_count(s.model), b = slc_model_buffer_count(s.model);
    CHECK(n <= 2000 && b <= 20, "%zu weights, %zu numbers beside", n, b);
    s.r.recipe = &s.recipe;
    s.r.swa = average;
    s.r.swa_buffers = buffers;
    for (size_t k = 0; k < 5; k++) {
        for (size_t i = 0; i < n; i++)
            sum[i] += slc_model_weights(s.model)[i] = (float)((i * 7 + k * k) % 13);
        slc_run_add_swa(&s.r);
        for (size_t i = 0; i < n; i++)
            CHECK(fabsf(average[i] - sum[i] / (float)(k + 1)) < 1e-5f,
                  "weight %zu of %zu epochs: %g", i, k + 1, (double)average[i]);
    }
    CHECK(s.r.averaged == 5, "%d", (int)s.r.averaged);
    drop(&s);
}

static double rate_at(const setup *s, uint64_t step)
{
    return slc_run_rate(&s->r, step).lr;
}

/* From its start the rate goes in a line to SWA's own within one epoch, and stays there. */
static void test_rate_of_swa(void)
{
    setup s = make("optim: {name: sgd, lr: 0.4}\nschedule: {name: linear}\n"
                   "train: {swa: {start: 0.5, lr: 0.05}}\n");
    s.r.recipe = &s.recipe; /* 40 steps, 10 an epoch: 0.2 at step 20 */
    static const struct {
        uint64_t step;
        double lr;
    } want[] = {{0, 0.4}, {10, 0.3}, {20, 0.2}, {24, 0.14}, {30, 0.05}, {39, 0.05}};
    for (size_t i = 0; i < SLC_COUNT(want); i++)
        CHECK(fabs(rate_at(&s, want[i].step) - want[i].lr) < 1e-9, "step %d: %g",
              (int)want[i].step, rate_at(&s, want[i].step));
    drop(&s);
}

/* lr is meant for 256 images a step: 64 of them, twice, want half of it. */
static void test_rate_scales_with_the_batch(void)
{
    setup s = make("optim: {name: sgd, lr: 0.4, scale_batch: 256}\nschedule: constant\n"
                   "train: {batch: 64, accumulate: 2}\n");
    s.r.recipe = &s.recipe;
    CHECK(fabs(rate_at(&s, 3) - 0.2) < 1e-12, "%g", rate_at(&s, 3));
    drop(&s);
}

int main(void)
{
    test_every_tensor_has_its_rate_and_decay();
    test_moving_average();
    test_swa_is_a_mean();
    test_rate_of_swa();
    test_rate_scales_with_the_batch();
    return 0;
}
