/* Models: a net, its three blocks, and the exec that runs it. */
#include "train/model.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/num.h"
#include "base/pool.h"
#include "config.h"
#include "train/engine/exec.h"

struct slc_model {
    slc_net *net;
    slc_exec exec;
    char engine[96];
};

/* Sorted by preference. */
static const slc_engine *const engines[] = {
#if SLC_HAVE_ONEDNN
    &slc_engine_onednn,
#endif
    &slc_engine_blas, NULL};

/* In auto, bf16 only where the processor multiplies it. */
static bool has_bf16(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

static slc_status choose_engine(slc_exec *ex, const slc_model_settings *s, slc_err *err)
{
    const bool any = !s->engine || strcmp(s->engine, "auto") == 0;
    size_t i = 0;
    while (!any && engines[i] && strcmp(engines[i]->name, s->engine) != 0)
        i++;
    if (!engines[i])
        return slc_fail(err, SLC_EINVAL, "model: no engine %s in this build", s->engine);
    ex->engine = engines[i];
    const bool native = ex->engine->runs(SLC_BF16);
    ex->type = s->precision == SLC_PRECISION_BF16 ||
                       (s->precision == SLC_PRECISION_AUTO && native && has_bf16())
                   ? SLC_BF16
                   : SLC_F32;
    ex->multiplies = native ? ex->type : SLC_F32;
    return SLC_OK;
}

static slc_status make_blocks(slc_model *m, slc_err *err)
{
    slc_exec *ex = &m->exec;
    const size_t weights = slc_max(m->net->weights, 1) * sizeof(float);
    const size_t buffers = slc_max(m->net->buffers, 1) * sizeof(float);
    ex->weights = slc_block_alloc(weights);
    ex->buffers = slc_block_alloc(buffers);
    if (!ex->inference) ex->grads = slc_block_alloc(weights);
    if (!ex->weights || !ex->buffers || (!ex->inference && !ex->grads))
        return slc_fail(err, SLC_ENOMEM, "model: no memory for %zu weights",
                        m->net->weights);
    if (ex->grads) memset(ex->grads, 0, weights);
    return slc_net_start(m->net, ex->seed, ex->weights, ex->buffers, err);
}

slc_status slc_model_create(slc_model **out, const slc_model_settings *settings,
                            slc_err *err)
{
    const slc_model_settings *s = settings;
    slc_model *m = calloc(1, sizeof(*m));
    *out = NULL;
    if (!m) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    slc_exec *ex = &m->exec;
    slc_status status = choose_engine(ex, s, err);
    if (status != SLC_OK) goto done;
    ex->batch = slc_max(s->batch, 1);
    ex->threads = s->threads ? s->threads : slc_pool_cores();
    ex->inference = s->inference;
    ex->checkpoints = s->grad_checkpoint;
    ex->keeps = s->keep_outputs;
    ex->seed = s->seed;
    status = slc_net_build(
        &m->net, s->spec, (slc_shape){s->channels, s->height, s->width}, s->classes, err);
    if (status != SLC_OK) goto done;
    ex->net = m->net;
    status = make_blocks(m, err);
    if (status == SLC_OK) status = slc_exec_open(ex, err);
    ex->engine->describe(m->engine, sizeof(m->engine));
done:
    if (status != SLC_OK) slc_model_destroy(&m);
    *out = m;
    return status;
}

void slc_model_destroy(slc_model **model)
{
    slc_model *m = *model;
    if (!m) return;
    slc_exec_close(&m->exec);
    free(m->exec.weights);
    free(m->exec.grads);
    free(m->exec.buffers);
    slc_net_free(&m->net);
    free(m);
    *model = NULL;
}

size_t slc_model_tensor_count(const slc_model *model)
{
    return model->net->tensors;
}

/* Weights first, then buffers, each in execution order. */
const slc_tensor_info *slc_model_tensor(const slc_model *model, size_t i)
{
    for (int buffers = 0; buffers < 2; buffers++)
        for (size_t t = 0; t < model->net->tensors; t++) {
            const slc_tensor_info *info = &model->net->tensor[t];
            if ((info->role == SLC_ROLE_BUFFER) != buffers) continue;
            if (i-- == 0) return info;
        }
    return NULL;
}

size_t slc_model_weight_count(const slc_model *model)
{
    return model->net->weights;
}

float *slc_model_weights(slc_model *model)
{
    return model->exec.weights;
}

float *slc_model_grads(slc_model *model)
{
    return model->exec.grads;
}

size_t slc_model_buffer_count(const slc_model *model)
{
    return model->net->buffers;
}

float *slc_model_buffers(slc_model *model)
{
    return model->exec.buffers;
}

void slc_model_touch(slc_model *model)
{
    model->exec.version++;
}

size_t slc_model_freeze(slc_model *model, const char *glob, bool frozen)
{
    size_t count = 0;
    bool changed = false;
    for (size_t i = 0; i < model->net->tensors; i++) {
        slc_tensor_info *t = &model->net->tensor[i];
        if (fnmatch(glob, t->name, 0) != 0) continue;
        changed |= t->frozen != frozen;
        t->frozen = frozen;
        count++;
        if (frozen && t->role != SLC_ROLE_BUFFER && model->exec.grads)
            memset(model->exec.grads + t->offset, 0, t->size * sizeof(float));
    }
    /* The memory for a smaller plan is there already; growing back was paid for at first. */
    slc_err err = {0};
    if (changed) model->exec.failed |= slc_runplan_make(&model->exec, &err) != SLC_OK;
    if (changed) model->exec.last = NULL;
    return count;
}

slc_status slc_model_check_batch(const slc_model *model, size_t n, slc_err *err)
{
    return slc_exec_check_batch(&model->exec, n, err);
}

slc_status slc_model_forward(slc_model *model, const slc_view *x, const slc_pass *pass,
                             const float **logits, slc_err *err)
{
    const slc_status status = slc_exec_forward(&model->exec, x, pass, err);
    *logits = model->exec.logits;
    return status;
}

size_t slc_model_prefix_bytes(const slc_model *model)
{
    return slc_exec_prefix_bytes(&model->exec);
}

slc_status slc_model_prefix(slc_model *model, const slc_view *x, const slc_pass *pass,
                            void *out, slc_err *err)
{
    return slc_exec_prefix(&model->exec, x, pass, out, err);
}

slc_status slc_model_suffix(slc_model *model, const void *features, size_t n,
                            const slc_pass *pass, const float **logits, slc_err *err)
{
    const slc_status status = slc_exec_suffix(&model->exec, features, n, pass, err);
    *logits = model->exec.logits;
    return status;
}

slc_status slc_model_backward(slc_model *model, const float *dlogits,
                              const slc_pass *pass, slc_err *err)
{
    return slc_exec_backward(&model->exec, dlogits, pass, err);
}

slc_status slc_model_profile(slc_model *model, bool on, slc_err *err)
{
    return slc_exec_profile(&model->exec, on, err);
}

size_t slc_model_profile_rows(const slc_model *model)
{
    return model->exec.spent ? model->exec.plan[1].tasks : 0;
}

slc_profile_row slc_model_profile_row(const slc_model *model, size_t i)
{
    return slc_exec_profile_row(&model->exec, i);
}

size_t slc_model_layer_count(const slc_model *model)
{
    return model->net->nodes;
}

slc_layer_info slc_model_layer(const slc_model *model, size_t i)
{
    const slc_net_node *node = &model->net->node[i];
    size_t weights = 0;
    for (size_t t = 0; t < node->tensors; t++) {
        const slc_tensor_info *info = &model->net->tensor[node->tensor + t];
        if (info->role != SLC_ROLE_BUFFER) weights += info->size;
    }
    return (slc_layer_info){.name = node->name,
                            .type = node->layer->entry.name,
                            .channels = node->out.c,
                            .height = node->out.h,
                            .width = node->out.w,
                            .weights = weights,
                            .flops = node->flops};
}

slc_status slc_model_activation(slc_model *model, size_t layer, float *out, size_t room,
                                slc_err *err)
{
    slc_exec *ex = &model->exec;
    if (!ex->last || layer >= model->net->nodes)
        return slc_fail(err, SLC_EINVAL, "model: no forward to look at, or no layer %zu",
                        layer);
    return slc_exec_activation(ex, layer, out, room, err);
}

size_t slc_model_shown(const slc_model *model, size_t layer)
{
    const slc_value *v = model->exec.plan[!model->exec.inference].value;
    size_t last = layer;
    for (size_t i = layer + 1; i < model->net->nodes; i++)
        if (v[i + 1].root == v[layer + 1].root) last = i;
    return last;
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool layer_is_finite(slc_model *m, size_t i)
{
    const slc_net_node *node = &m->net->node[i];
    for (size_t t = 0; t < node->tensors; t++) {
        const slc_tensor_info *info = &m->net->tensor[node->tensor + t];
        const bool buffer = info->role == SLC_ROLE_BUFFER;
        const float *data = buffer ? m->exec.buffers : m->exec.weights;
        if (!all_finite(data + info->offset, info->size)) return false;
        if (!buffer && m->exec.went_back &&
            !all_finite(m->exec.grads + info->offset, info->size))
            return false;
    }
    return slc_exec_is_finite(&m->exec, i);
}

const char *slc_model_first_bad(slc_model *model)
{
    for (size_t i = 0; i < model->net->nodes; i++)
        if (!layer_is_finite(model, i)) return model->net->node[i].name;
    return NULL;
}

slc_model_facts slc_model_facts_of(const slc_model *model)
{
    const slc_exec *ex = &model->exec;
    slc_model_facts f = {
        .engine = model->engine,
        .precision = ex->type == SLC_BF16 ? SLC_PRECISION_BF16 : SLC_PRECISION_F32,
        .channels = model->net->in.c,
        .height = model->net->in.h,
        .width = model->net->in.w,
        .classes = model->net->classes,
        .batch = ex->batch,
        .threads = ex->threads,
        .weights = model->net->weights,
    };
    for (size_t i = 0; i < model->net->nodes; i++)
        f.flops += model->net->node[i].flops;
    f.bytes = (model->net->weights * (ex->inference ? 1 : 2) + model->net->buffers) *
                  sizeof(float) +
              ex->block_size + ex->scratch_size;
    for (size_t p = 0; p < 2; p++)
        for (size_t t = 0; t < ex->plan[p].tasks; t++)
            for (size_t k = 0; k < ex->plan[p].task[t].made_count; k++)
                f.bytes += ex->plan[p].task[t].made[k].engine->bytes(
                    ex->plan[p].task[t].made[k].product);
    return f;
}
