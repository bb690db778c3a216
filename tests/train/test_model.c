/* Models: promises of train/model.h, on both engines. */
#include "base/attr.h"
#include "tests/check.h"
#include "train/layer.h"
#include "train/model.h"
#include "train/net.h"

enum { N = 6, C = 3, SIDE = 16, CLASSES = 10 };

static float pixels[N * C * SIDE * SIDE];

static slc_model *make_set(const char *text, slc_model_settings set, slc_err *err)
{
    slc_arena arena = {0};
    slc_node *spec;
    slc_model *m = NULL;
    CHECK(slc_node_parse(&spec, &arena, text, strlen(text), "net", err) == SLC_OK, "%s",
          err->msg);
    set.spec = spec;
    set.channels = C;
    set.height = set.width = SIDE;
    set.classes = CLASSES;
    set.batch = N;
    set.seed = 5;
    if (set.precision == SLC_PRECISION_AUTO) set.precision = SLC_PRECISION_F32;
    if (slc_model_create(&m, &set, err) != SLC_OK) m = NULL;
    slc_arena_free(&arena);
    return m;
}

static slc_model *make(const char *text, const char *engine, size_t threads, slc_err *err)
{
    const slc_model_settings set = {.threads = threads, .engine = engine};
    return make_set(text, set, err);
}

static void step(slc_model *m, uint64_t at, size_t n)
{
    slc_err err = {0};
    const float *logits;
    float d[N * CLASSES];
    const slc_pass pass = {.mode = SLC_MODE_TRAIN, .step = at};
    const slc_view view = {pixels, SLC_F32, SLC_NHWC, n};
    CHECK(slc_model_forward(m, &view, &pass, &logits, &err) == SLC_OK, "%s", err.msg);
    for (size_t i = 0; i < n * CLASSES; i++)
        d[i] = logits[i] - (float)(i % 3 == 0);
    CHECK(slc_model_backward(m, d, &pass, &err) == SLC_OK, "%s", err.msg);
    for (size_t i = 0; i < slc_model_weight_count(m); i++)
        slc_model_weights(m)[i] -= 1e-3f * slc_model_grads(m)[i];
    slc_model_touch(m);
}

/* Block l of L drops its branch with l / L of the chance; without one the net is as it was. */
static void test_drop_path_follows_the_linear_rule(void)
{
    static const struct {
        const char *net, *plain;
        size_t blocks;
    } nets[] = {{"{name: resnet18, drop_path: 0.4}", "{name: resnet18}", 8},
                {"{name: resnet50, drop_path: 0.4}", "{name: resnet50}", 16},
                {"{name: resnet20, drop_path: 0.4}", "{name: resnet20}", 9},
                {"{name: wrn, depth: 16, width: 1, drop_path: 0.4}",
                 "{name: wrn, depth: 16, width: 1}", 6}};
    for (size_t k = 0; k < SLC_COUNT(nets); k++) {
        slc_arena arena = {0};
        slc_err err = {0};
        slc_node *spec[2];
        slc_net *net[2];
        const char *const text[2] = {nets[k].net, nets[k].plain};
        size_t seen = 0;
        for (size_t i = 0; i < 2; i++)
            CHECK(slc_node_parse(&spec[i], &arena, text[i], strlen(text[i]), "net",
                                 &err) == SLC_OK &&
                      slc_net_build(&net[i], spec[i], (slc_shape){3, 64, 64}, 10, &err) ==
                          SLC_OK,
                  "%s", err.msg);
        for (size_t i = 0; i < net[0]->nodes; i++) {
            const slc_net_node *n = &net[0]->node[i];
            if (strcmp(n->layer->entry.name, "drop_path") != 0) continue;
            const double p = ((const slc_drop_settings *)n->settings)->p;
            seen++;
            CHECK(fabs(p - 0.4 * (double)seen / (double)nets[k].blocks) < 1e-6, "%s: %g",
                  n->name, p);
        }
        CHECK(seen == nets[k].blocks && net[0]->nodes == net[1]->nodes + seen &&
                  net[0]->weights == net[1]->weights,
              "%s: %zu of %zu", text[0], seen, nets[k].blocks);
        slc_net_free(&net[0]);
        slc_net_free(&net[1]);
        slc_arena_free(&arena);
    }
}

static void test_training_repeats_itself(const char *engine, slc_precision precision,
                                         bool any_threads)
{
    slc_err err = {0};
    slc_model_settings set = {.threads = 2, .engine = engine, .precision = precision};
    slc_model *a = make_set("cnn", set, &err);
    if (any_threads) set.threads = 3;
    slc_model *b = make_set("cnn", set, &err);
    CHECK(a && b, "%s", err.msg);
    for (uint64_t i = 0; i < 5; i++)
        step(a, i, N), step(b, i, N);
    for (size_t i = 0; i < slc_model_weight_count(a); i++)
        CHECK(slc_model_weights(a)[i] == slc_model_weights(b)[i], "%s: weight %zu",
              engine, i);
    slc_model_destroy(&a);
    slc_model_destroy(&b);
}

