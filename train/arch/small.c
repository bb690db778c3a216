/* Small nets: mlp, lenet5, cnn, cnn28, resnet9, airbench. */
#include "base/str.h"
#include "train/net.h"

typedef struct settings {
    slc_reals hidden;
    double dropout, width;
    int64_t stem;
    slc_reals widths;
} settings;

static const slc_param mlp_params[] = {
    {"hidden", SLC_FIELD(settings, hidden), .lo = 1, .hi = 65536, .min_count = 1,
     .max_count = SLC_MAX_REALS, .initial = "[256, 128]",
     .help = "sizes of hidden layers"},
    {"dropout", SLC_FIELD(settings, dropout), .lo = 0, .hi = 0.99, .initial = "0",
     .help = "after each hidden layer"},
    {0}};

static slc_status mlp(const void *set, slc_shape in, size_t classes, slc_str *out,
                      slc_err *err)
{
    const settings *s = set;
    (void)in, (void)err;
    slc_str_add(out, "- flatten\n");
    for (size_t i = 0; i < s->hidden.n; i++) {
        slc_str_printf(out, "- linear: {name: fc%zu, out: %.0f}\n- relu\n", i + 1,
                       s->hidden.v[i]);
        if (s->dropout > 0) slc_str_printf(out, "- dropout: %g\n", s->dropout);
    }
    slc_str_printf(out, "- linear: {name: fc%zu, out: %zu}\n", s->hidden.n + 1, classes);
    return SLC_OK;
}

/* The 1998 net with relu and max-pool, as it is taught today. */
static slc_status lenet5(const void *set, slc_shape in, size_t classes, slc_str *out,
                         slc_err *err)
{
    (void)set;
    if (in.h < 16 || in.w < 16)
        return slc_fail(err, SLC_EDATA,
                        "lenet5: expected at least 16 x 16 px, got %zu x %zu", in.w,
                        in.h);
    slc_str_printf(out,
                   "- conv2d: {name: conv1, out: 6, kernel: 5, padding: %d}\n- relu\n"
                   "- max_pool: 2\n"
                   "- conv2d: {name: conv2, out: 16, kernel: 5}\n- relu\n"
                   "- max_pool: 2\n- flatten\n"
                   "- linear: {name: fc1, out: 120}\n- relu\n"
                   "- linear: {name: fc2, out: 84}\n- relu\n"
                   "- linear: {name: fc3, out: %zu}\n",
                   in.h < 32 ? 2 : 0, classes);
    return SLC_OK;
}

static void strided(slc_str *out, const char *conv, const char *norm, size_t width,
                    int64_t stride)
{
    slc_str_printf(out,
                   "- conv2d: {name: %s, out: %zu, kernel: 3, stride: %lld, padding: 1, "
                   "bias: false}\n"
                   "- batch_norm: {name: %s}\n- relu\n",
                   conv, width, (long long)stride, norm);
}

static void block(slc_str *out, const char *conv, const char *norm, size_t width)
{
    strided(out, conv, norm, width, 1);
}

/* Three stages and a small head: the demo's net. */
static slc_status cnn(const void *set, slc_shape in, size_t classes, slc_str *out,
                      slc_err *err)
{
    const settings *s = set;
    const size_t w = (size_t)s->width;
    (void)in, (void)err;
    strided(out, "conv1", "bn1", w, s->stem);
    block(out, "conv2", "bn2", w);
    slc_str_add(out, "- max_pool: 2\n");
    block(out, "conv3", "bn3", 2 * w);
    block(out, "conv4", "bn4", 2 * w);
    slc_str_add(out, "- max_pool: 2\n");
    block(out, "conv5", "bn5", 4 * w);
    slc_str_add(out, "- global_avg_pool\n");
    if (s->dropout > 0) slc_str_printf(out, "- dropout: %g\n", s->dropout);
    slc_str_printf(out, "- linear: {name: fc, out: %zu}\n", classes);
    return SLC_OK;
}

static const slc_param cnn_params[] = {
    {"width", SLC_FIELD(settings, width), .lo = 4, .hi = 512, .initial = "32",
     .help = "channels of the first stage"},
    {"dropout", SLC_FIELD(settings, dropout), .lo = 0, .hi = 0.99, .initial = "0",
     .help = "before the last layer"},
    {"stem", SLC_FIELD(settings, stem), .lo = 1, .hi = 8, .initial = "1",
     .help = "stride of the first convolution; 2 or more for photographs"},
    {0}};

/* As a PyTorch Sequential, which is where the names come from. */
static slc_status cnn28(const void *set, slc_shape in, size_t classes, slc_str *out,
                        slc_err *err)
{
    (void)set, (void)in, (void)err;
    block(out, "\"0\"", "\"1\"", 32);
    block(out, "\"3\"", "\"4\"", 64);
    slc_str_add(out, "- max_pool: 2\n");
    block(out, "\"7\"", "\"8\"", 128);
    slc_str_printf(out,
                   "- max_pool: 2\n- flatten\n"
                   "- linear: {name: \"12\", out: 256}\n- relu\n"
                   "- linear: {name: \"14\", out: %zu}\n",
                   classes);
    return SLC_OK;
}

