/* Combinators: one_of, some_of, random_apply, random_order. Their lists obey the same rules as
 * the recipe's own. */
#include <string.h>

#include "augment/keys.h"

typedef struct settings {
    const slc_node *ops;
    slc_reals weights, n;
    bool replace;
    double p;
    size_t count; /* of ops, by prepare */
} settings;

#define OPS                                                                              \
    {                                                                                    \
        "ops", SLC_FIELD(settings, ops), .help = "a list of ops"                         \
    }

static const slc_param one_params[] = {
    OPS,
    {"weights", SLC_FIELD(settings, weights), .lo = 0, .hi = 1e6, .min_count = 0,
     .max_count = SLC_MAX_REALS, .initial = "[]",
     .help = "of the ops, in their order; [] for all the same"},
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param some_params[] = {
    OPS,
    {"n", SLC_FIELD(settings, n), .lo = 0, .hi = SLC_MAX_CALLS, .min_count = 1,
     .max_count = 2, .initial = "1", .help = "how many run; one number or a range"},
    {"replace", SLC_FIELD(settings, replace), .initial = "false",
     .help = "whether one may run several times"},
    SLC_CHANCE(settings, "1"),
    {0}};
static const slc_param apply_params[] = {OPS, SLC_CHANCE(settings, "0.5"), {0}};
static const slc_param order_params[] = {OPS, SLC_CHANCE(settings, "1"), {0}};

/* The list exists, is not too long, and does not name the combinator itself; one with a list of
 * its own is another. */
static slc_status check_ops(settings *s, const char *self, slc_err *err)
{
    char where[256];
    if (!s->ops || s->ops->kind != SLC_NODE_LIST || s->ops->count == 0)
        return slc_fail(err, SLC_EINVAL, "ops: expected a list of ops");
    if (s->ops->count > SLC_MAX_CALLS)
        return slc_fail(err, SLC_EINVAL, "ops: %zu ops, the most is %d", s->ops->count,
                        SLC_MAX_CALLS);
    for (const slc_node *op = s->ops->first; op; op = op->next) {
        if (op->kind != SLC_NODE_SCALAR || strcmp(op->text, self) != 0) continue;
        return slc_fail(
            err, SLC_EINVAL,
            "ops: %s names itself at %s; one inside another has a list of its "
            "own, as {%s: {ops: [hflip]}}",
            self, slc_node_where(op, where, sizeof(where)), self);
    }
    s->count = s->ops->count;
    return SLC_OK;
}

static slc_status one_prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    double sum = 0;
    (void)arena;
    const slc_status status = check_ops(s, "one_of", err);
    if (status || s->weights.n == 0) return status;
    if (s->weights.n != s->count)
        return slc_fail(err, SLC_EINVAL, "weights: %zu numbers for %zu ops", s->weights.n,
                        s->count);
    for (size_t i = 0; i < s->weights.n; i++)
        sum += s->weights.v[i];
    if (!(sum > 0)) return slc_fail(err, SLC_EINVAL, "weights: all are 0");
    return SLC_OK;
}

static slc_status some_prepare(void *set, slc_arena *arena, slc_err *err)
{
    settings *s = set;
    const double lo = s->n.v[0], hi = s->n.v[s->n.n > 1 ? 1 : 0];
    (void)arena;
    const slc_status status = check_ops(s, "some_of", err);
    if (status) return status;
    if (lo > hi)
        return slc_fail(err, SLC_EINVAL, "n: the range [%g, %g] is empty", lo, hi);
    if (lo != (double)(int)lo || hi != (double)(int)hi)
        return slc_fail(err, SLC_EINVAL, "n: expected a whole number or a range of them");
    if (!s->replace && hi > (double)s->count)
        return slc_fail(err, SLC_EINVAL, "n: %g of %zu ops without replacement", hi,
                        s->count);
    return SLC_OK;
}

static slc_status apply_prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return check_ops(set, "random_apply", err);
}

static slc_status order_prepare(void *set, slc_arena *arena, slc_err *err)
{
    (void)arena;
    return check_ops(set, "random_order", err);
}

static bool one_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    double sum = 0, at_most = 0;
    if (!slc_draw_chance(at, s->p)) return false;
    if (s->weights.n == 0) {
        out->v[0] = (double)slc_draw_below(at, s->count);
        return true;
    }
    for (size_t i = 0; i < s->count; i++)
        sum += s->weights.v[i];
    const double u = slc_draw_uniform(at, 0, sum);
    for (size_t i = 0; i < s->count; i++) {
        if (s->weights.v[i] == 0) continue;
        out->v[0] =
            (double)i; /* the last one that has a weight, if rounding leaves none */
        at_most += s->weights.v[i];
        if (u < at_most) break;
    }
    return true;
}

