/* Carrying out a plan. */
#include "train/engine/exec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/num.h"
#include "train/engine/amx.h"
#include "train/engine/direct.h"
#include "train/engine/widened.h"
#include "train/engine/winograd.h"

void *slc_exec_value(const slc_exec *ex, const slc_runplan *plan, int value)
{
    const int root = plan->value[value].root;
    if (root == 0 && plan->value[0].first == -2) return (void *)ex->view.data;
    return (char *)ex->block + plan->value[root].at;
}

static void *grad_at(const slc_exec *ex, const slc_runplan *plan, int value)
{
    const slc_value *v = &plan->value[plan->value[plan->value[value].root].grad_root];
    return (char *)ex->block + (v->grad_here ? v->at : v->grad_at);
}

slc_geom slc_exec_geom(const slc_task *t, size_t n, bool train)
{
    slc_geom g = {.n = n,
                  .in = t->in_shape,
                  .out = t->node->out,
                  .stride = 1,
                  .dilation = 1,
                  .groups = 1,
                  .train = train && t->backward,
                  .wants_dx = t->wants_dx[0]};
    if (strcmp(t->node->layer->entry.name, "conv2d") == 0) {
        const slc_conv_settings *s = t->node->settings;
        g.kernel_h = g.kernel_w = (size_t)s->kernel;
        g.stride = (size_t)s->stride;
        g.padding = (size_t)s->padding;
        g.dilation = (size_t)s->dilation;
        g.groups = (size_t)s->groups;
        g.bias = s->bias;
        return g;
    }
    const slc_linear_settings *s = t->node->settings;
    g.kernel_h = g.in.h;
    g.kernel_w = g.in.w;
    g.linear = true;
    g.bias = s->bias;
    return g;
}

static bool is_depthwise(const slc_task *t)
{
    if (strcmp(t->node->layer->entry.name, "conv2d") != 0) return false;
    const slc_conv_settings *s = t->node->settings;
    return (size_t)s->groups == t->node->in[0].c && s->groups == s->out && s->groups > 1;
}

bool slc_exec_is_product(const slc_task *t)
{
    return t->op->product && !is_depthwise(t);
}

static slc_made *find_made(const slc_task *t, size_t n, bool train)
{
    for (size_t i = 0; i < t->made_count; i++)
        if (t->made[i].n == n && t->made[i].train == train) return &t->made[i];
    return NULL;
}

static slc_status grow_scratch(slc_exec *ex, size_t bytes, slc_err *err)
{
    if (bytes <= ex->scratch_size) return SLC_OK;
    free(ex->scratch);
    ex->scratch_size = 0;
    ex->scratch = slc_block_alloc(bytes);
    if (!ex->scratch) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    ex->scratch_size = bytes;
    return SLC_OK;
}

const slc_engine *slc_engine_own(const slc_geom *g, slc_dtype type)
{
    return slc_winograd_fits(g, type) ? &slc_engine_winograd
           : slc_direct_fits(g, type) ? &slc_engine_direct
           : slc_amx_fits(g, type)    ? &slc_engine_amx
                                      : NULL;
}

/* By the engine, unless there is a faster way for this one. */
static slc_status make_product(slc_exec *ex, slc_task *t, size_t n, bool train,
                               slc_err *err)
{
    slc_made *more = realloc(t->made, (t->made_count + 1) * sizeof(*more));
    if (!more) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    t->made = more;
    slc_made *const made = &t->made[t->made_count];
    const slc_geom g = slc_exec_geom(t, n, train);
    const slc_engine *own = slc_engine_own(&g, ex->multiplies);
    slc_widening way = {own ? own : ex->engine,
                        own ? (void *)&ex->threads : ex->engine_state, ex->threads};
    const bool widens = ex->type != ex->multiplies;
    *made = (slc_made){
        .n = n, .train = train, .engine = widens ? &slc_engine_widened : way.by};
    const slc_status status =
        made->engine->make(&made->product, widens ? &way : way.state, &g, err);
    if (status != SLC_OK) {
        made->engine->free(&made->product);
        return slc_err_prefix(err, "layer %s", t->node->name);
    }
    t->made_count++;
    return SLC_OK;
}

/* Everything task t needs for batches of n. A gradient that is added to what is there is
 * first made in scratch, unless the engine adds. */
