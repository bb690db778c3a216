/* PyTorch's numbers, layer by layer (tests/golden/layers.py): output, gradients of its
 * parameters, and of the 1 x 1 convolution before it, which show its data gradient. */
#include "base/arena.h"
#include "tests/train/torch.h"
#include "train/net.h"

typedef struct layer_golden {
    const char *net;
    golden y, grad[12];
} layer_golden;

#include "tests/golden/torch_layers.h"

enum { N = 4, SIDE = 9, CLASSES = 5 };

static const golden *find_layer(const char *kind)
{
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "- %s: {name: l", kind);
        if (strstr(layers[i].net, line)) return &layers[i].y;
    }
    return NULL;
}

/* linear ends every net; the others draw random numbers, and PyTorch draws others. */
static void test_every_layer_has_a_golden(void)
{
    static const char *const other[] = {"linear", "dropout", "drop_connect", "drop_path"};
    for (size_t i = 0; slc_layers[i]; i++) {
        const char *name = slc_layers[i]->entry.name;
        bool found = find_layer(name);
        for (size_t k = 0; k < 4; k++)
            found |= strcmp(name, other[k]) == 0;
        CHECK(found, "%s", name);
    }
}

static void check_layer(const layer_golden *l, const char *engine)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_node *list, *spec = slc_node_new(&arena, SLC_NODE_MAP);
    static float pixels[N * 6 * SIDE * SIDE], y[N * 16 * SIDE * SIDE];
    CHECK(slc_node_parse(&list, &arena, l->net, strlen(l->net), "net", &err) == SLC_OK,
          "%s", err.msg);
    slc_node_put(spec, &arena, "layers", list);
    slc_model *m = make_filled((slc_model_settings){.spec = spec,
                                                    .channels = 6,
                                                    .height = SIDE,
                                                    .width = SIDE,
                                                    .classes = CLASSES,
                                                    .batch = N,
                                                    .engine = engine});
    char where[300];
    snprintf(where, sizeof(where), "%s\n%s", engine, l->net);
    forward(m, N, 6 * SIDE * SIDE, SLC_MODE_TRAIN, "picture", pixels);
    for (size_t i = 0; i < slc_model_layer_count(m); i++) {
        const slc_layer_info info = slc_model_layer(m, i);
        if (strcmp(info.name, "l") != 0) continue;
        CHECK(slc_model_activation(m, i, y, sizeof(y) / sizeof(*y), &err) == SLC_OK, "%s",
              err.msg);
        check_tensor(y, N * info.channels * info.height * info.width, &l->y, where);
    }
    backward(m, N * CLASSES);
    for (const golden *g = l->grad; g->name; g++)
        check_gradient(m, g, where);
    slc_model_destroy(&m);
    slc_arena_free(&arena);
}

int main(void)
{
    static const char *const engine[] = {"blas", "auto"};
    test_every_layer_has_a_golden();
    for (size_t e = 0; e < 2; e++)
        for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
            check_layer(&layers[i], engine[e]);
    return 0;
}
