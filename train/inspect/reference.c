/* Running a net by its layers' definitions. */
#include "train/inspect/reference.h"

#include <stdlib.h>
#include <string.h>

static double *numbers(size_t n)
{
    return calloc(n ? n : 1, sizeof(double));
}

slc_status slc_reference_open(slc_reference *r, const slc_net *net, size_t n,
                              slc_err *err)
{
    *r = (slc_reference){.net = net, .n = n, .mode = SLC_MODE_TRAIN};
    r->weights = numbers(net->weights);
    r->grads = numbers(net->weights);
    r->buffers = numbers(net->buffers);
    r->x = numbers(n * slc_shape_size(net->in));
    r->y = calloc(net->nodes, sizeof(*r->y));
    r->dy = calloc(net->nodes, sizeof(*r->dy));
    bool good = r->weights && r->grads && r->buffers && r->x && r->y && r->dy;
    for (size_t i = 0; good && i < net->nodes; i++) {
        r->y[i] = numbers(n * slc_shape_size(net->node[i].out));
        r->dy[i] = numbers(n * slc_shape_size(net->node[i].out));
        good = r->y[i] && r->dy[i];
    }
    return good ? SLC_OK : slc_fail(err, SLC_ENOMEM, "reference: memory ran out");
}

void slc_reference_close(slc_reference *r)
{
    for (size_t i = 0; r->net && i < r->net->nodes; i++) {
        if (r->y) free(r->y[i]);
        if (r->dy) free(r->dy[i]);
    }
    free(r->y);
    free(r->dy);
    free(r->x);
    free(r->weights);
    free(r->grads);
    free(r->buffers);
    *r = (slc_reference){0};
}

slc_ref slc_reference_at(const slc_reference *r, size_t i)
{
    const slc_net_node *node = &r->net->node[i];
    slc_ref ref = {.settings = node->settings,
                   .n = r->n,
                   .inputs = node->inputs,
                   .in = node->in,
                   .out = node->out,
                   .mode = r->mode,
                   .rng = slc_net_rng(r->seed, r->step, i),
                   .y = r->y[i],
                   .dy = r->dy[i]};
    for (size_t k = 0; k < node->inputs; k++)
        ref.x[k] = node->from[k] < 0 ? r->x : r->y[node->from[k]];
    for (size_t t = 0; t < node->tensors; t++) {
        const slc_tensor_info *info = &r->net->tensor[node->tensor + t];
        const bool buffer = info->role == SLC_ROLE_BUFFER;
        ref.t[t] = (buffer ? r->buffers : r->weights) + info->offset;
        if (!buffer) ref.dt[t] = r->grads + info->offset;
    }
    return ref;
}

void slc_reference_forward(slc_reference *r)
{
    for (size_t i = 0; i < r->net->nodes; i++) {
        const slc_ref ref = slc_reference_at(r, i);
        r->net->node[i].layer->forward(&ref);
    }
}

/* A node's input gradients are made aside and added, as others may read the same input. */
slc_status slc_reference_backward(slc_reference *r, slc_err *err)
{
    size_t most = slc_shape_size(r->net->in);
    for (size_t i = 0; i < r->net->nodes; i++) {
        const size_t size = slc_shape_size(r->net->node[i].out);
        if (size > most) most = size;
        if (i + 1 < r->net->nodes) memset(r->dy[i], 0, r->n * size * sizeof(double));
    }
    double *aside = numbers(SLC_MAX_INPUTS * r->n * most);
    if (!aside) return slc_fail(err, SLC_ENOMEM, "reference: memory ran out");
    for (size_t i = r->net->nodes; i-- > 0;) {
        const slc_net_node *node = &r->net->node[i];
        slc_ref ref = slc_reference_at(r, i);
        for (size_t k = 0; k < node->inputs; k++)
            ref.dx[k] = aside + k * r->n * most;
        node->layer->backward(&ref);
        for (size_t k = 0; k < node->inputs; k++)
            for (size_t j = 0;
                 node->from[k] >= 0 && j < r->n * slc_shape_size(node->in[k]); j++)
                r->dy[node->from[k]][j] += ref.dx[k][j];
    }
    free(aside);
    return SLC_OK;
}
