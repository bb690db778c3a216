#include "base/attr.h"
#include "tests/check.h"
#include "tests/train/golden_schedule.h"
#include "train/schedule.h"

static const slc_schedule *find(const char *name)
{
    slc_err err = {0};
    const slc_schedule *s =
        slc_entry_find((const void *const *)slc_schedules, "schedule", name, NULL, &err);
    CHECK(s, "%s", err.msg);
    return s;
}

static void *read(const slc_schedule *s, const char *yaml, slc_arena *arena)
{
    slc_err err = {0};
    slc_node *node;
    void *settings = slc_arena_zero(arena, 1, s->entry.settings_size + 1);
    CHECK(slc_node_parse(&node, arena, yaml, strlen(yaml), "test", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_params_bind(s->entry.params, settings, node, true, s->entry.name, arena,
                          &err) == SLC_OK,
          "%s", err.msg);
    return settings;
}

static void test_agrees_with_pytorch(void)
{
    for (size_t k = 0; k < SLC_COUNT(golden); k++) {
        slc_arena arena = {0};
        const slc_schedule *s = find(golden[k].name);
        const void *settings = read(s, golden[k].settings, &arena);
        for (uint64_t t = 0; t < STEPS; t++) {
            const slc_when when = {
                .step = t, .steps = STEPS, .steps_per_epoch = PER, .base_lr = 0.1};
            const slc_rate rate = slc_schedule_rate(s, settings, &(slc_warmup){0}, &when);
            CHECK(fabs(rate.lr - golden[k].lr[t]) <= 1e-6 * golden[k].lr[t],
                  "%s %s step %d: %.10g, not %.10g", golden[k].name, golden[k].settings,
                  (int)t, rate.lr, golden[k].lr[t]);
            const double m = golden[k].momentum[t / PER];
            CHECK(t % PER != 0 || m == 0 || fabs(rate.momentum - m) <= 1e-6 * m,
                  "%s step %d: momentum %.10g, not %.10g", golden[k].name, (int)t,
                  rate.momentum, m);
        }
        slc_arena_free(&arena);
    }
}

static void test_plateau_agrees_with_pytorch(void)
{
    double history[EPOCHS];
    for (int e = 0; e < EPOCHS; e++)
        history[e] = e < 6 ? 2.0 / (1 + e) : 0.3 + 0.01 * (e % 4);
    for (size_t k = 0; k < SLC_COUNT(plateau); k++) {
        slc_arena arena = {0};
        const slc_schedule *s = find("plateau");
        const void *settings = read(s, plateau[k].settings, &arena);
        for (uint64_t e = 0; e < EPOCHS; e++) {
            const slc_when when = {.step = e * PER,
                                   .steps = STEPS,
                                   .steps_per_epoch = PER,
                                   .base_lr = 0.1,
                                   .loss = history,
                                   .evaluations = e};
            const double lr = s->at(settings, &when).lr;
            CHECK(fabs(lr - plateau[k].lr[e]) <= 1e-6 * lr, "%s epoch %d: %g, not %g",
                  plateau[k].settings, (int)e, lr, plateau[k].lr[e]);
        }
        slc_arena_free(&arena);
    }
}

/* The lecture: SGD lr 100, StepLR(step_size=2, gamma=0.1), ten epochs. */
static void test_the_lectures_ten_rates(void)
{
    static const double want[] = {100, 100, 10, 10, 1, 1, 0.1, 0.1, 0.01, 0.01};
    slc_arena arena = {0};
    const slc_schedule *s = find("step");
    const void *settings = read(s, "{size: 2, gamma: 0.1}", &arena);
    for (uint64_t e = 0; e < 10; e++) {
        const slc_when when = {
            .step = e, .steps = 10, .steps_per_epoch = 1, .base_lr = 100};
        const double lr = s->at(settings, &when).lr;
        CHECK(fabs(lr - want[e]) <= 1e-12 * want[e], "epoch %d: %g", (int)e, lr);
    }
    slc_arena_free(&arena);
}

static void test_warmup_then_schedule(void)
{
    slc_arena arena = {0};
    const slc_schedule *s = find("cosine");
    const void *settings = read(s, "{}", &arena);
    const slc_warmup linear = {.epochs = 2, .start = 0.1};
    const slc_warmup flat = {.steps = 20, .start = 0.5, .kind = SLC_WARMUP_CONSTANT};
    slc_when when = {.steps = 120, .steps_per_epoch = 10, .base_lr = 1};
    CHECK(slc_schedule_rate(s, settings, &linear, &when).lr == 0.1, "starts at 0.1");
    when.step = 10;
    CHECK(fabs(slc_schedule_rate(s, settings, &linear, &when).lr - 0.55) < 1e-12, "half");
    CHECK(slc_schedule_rate(s, settings, &flat, &when).lr == 0.5, "constant");
    when.step = 20;
    CHECK(slc_schedule_rate(s, settings, &linear, &when).lr == 1, "full at its end");
    when.step = 70;
    CHECK(fabs(slc_schedule_rate(s, settings, &linear, &when).lr - 0.5) < 1e-12,
          "the cosine spans what the warm-up left");
    slc_arena_free(&arena);
}

/* Snapshot ensembles: a0 / 2 (cos(pi mod(t - 1, ceil(T / M)) / ceil(T / M)) + 1). */
static void test_cycles_follow_huang(void)
{
    slc_arena arena = {0};
    const slc_schedule *s = find("cosine_restarts");
    const void *settings = read(s, "{cycles: 3}", &arena);
    for (uint64_t t = 1; t <= 100; t++) {
        const slc_when when = {
            .step = t - 1, .steps = 100, .steps_per_epoch = 10, .base_lr = 0.2};
        const double want =
            0.1 * (cos(3.14159265358979323846 * fmod((double)t - 1, 34) / 34) + 1);
        const double lr = s->at(settings, &when).lr;
        CHECK(fabs(lr - want) < 1e-12, "step %d: %g, not %g", (int)t, lr, want);
    }
    slc_arena_free(&arena);
}

/* What PyTorch does not have: the flat part ends where it says, and the cosine spans the rest;
 * each cycle's top is the one before it times decay. */
static void test_flat_cosine_and_falling_restarts(void)
{
    static const struct {
        const char *name, *settings;
        uint64_t step;
        double lr;
    } want[] = {
        {"flat_cosine", "{flat: 0.6, min_lr: 0.01}", 0, 0.1},
        {"flat_cosine", "{flat: 0.6, min_lr: 0.01}", 60, 0.1},
        {"flat_cosine", "{flat: 0.6, min_lr: 0.01}", 70, 0.01 + 0.045 * (1 + M_SQRT1_2)},
        {"flat_cosine", "{flat: 0.6, min_lr: 0.01}", 80, 0.055},
        {"flat_cosine", "{flat: 0.6, min_lr: 0.01}", 100, 0.01},
        {"cosine_restarts", "{cycles: 4, decay: 0.5}", 25, 0.05},
        {"cosine_restarts", "{cycles: 4, decay: 0.5, min_lr: 0.01}", 75, 0.0125},
        {"cosine_restarts", "{first: 2, mult: 2, decay: 0.5}", 20, 0.05},
        {"cosine_restarts", "{first: 2, mult: 2, decay: 0.5}", 40, 0.025},
        {"cosine_restarts", "{first: 2, mult: 2, decay: 0.5}", 60, 0.025},
    };
    for (size_t i = 0; i < SLC_COUNT(want); i++) {
        slc_arena arena = {0};
        const slc_schedule *s = find(want[i].name);
        const void *settings = read(s, want[i].settings, &arena);
        const slc_when when = {
            .step = want[i].step, .steps = 100, .steps_per_epoch = 10, .base_lr = 0.1};
        const double lr = s->at(settings, &when).lr;
        CHECK(fabs(lr - want[i].lr) < 1e-9, "%s %s step %d: %g, not %g", want[i].name,
              want[i].settings, (int)want[i].step, lr, want[i].lr);
        slc_arena_free(&arena);
    }
}

static void refuses(const char *name, const char *yaml, slc_warmup warmup, uint64_t steps,
                    const char *says)
{
    slc_arena arena = {0};
    slc_err err = {0};
    const slc_schedule *s = find(name);
    const void *settings = read(s, yaml, &arena);
    const slc_when when = {.steps = steps, .steps_per_epoch = 10, .base_lr = 1};
    const slc_status st = slc_schedule_check(s, settings, &warmup, &when, &err);
    CHECK(st == SLC_EINVAL && strstr(err.msg, says), "%s %s: %d %s", name, yaml, st,
          err.msg);
    slc_arena_free(&arena);
}

static void test_refuses_what_does_not_fit(void)
{
    refuses("cosine", "{}", (slc_warmup){0}, 0, "zero steps");
    refuses("cosine", "{}", (slc_warmup){.epochs = 10}, 100, "leaves nothing");
    refuses("one_cycle", "{}", (slc_warmup){.epochs = 1}, 100, "warms up by itself");
    refuses("cosine_restarts", "{}", (slc_warmup){0}, 100, "zero steps");
    refuses("cosine_restarts", "{cycles: 2, first: 3}", (slc_warmup){0}, 100, "not both");
    refuses("cyclic", "{up: 0}", (slc_warmup){0}, 100, "zero steps");
    refuses("multistep", "{milestones: [3, 3]}", (slc_warmup){0}, 100, "come after");
}

/* Every schedule, with its defaults where it has them, stays finite and not negative. */
static void test_rates_are_finite(void)
{
    const double flat[20] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    for (size_t k = 0; slc_schedules[k]; k++) {
        slc_arena arena = {0};
        const slc_schedule *s = slc_schedules[k];
        CHECK(k == 0 || strcmp(slc_schedules[k - 1]->entry.name, s->entry.name) < 0, "%s",
              s->entry.name);
        const char *yaml = strcmp(s->entry.name, "multistep") == 0 ? "{milestones: 3}"
                           : strcmp(s->entry.name, "cosine_restarts") == 0 ? "{cycles: 4}"
                                                                           : "{}";
        const void *settings = read(s, yaml, &arena);
        for (uint64_t t = 0; t < 205; t++) {
            const slc_when when = {.step = t,
                                   .steps = 200,
                                   .steps_per_epoch = 10,
                                   .base_lr = 0.1,
                                   .loss = flat,
                                   .top1 = flat,
                                   .evaluations = t / 10 < 20 ? t / 10 : 20};
            const double lr = s->at(settings, &when).lr;
            CHECK(isfinite(lr) && lr >= 0 && lr <= 0.1 + 1e-12, "%s step %d: %g",
                  s->entry.name, (int)t, lr);
        }
        slc_arena_free(&arena);
    }
}

int main(void)
{
    test_agrees_with_pytorch();
    test_plateau_agrees_with_pytorch();
    test_the_lectures_ten_rates();
    test_warmup_then_schedule();
    test_cycles_follow_huang();
    test_flat_cosine_and_falling_restarts();
    test_refuses_what_does_not_fit();
    test_rates_are_finite();
    return 0;
}
