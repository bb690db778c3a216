/* Layers that mix inputs or move numbers without changing them: add, concat, flatten; and
 * scale by a constant. */
#include "train/layer.h"

static slc_status add_shape(const void *settings, const slc_shape *in, size_t inputs,
                            slc_shape *out, slc_err *err)
{
    (void)settings;
    for (size_t k = 1; k < inputs; k++)
        if (in[k].c != in[0].c || in[k].h != in[0].h || in[k].w != in[0].w)
            return slc_fail(err, SLC_EDATA,
                            "expected inputs of one shape, got %zu x %zu x %zu and "
                            "%zu x %zu x %zu (channels, height, width)",
                            in[0].c, in[0].h, in[0].w, in[k].c, in[k].h, in[k].w);
    *out = in[0];
    return SLC_OK;
}

static void add_forward(const slc_ref *r)
{
    for (size_t i = 0; i < r->n * slc_shape_size(r->out); i++) {
        r->y[i] = 0;
        for (size_t k = 0; k < r->inputs; k++)
            r->y[i] += r->x[k][i];
    }
}

static void add_backward(const slc_ref *r)
{
    for (size_t k = 0; k < r->inputs; k++)
        for (size_t i = 0; r->dx[k] && i < r->n * slc_shape_size(r->out); i++)
            r->dx[k][i] = r->dy[i];
}

static slc_status concat_shape(const void *settings, const slc_shape *in, size_t inputs,
                               slc_shape *out, slc_err *err)
{
    (void)settings;
    *out = in[0];
    for (size_t k = 1; k < inputs; k++) {
        if (in[k].h != in[0].h || in[k].w != in[0].w)
            return slc_fail(err, SLC_EDATA,
                            "expected inputs of one size, got %zu x %zu and %zu x %zu px",
                            in[0].h, in[0].w, in[k].h, in[k].w);
        out->c += in[k].c;
    }
    return SLC_OK;
}

static void concat_pass(const slc_ref *r, bool back)
{
    const size_t whole = slc_shape_size(r->out);
    size_t start = 0;
    for (size_t k = 0; k < r->inputs; k++) {
        const size_t size = slc_shape_size(r->in[k]);
        for (size_t i = 0; i < r->n * size; i++) {
            const size_t at = i / size * whole + start + i % size;
            if (!back)
                r->y[at] = r->x[k][i];
            else if (r->dx[k])
                r->dx[k][i] = r->dy[at];
        }
        start += size;
    }
}

static void concat_forward(const slc_ref *r)
{
    concat_pass(r, false);
}

static void concat_backward(const slc_ref *r)
{
    concat_pass(r, true);
}

static slc_status flatten_shape(const void *settings, const slc_shape *in, size_t inputs,
                                slc_shape *out, slc_err *err)
{
    (void)settings, (void)inputs, (void)err;
    *out = (slc_shape){slc_shape_size(*in), 1, 1};
    return SLC_OK;
}

static const slc_param scale_params[] = {{"by", SLC_FIELD(slc_scale_settings, by),
                                          .lo = -1e6, .hi = 1e6, .initial = "1",
                                          .help = "the factor"},
                                         {0}};

static void scale_forward(const slc_ref *r)
{
    const slc_scale_settings *s = r->settings;
    for (size_t i = 0; i < r->n * slc_shape_size(r->out); i++)
        r->y[i] = s->by * r->x[0][i];
}

static void scale_backward(const slc_ref *r)
{
    const slc_scale_settings *s = r->settings;
    for (size_t i = 0; r->dx[0] && i < r->n * slc_shape_size(r->out); i++)
        r->dx[0][i] = s->by * r->dy[i];
}

const slc_layer slc_layer_add = {
    .entry = {.name = "add",
              .summary = "sum of its inputs",
              .source = "He et al., CVPR 2016 (arXiv:1512.03385)"},
    .min_inputs = 2,
    .max_inputs = SLC_MAX_INPUTS,
    .shape = add_shape,
    .forward = add_forward,
    .backward = add_backward,
};

const slc_layer slc_layer_concat = {
    .entry = {.name = "concat",
              .summary = "channels of its inputs, one after the other",
              .source = "Szegedy et al., CVPR 2015 (arXiv:1409.4842)"},
    .min_inputs = 2,
    .max_inputs = SLC_MAX_INPUTS,
    .shape = concat_shape,
    .forward = concat_forward,
    .backward = concat_backward,
};

const slc_layer slc_layer_flatten = {
    .entry = {.name = "flatten",
              .summary = "an image as a vector, channel by channel",
              .source = "PyTorch nn.Flatten"},
    .shape = flatten_shape,
    .forward = add_forward,
    .backward = add_backward,
};

const slc_layer slc_layer_scale = {
    .entry = {.name = "scale",
              .summary = "times a constant",
              .source = "Jordan 2024 (arXiv:2404.00498): logits times 1/9",
              .params = scale_params,
              .settings_size = sizeof(slc_scale_settings)},
    .forward = scale_forward,
    .backward = scale_backward,
};
