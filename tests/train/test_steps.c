/* A training step after the first allocates nothing, in either engine. */
#include "base/arena.h"
#include "tests/alloc.h"
#include "tests/check.h"
#include "train/model.h"

enum { N = 8, SIDE = 16 };

static void check_steps(const char *net, const char *engine, bool checkpoint,
                        slc_precision precision)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_model *m;
    static float pixels[N * 3 * SIDE * SIDE], d[N * 10];
    const slc_model_settings set = {.spec = slc_node_scalar(&arena, net),
                                    .channels = 3,
                                    .height = SIDE,
                                    .width = SIDE,
                                    .classes = 10,
                                    .batch = N,
                                    .threads = 2,
                                    .precision = precision,
                                    .engine = engine,
                                    .grad_checkpoint = checkpoint};
    for (size_t i = 0; i < sizeof(pixels) / sizeof(*pixels); i++)
        pixels[i] = (float)(i * 37 % 101) / 50 - 1;
    for (size_t i = 0; i < N * 10; i++)
        d[i] = (float)(i % 3) - 1;
    CHECK(slc_model_create(&m, &set, &err) == SLC_OK, "%s", err.msg);
    const slc_view view = {pixels, SLC_F32, SLC_NCHW, N};
    size_t before = 0;
    for (size_t step = 0; step < 4; step++) {
        const slc_pass pass = {.mode = SLC_MODE_TRAIN, .step = step};
        const float *logits;
        if (step == 1) before = alloc_count();
        slc_model_touch(m); /* as an optimizer does */
        CHECK(slc_model_forward(m, &view, &pass, &logits, &err) == SLC_OK, "%s", err.msg);
        CHECK(slc_model_backward(m, d, &pass, &err) == SLC_OK, "%s", err.msg);
    }
    const size_t more = alloc_count() - before;
    CHECK(before > 0 && more == 0, "%s, %s: %zu allocations", net, engine, more);
    slc_model_destroy(&m);
    slc_arena_free(&arena);
}

int main(void)
{
    static const char *const engine[] = {"blas", "auto"};
    for (size_t e = 0; e < 2; e++) {
        check_steps("cnn", engine[e], false, SLC_PRECISION_F32);
        check_steps("resnet18-cifar", engine[e], false, SLC_PRECISION_F32);
        check_steps("resnet20", engine[e], true, SLC_PRECISION_F32);
        check_steps("resnet20", engine[e], false, SLC_PRECISION_BF16);
    }
    return 0;
}