/* Weights rounded to bf16 are rounded again when they change: logits are near those in f32. */
static void test_bf16_sees_new_weights(const char *engine)
{
    slc_err err = {0};
    const slc_view view = {pixels, SLC_F32, SLC_NHWC, N};
    const slc_pass pass = {.mode = SLC_MODE_EVAL};
    const slc_precision precision[2] = {SLC_PRECISION_F32, SLC_PRECISION_BF16};
    const float *logits[2];
    slc_model *m[2];
    double most = 0, apart = 0;
    for (size_t i = 0; i < 2; i++) {
        m[i] = make_set("cnn",
                        (slc_model_settings){
                            .threads = 2, .engine = engine, .precision = precision[i]},
                        &err);
        CHECK(m[i] && slc_model_forward(m[i], &view, &pass, &logits[i], &err) == SLC_OK,
              "%s", err.msg);
        for (size_t k = 0; k < slc_model_weight_count(m[i]); k++)
            slc_model_weights(m[i])[k] *= k % 2 ? 1.5f : 0.5f;
        slc_model_touch(m[i]);
        CHECK(slc_model_forward(m[i], &view, &pass, &logits[i], &err) == SLC_OK, "%s",
              err.msg);
    }
    for (size_t k = 0; k < N * CLASSES; k++) {
        most = fmax(most, fabs((double)logits[0][k]));
        apart = fmax(apart, fabs((double)logits[0][k] - (double)logits[1][k]));
    }
    CHECK(most > 0 && apart > 0 && apart < 0.03 * most, "%s: apart by %g of %g", engine,
          apart, most);
    slc_model_destroy(&m[0]);
    slc_model_destroy(&m[1]);
}

/* Activations that are computed twice, some batch norms' as always or most with checkpoints, or
 * never (batch norms on matrix tiles): the same bits as if all are kept, in less memory. */
static void test_checkpoints_change_memory_only(const char *engine,
                                                slc_precision precision)
{
    static const struct {
        const char *net;
        double usual, most; /* memory of activations, of what it is if all are kept */
    } nets[] = {
        {"resnet20", 0.85, 0.6},
        {"{name: wrn, depth: 16, width: 2, dropout: 0.2}", 0.9, 0.8},
        {"{name: resnet9, width: 8}", 1, 1},
        {"{name: mobilenet_v2, stem: cifar}", 0.85, 0.6},
        {"{layers: [{conv2d: {out: 8, padding: 1}}, relu, {conv2d: {out: 8, padding: "
         "1}}, "
         "{dropout: 0.3}, tanh, flatten, {drop_connect: {out: 9, p: 0.3}}, relu, "
         "{linear: {out: 10}}]}",
         1, 1},
    };
    for (size_t k = 0; k < sizeof(nets) / sizeof(nets[0]); k++) {
        slc_err err = {0};
        slc_model *m[3]; /* all kept, as usual, checkpoints */
        double spent[3];
        for (size_t i = 0; i < 3; i++) {
            const slc_model_settings set = {.threads = 2,
                                            .engine = engine,
                                            .precision = precision,
                                            .keep_outputs = i == 0,
                                            .grad_checkpoint = i == 2};
            m[i] = make_set(nets[k].net, set, &err);
            CHECK(m[i], "%s", err.msg);
            spent[i] = (double)(slc_model_facts_of(m[i]).bytes -
                                2 * slc_model_weight_count(m[i]) * sizeof(float));
            for (uint64_t t = 0; t < 3; t++)
                step(m[i], t, N);
        }
        CHECK(spent[1] <= nets[k].usual * spent[0] && spent[2] <= nets[k].most * spent[0],
              "%s, %s: %.0f and %.0f bytes of %.0f", engine, nets[k].net, spent[1],
              spent[2], spent[0]);
        for (size_t i = 1; i < 3; i++) {
            CHECK(memcmp(slc_model_grads(m[0]), slc_model_grads(m[i]),
                         slc_model_weight_count(m[0]) * sizeof(float)) == 0,
                  "%s, %s: other gradients", engine, nets[k].net);
            CHECK(memcmp(slc_model_buffers(m[0]), slc_model_buffers(m[i]),
                         slc_model_buffer_count(m[0]) * sizeof(float)) == 0,
                  "%s, %s: running statistics moved twice", engine, nets[k].net);
        }
        for (size_t i = 0; i < 3; i++)
            slc_model_destroy(&m[i]);
    }
}

