/* Both engines learn alike: the same net, images and steps give the same losses, within 1e-3 over
 * 50 steps, though their sums round differently. With the argument "full": ResNet-18 itself, and
 * how fast either runs. */
#include "base/log.h"
#include "base/rng.h"
#include "config.h"
#include "tests/check.h"
#include "train/loss.h"
#include "train/model.h"
#include "train/optim.h"

enum { STEPS = 50, SIDE = 32, CLASSES = 10, MOST = 64, PIXELS = 3 * SIDE * SIDE };

static float pixels[MOST * PIXELS], dlogits[MOST * CLASSES];
static int32_t label[MOST];

/* A stripe whose place is the class, under noise. */
static void draw(size_t step, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        slc_rng rng = slc_rng_at(5, step, i, 0);
        label[i] = (int32_t)slc_rng_below(&rng, CLASSES);
        for (size_t k = 0; k < PIXELS; k++)
            pixels[i * PIXELS + k] = (float)slc_rng_normal(&rng) +
                                     (k / SIDE % SIDE / 3 == (size_t)label[i] ? 2.0f : 0);
    }
}

static void *bind(slc_arena *arena, const slc_entry *entry, const char *text)
{
    slc_node *node;
    slc_err err = {0};
    void *settings = slc_arena_zero(arena, 1, entry->settings_size + 1);
    CHECK(slc_node_parse(&node, arena, text, strlen(text), "test", &err) == SLC_OK &&
              slc_params_bind(entry->params, settings, node, true, entry->name, arena,
                              &err) == SLC_OK,
          "%s", err.msg);
    return settings;
}

/* Losses of all steps; seconds of the fastest one. */
static double train(const char *net, const char *engine, size_t n, double lr,
                    double loss[STEPS])
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_node *spec;
    slc_model *m;
    CHECK(slc_node_parse(&spec, &arena, net, strlen(net), "net", &err) == SLC_OK, "%s",
          err.msg);
    const slc_model_settings set = {.spec = spec,
                                    .channels = 3,
                                    .height = SIDE,
                                    .width = SIDE,
                                    .classes = CLASSES,
                                    .batch = n,
                                    .threads = 2,
                                    .precision = SLC_PRECISION_F32,
                                    .engine = engine,
                                    .seed = 1};
    CHECK(slc_model_create(&m, &set, &err) == SLC_OK, "%s", err.msg);
    const slc_loss *ce = slc_entry_find((const void *const *)slc_losses, "loss",
                                        "cross_entropy", NULL, &err);
    const slc_optim *sgd =
        slc_entry_find((const void *const *)slc_optims, "optimizer", "sgd", NULL, &err);
    void *ce_set = bind(&arena, &ce->entry, "{}");
    void *sgd_set = bind(&arena, &sgd->entry, "{momentum: 0.9}");
    const size_t count = slc_model_weight_count(m);
    float *velocity[SLC_MAX_SLOTS] = {slc_arena_zero(&arena, count, sizeof(float))};
    double best = INFINITY;
    for (uint64_t i = 0; i < STEPS; i++) {
        const slc_view x = {pixels, SLC_F32, SLC_NHWC, n};
        const slc_pass pass = {.mode = SLC_MODE_TRAIN, .step = i};
        const slc_targets targets = {.label_a = label};
        const slc_step at = {.step = i + 1, .lr = lr, .momentum = -1};
        const float *logits;
        draw(i % 5, n);
        const uint64_t begin = slc_clock_ns();
        CHECK(slc_model_forward(m, &x, &pass, &logits, &err) == SLC_OK, "%s", err.msg);
        ce->run(ce_set, logits, &targets, n, CLASSES, NULL, &loss[i], dlogits, NULL);
        CHECK(slc_model_backward(m, dlogits, &pass, &err) == SLC_OK, "%s", err.msg);
        sgd->run(sgd_set, &at, count, slc_model_weights(m), slc_model_grads(m), velocity);
        slc_model_touch(m);
        best = fmin(best, (double)(slc_clock_ns() - begin) / 1e9);
    }
    slc_model_destroy(&m);
    slc_arena_free(&arena);
    return best;
}

/* Rates at which rounding does not grow into another path: at ten times these, ResNets of this
 * size are apart by 1e-3 after 20 steps and by 0.1 after 50, as any two roundings are. */
static void compare(const char *net, size_t n, double lr)
{
    static double a[STEPS], b[STEPS];
    const double blas = train(net, "blas", n, lr, a),
                 onednn = train(net, "onednn", n, lr, b);
    double apart = 0;
    for (size_t i = 0; i < STEPS; i++)
        apart = fmax(apart, fabs(a[i] - b[i]));
    printf(
        "%s, batch %zu: losses %.4f to %.4f, apart by %.1e at most; images/s blas %.1f, "
        "onednn %.1f: %.2f\n",
        net, n, a[0], a[STEPS - 1], apart, (double)n / blas, (double)n / onednn,
        onednn / blas);
    CHECK(a[STEPS - 1] < 0.95 * a[0], "%s: learned nothing: %g to %g", net, a[0],
          a[STEPS - 1]);
    CHECK(apart < 1e-3, "%s: losses apart by %g", net, apart);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (!SLC_HAVE_ONEDNN) return 77;
    if (argc > 1) {
        compare("{name: resnet18, stem: cifar}", MOST, 0.001);
        return 0;
    }
    compare("{name: resnet18, stem: cifar, width: 8}", 64, 0.001);
    compare("{name: cnn, width: 8}", 64, 0.01);
    return 0;
}
