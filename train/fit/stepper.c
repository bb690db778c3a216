/* The fused pass. Work is cut by data into chunks that never depend on the number of
 * threads, so neither do the sums nor the weights. */
#include "train/fit/stepper.h"

#include <fnmatch.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/num.h"
#include "train/gemm.h"

typedef struct group {
    const char *match;
    double lr, weight_decay;
    bool freeze, plain;
} group;

static const slc_param group_params[] = {
    {"match", SLC_FIELD(group, match), .help = "glob of tensor names: \"layer1.*\""},
    {"lr", SLC_FIELD(group, lr), .lo = 0, .hi = 1e6, .initial = "1",
     .help = "factor of the rate"},
    {"weight_decay", SLC_FIELD(group, weight_decay), .lo = -1, .hi = 1e3, .initial = "-1",
     .help = "own decay; -1 = as elsewhere"},
    {"freeze", SLC_FIELD(group, freeze), .initial = "false", .help = "does not learn"},
    {"plain", SLC_FIELD(group, plain), .initial = "false",
     .help = "muon: moved as by sgd, matrices too"},
    {0}};

typedef struct groups {
    group *v;
    size_t n;
    slc_arena arena;
} groups;

static slc_status read_groups(groups *out, const slc_node *list, slc_err *err)
{
    slc_status st = SLC_OK;
    *out = (groups){0};
    if (!list) return SLC_OK;
    if (list->kind != SLC_NODE_LIST)
        return slc_node_fail(err, list, "optim: groups is not a list");
    out->v = slc_arena_zero(&out->arena, list->count + 1, sizeof(*out->v));
    if (!out->v) return slc_fail(err, SLC_ENOMEM, "optim: out of memory");
    for (const slc_node *n = list->first; st == SLC_OK && n; n = n->next)
        st = slc_params_bind(group_params, &out->v[out->n++], n, false, "optim group",
                             &out->arena, err);
    return st;
}

static const group *group_of(const groups *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++)
        if (fnmatch(g->v[i].match, name, 0) == 0) return &g->v[i];
    return NULL;
}

/* Freezes what groups say, and refuses patterns without a match. */
static slc_status apply_groups(stepper *s, const groups *g, slc_err *err)
{
    const size_t count = slc_model_tensor_count(s->model);
    for (size_t i = 0; i < g->n; i++) {
        size_t hits = 0;
        for (size_t t = 0; t < count; t++)
            hits += fnmatch(g->v[i].match, slc_model_tensor(s->model, t)->name, 0) == 0;
        if (hits == 0)
            return slc_node_fail(err, s->recipe->optim_more.groups,
                                 "optim: group \"%s\" matches no tensor of the model",
                                 g->v[i].match);
        if (g->v[i].plain && !s->recipe->optim->scratch)
            return slc_node_fail(err, s->recipe->optim_more.groups,
                                 "optim: group \"%s\": plain is for muon; %s moves all "
                                 "weights alike",
                                 g->v[i].match, s->recipe->optim->entry.name);
        if (g->v[i].freeze) (void)slc_model_freeze(s->model, g->v[i].match, true);
    }
    return SLC_OK;
}

/* Weights sit in layers; rank counts the layers that have any, from the input. */
static size_t layer_rank(const stepper *s, size_t layer)
{
    const size_t count = slc_model_tensor_count(s->model);
    size_t rank = 0, before = SIZE_MAX;
    for (size_t t = 0; t < count; t++) {
        const slc_tensor_info *info = slc_model_tensor(s->model, t);
        if (info->role == SLC_ROLE_BUFFER || info->layer >= layer) continue;
        rank += info->layer != before;
        before = info->layer;
    }
    return rank;
}

static double lr_factor(const stepper *s, const slc_tensor_info *info, const group *g,
                        size_t ranks)
{
    const double decay = s->recipe->optim_more.layer_decay;
    double factor = g ? g->lr : 1;
    if (decay < 1) factor *= pow(decay, (double)(ranks - 1 - layer_rank(s, info->layer)));
    return factor;
}

/* What was frozen counts its steps from its first, as PyTorch does: moments that are zero still
 * are no mean of a thousand gradients. */