static void test_names_are_torchvisions(void)
{
    static const char *const name[] = {"conv1.weight", "layer2.0.downsample.1.bias",
                                       "layer4.1.conv2.weight", "fc.bias",
                                       "layer3.0.bn2.running_var"};
    slc_err err = {0};
    slc_model *m = make("resnet18-cifar", "blas", 1, &err);
    CHECK(m, "%s", err.msg);
    CHECK(slc_model_weight_count(m) == 11173962, "%zu", slc_model_weight_count(m));
    for (size_t k = 0; k < sizeof(name) / sizeof(name[0]); k++) {
        bool found = false;
        for (size_t i = 0; i < slc_model_tensor_count(m); i++)
            found |= strcmp(slc_model_tensor(m, i)->name, name[k]) == 0;
        CHECK(found, "%s", name[k]);
    }
    slc_model_destroy(&m);
}

/* Frozen tensors keep their bits and their running statistics. */
static void test_frozen_layers_stay(void)
{
    slc_err err = {0};
    slc_model *m = make("cnn", "blas", 2, &err);
    CHECK(m, "%s", err.msg);
    const float mean = slc_model_buffers(m)[0];
    CHECK(slc_model_freeze(m, "bn1.*", true) == 4, "bn1");
    CHECK(slc_model_freeze(m, "conv1.*", true) == 1, "conv1");
    const float w = slc_model_weights(m)[0];
    for (uint64_t i = 0; i < 3; i++)
        step(m, i, N);
    CHECK(slc_model_weights(m)[0] == w, "moved");
    CHECK(slc_model_buffers(m)[0] == mean, "statistics moved");
    CHECK(slc_model_freeze(m, "*", false) > 4, "thaw");
    step(m, 4, N);
    CHECK(slc_model_weights(m)[0] != w, "did not thaw");
    slc_model_destroy(&m);
}