static slc_status prepare(slc_exec *ex, slc_task *t, size_t n, bool train, slc_err *err)
{
    size_t bytes = t->op->scratch ? t->op->scratch(t->node, n, ex->threads) : 0;
    bool aside = t->op->product;
    if (slc_exec_is_product(t)) {
        const slc_status status = make_product(ex, t, n, train, err);
        if (status != SLC_OK) return status;
        const slc_made *const made = &t->made[t->made_count - 1];
        bytes += slc_round_up(made->engine->scratch(made->product), 64);
        aside = !made->engine->adds_dx;
    }
    if (aside)
        bytes +=
            slc_round_up(n * slc_shape_size(t->in_shape) * slc_dtype_size(ex->type), 64);
    return grow_scratch(ex, bytes, err);
}

static slc_status prepare_all(slc_exec *ex, slc_runplan *plan, size_t n, bool train,
                              slc_err *err)
{
    for (size_t i = 0; i < plan->tasks; i++) {
        slc_task *t = &plan->task[i];
        if (slc_exec_is_product(t) && find_made(t, n, train)) continue;
        const slc_status status = prepare(ex, t, n, train, err);
        if (status != SLC_OK) return status;
    }
    return SLC_OK;
}

static slc_call call_of(slc_exec *ex, slc_runplan *plan, const slc_task *t,
                        const slc_pass *pass, bool back)
{
    slc_call c = {.ex = ex,
                  .task = t,
                  .node = t->node,
                  .k = ex->k,
                  .n = ex->view.n,
                  .threads = (int)ex->threads,
                  .mode = pass->mode,
                  .rng = slc_net_rng(ex->seed, pass->step, t->index)};
    for (size_t i = 0; i < t->inputs; i++) {
        c.x[i] = slc_exec_value(ex, plan, slc_task_reads(plan, t, i));
        if (back && t->wants_dx[i]) c.dx[i] = grad_at(ex, plan, t->in[i]);
        c.add_dx[i] = t->adds_dx[i];
    }
    if (t->add >= 0) c.add = slc_exec_value(ex, plan, t->add);
    if (back && t->wants_dadd) c.dadd = grad_at(ex, plan, t->add);
    c.add_dadd = t->adds_dadd;
    c.y = slc_exec_value(ex, plan, t->out);
    if (back) c.dy = grad_at(ex, plan, t->out);
    for (size_t i = 0; i < t->node->tensors; i++) {
        const slc_tensor_info *info = &ex->net->tensor[t->node->tensor + i];
        const bool buffer = info->role == SLC_ROLE_BUFFER;
        c.t[i] = (buffer ? ex->buffers : ex->weights) + info->offset;
        if (back && !buffer && !info->frozen) c.dt[i] = ex->grads + info->offset;
    }
    c.add_dt = pass->accumulate;
    c.saved = (char *)ex->block + t->saved_at;
    c.scratch = ex->scratch;
    return c;
}

/* Brings the images into the net's type and order, unless they are so already. */
static void read_input(slc_exec *ex, slc_runplan *plan)
{
    const slc_view *x = &ex->view;
    const slc_shape s = ex->net->in;
    const size_t size = slc_shape_size(s), area = s.h * s.w;
    if (x->type == ex->type && (x->layout == SLC_NHWC || s.c == 1)) {
        plan->value[0].first = -2;
        return;
    }
    if (plan->value[0].first == -2) plan->value[0].first = 0;
    void *to = (char *)ex->block + plan->value[0].at;
#pragma omp parallel for num_threads((int)ex->threads) schedule(static)
    for (size_t n = 0; n < x->n; n++)
        for (size_t i = 0; i < size; i++) {
            const size_t from =
                n * size + (x->layout == SLC_NHWC ? i : i % s.c * area + i / s.c);
            const float v = x->type == SLC_F32
                                ? ((const float *)x->data)[from]
                                : slc_f32_from_bf16(((const uint16_t *)x->data)[from]);
            if (ex->type == SLC_F32)
                ((float *)to)[n * size + i] = v;
            else
                ((uint16_t *)to)[n * size + i] = slc_bf16_from_f32(v);
        }
}

slc_status slc_exec_check_batch(const slc_exec *ex, size_t n, slc_err *err)
{
    for (size_t i = 0; i < ex->plan[1].tasks; i++) {
        const slc_task *t = &ex->plan[1].task[i];
        if (!t->frozen && strcmp(t->node->layer->entry.name, "batch_norm") == 0 &&
            n * t->node->out.h * t->node->out.w == 1)
            return slc_fail(err, SLC_EDATA,
                            "layer %s: batch norm needs more than one value per channel; "
                            "train with batches of 2 or more",
                            t->node->name);
    }
    return SLC_OK;
}

