/* Residual nets: torchvision's (basic blocks and bottlenecks), the CIFAR ones of the same
 * paper, and wide ones. Names are torchvision's. */
#include <stdio.h>

#include "base/str.h"
#include "train/net.h"

typedef struct settings {
    int stem;
    int64_t depth, width;
    double dropout, drop_path;
} settings;

#define DROP_PATH                                                                        \
    {                                                                                    \
        "drop_path", SLC_FIELD(settings, drop_path),                                     \
            .lo = 0, .hi = 0.99, .initial = "0",                                         \
            .help = "chance of an image's last branch to be dropped while training; "    \
                    "that of "                                                           \
                    "block l of L is l / L of it (Huang et al. 2016)"                    \
    }

static const char *const stems[] = {"imagenet", "cifar", NULL};
static const slc_param stem_params[] = {
    {"stem", SLC_FIELD(settings, stem), .choices = stems, .initial = "imagenet",
     .help = "first layers: 7 x 7 by 2 and pool, or 3 x 3 for small pictures"},
    DROP_PATH,
    {"width", SLC_FIELD(settings, width), .lo = 1, .hi = 1024, .initial = "64",
     .help = "channels of the first stage, doubled by each of the next three"},
    {0}};
static const slc_param cifar_params[] = {DROP_PATH, {0}};
static const slc_param wide_params[] = {
    {"depth", SLC_FIELD(settings, depth), .lo = 10, .hi = 1000, .initial = "28",
     .help = "layers: 6 n + 4"},
    {"width", SLC_FIELD(settings, width), .lo = 1, .hi = 32, .initial = "10",
     .help = "factor of the channels"},
    {"dropout", SLC_FIELD(settings, dropout), .lo = 0, .hi = 0.99, .initial = "0",
     .help = "between the two convolutions of a block"},
    DROP_PATH,
    {0}};

static void conv(slc_str *out, const char *name, const char *from, size_t width,
                 int kernel, int stride)
{
    slc_str_printf(out,
                   "- conv2d: {name: %s, out: %zu, kernel: %d, stride: %d, padding: %d, "
                   "bias: false, init: {kaiming_normal: {mode: fan_out}}",
                   name, width, kernel, stride, kernel / 2);
    if (from) slc_str_printf(out, ", from: %s", from);
    slc_str_add(out, "}\n");
}

static void norm(slc_str *out, const char *name)
{
    slc_str_printf(out, "- batch_norm: {name: %s}\n", name);
}

/* Drops the branch that ends here; at: of how many blocks this is which, from 1. Without it the nets
 * are as they were, layer by layer. */
static const char *drop(slc_str *out, const char *name, double most, size_t at,
                        size_t count)
{
    if (most <= 0) return NULL;
    slc_str_printf(out, "- drop_path: {name: %s.drop, p: %.6g}\n", name,
                   most * (double)at / (double)count);
    return ".drop";
}

/* One residual block called name, after the layer called before; it gives width x expansion
 * channels and has inner ones within (0 = width). */
typedef struct residual {
    const char *name, *before;
    size_t width, expansion, inner;
    int stride;
    bool project;
    double drop_path;
    size_t at, count; /* which block, from 1, of how many */
} residual;

static void residual_block(slc_str *out, const residual *b)
{
    char name[160];
    const size_t convs = b->expansion == 1 ? 2 : 3;
    const size_t inner = b->inner ? b->inner : b->width;
    for (size_t i = 1; i <= convs; i++) {
        const bool last = i == convs, strided = i == (convs == 2 ? 1 : 2);
        snprintf(name, sizeof(name), "%s.conv%zu", b->name, i);
        conv(out, name, i == 1 ? b->before : NULL, last ? b->width * b->expansion : inner,
             convs == 3 && i != 2 ? 1 : 3, strided ? b->stride : 1);
        snprintf(name, sizeof(name), "%s.bn%zu", b->name, i);
        norm(out, name);
        if (!last) slc_str_add(out, "- relu\n");
    }
    const char *dropped = drop(out, b->name, b->drop_path, b->at, b->count);
    const char *end = dropped ? dropped : convs == 2 ? ".bn2" : ".bn3";
    if (b->project) {
        snprintf(name, sizeof(name), "%s.downsample.0", b->name);
        conv(out, name, b->before, b->width * b->expansion, 1, b->stride);
        snprintf(name, sizeof(name), "%s.downsample.1", b->name);
        norm(out, name);
    }
    slc_str_printf(out, "- add: {from: [%s%s, %s%s]}\n- relu: {name: %s}\n", b->name, end,
                   b->project ? b->name : b->before, b->project ? ".downsample.1" : "",
                   b->name);
}

