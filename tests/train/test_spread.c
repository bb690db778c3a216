/* The lecture's experiment: noise through 20 layers, and its gradient back, for every
 * initialisation. Good ones keep the variance, others lose or blow it up. */
#include "base/str.h"
#include "tests/check.h"
#include "train/model.h"
#include "train/spread.h"

enum { DEPTH = 20, WIDTH = 128, IMAGES = 16, SIDE = 6 };

typedef struct ratio {
    double forward,
        backward; /* of the last layer to the first; of the first to the last */
} ratio;

/* DEPTH linear layers of WIDTH, or 3 x 3 convolutions of 16 channels, with an activation behind
 * each (NULL = none). */
static ratio through(const char *init, const char *act, bool conv)
{
    slc_arena arena = {0};
    slc_err err = {0};
    slc_node *spec;
    slc_net *net = NULL;
    slc_model *model = NULL;
    slc_spread spread[2 * DEPTH];
    slc_str text = {0};
    const slc_shape in = conv ? (slc_shape){16, SIDE, SIDE} : (slc_shape){WIDTH, 1, 1};
    const size_t outs = conv ? 16 * SIDE * SIDE : WIDTH;
    for (int i = 0; i < DEPTH; i++) {
        slc_str_printf(
            &text,
            conv ? "- conv2d: {name: c%d, out: 16, padding: 1, bias: false, init: %s}\n"
                 : "- linear: {name: c%d, out: 128, bias: false, init: %s}\n",
            i, init);
        if (act) slc_str_printf(&text, "- %s\n", act);
    }
    if (conv) slc_str_add(&text, "- flatten\n");
    slc_node *list;
    slc_node *map = slc_node_new(&arena, SLC_NODE_MAP);
    CHECK(slc_node_parse(&list, &arena, text.text, text.size, "net", &err) == SLC_OK,
          "%s", err.msg);
    slc_node_put(map, &arena, "layers", list);
    spec = map;
    CHECK(slc_net_build(&net, spec, in, outs, &err) == SLC_OK, "%s: %s", init, err.msg);
    CHECK(slc_model_create(&model,
                           &(slc_model_settings){.spec = spec,
                                                 .channels = in.c,
                                                 .height = in.h,
                                                 .width = in.w,
                                                 .classes = outs,
                                                 .threads = 1,
                                                 .precision = SLC_PRECISION_F32,
                                                 .seed = 3,
                                                 .inference = true},
                           &err) == SLC_OK,
          "%s", err.msg);
    CHECK(slc_spread_measure(spread, net, slc_model_weights(model),
                             slc_model_buffers(model), IMAGES, 5, &err) == SLC_OK,
          "%s", err.msg);
    const size_t last = net->nodes - 1;
    const ratio r = {spread[last].forward, spread[0].backward / spread[last].backward};
    slc_model_destroy(&model);
    slc_net_free(&net);
    slc_str_free(&text);
    slc_arena_free(&arena);
    return r;
}

/* Bounds of both ratios. Products of 20 random layers of 128 scatter by a factor of three. */
static const struct {
    const char *init, *act;
    bool conv;
    double lo, hi;
} cases[] = {
    {"constant: {value: 0.3}", NULL, false, 1e20, INFINITY},
    {"dirac", NULL, true, 0.9, 1.1},
    {"eye", NULL, false, 0.9, 1.1},
    {"fan_in_uniform", NULL, false, 0, 1e-6}, /* PyTorch's default: a third is kept */
    {"kaiming_normal", "relu", false, 0.1, 10},
    {"kaiming_normal", NULL, false, 1e5,
     1e7}, /* 2^20: what relu would have thrown away */
    {"kaiming_uniform", "relu", false, 0.1, 10},
    {"normal: {std: 0.01}", "tanh", false, 0, 1e-20},
    {"normal: {std: 1}", NULL, false, 1e20, INFINITY},
    {"ones", NULL, false, 1e20, INFINITY},
    {"orthogonal", NULL, false, 0.95, 1.05},
    {"partial_dirac", NULL, true, 0.9, 1.1},
    {"trunc_normal: {std: 0.01}", "relu", false, 0, 1e-20},
    {"uniform: {lo: -1, hi: 1}", NULL, false, 1e20, INFINITY},
    {"xavier_normal", NULL, false, 0.1, 10},
    {"xavier_normal", "relu", false, 0, 1e-4}, /* 2^-20 */
    {"xavier_uniform", NULL, false, 0.1, 10},
    {"zeros", NULL, false, 0, 0},
};

int main(void)
{
    for (size_t i = 0; i < SLC_COUNT(cases); i++) {
        char init[80];
        snprintf(init, sizeof(init), "{%s%s}", cases[i].init,
                 strchr(cases[i].init, ':') ? "" : ": {}");
        const ratio r = through(init, cases[i].act, cases[i].conv);
        printf("%-28s %-5s forward %9.3g  backward %9.3g\n", cases[i].init,
               cases[i].act ? cases[i].act : "", r.forward, r.backward);
        CHECK(r.forward >= cases[i].lo && r.forward <= cases[i].hi, "%s: forward %g",
              cases[i].init, r.forward);
        CHECK(r.backward >= cases[i].lo && r.backward <= cases[i].hi, "%s: backward %g",
              cases[i].init, r.backward);
    }
    for (size_t i = 0; slc_inits[i]; i++) {
        const char *const name = slc_inits[i]->entry.name;
        bool found = strcmp(name, "whitening") == 0; /* is filled from pictures */
        for (size_t k = 0; k < SLC_COUNT(cases); k++)
            found |= strncmp(cases[k].init, name, strlen(name)) == 0;
        CHECK(found, "%s", name);
    }
    return 0;
}
