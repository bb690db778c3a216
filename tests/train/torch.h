/* Models whose weights and pictures are filled by the formula of tests/golden/filled.py, and
 * tensors compared with what PyTorch made of them. */
#ifndef TESTS_TRAIN_TORCH_H
#define TESTS_TRAIN_TORCH_H

#include "tests/check.h"
#include "train/model.h"

typedef struct golden {
    const char *name;
    double norm, dot; /* of the tensor; its dot product with fill(name + "?") */
} golden;

static double fill(const char *name, const char *more, size_t i)
{
    uint32_t h = 2166136261u;
    for (const char *c = name; *c; c++)
        h = (h ^ (uint8_t)*c) * 16777619u;
    for (const char *c = more; *c; c++)
        h = (h ^ (uint8_t)*c) * 16777619u;
    uint32_t u = (uint32_t)i * 2654435761u + h;
    u = (u ^ (u >> 15)) * 2246822519u;
    u ^= u >> 13;
    return (u & 0xffff) / 32768.0 - 1;
}

static bool ends(const char *name, const char *tail)
{
    const size_t n = strlen(name), t = strlen(tail);
    return n >= t && strcmp(name + n - t, tail) == 0;
}

static double value(const slc_tensor_info *t, size_t i)
{
    const double v = fill(t->name, "", i);
    if (ends(t->name, "running_var")) return 1 + 0.5 * fabs(v);
    if (t->rank > 1) return v * sqrt(3.0 / (double)(t->size / t->dim[0]));
    return ends(t->name, "weight") ? 1 + 0.1 * v : 0.1 * v;
}

static slc_model *make_filled(slc_model_settings settings)
{
    slc_err err = {0};
    slc_model *m;
    settings.threads = 2;
    settings.precision = SLC_PRECISION_F32;
    CHECK(slc_model_create(&m, &settings, &err) == SLC_OK, "%s", err.msg);
    for (size_t k = 0; k < slc_model_tensor_count(m); k++) {
        const slc_tensor_info *t = slc_model_tensor(m, k);
        float *to =
            (t->role == SLC_ROLE_BUFFER ? slc_model_buffers(m) : slc_model_weights(m));
        for (size_t i = 0; i < t->size; i++)
            to[t->offset + i] = (float)value(t, i);
    }
    slc_model_touch(m);
    return m;
}

/* n pictures of size numbers each, in pixels, through the net. */
static const float *forward(slc_model *m, size_t n, size_t size, slc_mode mode,
                            const char *name, float *pixels)
{
    slc_err err = {0};
    const float *logits;
    for (size_t i = 0; i < n * size; i++)
        pixels[i] = (float)fill(name, "", i);
    const slc_view view = {pixels, SLC_F32, SLC_NCHW, n};
    CHECK(slc_model_forward(m, &view, &(slc_pass){.mode = mode}, &logits, &err) == SLC_OK,
          "%s", err.msg);
    return logits;
}

static void backward(slc_model *m, size_t logits)
{
    slc_err err = {0};
    float d[64];
    CHECK(logits <= 64, "%zu", logits);
    for (size_t i = 0; i < logits; i++)
        d[i] = (float)fill("loss", "", i);
    CHECK(slc_model_backward(m, d, &(slc_pass){.mode = SLC_MODE_TRAIN}, &err) == SLC_OK,
          "%s", err.msg);
}

static void check_tensor(const float *x, size_t size, const golden *g, const char *where)
{
    double square = 0, dot = 0;
    for (size_t i = 0; i < size; i++) {
        const double v = x[i];
        square += v * v, dot += v * fill(g->name, "?", i);
    }
    CHECK(fabs(sqrt(square) - g->norm) <= 1e-5 * g->norm, "%s, %s: %g, not %g", where,
          g->name, sqrt(square), g->norm);
    CHECK(fabs(dot - g->dot) <= 1e-5 * g->norm, "%s, %s: %g, not %g", where, g->name, dot,
          g->dot);
}

static void check_gradient(slc_model *m, const golden *g, const char *where)
{
    const slc_tensor_info *t = NULL;
    for (size_t k = 0; k < slc_model_tensor_count(m); k++)
        if (strcmp(slc_model_tensor(m, k)->name, g->name) == 0)
            t = slc_model_tensor(m, k);
    CHECK(t, "%s: no %s", where, g->name);
    check_tensor(slc_model_grads(m) + t->offset, t->size, g, where);
}

#endif
