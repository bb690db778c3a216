/* The nets around each kind of layer, and small ones of every model. */
#include "train/gradcheck.h"

#define IN "- conv2d: {name: in, out: 8, kernel: 1}\n"
#define OUT "- flatten\n- linear: {name: out, out: 5}\n"
#define BETWEEN(layer) IN "- " layer "\n" OUT

const slc_gradcheck_case slc_gradcheck_cases[] = {
    {"add", IN "- conv2d: {name: b, out: 8, padding: 1}\n- add: in\n" OUT},
    {"avg_pool", BETWEEN("avg_pool: {kernel: 3, stride: 2, padding: 1}")},
    {"avg_pool",
     BETWEEN("avg_pool: {kernel: 3, stride: 2, padding: 1, count_padding: false}")},
    {"batch_norm", BETWEEN("batch_norm")},
    {"batch_norm", IN "- batch_norm\n- relu\n" OUT},
    {"batch_norm", IN "- batch_norm: {scale: false}\n- relu: {max: 1}\n" OUT},
    {"batch_norm",
     IN "- conv2d: {name: b, out: 8, padding: 1, bias: false}\n- batch_norm: {name: n}\n"
        "- add: in\n- relu: {name: r}\n- conv2d: {name: c, out: 8, padding: 1}\n- add: "
        "r\n" OUT},
    {"batch_norm", IN "- batch_norm\n- add: in\n- relu\n" OUT},
    {"batch_norm", "- conv2d: {name: in, out: 20, kernel: 1}\n- batch_norm\n- relu\n"
                   "- conv2d: {out: 18, padding: 1}\n" OUT}, /* made as it is read */
    {"concat", IN "- conv2d: {name: b, out: 5, padding: 1}\n- concat: in\n" OUT},
    {"conv2d", BETWEEN("conv2d: {out: 16, padding: 1}")},
    {"conv2d",
     BETWEEN("conv2d: {out: 7, kernel: 5, stride: 2, padding: 2, bias: false}")},
    {"conv2d", BETWEEN("conv2d: {out: 8, dilation: 2, padding: 2}")},
    {"conv2d", "- conv2d: {name: in, out: 36, kernel: 1}\n" /* Winograd's, and tails */
               "- conv2d: {out: 42, padding: 1}\n" OUT},
    {"conv2d",
     "- conv2d: {name: in, out: 36, kernel: 1}\n" /* a gradient added to another */
     "- conv2d: {out: 36, padding: 1, bias: false}\n- add: in\n" OUT},
    {"conv2d",
     "- conv2d: {name: in, out: 20, kernel: 1}\n" /* the same, products of pixels */
     "- conv2d: {out: 20, kernel: 1}\n- add: in\n" OUT},
    {"conv2d", "- conv2d: {name: in, out: 20, kernel: 1}\n"
               "- conv2d: {out: 18, stride: 2, padding: 1}\n" OUT},
    {"conv2d", BETWEEN("conv2d: {out: 16, padding: 1, groups: 4}")},
    {"conv2d", BETWEEN("conv2d: {out: 8, padding: 1, groups: 8}")},
    {"conv2d", BETWEEN("conv2d: {out: 8, stride: 2, padding: 1, groups: 8}")},
    {"conv2d", BETWEEN("conv2d: {out: 12, kernel: 1, stride: 2}")},
    {"drop_connect", IN "- flatten\n- drop_connect: {name: d, out: 9, p: 0.3}\n- tanh\n"
                        "- linear: {name: out, out: 5}\n"},
    {"drop_path",
     IN "- conv2d: {name: b, out: 8, padding: 1}\n- drop_path: 0.4\n- add: in\n" OUT},
    {"dropout", BETWEEN("dropout: 0.3")},
    {"dropout", BETWEEN("dropout: {p: 0.3, classic: true}")},
    {"elu", BETWEEN("elu")},
    {"flatten", IN "- flatten\n- tanh\n- linear: {name: out, out: 5}\n"},
    {"gelu", BETWEEN("gelu")},
    {"global_avg_pool", IN "- tanh\n- global_avg_pool\n- linear: {name: out, out: 5}\n"},
    {"group_norm", BETWEEN("group_norm: {groups: 2}")},
    {"hard_swish", BETWEEN("hard_swish")},
    {"layer_norm", BETWEEN("layer_norm")},
    {"leaky_relu", BETWEEN("leaky_relu")},
    {"linear", IN "- flatten\n- linear: {name: d, out: 70}\n- relu\n"
                  "- linear: {name: out, out: 5, bias: false}\n"},
    {"max_pool", BETWEEN("max_pool: {kernel: 3, stride: 2, padding: 1}")},
    {"max_pool", BETWEEN("max_pool: 2")},
    {"relu", BETWEEN("relu")},
    {"relu", BETWEEN("relu: {max: 0.5}")},
    {"scale", BETWEEN("scale: 0.3")},
    {"sigmoid", BETWEEN("sigmoid")},
    {"silu", BETWEEN("silu")},
    {"softmax", BETWEEN("softmax")},
    {"squeeze_excite", BETWEEN("squeeze_excite: 3")},
    {"tanh", BETWEEN("tanh")},
    {NULL, NULL},
};

const slc_gradcheck_net slc_gradcheck_nets[] = {
    {"airbench", "{name: airbench, widths: [8, 12, 12]}", {3, 25, 25}, 1e-3},
    {"cnn", "{name: cnn, width: 8}", {3, 10, 10}, 1e-4},
    {"cnn28", "cnn28", {1, 8, 8}, 1e-4},
    {"lenet5", "lenet5", {1, 16, 16}, 1e-5},
    {"mlp", "mlp", {1, 6, 6}, 1e-5},
    {"mobilenet_v2", "{name: mobilenet_v2, stem: cifar}", {3, 16, 16}, 1e-3},
    {"resnet101", "{name: resnet101, stem: cifar, width: 4}", {3, 16, 16}, 1e-3},
    {"resnet18", "{name: resnet18, stem: cifar, width: 4}", {3, 16, 16}, 1e-3},
    {"resnet20", "resnet20", {3, 8, 8}, 1e-3},
    {"resnet32", "resnet32", {3, 8, 8}, 1e-3},
    {"resnet34", "{name: resnet34, stem: cifar, width: 4}", {3, 16, 16}, 1e-3},
    {"resnet50", "{name: resnet50, stem: cifar, width: 4}", {3, 16, 16}, 1e-3},
    {"resnet56", "resnet56", {3, 8, 8}, 1e-3},
    {"resnet9", "{name: resnet9, width: 8}", {3, 16, 16}, 1e-3},
    {"vgg11", "{name: vgg11, classifier: small, width: 8}", {3, 32, 32}, 1e-3},
    {"vgg11_bn", "{name: vgg11_bn, classifier: small, width: 8}", {3, 32, 32}, 1e-3},
    {"vgg16", "{name: vgg16, classifier: small, width: 8}", {3, 32, 32}, 1e-3},
    {"vgg16_bn", "{name: vgg16_bn, classifier: small, width: 8}", {3, 32, 32}, 1e-3},
    {"wide_resnet50_2",
     "{name: wide_resnet50_2, stem: cifar, width: 4}",
     {3, 16, 16},
     1e-3},
    {"wrn", "{name: wrn, depth: 10, width: 1}", {3, 8, 8}, 1e-3},
    {NULL, NULL, {0, 0, 0}, 0},
};
