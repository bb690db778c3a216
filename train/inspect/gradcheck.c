/* Gradients three ways: differences, definition, engine. */
#include "train/gradcheck.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "train/inspect/gradcheck_layer.h"
#include "train/layer.h"

typedef struct check {
    const slc_gradcheck_settings *set;
    slc_gradcheck *out;
    slc_net *net;
    slc_model *model;
    slc_reference ref;
    float *images, *coefficients;
} check;

/* The loss is the sum of logits times fixed random coefficients. */
static double loss(check *c)
{
    double sum = 0;
    slc_reference_forward(&c->ref);
    for (size_t i = 0; i < c->set->batch * c->set->classes; i++)
        sum += c->ref.y[c->net->nodes - 1][i] * c->coefficients[i];
    return sum;
}

static slc_status open_all(check *c, slc_err *err)
{
    const slc_gradcheck_settings *s = c->set;
    const size_t pixels = s->batch * slc_shape_size(s->in), outs = s->batch * s->classes;
    slc_rng rng = slc_rng_at(s->seed, 1, 0, SLC_SLOT_INIT);
    slc_status status = slc_net_build(&c->net, s->spec, s->in, s->classes, err);
    if (status == SLC_OK)
        status = slc_model_create(&c->model,
                                  &(slc_model_settings){.spec = s->spec,
                                                        .channels = s->in.c,
                                                        .height = s->in.h,
                                                        .width = s->in.w,
                                                        .classes = s->classes,
                                                        .batch = s->batch,
                                                        .threads = s->threads,
                                                        .precision = s->precision,
                                                        .engine = s->engine,
                                                        .keep_outputs = s->by_layer,
                                                        .seed = s->seed},
                                  err);
    if (status == SLC_OK) status = slc_reference_open(&c->ref, c->net, s->batch, err);
    if (status != SLC_OK) return status;
    c->images = calloc(pixels, sizeof(float));
    c->coefficients = calloc(outs, sizeof(float));
    if (!c->images || !c->coefficients)
        return slc_fail(err, SLC_ENOMEM, "gradcheck: memory ran out");
    c->ref.seed = s->seed;
    for (size_t i = 0; i < outs; i++)
        c->coefficients[i] = (float)slc_rng_normal(&rng);
    /* scales and shifts away from one and zero, where mistakes hide */
    float *w = slc_model_weights(c->model);
    for (size_t i = 0; i < c->net->tensors; i++)
        for (size_t k = 0;
             c->net->tensor[i].role == SLC_ROLE_NORM && k < c->net->tensor[i].size; k++)
            w[c->net->tensor[i].offset + k] += (float)slc_rng_uniform(&rng, -0.3, 0.3);
    slc_model_touch(c->model);
    for (size_t i = 0; i < c->net->weights; i++)
        c->ref.weights[i] = w[i];
    for (size_t i = 0; i < c->net->buffers; i++)
        c->ref.buffers[i] = slc_model_buffers(c->model)[i];
    return SLC_OK;
}

static void draw_images(check *c, size_t attempt)
{
    slc_rng rng = slc_rng_at(c->set->seed, 3, attempt, SLC_SLOT_INIT);
    for (size_t i = 0; i < c->set->batch * slc_shape_size(c->set->in); i++)
        c->ref.x[i] = c->images[i] = (float)slc_rng_normal(&rng);
}

/* Numbers after a relu that are zero to the engine and not to the definition, or the other
 * way: they lie within a rounding error of the kink. */
static size_t flipped(const check *c, float *room)
{
    slc_err err = {0};
    size_t count = 0;
    for (size_t i = 0; i < c->net->nodes; i++) {
        const slc_net_node *node = &c->net->node[i];
        const size_t size = c->set->batch * slc_shape_size(node->out);
        if (slc_act_of(node->layer) != SLC_ACT_RELU ||
            slc_model_activation(c->model, i, room, size, &err) != SLC_OK)
            continue;
        const double top = ((const slc_act_settings *)node->settings)->a;
        for (size_t k = 0; k < size; k++) {
            const double y = c->ref.y[i][k];
            count += (room[k] > 0) != (y > 0);
            count += top > 0 && (room[k] < (float)top) != (y < top);
        }
    }
    return count;
}

/* Images on which engine and definition agree about every relu, if some attempts find
 * them: only there have both the same derivative. */