static void unit(slc_str *out, const char *name, size_t width, bool pool)
{
    slc_str_printf(
        out,
        "- conv2d: {name: %s.conv, out: %zu, kernel: 3, padding: 1, bias: false, "
        "init: {kaiming_normal: {mode: fan_out}}}\n%s"
        "- batch_norm: {name: %s.bn}\n- relu: {name: %s}\n",
        name, width, "", name, name);
    if (pool) slc_str_printf(out, "- max_pool: {name: %s.pool, kernel: 2}\n", name);
}

static slc_status resnet9(const void *set, slc_shape in, size_t classes, slc_str *out,
                          slc_err *err)
{
    const settings *s = set;
    const size_t w = (size_t)s->width;
    if (in.h < 16 || in.w < 16)
        return slc_fail(err, SLC_EDATA,
                        "resnet9: expected at least 16 x 16 px, got %zu x %zu", in.w,
                        in.h);
    unit(out, "prep", w, false);
    unit(out, "layer1", 2 * w, true);
    unit(out, "layer1.res1", 2 * w, false);
    unit(out, "layer1.res2", 2 * w, false);
    slc_str_add(out, "- add: {name: sum1, from: layer1.pool}\n");
    unit(out, "layer2", 4 * w, true);
    unit(out, "layer3", 8 * w, true);
    unit(out, "layer3.res1", 8 * w, false);
    unit(out, "layer3.res2", 8 * w, false);
    slc_str_printf(out,
                   "- add: {name: sum3, from: layer3.pool}\n"
                   "- max_pool: {kernel: %zu}\n- flatten\n"
                   "- linear: {name: fc, out: %zu, bias: false}\n- scale: %g\n",
                   (in.h < in.w ? in.h : in.w) / 8, classes, 0.125);
    return SLC_OK;
}

static const slc_param width_params[] = {{"width", SLC_FIELD(settings, width), .lo = 4,
                                          .hi = 512, .initial = "64",
                                          .help = "channels of the first layer"},
                                         {0}};

static void air_norm(slc_str *out, const char *name, int which)
{
    slc_str_printf(
        out,
        "- batch_norm: {name: %s.norm%d, eps: 1e-12, momentum: 0.4, scale: false}\n"
        "- gelu\n",
        name, which);
}

static void air_group(slc_str *out, const char *name, size_t width)
{
    static const char conv[] =
        "- conv2d: {name: %s.conv%d, out: %zu, kernel: 3, padding: 1, "
        "bias: false, init: partial_dirac}\n";
    slc_str_printf(out, conv, name, 1, width);
    slc_str_printf(out, "- max_pool: 2\n");
    air_norm(out, name, 1);
    slc_str_printf(out, conv, name, 2, width);
    air_norm(out, name, 2);
}

/* airbench94. Training fills its first layer with the eigenvectors of 2 x 2 patches of the
 * pictures, each with both signs, and freezes it (train/fit/whiten.c). */
static slc_status airbench(const void *set, slc_shape in, size_t classes, slc_str *out,
                           slc_err *err)
{
    const settings *s = set;
    if (in.h < 25 || in.w < 25)
        return slc_fail(err, SLC_EDATA,
                        "airbench: expected at least 25 x 25 px, got %zu x %zu", in.w,
                        in.h);
    slc_str_printf(
        out, "- conv2d: {name: whiten, out: %zu, kernel: 2, init: whitening}\n- gelu\n",
        2 * in.c * 4);
    static const char *const name[] = {"group1", "group2", "group3"};
    for (size_t i = 0; i < 3; i++)
        air_group(out, name[i], (size_t)s->widths.v[i]);
    const size_t side =
        ((in.h - 1) / 2 / 2 / 2 < (in.w - 1) / 2 / 2 / 2 ? in.h - 1 : in.w - 1) / 8;
    slc_str_printf(out,
                   "- max_pool: %zu\n- flatten\n"
                   "- linear: {name: head, out: %zu, bias: false}\n- scale: %.17g\n",
                   side, classes, 1.0 / 9);
    return SLC_OK;
}

static const slc_param airbench_params[] = {
    {"widths", SLC_FIELD(settings, widths), .lo = 4, .hi = 4096, .min_count = 3,
     .max_count = 3, .initial = "[64, 256, 256]", .help = "channels of the three groups"},
    {0}};

#define ARCH(id, table, text, paper, c_, hw, count)                                      \
    const slc_arch slc_arch_##id = {                                                     \
        .entry = {.name = #id,                                                           \
                  .summary = text,                                                       \
                  .source = paper,                                                       \
                  .params = table,                                                       \
                  .settings_size = sizeof(settings)},                                    \
        .write = id,                                                                     \
        .shape = {c_, hw, hw},                                                           \
        .classes = count,                                                                \
    };

ARCH(mlp, mlp_params, "linear layers with relu between",
     "Rumelhart et al., Nature 323 (1986)", 1, 28, 10)
ARCH(lenet5, NULL, "two convolutions, three linear layers",
     "LeCun et al., Proc. IEEE 86 (1998), with relu and max-pool", 1, 28, 10)
ARCH(cnn, cnn_params, "five convolutions with batch norm, for small pictures", "ours", 1,
     28, 10)
ARCH(cnn28, NULL, "three convolutions, two linear layers: the benchmark's net", "ours", 1,
     28, 10)
ARCH(resnet9, width_params, "eight convolutions, two of them residual pairs",
     "Page 2018 (cifar10-fast)", 3, 32, 10)
ARCH(airbench, airbench_params, "airbench94: whitening, six convolutions, scaled logits",
     "Jordan 2024 (arXiv:2404.00498)", 3, 32, 10)