/* blocks[i] residual blocks in stage i; wide: factor of the channels within them. */
static void write_net(const settings *s, const size_t *blocks, size_t expansion,
                      size_t wide, size_t classes, slc_str *out)
{
    char name[2][64] = {"", "stem"};
    const bool cifar = s->stem == 1;
    const size_t first = (size_t)s->width;
    conv(out, "conv1", NULL, first, cifar ? 3 : 7, cifar ? 1 : 2);
    slc_str_printf(out, "- batch_norm: {name: bn1}\n- relu: {name: %s}\n",
                   cifar ? "stem" : "relu");
    if (!cifar)
        slc_str_add(out, "- max_pool: {name: stem, kernel: 3, stride: 2, padding: 1}\n");
    size_t at = 0;
    const size_t count = blocks[0] + blocks[1] + blocks[2] + blocks[3];
    for (size_t stage = 0; stage < 4; stage++)
        for (size_t i = 0; i < blocks[stage]; i++, at++) {
            snprintf(name[at & 1], sizeof(name[0]), "layer%zu.%zu", stage + 1, i);
            residual_block(out, &(residual){.name = name[at & 1],
                                            .before = name[~at & 1],
                                            .width = first << stage,
                                            .expansion = expansion,
                                            .inner = wide * first << stage,
                                            .stride = i == 0 && stage ? 2 : 1,
                                            .project = i == 0 && (stage || expansion > 1),
                                            .drop_path = s->drop_path,
                                            .at = at + 1,
                                            .count = count});
        }
    slc_str_printf(out,
                   "- global_avg_pool: {name: avgpool}\n- linear: {name: fc, out: %zu}\n",
                   classes);
}

#define TORCHVISION(id, text, expansion_, wide, a, b, c, d)                              \
    static slc_status id(const void *set, slc_shape in, size_t classes, slc_str *out,    \
                         slc_err *err)                                                   \
    {                                                                                    \
        static const size_t blocks[4] = {a, b, c, d};                                    \
        (void)in, (void)err;                                                             \
        write_net(set, blocks, expansion_, wide, classes, out);                          \
        return SLC_OK;                                                                   \
    }                                                                                    \
    const slc_arch slc_arch_##id = {                                                     \
        .entry = {.name = #id,                                                           \
                  .summary = text " with " #a ", " #b ", " #c ", " #d " blocks",         \
                  .source = "He et al., CVPR 2016 (arXiv:1512.03385); torchvision",      \
                  .params = stem_params,                                                 \
                  .settings_size = sizeof(settings)},                                    \
        .write = id,                                                                     \
        .shape = {3, 224, 224},                                                          \
        .classes = 1000,                                                                 \
    };

TORCHVISION(resnet18, "residual net", 1, 1, 2, 2, 2, 2)
TORCHVISION(resnet34, "residual net", 1, 1, 3, 4, 6, 3)
TORCHVISION(resnet50, "residual net", 4, 1, 3, 4, 6, 3)
TORCHVISION(resnet101, "residual net", 4, 1, 3, 4, 23, 3)
TORCHVISION(wide_resnet50_2, "resnet50, twice as wide within the blocks,", 4, 2, 3, 4, 6,
            3)

/* 6 n + 2 layers: 16, 32, 64 channels, n blocks each; projections where the shape changes. */
static void write_cifar(const settings *s, size_t n, size_t classes, slc_str *out)
{
    char name[2][64] = {"", "stem"};
    conv(out, "conv1", NULL, 16, 3, 1);
    slc_str_add(out, "- batch_norm: {name: bn1}\n- relu: {name: stem}\n");
    for (size_t at = 0; at < 3 * n; at++) {
        snprintf(name[at & 1], sizeof(name[0]), "layer%zu.%zu", at / n + 1, at % n);
        const bool change = at % n == 0 && at > 0;
        residual_block(out, &(residual){.name = name[at & 1],
                                        .before = name[~at & 1],
                                        .width = (size_t)16 << at / n,
                                        .expansion = 1,
                                        .stride = change ? 2 : 1,
                                        .project = change,
                                        .drop_path = s->drop_path,
                                        .at = at + 1,
                                        .count = 3 * n});
    }
    slc_str_printf(out, "- global_avg_pool\n- linear: {name: fc, out: %zu}\n", classes);
}

