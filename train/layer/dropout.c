/* Layers that drop at random: single numbers (dropout) or an image's whole branch
 * (drop_path). Element i of a batch, counted in n, y, x, c order, is dropped if its word
 * of the layer's stream is below p. */
#include "train/layer.h"

static const slc_param drop_params[] = {
    {"p", SLC_FIELD(slc_drop_settings, p), .lo = 0, .hi = 0.99, .initial = "0.5",
     .unit = "probability", .help = "chance to be dropped"},
    {"classic", SLC_FIELD(slc_drop_settings, classic), .initial = "false",
     .help = "scale by 1 - p when evaluating, not by 1 / (1 - p) when training"},
    {0}};
static const slc_param path_params[] = {
    {"p", SLC_FIELD(slc_drop_settings, p), .lo = 0, .hi = 0.99, .initial = "0.1",
     .unit = "probability", .help = "chance of an image's branch to be dropped"},
    {0}};

/* What element i (in n, c, y, x order) is multiplied by. */
static double factor(const slc_ref *r, size_t i, bool path)
{
    const slc_drop_settings *s = r->settings;
    const size_t size = slc_shape_size(r->out), area = r->out.h * r->out.w;
    const size_t n = i / size, c = i % size / area, p = i % area;
    if (r->mode == SLC_MODE_EVAL || (path && r->mode == SLC_MODE_MC))
        return s->classic ? 1 - s->p : 1;
    const size_t word = path ? n : (n * area + p) * r->out.c + c;
    if (slc_net_word(&r->rng, word) < (uint32_t)(s->p * 4294967296.0)) return 0;
    return s->classic ? 1 : 1 / (1 - s->p);
}

static void pass(const slc_ref *r, bool path, const double *from, double *to)
{
    for (size_t i = 0; to && i < r->n * slc_shape_size(r->out); i++)
        to[i] = factor(r, i, path) * from[i];
}

static void drop_forward(const slc_ref *r)
{
    pass(r, false, r->x[0], r->y);
}

static void drop_backward(const slc_ref *r)
{
    pass(r, false, r->dy, r->dx[0]);
}

static void path_forward(const slc_ref *r)
{
    pass(r, true, r->x[0], r->y);
}

static void path_backward(const slc_ref *r)
{
    pass(r, true, r->dy, r->dx[0]);
}

const slc_layer slc_layer_dropout = {
    .entry = {.name = "dropout",
              .summary = "drop numbers at random while training",
              .source = "Srivastava et al., JMLR 15 (2014)",
              .params = drop_params,
              .settings_size = sizeof(slc_drop_settings)},
    .forward = drop_forward,
    .backward = drop_backward,
};

const slc_layer slc_layer_drop_path = {
    .entry = {.name = "drop_path",
              .summary = "drop whole branches of images at random while training",
              .source = "Huang et al., ECCV 2016 (arXiv:1603.09382); kept / (1 - p)",
              .params = path_params,
              .settings_size = sizeof(slc_drop_settings)},
    .forward = path_forward,
    .backward = path_backward,
};