static slc_status choose_images(check *c, slc_err *err)
{
    enum { ATTEMPTS = 8 };
    const slc_pass pass = {.mode = SLC_MODE_TRAIN};
    const slc_view view = {c->images, SLC_F32, SLC_NCHW, c->set->batch};
    const float *logits;
    size_t most = 0;
    for (size_t i = 0; i < c->net->nodes; i++)
        most = slc_max(most, c->set->batch * slc_shape_size(c->net->node[i].out));
    float *room = calloc(most, sizeof(*room));
    if (!room) return slc_fail(err, SLC_ENOMEM, "gradcheck: memory ran out");
    slc_status status = SLC_OK;
    for (size_t i = 0; i < ATTEMPTS; i++) {
        draw_images(c, i);
        slc_reference_forward(&c->ref);
        status = slc_model_forward(c->model, &view, &pass, &logits, err);
        if (status != SLC_OK || c->set->precision == SLC_PRECISION_BF16 ||
            flipped(c, room) == 0)
            break;
    }
    free(room);
    return status;
}

/* The difference quotient at weight i with step h. */
static double slope(check *c, size_t i, double h)
{
    const double w = c->ref.weights[i];
    c->ref.weights[i] = w + h;
    const double up = loss(c);
    c->ref.weights[i] = w - h;
    const double down = loss(c);
    c->ref.weights[i] = w;
    return (up - down) / (2 * h);
}

/* Some weights of each tensor. At a kink two steps disagree; such weights are left out. */
static void difference(check *c)
{
    const size_t count = c->set->differences ? c->set->differences : 8;
    double wrong = 0, right = 0;
    slc_rng rng = slc_rng_at(c->set->seed, 2, 0, SLC_SLOT_INIT);
    for (size_t t = 0; t < c->net->tensors; t++) {
        const slc_tensor_info *info = &c->net->tensor[t];
        for (size_t k = 0;
             info->role != SLC_ROLE_BUFFER && k < slc_min(count, info->size); k++) {
            const size_t i = info->offset +
                             (info->size <= count ? k : slc_rng_below(&rng, info->size));
            const double coarse = slope(c, i, 2e-5), fine = slope(c, i, 1e-5);
            if (fabs(coarse - fine) > 1e-6 * (fabs(fine) + 1e-2)) {
                c->out->skipped++;
                continue;
            }
            const double d = fine - c->ref.grads[i];
            wrong += d * d, right += fine * fine, c->out->checked++;
        }
    }
    c->out->numeric = right > 0 ? sqrt(wrong / right) : 0;
}

static double whole_gradient(const check *c)
{
    double all = 0;
    for (size_t i = 0; i < c->net->weights; i++)
        all += c->ref.grads[i] * c->ref.grads[i];
    return all;
}

/* Lengths of tensors are compared with at least a hundredth of the whole gradient's: a
 * bias before a batch norm has gradient zero but for rounding. */
static double tensor_error(const check *c, const slc_tensor_info *info, double all)
{
    const float *g = slc_model_grads(c->model);
    double wrong = 0, right = 1e-4 * all + 1e-30;
    for (size_t i = info->offset; i < info->offset + info->size; i++) {
        wrong += (g[i] - c->ref.grads[i]) * (g[i] - c->ref.grads[i]);
        right += c->ref.grads[i] * c->ref.grads[i];
    }
    return sqrt(wrong / right);
}

static void compare(check *c)
{
    const double all = whole_gradient(c);
    for (size_t t = 0; t < c->net->tensors; t++) {
        const slc_tensor_info *info = &c->net->tensor[t];
        if (info->role == SLC_ROLE_BUFFER) continue;
        const double error = tensor_error(c, info, all);
        if (error <= c->out->engine && c->out->worst[0]) continue;
        c->out->engine = error;
        snprintf(c->out->worst, sizeof(c->out->worst), "%s", info->name);
    }
}

/* What the engine made of node i, against the definition; room holds floats for it. */
static slc_status output_error(check *c, size_t i, float *room, double *error,
                               slc_err *err)
{
    const size_t shown = slc_model_shown(c->model, i);
    const size_t size = c->set->batch * slc_shape_size(c->net->node[i].out);
    double wrong = 0, right = 1e-30;
    const slc_status st = slc_model_activation(c->model, i, room, size, err);
    for (size_t k = 0; st == SLC_OK && k < size; k++) {
        const double y = c->ref.y[shown][k];
        wrong += (room[k] - y) * (room[k] - y), right += y * y;
    }
    *error = sqrt(wrong / right);
    return st;
}

