/* PyTorch's numbers: logits and gradients of whole nets, weights by formula on both sides
 * (tests/golden/make_torch_nets.py; there in double). */
#include <unistd.h>

#include "base/file.h"
#include "base/isa.h"
#include "tests/train/torch.h"
#include "train/checkpoint.h"
#include "train/fit.h"

#include "tests/golden/torch_nets.h"

static slc_model *make(const char *net, size_t n, size_t c, size_t side, size_t classes,
                       const char *engine, bool inference)
{
    slc_arena arena = {0};
    slc_model *m = make_filled((slc_model_settings){.spec = slc_node_scalar(&arena, net),
                                                    .channels = c,
                                                    .height = side,
                                                    .width = side,
                                                    .classes = classes,
                                                    .batch = n,
                                                    .engine = engine,
                                                    .inference = inference});
    slc_arena_free(&arena);
    return m;
}

/* Length of the difference over the length of what is right. */
static double error(const float *got, size_t next, const double *right, size_t n,
                    size_t classes)
{
    double wrong = 0, all = 0;
    for (size_t i = 0; i < n * classes; i++) {
        const double d = got[i / classes * next + i % classes] - right[i];
        wrong += d * d, all += right[i] * right[i];
    }
    return sqrt(wrong / all);
}

static void check_step(const char *net, const char *engine, size_t c, size_t side,
                       const char *picture, const double *right, const golden *grads)
{
    slc_model *m = make(net, 4, c, side, 10, engine, false);
    float *pixels = malloc(4 * c * side * side * sizeof(*pixels));
    CHECK(pixels, "memory");
    const float *logits = forward(m, 4, c * side * side, SLC_MODE_TRAIN, picture, pixels);
    const double wrong = error(logits, 10, right, 4, 10);
    char where[64];
    snprintf(where, sizeof(where), "%s, %s", net, engine);
    CHECK(wrong < 1e-5, "%s: logits %g", where, wrong);
    backward(m, 40);
    for (const golden *g = grads; g->name; g++)
        check_gradient(m, g, where);
    free(pixels);
    slc_model_destroy(&m);
}

static void check_logits(const char *net, const char *engine, const double *right)
{
    slc_model *m = make(net, 2, 3, 64, 1000, engine, true);
    float *pixels = malloc(2 * 3 * 64 * 64 * sizeof(*pixels));
    CHECK(pixels, "memory");
    const double wrong = error(
        forward(m, 2, 3 * 64 * 64, SLC_MODE_EVAL, "picture", pixels), 1000, right, 2, 10);
    CHECK(wrong < 1e-4, "%s, %s: %g", net, engine, wrong);
    free(pixels);
    slc_model_destroy(&m);
}

static void compare(void *user, const slc_prediction *p)
{
    *(double *)user = error(p->logits, 10, import_logits, 1, 10);
}

/* A state dict in a file, a picture in another: torchvision's preparation, its logits. */
static void test_a_foreign_file_gives_its_logits(void)
{
    static const char weights[] = "test_torch.safetensors", picture[] = "test_torch.ppm";
    char ppm[5700];
    size_t size = (size_t)snprintf(ppm, sizeof(ppm), "P6 47 39 255\n");
    slc_err err = {0};
    slc_trained t;
    slc_source *source = NULL;
    slc_loader *loader = NULL;
    slc_loader_settings settings;
    slc_metric metric = {0};
    double wrong = 1;
    for (size_t i = 0; i < 39 * 47 * 3; i++)
        ppm[size++] = (char)(uint8_t)((fill("bytes", "", i) + 1) * 127.5);
    slc_model *m = make("cnn28", 1, 3, 28, 10, "auto", true);
    CHECK(slc_model_save(m, weights, NULL, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_file_replace(picture, (uint8_t *)ppm, size, &err) == SLC_OK, "%s", err.msg);
    const slc_import import = {.model = "cnn28", .weights = weights, .resize = 32};
    CHECK(slc_trained_import(&t, &import, NULL, &err) == SLC_OK, "%s", err.msg);
    CHECK(t.class_count == 10 && t.channels == 3 && t.width == 28 && t.nameless, "%zu",
          t.class_count);
    CHECK(slc_source_open_text(&source, picture, NULL, NULL, &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_trained_loader(&t, source, 1, &settings, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_loader_open(&loader, &settings, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_trained_eval(&t, loader,
                           &(slc_eval_settings){.on_prediction = compare, .user = &wrong},
                           &metric, &err) == SLC_OK,
          "%s", err.msg);
    CHECK(wrong < 1e-5, "%g", wrong);
    slc_metric_free(&metric);
    slc_loader_close(&loader);
    slc_source_close(&source);
    slc_trained_close(&t);
    slc_model_destroy(&m);
    unlink(weights);
    unlink(picture);
}

int main(void)
{
    test_a_foreign_file_gives_its_logits();
    static const char *const engine[] = {"blas", "auto"};
    for (size_t i = 0; i < 2; i++) {
        check_step("mlp", engine[i], 1, 28, "picture", mlp_logits, mlp_grads);
        check_step("cnn28", engine[i], 1, 28, "picture", cnn28_logits, cnn28_grads);
        check_step("resnet18-cifar", engine[i], 3, 16, resnet18_cifar_picture,
                   resnet18_cifar_logits, resnet18_cifar_grads);
        check_logits("resnet18", engine[i], resnet18_logits);
        check_logits("resnet50", engine[i], resnet50_logits);
        check_logits("mobilenet_v2", engine[i], mobilenet_v2_logits);
    }
    return 0;
}
