/* The nets around each kind of layer. */
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
    {"concat", IN "- conv2d: {name: b, out: 5, padding: 1}\n- concat: in\n" OUT},
    {"conv2d", BETWEEN("conv2d: {out: 16, padding: 1}")},
    {"conv2d",
     BETWEEN("conv2d: {out: 7, kernel: 5, stride: 2, padding: 2, bias: false}")},
    {"conv2d", BETWEEN("conv2d: {out: 8, dilation: 2, padding: 2}")},
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
