/* Running the engine's part of a net: convolutions and linear layers. */
#include <string.h>

#include "base/isa.h"
#include "base/num.h"
#include "train/engine/exec.h"

static void add_to(const slc_call *c, void *to, const void *from, size_t count)
{
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < SLC_LANES; i++) {
        size_t lo, hi;
        slc_lane(count, 64, i, &lo, &hi);
        c->k->sum(slc_shift(c->ex, to, lo), slc_shift(c->ex, to, lo),
                  slc_shift(c->ex, from, lo), hi - lo);
    }
}

/* The weights of a drop_connect layer, dropped; the same words in both directions. */
static void drop_weights(const slc_call *c, float *to, const float *from, bool add)
{
    const slc_linear_settings *s = c->node->settings;
    const size_t count = c->ex->net->tensor[c->node->tensor].size;
    const slc_kernels *k = slc_kernels_for(slc_isa_detect(), SLC_F32);
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < SLC_LANES; i++) {
        size_t lo, hi;
        slc_lane(count, 64, i, &lo, &hi);
        k->drop(to + lo, add, from + lo, lo, hi - lo, &c->rng,
                (uint32_t)(s->p * 4294967296.0), (float)(1 / (1 - s->p)));
    }
}

static bool drops_weights(const slc_call *c)
{
    return strcmp(c->node->layer->entry.name, "drop_connect") == 0 &&
           c->mode != SLC_MODE_EVAL &&
           ((const slc_linear_settings *)c->node->settings)->p > 0;
}

/* Dropped weights live in saved: they are another set in every step, so the version is the
 * step's. */
static slc_product_call product_call(const slc_call *c, slc_affine *norm)
{
    const int from = c->task->reads_norm;
    if (from >= 0) *norm = slc_norm_made(c->ex, &c->ex->last->task[from]);
    slc_product_call p = {.x = c->x[0],
                          .norm = from >= 0 ? norm : NULL,
                          .y = c->y,
                          .w = c->t[0],
                          .b = c->t[1],
                          .dy = c->dy,
                          .dx = c->dx[0],
                          .dw = c->dt[0],
                          .add_dw = c->add_dt,
                          .version = c->ex->version,
                          .scratch = c->scratch};
    if (drops_weights(c)) {
        p.w = c->saved;
        p.version = ++c->ex->version;
    }
    return p;
}

/* The next task is a batch norm of what this one makes: its sums are made along with it. */
static bool wants_sums(const slc_exec *ex, const slc_call *c, const slc_made *made)
{
    const slc_task *next = c->task + 1;
    return c->mode == SLC_MODE_TRAIN && ex->sums &&
           next < ex->last->task + ex->last->tasks && next->in[0] == c->task->out &&
           !next->frozen && strcmp(next->node->layer->entry.name, "batch_norm") == 0 &&
           made->engine->gives_sums && made->engine->gives_sums(made->product);
}

void slc_exec_product_forward(slc_exec *ex, const slc_call *c, const slc_made *made)
{
    if (drops_weights(c)) drop_weights(c, c->saved, c->t[0], false);
    slc_affine norm;
    slc_product_call p = product_call(c, &norm);
    if (wants_sums(ex, c, made)) p.sums = ex->sums;
    ex->sums_of = p.sums ? c->task->out : -1;
    if (!made->engine->forward(made->product, &p)) ex->failed = true;
}

void slc_exec_product_backward(slc_exec *ex, const slc_call *c, const slc_made *made)
{
    const size_t count = c->n * slc_shape_size(c->task->in_shape);
    const size_t size = c->ex->net->tensor[c->node->tensor].size;
    const bool drops = drops_weights(c);
    slc_affine norm;
    slc_product_call p = product_call(c, &norm);
    uint64_t begin = slc_part_begin(ex);
    if (c->dt[1]) slc_bias_back(c);
    if (p.dw) {
        if (drops) { /* gradients of dropped weights, after the kept ones behind them */
            p.dw = (float *)c->saved + size;
            p.add_dw = false;
        }
        if (!made->engine->backward_weights(made->product, &p)) ex->failed = true;
        if (drops) drop_weights(c, c->dt[0], p.dw, c->add_dt);
    }
    slc_part_end(ex, c->task, SLC_PART_WEIGHTS, begin);
    if (!p.dx) return;
    begin = slc_part_begin(ex);
    const bool aside = c->add_dx[0] && !made->engine->adds_dx;
    if (aside) /* behind the engine's own scratch */
        p.dx =
            (char *)c->scratch + slc_round_up(made->engine->scratch(made->product), 64);
    p.add_dx = c->add_dx[0] && !aside;
    if (!made->engine->backward_data(made->product, &p)) ex->failed = true;
    if (aside) add_to(c, c->dx[0], p.dx, count);
    slc_part_end(ex, c->task, SLC_PART_DATA, begin);
}