static uint64_t since(const stepper *s, const slc_tensor_info *info)
{
    const slc_texts *globs = &s->recipe->train.freeze;
    for (size_t i = 0; i < globs->n; i++)
        if (fnmatch(globs->v[i], info->name, 0) == 0) return s->thawed;
    return 0;
}

static double decay_of(const stepper *s, const slc_tensor_info *info, const group *g)
{
    const slc_recipe_optim *more = &s->recipe->optim_more;
    const slc_optim_common *common = s->recipe->optim_settings;
    if (g && g->weight_decay >= 0) return g->weight_decay;
    if (info->role == SLC_ROLE_NORM && !more->decay_norms) return 0;
    if (info->role == SLC_ROLE_BIAS && !more->decay_biases) return 0;
    return common->weight_decay;
}

/* Appends a tensor, joined with its neighbour if the two are treated alike. */
static void add_range(stepper_chunk *ranges, size_t *n, const stepper_chunk *next,
                      bool join)
{
    stepper_chunk *last = *n ? &ranges[*n - 1] : NULL;
    if (join && last && last->offset + last->size == next->offset &&
        last->lr_factor == next->lr_factor && last->decay == next->decay &&
        last->since == next->since)
        last->size += next->size;
    else
        ranges[(*n)++] = *next;
}

static slc_status cut_ranges(stepper *s, const stepper_chunk *ranges, size_t n,
                             slc_err *err)
{
    size_t total = 0;
    const size_t most = s->recipe->optim->by_tensor ? SIZE_MAX : STEPPER_CHUNK;
    s->scratch_size = 0;
    for (size_t i = 0; i < n; i++) {
        total += ranges[i].size / STEPPER_CHUNK + 1;
        if (ranges[i].rows && !ranges[i].plain)
            s->scratch_size =
                slc_max(s->scratch_size,
                        s->recipe->optim->scratch(ranges[i].rows, ranges[i].size));
    }
    free(s->scratch);
    free(s->chunks);
    free(s->sums);
    s->chunks = calloc(total + 1, sizeof(*s->chunks));
    s->sums = calloc(total + 1, sizeof(*s->sums));
    s->scratch = slc_block_alloc((s->scratch_size * s->threads + 1) * sizeof(float));
    s->chunk_count = 0;
    if (!s->chunks || !s->sums || !s->scratch)
        return slc_fail(err, SLC_ENOMEM, "optim: out of memory");
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < ranges[i].size;) {
            stepper_chunk c = ranges[i];
            c.offset += at;
            c.size = ranges[i].size - at < most ? ranges[i].size - at : most;
            s->chunks[s->chunk_count++] = c;
            at += c.size;
        }
    return SLC_OK;
}

/* A unit of adaptive clipping is one output's weights, or a whole vector. */
static slc_status cut_units(stepper *s, slc_err *err)
{
    const size_t count = slc_model_tensor_count(s->model);
    size_t total = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            free(s->units);
            s->units = calloc(total + 1, sizeof(*s->units));
            if (!s->units) return slc_fail(err, SLC_ENOMEM, "optim: out of memory");
            s->unit_count = total;
            total = 0;
        }
        for (size_t t = 0; t < count; t++) {
            const slc_tensor_info *info = slc_model_tensor(s->model, t);
            if (info->role == SLC_ROLE_BUFFER || info->frozen || info->size == 0)
                continue;
            const size_t n = info->rank > 1 ? info->dim[0] : 1;
            for (size_t u = 0; u < n; u++, total++)
                if (pass == 1)
                    s->units[total] = (stepper_unit){info->offset + u * (info->size / n),
                                                     info->size / n};
        }
    }
    return SLC_OK;
}