static bool some_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] =
        (double)slc_draw_int(at, (int64_t)s->n.v[0], (int64_t)s->n.v[s->n.n > 1 ? 1 : 0]);
    out->v[1] = slc_draw_seed(at);
    return true;
}

static bool apply_draw(const void *set, slc_at *at, slc_draw *out)
{
    (void)out;
    return slc_draw_chance(at, ((const settings *)set)->p);
}

static bool order_draw(const void *set, slc_at *at, slc_draw *out)
{
    const settings *s = set;
    if (!slc_draw_chance(at, s->p)) return false;
    out->v[0] = slc_draw_seed(at);
    return true;
}

static size_t one_expand(const slc_context *context, const slc_draw *drawn,
                         slc_call *calls)
{
    (void)context;
    calls[0] = (slc_call){.child = (uint32_t)drawn->v[0]};
    return 1;
}

/* The first n of a shuffle of all, or n independent ones. */
static void choose(slc_call *calls, size_t n, size_t count, bool replace, double seed)
{
    slc_rng rng = slc_rng_at((uint64_t)seed, 0, 0, 0);
    uint32_t order[SLC_MAX_CALLS];
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = 0; i < n; i++) {
        const size_t from = replace ? 0 : i;
        const size_t j = from + (size_t)slc_rng_below(&rng, count - from);
        calls[i] = (slc_call){.child = order[j]};
        if (!replace) {
            order[j] = order[i];
            order[i] = calls[i].child;
        }
    }
}

/* Those chosen run in the order of their drawing. */
static size_t some_expand(const slc_context *context, const slc_draw *drawn,
                          slc_call *calls)
{
    const settings *s = context->settings;
    choose(calls, (size_t)drawn->v[0], s->count, s->replace, drawn->v[1]);
    return (size_t)drawn->v[0];
}

static size_t apply_expand(const slc_context *context, const slc_draw *drawn,
                           slc_call *calls)
{
    const settings *s = context->settings;
    (void)drawn;
    for (uint32_t i = 0; i < s->count; i++)
        calls[i] = (slc_call){.child = i};
    return s->count;
}

static size_t order_expand(const slc_context *context, const slc_draw *drawn,
                           slc_call *calls)
{
    const settings *s = context->settings;
    choose(calls, s->count, s->count, false, drawn->v[0]);
    return s->count;
}

static slc_status children(const void *set, slc_arena *arena, const slc_node **list,
                           slc_err *err)
{
    (void)arena, (void)err;
    *list = ((const settings *)set)->ops;
    return SLC_OK;
}

const slc_op slc_op_one_of = {
    .entry = {"one_of", "run one of several ops", "torchvision RandomChoice", one_params,
              sizeof(settings)},
    .value = {"which"},
    .exactness = "as its parts",
    .neutral = "{p: 0, ops: [invert]}",
    .example = "{ops: [invert, {solarize: {threshold: 128}}]}",
    .prepare = one_prepare,
    .draw = one_draw,
    .expand = one_expand,
    .children = children,
};

const slc_op slc_op_some_of = {
    .entry = {"some_of", "run some of several ops", "Albumentations SomeOf", some_params,
              sizeof(settings)},
    .value = {"n", "seed"},
    .exactness = "as its parts",
    .neutral = "{n: 0, ops: [invert]}",
    .example = "{n: 2, ops: [invert, {solarize: {threshold: 128}}, posterize]}",
    .prepare = some_prepare,
    .draw = some_draw,
    .expand = some_expand,
    .children = children,
};

const slc_op slc_op_random_apply = {
    .entry = {"random_apply", "run a list of ops or leave it", "torchvision RandomApply",
              apply_params, sizeof(settings)},
    .exactness = "as its parts",
    .neutral = "{p: 0, ops: [invert]}",
    .example = "{ops: [invert, {solarize: {threshold: 128}}]}",
    .prepare = apply_prepare,
    .draw = apply_draw,
    .expand = apply_expand,
    .children = children,
    .in_order = true,
};

const slc_op slc_op_random_order = {
    .entry = {"random_order", "run a list of ops in any order", "torchvision RandomOrder",
              order_params, sizeof(settings)},
    .value = {"seed"},
    .exactness = "as its parts",
    .neutral = "{p: 0, ops: [invert]}",
    .example = "{ops: [invert, {solarize: {threshold: 128}}]}",
    .prepare = order_prepare,
    .draw = order_draw,
    .unordered = true,
    .expand = order_expand,
    .children = children,
};
