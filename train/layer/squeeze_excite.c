/* Channels times a gate computed from their means:
 *   m = mean over pixels;  h = relu(W1 m + b1);  g = sigmoid(W2 h + b2);  y = x g
 * Tensors are named and shaped as torchvision's SqueezeExcitation (1 x 1 convolutions). */
#include <math.h>

#include "train/layer.h"

static const slc_param params[] = {{"squeeze", SLC_FIELD(slc_se_settings, squeeze),
                                    .lo = 1, .hi = 4096,
                                    .help = "numbers between the two matrices"},
                                   {0}};

static size_t tensors(const void *settings, const slc_shape *in,
                      slc_tensor_spec spec[SLC_MAX_TENSORS])
{
    const size_t q = (size_t)((const slc_se_settings *)settings)->squeeze;
    const size_t out[2] = {q, in->c}, from[2] = {in->c, q};
    static const char *const name[4] = {"fc1.weight", "fc1.bias", "fc2.weight",
                                        "fc2.bias"};
    for (size_t i = 0; i < 4; i++)
        spec[i] = (slc_tensor_spec){.suffix = name[i],
                                    .role = i & 1 ? SLC_ROLE_BIAS : SLC_ROLE_WEIGHT,
                                    .rank = i & 1 ? 1 : 4,
                                    .dim = {out[i / 2]},
                                    .init = "fan_in_uniform",
                                    .fan_in = i & 1 ? from[i / 2] : 0};
    for (size_t i = 0; i < 4; i += 2)
        spec[i].dim[1] = from[i / 2], spec[i].dim[2] = spec[i].dim[3] = 1;
    return 4;
}

static double flops(const void *settings, const slc_shape *in, slc_shape out)
{
    const slc_se_settings *s = settings;
    return 2.0 * (double)slc_shape_size(out) + 4.0 * (double)s->squeeze * (double)in->c;
}

static double mean(const slc_ref *r, size_t n, size_t c)
{
    const size_t area = r->out.h * r->out.w;
    double sum = 0;
    for (size_t i = 0; i < area; i++)
        sum += r->x[0][(n * r->out.c + c) * area + i];
    return sum / (double)area;
}

/* Output k of the first matrix, before its relu. */
static double hidden(const slc_ref *r, size_t n, size_t k)
{
    double sum = r->t[1][k];
    for (size_t c = 0; c < r->out.c; c++)
        sum += r->t[0][k * r->out.c + c] * mean(r, n, c);
    return sum;
}

static double gate(const slc_ref *r, size_t n, size_t c)
{
    const size_t q = (size_t)((const slc_se_settings *)r->settings)->squeeze;
    double sum = r->t[3][c];
    for (size_t k = 0; k < q; k++)
        sum += r->t[2][c * q + k] * fmax(hidden(r, n, k), 0);
    return 1 / (1 + exp(-sum));
}

static void forward(const slc_ref *r)
{
    const size_t area = r->out.h * r->out.w;
    for (size_t p = 0; p < r->n * r->out.c; p++) {
        const double g = gate(r, p / r->out.c, p % r->out.c);
        for (size_t i = 0; i < area; i++)
            r->y[p * area + i] = g * r->x[0][p * area + i];
    }
}

/* Gradient with respect to channel c's gate, before its sigmoid. */
static double gate_gradient(const slc_ref *r, size_t n, size_t c)
{
    const size_t area = r->out.h * r->out.w, at = (n * r->out.c + c) * area;
    const double g = gate(r, n, c);
    double sum = 0;
    for (size_t i = 0; i < area; i++)
        sum += r->dy[at + i] * r->x[0][at + i];
    return sum * g * (1 - g);
}

/* What flows through hidden number k of image n. */
static void one_hidden(const slc_ref *r, size_t n, size_t k)
{
    const size_t q = (size_t)((const slc_se_settings *)r->settings)->squeeze;
    const size_t channels = r->out.c, area = r->out.h * r->out.w;
    const double h = hidden(r, n, k);
    double dh = 0;
    for (size_t c = 0; c < channels; c++) {
        const double d = gate_gradient(r, n, c);
        r->dt[2][c * q + k] += d * fmax(h, 0);
        dh += d * r->t[2][c * q + k];
    }
    if (h <= 0) return;
    r->dt[1][k] += dh;
    for (size_t c = 0; c < channels; c++) {
        r->dt[0][k * channels + c] += dh * mean(r, n, c);
        for (size_t i = 0; r->dx[0] && i < area; i++)
            r->dx[0][(n * channels + c) * area + i] +=
                dh * r->t[0][k * channels + c] / (double)area;
    }
}

static void backward(const slc_ref *r)
{
    const size_t q = (size_t)((const slc_se_settings *)r->settings)->squeeze;
    const size_t area = r->out.h * r->out.w;
    const size_t size[4] = {q * r->out.c, q, q * r->out.c, r->out.c};
    for (size_t t = 0; t < 4; t++)
        for (size_t i = 0; i < size[t]; i++)
            r->dt[t][i] = 0;
    for (size_t p = 0; p < r->n * r->out.c; p++) {
        const double g = gate(r, p / r->out.c, p % r->out.c);
        r->dt[3][p % r->out.c] += gate_gradient(r, p / r->out.c, p % r->out.c);
        for (size_t i = 0; r->dx[0] && i < area; i++)
            r->dx[0][p * area + i] = g * r->dy[p * area + i];
    }
    for (size_t i = 0; i < r->n * q; i++)
        one_hidden(r, i / q, i % q);
}

const slc_layer slc_layer_squeeze_excite = {
    .entry = {.name = "squeeze_excite",
              .summary = "weigh channels by a gate computed from their means",
              .source = "Hu, Shen & Sun, CVPR 2018 (arXiv:1709.01507)",
              .params = params,
              .settings_size = sizeof(slc_se_settings)},
    .tensors = tensors,
    .flops = flops,
    .forward = forward,
    .backward = backward,
};