slc_status slc_stepper_cut(stepper *s, slc_err *err)
{
    const size_t count = slc_model_tensor_count(s->model);
    const bool join = !s->recipe->optim->by_tensor;
    groups g;
    stepper_chunk *ranges = calloc(count + 1, sizeof(*ranges));
    slc_status st = read_groups(&g, s->recipe->optim_more.groups, err);
    if (st == SLC_OK && !ranges) st = slc_fail(err, SLC_ENOMEM, "optim: out of memory");
    if (st == SLC_OK) st = apply_groups(s, &g, err);
    size_t n = 0;
    const size_t ranks = layer_rank(s, SIZE_MAX);
    for (size_t t = 0; st == SLC_OK && t < count; t++) {
        const slc_tensor_info *info = slc_model_tensor(s->model, t);
        if (info->role == SLC_ROLE_BUFFER || info->frozen || info->size == 0) continue;
        const group *own = group_of(&g, info->name);
        const stepper_chunk next = {
            .offset = info->offset,
            .size = info->size,
            .lr_factor = lr_factor(s, info, own, ranks),
            .decay = decay_of(s, info, own),
            .rows = s->recipe->optim->scratch && info->rank > 1 ? info->dim[0] : 0,
            .plain = own && own->plain,
            .since = since(s, info)};
        add_range(ranges, &n, &next, join);
    }
    if (st == SLC_OK) st = cut_ranges(s, ranges, n, err);
    if (st == SLC_OK && s->recipe->train.clip_adaptive > 0) st = cut_units(s, err);
    if (st == SLC_OK && n == 0)
        st =
            slc_fail(err, SLC_EINVAL, "optim: every weight is frozen: nothing can learn");
    free(ranges);
    slc_arena_free(&g.arena);
    return st;
}

slc_status slc_stepper_create(stepper *out, slc_model *model, const slc_recipe *recipe,
                              size_t threads, slc_err *err)
{
    stepper s = {.model = model,
                 .recipe = recipe,
                 .count = slc_model_weight_count(model),
                 .threads = threads ? threads : 1};
    const slc_optim *o = recipe->optim;
    s.slots = o->need ? o->need(recipe->optim_settings) : o->slots;
    if (o->scratch) slc_gemm_alone();
    slc_status st = slc_stepper_cut(&s, err);
    for (size_t k = 0; st == SLC_OK && k < s.slots; k++)
        if (!(s.slot[k] = calloc(s.count + 1, sizeof(float))))
            st = slc_fail(err, SLC_ENOMEM, "optim: out of memory");
    const size_t bytes = s.count * sizeof(float);
    if (recipe->optim_more.lookahead > 0) s.slow = malloc(bytes + sizeof(float));
    if (recipe->train.ema.on) s.ema = malloc(bytes + sizeof(float));
    if (st == SLC_OK && ((recipe->optim_more.lookahead > 0 && !s.slow) ||
                         (recipe->train.ema.on && !s.ema)))
        st = slc_fail(err, SLC_ENOMEM, "optim: out of memory");
    if (st == SLC_OK && s.slow) memcpy(s.slow, slc_model_weights(model), bytes);
    if (st == SLC_OK && s.ema) memcpy(s.ema, slc_model_weights(model), bytes);
    if (st != SLC_OK) slc_stepper_free(&s);
    *out = s;
    return st;
}

void slc_stepper_free(stepper *s)
{
    for (size_t k = 0; k < SLC_MAX_SLOTS; k++)
        free(s->slot[k]);
    free(s->slow);
    free(s->ema);
    free(s->chunks);
    free(s->sums);
    free(s->units);
    free(s->scratch);
    *s = (stepper){0};
}

