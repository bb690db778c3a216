/* Reading a policy: a list of nodes becomes a tree of steps. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/policy/steps.h"
#include "base/str.h"

typedef struct compiler {
    slc_policy *policy;
    const char *what;
    slc_images images; /* at this point */
    unsigned depth;
    const slc_node *outer; /* the item whose op wrote the list that is read, or NULL */
    bool in_order;         /* of the list that is read, as slc_op's */
    bool normalized;
    slc_err *err;
} compiler;

/* Of an item in the recipe: what an op wrote for its children stands where the op does. */
static const char *where_of(const compiler *c, const slc_node *item, char where[256])
{
    return slc_node_where(c->outer ? c->outer : item, where, 256);
}

static slc_status fail_at(compiler *c, const slc_node *at, const char *name)
{
    char where[256];
    return slc_err_prefix(c->err, "%s: %s", where_of(c, at, where), name);
}

/* The name and the settings of one list item: "hflip" or "resize: {...}". */
static slc_status read_item(compiler *c, const slc_node *item, const char **name,
                            const slc_node **map)
{
    *map = NULL;
    if (item->kind == SLC_NODE_SCALAR) {
        *name = item->text;
        return SLC_OK;
    }
    if (item->kind != SLC_NODE_MAP || item->count != 1)
        return slc_node_fail(
            c->err, item,
            "expected one op, as \"- hflip\" or \"- resize: {size: 32}\", not %zu",
            item->count);
    *name = item->first->key;
    *map = item->first;
    return SLC_OK;
}

static slc_status refuse_mode(compiler *c, const slc_node *key, const slc_op *op,
                              bool known)
{
    const char *const name = op->entry.name;
    if (!slc_op_draws(op, SLC_DRAW_IID))
        return slc_node_fail(c->err, key, "op %s: draw: it draws nothing", name);
    return slc_node_fail(c->err, key, "op %s: draw: expected iid%s%s%s", name,
                         op->unordered    ? ""
                         : op->alternates ? ", alternate or stratified"
                                          : " or stratified",
                         known && !op->alternates ? "; alternate is for flips" : "",
                         known && op->unordered
                             ? ", stratified for what is drawn from a range or a set"
                             : "");
}

/* Takes the key `draw`, which belongs to the engine, out of an op's settings. */
static slc_status take_mode(compiler *c, const slc_op *op, const slc_node **map,
                            slc_draw_mode *mode)
{
    const slc_node *key =
        *map && (*map)->kind == SLC_NODE_MAP ? slc_node_get(*map, "draw") : NULL;
    *mode = SLC_DRAW_IID;
    if (!key) return SLC_OK;
    int i = 0;
    while (i < SLC_DRAW_MODES && (key->kind != SLC_NODE_SCALAR ||
                                  strcmp(key->text, slc_draw_mode_names[i]) != 0))
        i++;
    if (i == SLC_DRAW_MODES || !slc_op_draws(op, (slc_draw_mode)i))
        return refuse_mode(c, key, op, i < SLC_DRAW_MODES);
    *mode = (slc_draw_mode)i;
    slc_node *rest = slc_node_new(&c->policy->arena, SLC_NODE_MAP);
    if (!rest) return slc_fail(c->err, SLC_ENOMEM, "%s: no memory", c->what);
    rest->line = (*map)->line;
    rest->origin = (*map)->origin;
    rest->key = (*map)->key;
    for (const slc_node *n = (*map)->first; n; n = n->next)
        if (n != key)
            slc_node_put(rest, &c->policy->arena, n->key,
                         slc_node_copy(&c->policy->arena, n));
    *map = rest;
    return SLC_OK;
}

static slc_status compile_list(compiler *c, const slc_node *list, slc_step **steps,
                               size_t *count);