static slc_status check(const slc_exec *ex, const slc_view *x, const slc_pass *pass,
                        slc_err *err)
{
    if (x->n == 0 || x->n > ex->batch)
        return slc_fail(err, SLC_EINVAL,
                        "model: a batch of %zu images, made for 1 to %zu", x->n,
                        ex->batch);
    if (x->type != SLC_F32 && x->type != SLC_BF16)
        return slc_fail(err, SLC_EINVAL, "model: images must be f32 or bf16");
    if (pass->mode == SLC_MODE_TRAIN && ex->inference)
        return slc_fail(err, SLC_EINVAL, "model: made for inference, cannot train");
    return pass->mode == SLC_MODE_TRAIN ? slc_exec_check_batch(ex, x->n, err) : SLC_OK;
}

static void flush_denormals(const slc_exec *ex)
{
#pragma omp parallel num_threads((int)ex->threads)
    slc_isa_flush_denormals();
}

slc_status slc_exec_begin(slc_exec *ex, const slc_view *x, const slc_pass *pass,
                          slc_err *err)
{
    const bool train = pass->mode == SLC_MODE_TRAIN;
    slc_runplan *plan = &ex->plan[train];
    slc_status status = check(ex, x, pass, err);
    if (status != SLC_OK) return status;
    status = prepare_all(ex, plan, x->n, train, err);
    if (status != SLC_OK) return status;
    flush_denormals(ex);
    ex->view = *x;
    ex->last = plan;
    if (ex->spent && train)
        memset(ex->spent, 0, ex->net->nodes * SLC_PARTS * sizeof(*ex->spent));
    ex->went_back = false;
    ex->skipped = 0;
    ex->sums_of = -1;
    return SLC_OK;
}

void slc_exec_tasks(slc_exec *ex, const slc_pass *pass, size_t from, size_t to)
{
    slc_runplan *plan = ex->last;
    if (from == 0 && !ex->went_back) read_input(ex, plan);
    for (size_t i = from; i < to; i++) {
        const slc_task *t = &plan->task[i];
        const uint64_t begin = slc_part_begin(ex);
        slc_call c = call_of(ex, plan, t, pass, false);
        c.again = ex->went_back;
        if (slc_exec_is_product(t))
            slc_exec_product_forward(
                ex, &c, find_made(t, ex->view.n, pass->mode == SLC_MODE_TRAIN));
        else
            t->op->forward(&c);
        slc_part_end(ex, t, SLC_PART_FORWARD, begin);
    }
}

slc_status slc_exec_end(slc_exec *ex, slc_err *err)
{
    ex->k->to_f32(ex->logits, slc_exec_value(ex, ex->last, (int)ex->net->nodes),
                  ex->view.n * ex->net->classes);
    if (ex->failed)
        return slc_fail(err, SLC_EIO, "engine %s: a computation failed",
                        ex->engine->name);
    return SLC_OK;
}

slc_status slc_exec_forward(slc_exec *ex, const slc_view *x, const slc_pass *pass,
                            slc_err *err)
{
    const slc_status status = slc_exec_begin(ex, x, pass, err);
    if (status != SLC_OK) return status;
    slc_exec_tasks(ex, pass, 0, ex->last->tasks);
    return slc_exec_end(ex, err);
}

slc_status slc_exec_backward(slc_exec *ex, const float *dlogits, const slc_pass *pass,
                             slc_err *err)
{
    slc_runplan *plan = &ex->plan[1];
    if (ex->last != plan || ex->went_back)
        return slc_fail(err, SLC_EINVAL,
                        "model: backward needs a training forward before it");
    ex->went_back = true;
    ex->k->from_f32(grad_at(ex, plan, (int)ex->net->nodes), false, dlogits,
                    ex->view.n * ex->net->classes);
    for (size_t i = plan->tasks; i-- > 0;) {
        const slc_task *t = &plan->task[i];
        if (t->again_from >= 0) slc_exec_tasks(ex, pass, (size_t)t->again_from, i + 1);
        for (size_t k = 0; k < t->renewing; k++)
            slc_exec_tasks(ex, pass, (size_t)t->renewed[k], (size_t)t->renewed[k] + 1);
        if (!t->backward) continue;
        const slc_call c = call_of(ex, plan, t, pass, true);
        if (slc_exec_is_product(t)) {
            slc_exec_product_backward(ex, &c, find_made(t, ex->view.n, true));
            continue;
        }
        const uint64_t begin = slc_part_begin(ex);
        t->op->backward(&c);
        slc_part_end(ex, t, SLC_PART_DATA, begin);
    }
    if (ex->failed)
        return slc_fail(err, SLC_EIO, "engine %s: a computation failed",
                        ex->engine->name);
    return SLC_OK;
}