/* Eight lanes in a fixed pattern: exact enough in double, and vectorisable. */
static double squares(const float *g, size_t n)
{
    double lane[8] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            lane[k] += (double)g[i + k] * (double)g[i + k];
    for (; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    for (size_t k = 0; k < 8; k++)
        sum += lane[k];
    return sum;
}

double slc_stepper_norm(stepper *s)
{
    const float *g = slc_model_grads(s->model);
    const ptrdiff_t n = (ptrdiff_t)s->chunk_count;
    double total = 0;
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (ptrdiff_t i = 0; i < n; i++)
        s->sums[i] = squares(g + s->chunks[i].offset, s->chunks[i].size);
    for (ptrdiff_t i = 0; i < n; i++)
        total += s->sums[i];
    return sqrt(total);
}

/* Brock et al., arXiv:2102.06171: |g| <= clip max(|w|, 1e-3) for each unit. */
static void clip_adaptive(stepper *s, double clip)
{
    float *g = slc_model_grads(s->model);
    const float *w = slc_model_weights(s->model);
    const ptrdiff_t n = (ptrdiff_t)s->unit_count;
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (ptrdiff_t i = 0; i < n; i++) {
        const stepper_unit *u = &s->units[i];
        const double gn = sqrt(squares(g + u->offset, u->size));
        const double most = clip * fmax(sqrt(squares(w + u->offset, u->size)), 1e-3);
        if (gn <= most) continue;
        const float scale = (float)(most / fmax(gn, 1e-6));
        for (size_t k = 0; k < u->size; k++)
            g[u->offset + k] *= scale;
    }
}

static void clip_value(stepper *s, float most)
{
    float *g = slc_model_grads(s->model);
    const ptrdiff_t n = (ptrdiff_t)s->chunk_count;
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (ptrdiff_t i = 0; i < n; i++) {
        float *c = g + s->chunks[i].offset;
        for (size_t k = 0; k < s->chunks[i].size; k++)
            c[k] = c[k] > most ? most : c[k] < -most ? -most : c[k];
    }
}

/* What one step does to every chunk. */
typedef struct plan {
    uint64_t step;
    slc_rate rate;
    float scale; /* of the gradients */
    float ema;   /* share of the new weights in the average; < 0 = no averaging */
    float pull;  /* lookahead; < 0 = not this time */
} plan;

static void move(stepper *s, const plan *p, const stepper_chunk *c)
{
    float *w = slc_model_weights(s->model) + c->offset;
    float *g = slc_model_grads(s->model) + c->offset;
    float *slot[SLC_MAX_SLOTS] = {0};
    for (size_t k = 0; k < s->slots; k++)
        slot[k] = s->slot[k] + c->offset;
    if (p->scale != 1)
        for (size_t i = 0; i < c->size; i++)
            g[i] *= p->scale;
    const slc_step at = {.step = p->step - c->since,
                         .lr = p->rate.lr * c->lr_factor,
                         .decay = c->decay,
                         .momentum = p->rate.momentum,
                         .rows = c->rows,
                         .plain = c->plain,
                         .scratch =
                             s->scratch + s->scratch_size * (size_t)omp_get_thread_num()};
    s->recipe->optim->run(s->recipe->optim_settings, &at, c->size, w, g, slot);
    if (p->pull >= 0) {
        float *slow = s->slow + c->offset;
        for (size_t i = 0; i < c->size; i++)
            w[i] = slow[i] += p->pull * (w[i] - slow[i]);
    }
    if (p->ema >= 0) {
        float *ema = s->ema + c->offset;
        for (size_t i = 0; i < c->size; i++)
            ema[i] += p->ema * (w[i] - ema[i]);
    }
}

stepper_result slc_stepper_step(stepper *s, uint64_t step, slc_rate rate,
                                double ema_share)
{
    const slc_recipe_train *t = &s->recipe->train;
    const slc_recipe_optim *more = &s->recipe->optim_more;
    stepper_result r = {0};
    r.norm = r.clipped = slc_stepper_norm(s);
    if (!isfinite(r.norm)) return r;
    plan p = {
        .step = step, .rate = rate, .scale = 1, .ema = (float)ema_share, .pull = -1};
    if (t->clip_adaptive > 0) clip_adaptive(s, t->clip_adaptive);
    if (t->clip_value > 0) clip_value(s, (float)t->clip_value);
    if (t->clip_adaptive > 0 || t->clip_value > 0) r.clipped = slc_stepper_norm(s);
    if (t->clip_norm > 0) { /* as clip_grad_norm_ */
        const double scale = fmin(1, t->clip_norm / (r.clipped + 1e-6));
        p.scale = (float)scale;
        r.clipped *= scale;
    }
    if (s->slow && step % (uint64_t)more->lookahead == 0)
        p.pull = (float)(1 - (1 - more->lookahead_alpha) *
                                 pow(rate.progress, more->lookahead_growth));
    if (!s->ema) p.ema = -1;
    const ptrdiff_t n = (ptrdiff_t)s->chunk_count;
#pragma omp parallel for num_threads((int)s->threads) schedule(dynamic)
    for (ptrdiff_t i = 0; i < n; i++)
        move(s, &p, &s->chunks[i]);
    slc_model_touch(s->model);
    return r;
}