/* The same logits and gradients whether frozen first layers run with the rest or before. */
static void test_frozen_beginning_runs_apart(const char *engine)
{
    static char features[1 << 20];
    static float whole[N * CLASSES], grads[1 << 20];
    slc_err err = {0};
    const float *logits;
    float d[N * CLASSES];
    slc_model *m = make("resnet20", engine, 2, &err);
    CHECK(m, "%s", err.msg);
    CHECK(slc_model_prefix_bytes(m) == 0, "nothing is frozen");
    const size_t count = slc_model_weight_count(m), size = sizeof(whole);
    CHECK(slc_model_freeze(m, "layer1.*", true) > 0, "layer1");
    CHECK(slc_model_prefix_bytes(m) == 0, "conv1 learns");
    CHECK(slc_model_freeze(m, "conv1.*", true) + slc_model_freeze(m, "bn1.*", true) == 5,
          "conv1 and bn1");
    CHECK(slc_model_freeze(m, "layer2.0.conv1.*", true) == 1, "layer2.0.conv1");
    /* layer2.0's shortcut reads the end of layer1 too: the cut is before its conv1 */
    const size_t bytes = slc_model_prefix_bytes(m);
    CHECK(bytes == (size_t)16 * SIDE * SIDE * sizeof(float), "%zu bytes", bytes);
    const slc_pass pass = {.mode = SLC_MODE_TRAIN};
    const slc_view view = {pixels, SLC_F32, SLC_NHWC, N};
    CHECK(slc_model_forward(m, &view, &pass, &logits, &err) == SLC_OK, "%s", err.msg);
    memcpy(whole, logits, size);
    for (size_t i = 0; i < N * CLASSES; i++)
        d[i] = logits[i] - (float)(i % 3 == 0);
    CHECK(slc_model_backward(m, d, &pass, &err) == SLC_OK, "%s", err.msg);
    CHECK(count <= SLC_COUNT(grads) && N * bytes <= sizeof(features), "room");
    memcpy(grads, slc_model_grads(m), count * sizeof(float));
    CHECK(slc_model_prefix(m, &view, &pass, features, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_model_suffix(m, features, N, &pass, &logits, &err) == SLC_OK, "%s",
          err.msg);
    CHECK(memcmp(whole, logits, size) == 0, "%s: logits differ", engine);
    CHECK(slc_model_backward(m, d, &pass, &err) == SLC_OK, "%s", err.msg);
    CHECK(memcmp(grads, slc_model_grads(m), count * sizeof(float)) == 0,
          "%s: gradients differ", engine);
    slc_model_destroy(&m);
}

/* The lecture's example: batch norm of 1 to 16 as a 4 x 4 matrix. */
static void test_batch_norm_of_1_to_16(void)
{
    static const float right[4] = {-1.3416f, -0.4472f, 0.4472f, 1.3416f};
    slc_arena arena = {0};
    slc_err err = {0};
    slc_node *spec;
    slc_model *m;
    const char *text = "{layers: [{batch_norm: {scale: false, shift: false}}]}";
    float x[16];
    const float *y;
    for (size_t i = 0; i < 16; i++)
        x[i] = (float)i + 1;
    CHECK(slc_node_parse(&spec, &arena, text, strlen(text), "net", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_model_create(&m,
                           &(slc_model_settings){.spec = spec,
                                                 .channels = 4,
                                                 .height = 1,
                                                 .width = 1,
                                                 .classes = 4,
                                                 .batch = 4,
                                                 .engine = "blas"},
                           &err) == SLC_OK,
          "%s", err.msg);
    slc_pass pass = {.mode = SLC_MODE_TRAIN};
    slc_view view = {x, SLC_F32, SLC_NHWC, 4};
    CHECK(slc_model_forward(m, &view, &pass, &y, &err) == SLC_OK, "%s", err.msg);
    for (size_t i = 0; i < 16; i++)
        CHECK(fabsf(y[i] - right[i / 4]) < 1e-4f, "%zu: %g", i, (double)y[i]);
    /* running variance is unbiased: 0.9 * 1 + 0.1 * 80 / 3 */
    CHECK(fabsf(slc_model_buffers(m)[4] - 3.5666667f) < 1e-5f, "%g",
          (double)slc_model_buffers(m)[4]);
    view.n = 1;
    CHECK(slc_model_forward(m, &view, &pass, &y, &err) == SLC_EDATA, "a batch of one");
    slc_model_destroy(&m);
    slc_arena_free(&arena);
}

static void test_refuses_in_words(void)
{
    static const struct {
        const char *net;
        slc_status code;
        const char *word;
    } bad[] = {
        {"resnet19", SLC_EINVAL, "resnet18"},
        {"{layers: [{conv2d: {out: 4, kernel: 99}}]}", SLC_EDATA, "does not fit"},
        {"{layers: [{linear: {out: 10}}]}", SLC_EDATA, "flatten"},
        {"{layers: [flatten, {linear: {name: fc, out: 7}}]}", SLC_EDATA,
         "layer fc: expected 10 outputs, one per class, as it is the last; got 7 x 1 x "
         "1"},
        {"{layers: [flatten, {liner: {out: 10}}]}", SLC_EINVAL, "linear"},
        {"{layers: [{relu: {name: a}}, {relu: {name: a}}]}", SLC_EINVAL, "taken"},
        {"{layers: [{add: {from: nobody}}]}", SLC_EINVAL, "nobody"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        slc_err err = {0};
        CHECK(!make(bad[i].net, "blas", 1, &err), "%s", bad[i].net);
        CHECK(err.code == bad[i].code && strstr(err.msg, bad[i].word), "%s: %s",
              bad[i].net, err.msg);
    }
}

static void test_names_the_first_bad_layer(void)
{
    slc_err err = {0};
    slc_model *m = make("cnn", "blas", 1, &err);
    CHECK(m, "%s", err.msg);
    step(m, 0, N);
    CHECK(!slc_model_first_bad(m), "%s", slc_model_first_bad(m));
    for (size_t i = 0; i < slc_model_tensor_count(m); i++)
        if (strcmp(slc_model_tensor(m, i)->name, "conv3.weight") == 0)
            slc_model_weights(m)[slc_model_tensor(m, i)->offset] = NAN;
    slc_model_touch(m);
    CHECK(strcmp(slc_model_first_bad(m), "conv3") == 0, "%s", slc_model_first_bad(m));
    slc_model_destroy(&m);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(pixels) / sizeof(pixels[0]); i++)
        pixels[i] = (float)(i * 2654435761u >> 8 & 255) / 128 - 1;
    test_drop_path_follows_the_linear_rule();
    test_frozen_beginning_runs_apart("blas");
    test_frozen_beginning_runs_apart("auto");
    test_training_repeats_itself("blas", SLC_PRECISION_F32, true);
    test_training_repeats_itself("blas", SLC_PRECISION_BF16, true);
    test_training_repeats_itself("auto", SLC_PRECISION_F32, false);
    test_training_repeats_itself("auto", SLC_PRECISION_BF16, false);
    test_bf16_sees_new_weights("blas");
    test_bf16_sees_new_weights("auto");
    test_checkpoints_change_memory_only("blas", SLC_PRECISION_F32);
    test_checkpoints_change_memory_only("auto", SLC_PRECISION_F32);
    test_checkpoints_change_memory_only("auto", SLC_PRECISION_BF16);
    test_names_are_torchvisions();
    test_frozen_layers_stay();
    test_batch_norm_of_1_to_16();
    test_refuses_in_words();
    test_names_the_first_bad_layer();
    return 0;
}