static slc_status compile_children(compiler *c, slc_step *step, const slc_node *item)
{
    const slc_op *op = step->op;
    const slc_node *list = NULL;

    if (!op->children) return SLC_OK;
    slc_status status = op->children(step->settings, &c->policy->arena, &list, c->err);
    if (status) return fail_at(c, item, op->entry.name);
    if (++c->depth > SLC_MAX_DEPTH) {
        char where[256];
        return slc_fail(c->err, SLC_EINVAL,
                        "%s: %s: more than %d lists inside each other",
                        where_of(c, item, where), op->entry.name, SLC_MAX_DEPTH);
    }
    const slc_images images = c->images;
    const slc_node *outer = c->outer;
    const bool in_order = c->in_order;
    c->in_order = op->in_order;
    if (!outer && list && list->origin != item->origin) c->outer = item;
    status = compile_list(c, list, &step->children, &step->child_count);
    c->images = images;
    c->outer = outer;
    c->in_order = in_order;
    c->depth--;
    return status;
}

/* What an op may stand after, and which images it can take. */
static slc_status check_place(compiler *c, slc_step *step, const slc_node *item)
{
    const slc_op *op = step->op;
    const char *name = op->entry.name;
    char where[256];
    where_of(c, item, where);

    if (c->images.channels && c->images.channels < op->min_channels)
        return slc_fail(c->err, SLC_EINVAL,
                        "%s: %s needs three channels, images have %zu", where, name,
                        c->images.channels);
    step->after_normalize = c->normalized && op->tail;
    if (c->normalized && !op->tail)
        return slc_fail(c->err, SLC_EINVAL, "%s: %s cannot come after normalize", where,
                        name);
    const bool only_tail = op->tail && !op->area;
    if (only_tail && c->depth > 0)
        return slc_fail(c->err, SLC_EINVAL,
                        "%s: %s cannot be part of another op; it belongs to the end",
                        where, name);
    if (only_tail) {
        step->after_normalize = true;
        c->normalized = true;
    }
    return SLC_OK;
}

static void sizes(const slc_step *steps, size_t count, size_t *w, size_t *h);

/* A combinator keeps the size if each of its children does. */
static bool size_of(const slc_step *step, size_t *w, size_t *h)
{
    if (step->op->size) return step->op->size(step->settings, w, h);
    for (size_t i = 0; i < step->child_count; i++) {
        size_t cw = *w, ch = *h;
        sizes(step->children + i, 1, &cw, &ch);
        if (cw != *w || ch != *h) return false;
    }
    return true;
}

static void sizes(const slc_step *steps, size_t count, size_t *w, size_t *h)
{
    for (size_t i = 0; i < count; i++)
        if (!size_of(steps + i, w, h)) *w = *h = 0;
}

/* What an op makes of a number of channels; 0: not known. */
static size_t channels_after(const slc_step *step, size_t channels)
{
    const slc_op *op = step->op;
    if (op->channels && channels > 0) return op->channels(step->settings, channels);
    if (op->channels) {
        const size_t of_grey = op->channels(step->settings, 1);
        return of_grey == op->channels(step->settings, 3) ? of_grey : 0;
    }
    for (size_t i = 0; i < step->child_count; i++)
        if (channels_after(step->children + i, channels) != channels) return 0;
    return channels;
}

/* A crop that cannot fit is refused here where the size before it is known. */
static slc_status check_size(compiler *c, const slc_step *step, const slc_node *item)
{
    const slc_draw draw = {0};
    slc_region region = {0};
    slc_images after = c->images;
    if (step->op->region && after.w && after.h) {
        char where[256];
        if (step->op->region(step->settings, &draw, after.w, after.h, &region, c->err))
            return slc_err_prefix(c->err, "%s", where_of(c, item, where));
    }
    if (!size_of(step, &after.w, &after.h)) after.w = after.h = 0;
    after.channels = channels_after(step, after.channels);
    if (c->in_order) c->images = after;
    return SLC_OK;
}

/* What torchvision, Albumentations and Pillow call ops that have other names here, without
 * "random", capitals and underscores. */