/* After forward, before backward writes over it. */
static slc_status look_at_outputs(check *c, slc_err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < c->net->nodes; i++)
        most = slc_max(most, c->set->batch * slc_shape_size(c->net->node[i].out));
    float *room = calloc(most, sizeof(*room));
    c->out->layer = calloc(c->net->nodes, sizeof(*c->out->layer));
    slc_status st = SLC_OK;
    if (!room || !c->out->layer)
        st = slc_fail(err, SLC_ENOMEM, "gradcheck: memory ran out");
    else
        c->out->layers = c->net->nodes;
    for (size_t i = 0; i < c->net->nodes && st == SLC_OK; i++) {
        slc_gradcheck_layer *l = &c->out->layer[i];
        snprintf(l->name, sizeof(l->name), "%s", c->net->node[i].name);
        l->type = c->net->node[i].layer->entry.name;
        st = output_error(c, i, room, &l->forward, err);
    }
    free(room);
    return st;
}

/* After backward. */
static slc_status look_at_layers(check *c, slc_err *err)
{
    const double all = whole_gradient(c);
    slc_status st = SLC_OK;
    for (size_t i = 0; i < c->out->layers && st == SLC_OK; i++) {
        const slc_net_node *node = &c->net->node[i];
        slc_gradcheck_layer *l = &c->out->layer[i];
        l->backward = -1;
        for (size_t t = 0; t < node->tensors; t++) {
            const slc_tensor_info *info = &c->net->tensor[node->tensor + t];
            if (info->role == SLC_ROLE_BUFFER) continue;
            l->backward = fmax(l->backward, tensor_error(c, info, all));
        }
        st = slc_gradcheck_in_place(&l->numeric, &c->out->parts_skipped, &c->ref, i,
                                    c->set->seed, err);
        c->out->numeric = fmax(c->out->numeric, l->numeric);
    }
    return st;
}

static slc_status run_engine(check *c, slc_err *err)
{
    const slc_pass pass = {.mode = SLC_MODE_TRAIN};
    const slc_view view = {c->images, SLC_F32, SLC_NCHW, c->set->batch};
    const float *logits;
    double wrong = 0, right = 1e-30;
    slc_status status = slc_model_forward(c->model, &view, &pass, &logits, err);
    if (status != SLC_OK) return status;
    for (size_t i = 0; i < c->set->batch * c->set->classes; i++) {
        const double y = c->ref.y[c->net->nodes - 1][i];
        wrong += (logits[i] - y) * (logits[i] - y), right += y * y;
    }
    c->out->forward = sqrt(wrong / right);
    if (c->set->by_layer) status = look_at_outputs(c, err);
    if (status != SLC_OK) return status;
    return slc_model_backward(c->model, c->coefficients, &pass, err);
}

slc_status slc_gradcheck_run(slc_gradcheck *out, const slc_gradcheck_settings *settings,
                             slc_err *err)
{
    check c = {.set = settings, .out = out};
    *out = (slc_gradcheck){.numeric = -1};
    slc_status status = open_all(&c, err);
    if (status != SLC_OK) goto done;
    status = choose_images(&c, err);
    if (status != SLC_OK) goto done;
    for (size_t i = 0; i < settings->batch * settings->classes; i++)
        c.ref.dy[c.net->nodes - 1][i] = c.coefficients[i];
    status = slc_reference_backward(&c.ref, err);
    if (status == SLC_OK) status = run_engine(&c, err);
    if (status != SLC_OK) goto done;
    compare(&c);
    status = look_at_layers(&c, err);
    if (status != SLC_OK) goto done;
    if (settings->differences != SIZE_MAX) difference(&c);
done:
    slc_reference_close(&c.ref);
    slc_model_destroy(&c.model);
    slc_net_free(&c.net);
    free(c.images);
    free(c.coefficients);
    return status;
}

void slc_gradcheck_free(slc_gradcheck *g)
{
    free(g->layer);
    *g = (slc_gradcheck){0};
}
