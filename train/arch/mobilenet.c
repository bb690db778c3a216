/* MobileNetV2 with torchvision's names. */
#include <stdio.h>

#include "base/str.h"
#include "train/net.h"

typedef struct settings {
    int stem;
    double dropout;
} settings;

static const char *const stems[] = {"imagenet", "cifar", NULL};
static const slc_param params[] = {
    {"stem", SLC_FIELD(settings, stem), .choices = stems, .initial = "imagenet",
     .help = "first step by 2 px, or by 1 for small pictures"},
    {"dropout", SLC_FIELD(settings, dropout), .lo = 0, .hi = 0.99, .initial = "0.2",
     .help = "before the last layer"},
    {0}};

/* Convolution, norm and (if bounded) relu6, called name.0, name.1; projections are called
 * by two numbers in a row instead. */
static void unit(slc_str *out, const char *conv, const char *norm, size_t width,
                 int kernel, int stride, size_t groups, bool bounded)
{
    slc_str_printf(out,
                   "- conv2d: {name: %s, out: %zu, kernel: %d, stride: %d, padding: %d, "
                   "groups: %zu, bias: false, init: {kaiming_normal: {mode: fan_out}}}\n"
                   "- batch_norm: {name: %s}\n",
                   conv, width, kernel, stride, kernel / 2, groups, norm);
    if (bounded) slc_str_add(out, "- relu: 6\n");
}

static void inverted(slc_str *out, size_t at, size_t in, size_t width, int stride,
                     size_t grow)
{
    char a[48], b[48];
    size_t part = 0;
    if (grow > 1) {
        snprintf(a, sizeof(a), "features.%zu.conv.%zu.0", at, part);
        snprintf(b, sizeof(b), "features.%zu.conv.%zu.1", at, part++);
        unit(out, a, b, in * grow, 1, 1, 1, true);
    }
    snprintf(a, sizeof(a), "features.%zu.conv.%zu.0", at, part);
    snprintf(b, sizeof(b), "features.%zu.conv.%zu.1", at, part++);
    unit(out, a, b, in * grow, 3, stride, in * grow, true);
    snprintf(a, sizeof(a), "features.%zu.conv.%zu", at, part++);
    if (stride == 1 && in == width)
        snprintf(b, sizeof(b), "features.%zu.conv.%zu", at, part);
    else
        snprintf(b, sizeof(b), "features.%zu.conv.%zu", at, part);
    unit(out, a, b, width, 1, 1, 1, false);
}

static slc_status mobilenet_v2(const void *set, slc_shape in, size_t classes,
                               slc_str *out, slc_err *err)
{
    static const struct {
        size_t grow, width, count;
        int stride;
    } stage[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                 {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    const settings *s = set;
    char before[64] = "features.0.1";
    size_t at = 1, width = 32;
    (void)in, (void)err;
    unit(out, "features.0.0", "features.0.1", 32, 3, s->stem == 1 ? 1 : 2, 1, true);
    for (size_t k = 0; k < SLC_COUNT(stage); k++)
        for (size_t i = 0; i < stage[k].count; i++, at++) {
            const int stride = i == 0 && !(k == 1 && s->stem == 1) ? stage[k].stride : 1;
            inverted(out, at, width, stage[k].width, stride, stage[k].grow);
            if (stride == 1 && width == stage[k].width)
                slc_str_printf(out, "- add: {name: features.%zu, from: %s}\n", at,
                               before);
            snprintf(before, sizeof(before),
                     stride == 1 && width == stage[k].width ? "features.%zu"
                                                            : "features.%zu.conv.%d",
                     at, stage[k].grow > 1 ? 3 : 2);
            width = stage[k].width;
        }
    unit(out, "features.18.0", "features.18.1", 1280, 1, 1, 1, true);
    slc_str_printf(
        out,
        "- global_avg_pool\n- dropout: %g\n"
        "- linear: {name: classifier.1, out: %zu, init: {normal: {std: 0.01}}}\n",
        s->dropout, classes);
    return SLC_OK;
}

const slc_arch slc_arch_mobilenet_v2 = {
    .entry = {.name = "mobilenet_v2",
              .summary = "inverted residuals with depthwise convolutions",
              .source = "Sandler et al., CVPR 2018 (arXiv:1801.04381)",
              .params = params,
              .settings_size = sizeof(settings)},
    .write = mobilenet_v2,
    .shape = {3, 224, 224},
    .classes = 1000,
};