static const char *const elsewhere[][2] = {
    {"adjustsharpness", "sharpness"},
    {"boxblur", "box_blur"},
    {"color", "saturation"},
    {"colorjitter", "color_jitter"},
    {"d4", "symmetry"},
    {"elastictransform", "elastic"},
    {"erasing", "random_erasing"},
    {"fancypca", "pca_lighting"},
    {"fliplr", "hflip"},
    {"flipud", "vflip"},
    {"gaussnoise", "gaussian_noise"},
    {"griddropout", "grid_mask"},
    {"horizontalflip", "hflip"},
    {"imagecompression", "jpeg"},
    {"lineartransformation", "whiten"},
    {"mirror", "hflip"},
    {"randomchoice", "one_of"},
    {"rotation", "rotate"},
    {"saltandpepper", "salt_pepper"},
    {"shiftscalerotate", "affine"},
    {"togray", "grayscale"},
    {"tograyscale", "grayscale"},
    {"verticalflip", "vflip"},
};

static const char *next_op(const void *list, size_t i)
{
    const slc_op *op = ((const slc_op *const *)list)[i];
    return op ? op->entry.name : NULL;
}

/* The op somebody means who knows it from elsewhere, or NULL. */
static const char *meant(const char *name)
{
    char bare[64], with[64];
    size_t n = 0, m = 0;
    for (; *name && n + 1 < sizeof(bare); name++) {
        if (*name != '_') bare[n++] = (char)tolower((unsigned char)*name);
        if (isupper((unsigned char)*name) && m > 0) with[m++] = '_';
        if (m + 2 < sizeof(with)) with[m++] = (char)tolower((unsigned char)*name);
    }
    bare[n] = with[m] = 0;
    const bool random = strncmp(bare, "random", 6) == 0;
    for (size_t i = 0; i < SLC_COUNT(elsewhere); i++)
        if (strcmp(elsewhere[i][0], bare) == 0 ||
            (random && strcmp(elsewhere[i][0], bare + 6) == 0))
            return elsewhere[i][1];
    const char *near = slc_suggest(with, next_op, slc_ops);
    return near || strncmp(with, "random_", 7) != 0
               ? near
               : slc_suggest(with + 7, next_op, slc_ops);
}

static const slc_op *find_op(const compiler *c, const char *name, const slc_node *item)
{
    const slc_op *op = slc_op_find(name);
    const char *other = op ? NULL : meant(name);
    if (op) return op;
    if (other)
        slc_node_fail(c->err, item, "unknown op \"%.80s\"; did you mean \"%s\"?", name,
                      other);
    else
        slc_node_fail(c->err, item, "unknown op \"%.80s\"; \"sluice ops\" lists them",
                      name);
    return NULL;
}

static slc_status compile_item(compiler *c, const slc_node *item, slc_step *step)
{
    const slc_node *map = NULL;
    const char *name = NULL;
    slc_arena *arena = &c->policy->arena;

    slc_status status = read_item(c, item, &name, &map);
    if (status) return status;
    step->op = find_op(c, name, item);
    if (!step->op) return SLC_EINVAL;
    if ((status = take_mode(c, step->op, &map, &step->mode))) return status;
    if (c->policy->slots >= SLC_MAX_SLOTS)
        return slc_fail(c->err, SLC_EINVAL, "%s: more than %d ops", c->what,
                        SLC_MAX_SLOTS);
    step->slot = c->policy->slots++;

    const slc_entry *entry = &step->op->entry;
    char label[64];
    snprintf(label, sizeof(label), "op %s", entry->name);
    step->settings =
        slc_arena_zero(arena, 1, entry->settings_size ? entry->settings_size : 1);
    if (!step->settings) return slc_fail(c->err, SLC_ENOMEM, "%s: no memory", c->what);
    static const slc_param none[] = {{0}};
    status = slc_params_bind(entry->params ? entry->params : none, step->settings, map,
                             false, label, arena, c->err);
    if (status && !map) { /* nothing was given that could have told its line */
        char where[256];
        return slc_err_prefix(c->err, "%s", slc_node_where(item, where, sizeof(where)));
    }
    if (status) return status;
    if (step->op->prepare && (status = step->op->prepare(step->settings, arena, c->err)))
        return fail_at(c, item, entry->name);
    if ((status = check_place(c, step, item))) return status;
    const bool random = c->policy->random || (step->op->draw && !step->op->views);
    if (step->op->views && c->depth == 0)
        c->policy->views *= step->op->views(step->settings);
    status = compile_children(c, step, item);
    c->policy->random = random || (c->policy->random && !step->op->views);
    return status ? status : check_size(c, step, item);
}