static size_t widest(const slc_net *net)
{
    size_t channels = 1;
    for (size_t i = 0; i < net->nodes; i++)
        channels = slc_max(channels, net->node[i].out.c);
    return channels;
}

slc_status slc_exec_open(slc_exec *ex, slc_err *err)
{
    ex->k = slc_kernels_for(slc_isa_detect(), ex->type);
    slc_status status =
        ex->engine->open(&ex->engine_state, ex->threads, ex->multiplies, err);
    if (status != SLC_OK) return status;
    ex->version = 1;
    ex->logits = calloc(ex->batch * ex->net->classes, sizeof(*ex->logits));
    if (!ex->inference && ex->multiplies == SLC_BF16)
        ex->sums = calloc(SLC_LANES * 2 * widest(ex->net), sizeof(*ex->sums));
    if (!ex->logits || (!ex->sums && !ex->inference && ex->multiplies == SLC_BF16))
        return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    return slc_runplan_make(ex, err);
}

void slc_exec_close(slc_exec *ex)
{
    slc_runplan_free(ex);
    if (ex->engine_state) ex->engine->close(&ex->engine_state);
    free(ex->block);
    free(ex->scratch);
    free(ex->sums);
    free(ex->logits);
    free(ex->spent);
}

/* Whether what node layer made is still where it was put: forward only, and nothing placed
 * over it since. */
static bool is_there(const slc_exec *ex, size_t layer)
{
    const slc_runplan *plan = ex->last;
    const int root = plan->value[layer + 1].root;
    const slc_value *v = &plan->value[root];
    const size_t size = ex->batch * slc_shape_size(v->shape) * slc_dtype_size(ex->type);
    if (ex->went_back || layer < ex->skipped || v->first == -1) return false;
    for (size_t i = 0; i <= ex->net->nodes; i++) {
        const slc_value *o = &plan->value[i];
        const size_t other =
            ex->batch * slc_shape_size(o->shape) * slc_dtype_size(ex->type);
        if ((int)i != root && o->root == (int)i && o->first > v->last &&
            o->at < v->at + size && v->at < o->at + other && o->first < (int)plan->tasks)
            return false;
    }
    return true;
}

slc_status slc_exec_activation(slc_exec *ex, size_t layer, float *out, size_t room,
                               slc_err *err)
{
    const slc_shape s = ex->net->node[layer].out;
    const int root = ex->last->value[layer + 1].root;
    const slc_shape home = ex->last->value[root].shape;
    const size_t size = slc_shape_size(s), area = home.h * home.w, n = ex->view.n;
    if (room < n * size)
        return slc_fail(err, SLC_EINVAL,
                        "activation: expected room for %zu numbers, got %zu", n * size,
                        room);
    if (!is_there(ex, layer))
        return slc_fail(err, SLC_EINVAL,
                        "activation: layer %s is gone; look at it after a forward in "
                        "train mode, of a "
                        "model that keeps outputs",
                        ex->net->node[layer].name);
    const void *from = slc_exec_value(ex, ex->last, (int)layer + 1);
    for (size_t i = 0; i < n * size; i++) {
        const size_t at = i / size * size + i % size % area * home.c + i % size / area;
        ex->k->to_f32(&out[i], slc_shift(ex, from, at), 1);
    }
    return SLC_OK;
}

bool slc_exec_is_finite(slc_exec *ex, size_t layer)
{
    if (!ex->last || !is_there(ex, layer)) return true;
    const char *from = slc_exec_value(ex, ex->last, (int)layer + 1);
    const size_t count = ex->view.n * slc_shape_size(ex->net->node[layer].out);
    for (size_t i = 0; i < count; i++) {
        float f;
        ex->k->to_f32(&f, slc_shift(ex, from, i), 1);
        if (!isfinite(f)) return false;
    }
    return true;
}