#define CIFAR(id, n, layers)                                                             \
    static slc_status id(const void *set, slc_shape in, size_t classes, slc_str *out,    \
                         slc_err *err)                                                   \
    {                                                                                    \
        (void)in, (void)err;                                                             \
        write_cifar(set, n, classes, out);                                               \
        return SLC_OK;                                                                   \
    }                                                                                    \
    const slc_arch slc_arch_##id = {                                                     \
        .entry = {.name = #id,                                                           \
                  .summary = "residual net of " #layers " layers for 32 x 32 pictures",  \
                  .source = "He et al., CVPR 2016, section 4.2; option B shortcuts",     \
                  .params = cifar_params,                                                \
                  .settings_size = sizeof(settings)},                                    \
        .write = id,                                                                     \
        .shape = {3, 32, 32},                                                            \
        .classes = 10,                                                                   \
    };

CIFAR(resnet20, 3, 20)
CIFAR(resnet32, 5, 32)
CIFAR(resnet56, 9, 56)

/* Norm and relu come before each convolution; the shortcut starts after the first of them
 * where the shape changes. */
static void wide_block(slc_str *out, const residual *b, double dropout)
{
    const char *name = b->name;
    char text[160];
    slc_str_printf(out,
                   "- batch_norm: {name: %s.bn1, from: %s}\n- relu: {name: %s.act}\n",
                   name, b->before, name);
    snprintf(text, sizeof(text), "%s.conv1", name);
    conv(out, text, NULL, b->width, 3, b->stride);
    slc_str_printf(out, "- batch_norm: {name: %s.bn2}\n- relu\n", name);
    if (dropout > 0) slc_str_printf(out, "- dropout: %g\n", dropout);
    snprintf(text, sizeof(text), "%s.conv2", name);
    conv(out, text, NULL, b->width, 3, 1);
    const char *dropped = drop(out, name, b->drop_path, b->at, b->count);
    if (b->project) {
        char from[160];
        snprintf(from, sizeof(from), "%s.act", name);
        snprintf(text, sizeof(text), "%s.shortcut", name);
        conv(out, text, from, b->width, 1, b->stride);
    }
    slc_str_printf(out, "- add: {name: %s, from: [%s%s, %s%s]}\n", name, name,
                   dropped ? dropped : ".conv2", b->project ? name : b->before,
                   b->project ? ".shortcut" : "");
}

static slc_status wrn(const void *set, slc_shape in, size_t classes, slc_str *out,
                      slc_err *err)
{
    const settings *s = set;
    char name[2][64] = {"", "conv1"};
    (void)in;
    if ((s->depth - 4) % 6 != 0)
        return slc_fail(err, SLC_EINVAL, "wrn: depth must be 6 n + 4, got %lld",
                        (long long)s->depth);
    const size_t n = (size_t)(s->depth - 4) / 6;
    conv(out, "conv1", NULL, 16, 3, 1);
    for (size_t at = 0; at < 3 * n; at++) {
        snprintf(name[at & 1], sizeof(name[0]), "layer%zu.%zu", at / n + 1, at % n);
        wide_block(out,
                   &(residual){.name = name[at & 1],
                               .before = name[~at & 1],
                               .width = ((size_t)16 << at / n) * (size_t)s->width,
                               .stride = at % n == 0 && at ? 2 : 1,
                               .project = at % n == 0,
                               .drop_path = s->drop_path,
                               .at = at + 1,
                               .count = 3 * n},
                   s->dropout);
    }
    slc_str_printf(out,
                   "- batch_norm: {name: bn}\n- relu\n- global_avg_pool\n"
                   "- linear: {name: fc, out: %zu}\n",
                   classes);
    return SLC_OK;
}

const slc_arch slc_arch_wrn = {
    .entry = {.name = "wrn",
              .summary = "wide residual net for small pictures",
              .source = "Zagoruyko & Komodakis, BMVC 2016 (arXiv:1605.07146)",
              .params = wide_params,
              .settings_size = sizeof(settings)},
    .write = wrn,
    .shape = {3, 32, 32},
    .classes = 10,
};
