/* VGG nets with torchvision's names: features.N and classifier.N count every layer. */
#include "base/str.h"
#include "train/net.h"

typedef struct settings {
    int classifier;
    int64_t width;
    double dropout;
} settings;

static const char *const classifiers[] = {"imagenet", "small", NULL};
static const slc_param params[] = {
    {"classifier", SLC_FIELD(settings, classifier), .choices = classifiers,
     .initial = "imagenet",
     .help = "three linear layers of 4096, or one after a global mean"},
    {"width", SLC_FIELD(settings, width), .lo = 1, .hi = 1024, .initial = "64",
     .help = "channels of the first layer; deeper ones have up to eight times as many"},
    {"dropout", SLC_FIELD(settings, dropout), .lo = 0, .hi = 0.99, .initial = "0.5",
     .help = "in the classifier of three layers"},
    {0}};

static void features(const int *plan, int width, bool norm, slc_str *out)
{
    size_t at = 0;
    for (; *plan; plan++) {
        if (*plan < 0) {
            slc_str_printf(out, "- max_pool: {name: features.%zu, kernel: 2}\n", at++);
            continue;
        }
        slc_str_printf(out,
                       "- conv2d: {name: features.%zu, out: %d, kernel: 3, padding: 1, "
                       "init: {kaiming_normal: {mode: fan_out}}}\n",
                       at++, *plan * width);
        if (norm) slc_str_printf(out, "- batch_norm: {name: features.%zu}\n", at++);
        slc_str_printf(out, "- relu: {name: features.%zu}\n", at++);
    }
}

/* The 7 x 7 mean before the head is the identity at 224 px, which is asked for. */
static slc_status write(const settings *s, const int *plan, bool norm, slc_shape in,
                        size_t classes, slc_str *out, slc_err *err)
{
    static const char line[] =
        "- linear: {name: classifier.%d, out: %zu, init: {normal: {std: 0.01}}}\n";
    features(plan, (int)s->width, norm, out);
    if (s->classifier == 1) {
        slc_str_printf(out, "- global_avg_pool\n- linear: {name: classifier, out: %zu}\n",
                       classes);
        return SLC_OK;
    }
    if (in.h / 32 != 7 || in.w / 32 != 7)
        return slc_fail(err, SLC_EDATA,
                        "vgg: expected 224 x 224 px, got %zu x %zu; for other sizes set "
                        "classifier: small",
                        in.w, in.h);
    slc_str_add(out, "- flatten\n");
    for (int i = 0; i < 6; i += 3) {
        slc_str_printf(out, line, i, (size_t)4096);
        slc_str_printf(out, "- relu\n- dropout: %g\n", s->dropout);
    }
    slc_str_printf(out, line, 6, classes);
    return SLC_OK;
}

/* Channels as multiples of the first layer's; -1 is a pool. */
static const int plan11[] = {1, -1, 2, -1, 4, 4, -1, 8, 8, -1, 8, 8, -1, 0};
static const int plan16[] = {1, 1, -1, 2,  2, -1, 4, 4,  4, -1,
                             8, 8, 8,  -1, 8, 8,  8, -1, 0};

#define VGG(id, plan, norm, text)                                                        \
    static slc_status id(const void *set, slc_shape in, size_t classes, slc_str *out,    \
                         slc_err *err)                                                   \
    {                                                                                    \
        return write(set, plan, norm, in, classes, out, err);                            \
    }                                                                                    \
    const slc_arch slc_arch_##id = {                                                     \
        .entry = {.name = #id,                                                           \
                  .summary = text,                                                       \
                  .source = "Simonyan & Zisserman, ICLR 2015 (arXiv:1409.1556)",         \
                  .params = params,                                                      \
                  .settings_size = sizeof(settings)},                                    \
        .write = id,                                                                     \
        .shape = {3, 224, 224},                                                          \
        .classes = 1000,                                                                 \
    };

VGG(vgg11, plan11, false, "eight convolutions, three linear layers")
VGG(vgg11_bn, plan11, true, "vgg11 with batch norm")
VGG(vgg16, plan16, false, "thirteen convolutions, three linear layers")
VGG(vgg16_bn, plan16, true, "vgg16 with batch norm")