static slc_status compile_list(compiler *c, const slc_node *list, slc_step **steps,
                               size_t *count)
{
    char where[256];
    *steps = NULL;
    *count = 0;
    if (!list || list->kind == SLC_NODE_NULL) return SLC_OK;
    if (list->kind != SLC_NODE_LIST) {
        const bool same =
            strcmp(slc_node_where(list, where, sizeof(where)), c->what) == 0;
        return slc_fail(c->err, SLC_EINVAL,
                        "%s%s%s: expected a list of ops, as \"[hflip]\"", where,
                        same ? "" : ": ", same ? "" : c->what);
    }
    *steps =
        slc_arena_zero(&c->policy->arena, list->count ? list->count : 1, sizeof(**steps));
    if (!*steps) return slc_fail(c->err, SLC_ENOMEM, "%s: no memory", c->what);
    for (const slc_node *item = list->first; item; item = item->next) {
        const slc_status status = compile_item(c, item, *steps + *count);
        if (status) return status;
        (*count)++;
    }
    return SLC_OK;
}

slc_status slc_policy_create(slc_policy **out, const slc_node *list, const char *what,
                             slc_images images, slc_err *err)
{
    *out = NULL;
    slc_policy *policy = calloc(1, sizeof(*policy));
    if (!policy) return slc_fail(err, SLC_ENOMEM, "%s: no memory", what);
    policy->views = 1;
    slc_norm_make(&policy->plain, (const float[3]){0}, (const float[3]){1, 1, 1});
    compiler c = {
        .policy = policy, .what = what, .images = images, .in_order = true, .err = err};
    const slc_status status = compile_list(&c, list, &policy->steps, &policy->count);
    policy->normalized = c.normalized;
    if (status)
        slc_policy_destroy(&policy);
    else
        *out = policy;
    return status;
}

void slc_policy_destroy(slc_policy **policy)
{
    if (!*policy) return;
    slc_arena_free(&(*policy)->arena);
    free(*policy);
    *policy = NULL;
}

static slc_node *dump_step(const slc_step *step, slc_arena *arena)
{
    const slc_entry *entry = &step->op->entry;
    slc_node *map = slc_node_new(arena, SLC_NODE_MAP);
    slc_node *set = entry->params ? slc_params_dump(entry->params, step->settings, arena)
                                  : slc_node_new(arena, SLC_NODE_MAP);
    if (step->mode != SLC_DRAW_IID)
        slc_node_put(set, arena, "draw",
                     slc_node_scalar(arena, slc_draw_mode_names[step->mode]));
    return slc_node_put(map, arena, entry->name, set) ? map : NULL;
}

slc_node *slc_policy_dump(const slc_policy *policy, slc_arena *arena)
{
    slc_node *list = slc_node_new(arena, SLC_NODE_LIST);
    for (size_t i = 0; i < policy->count; i++)
        if (!slc_node_add(list, dump_step(policy->steps + i, arena))) return NULL;
    return list;
}

bool slc_policy_is_random(const slc_policy *policy)
{
    return policy->random;
}

bool slc_policy_is_normalized(const slc_policy *policy)
{
    return policy->normalized;
}

uint32_t slc_policy_views(const slc_policy *policy)
{
    return policy->views;
}

bool slc_policy_output_size(const slc_policy *policy, size_t in_w, size_t in_h, size_t *w,
                            size_t *h)
{
    *w = in_w;
    *h = in_h;
    sizes(policy->steps, policy->count, w, h);
    return *w > 0 && *h > 0;
}

size_t slc_policy_output_channels(const slc_policy *policy, size_t in_channels)
{
    for (size_t i = 0; i < policy->count; i++)
        if (policy->steps[i].op->channels)
            in_channels =
                policy->steps[i].op->channels(policy->steps[i].settings, in_channels);
    return in_channels;
}
