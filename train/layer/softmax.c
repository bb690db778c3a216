/* y[c] = exp(x[c]) / sum of exp(x) over the channels, at each pixel. */
#include <math.h>

#include "train/layer.h"

static void forward(const slc_ref *r)
{
    const size_t area = r->out.h * r->out.w, size = slc_shape_size(r->out);
    for (size_t i = 0; i < r->n * area; i++) {
        const size_t at = i / area * size + i % area;
        double top = -INFINITY, sum = 0;
        for (size_t c = 0; c < r->out.c; c++)
            top = fmax(top, r->x[0][at + c * area]);
        for (size_t c = 0; c < r->out.c; c++)
            sum += exp(r->x[0][at + c * area] - top);
        for (size_t c = 0; c < r->out.c; c++)
            r->y[at + c * area] = exp(r->x[0][at + c * area] - top) / sum;
    }
}

static void backward(const slc_ref *r)
{
    const size_t area = r->out.h * r->out.w, size = slc_shape_size(r->out);
    for (size_t i = 0; r->dx[0] && i < r->n * area; i++) {
        const size_t at = i / area * size + i % area;
        double dot = 0;
        for (size_t c = 0; c < r->out.c; c++)
            dot += r->y[at + c * area] * r->dy[at + c * area];
        for (size_t c = 0; c < r->out.c; c++)
            r->dx[0][at + c * area] = r->y[at + c * area] * (r->dy[at + c * area] - dot);
    }
}

const slc_layer slc_layer_softmax = {
    .entry = {.name = "softmax",
              .summary = "probabilities over the channels",
              .source = "Bridle 1990; PyTorch nn.Softmax(dim=1)"},
    .forward = forward,
    .backward = backward,
};
