/* Building nets: from the recipe's words to nodes with shapes and tensors. */
#include "train/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "train/layer.h"

/* What is not among a layer's own parameters, as every layer has it. */
static const char *const common_keys[] = {"name", "from", "init"};

typedef struct builder {
    slc_net *net;
    const slc_node *at;
    slc_err *err;
    size_t room;
} builder;

static bool is_common(const char *key)
{
    for (size_t i = 0; i < SLC_COUNT(common_keys); i++)
        if (strcmp(key, common_keys[i]) == 0) return true;
    return false;
}

static int find(const slc_net *net, const char *name)
{
    if (strcmp(name, "input") == 0) return SLC_NO_NODE;
    for (size_t i = 0; i < net->nodes; i++)
        if (strcmp(net->node[i].name, name) == 0) return (int)i;
    return -2;
}

static slc_status add_input(builder *b, slc_net_node *node, const slc_node *from)
{
    char where[160];
    if (from->kind != SLC_NODE_SCALAR)
        return slc_fail(b->err, SLC_EINVAL, "%s: from holds names of layers",
                        slc_node_where(from, where, sizeof(where)));
    const int at = find(b->net, from->text);
    if (at < SLC_NO_NODE)
        return slc_fail(b->err, SLC_EINVAL, "%s: no layer before this one is called %s",
                        slc_node_where(from, where, sizeof(where)), from->text);
    if (node->inputs == SLC_MAX_INPUTS)
        return slc_fail(b->err, SLC_EINVAL, "%s: more than %d inputs",
                        slc_node_where(from, where, sizeof(where)), SLC_MAX_INPUTS);
    node->from[node->inputs++] = at;
    return SLC_OK;
}

/* from: a name or a list of names; without it the layer before. A layer of several inputs
 * with only one name given also takes the layer before. */
static slc_status read_inputs(builder *b, slc_net_node *node, const slc_node *from)
{
    const size_t least = slc_max(node->layer->min_inputs, 1);
    const int before = (int)b->net->nodes - 1;
    const bool list = from && from->kind == SLC_NODE_LIST;
    if (!from || (list ? from->count : 1) + 1 == least)
        node->from[node->inputs++] = before;
    for (const slc_node *f = list ? from->first : from; f; f = list ? f->next : NULL) {
        const slc_status status = add_input(b, node, f);
        if (status != SLC_OK) return status;
    }
    if (node->inputs < least || node->inputs > slc_max(node->layer->max_inputs, 1))
        return slc_fail(b->err, SLC_EINVAL, "expected %zu inputs%s, got %zu", least,
                        node->layer->max_inputs > least ? " or more" : "", node->inputs);
    for (size_t i = 0; i < node->inputs; i++)
        node->in[i] = node->from[i] < 0 ? b->net->in : b->net->node[node->from[i]].out;
    return SLC_OK;
}

/* The layer's own parameters: set without the common keys; a bare scalar is the first
 * parameter, or the input of a layer that has none. */
static slc_status bind(builder *b, slc_net_node *node, const slc_node *set,
                       const slc_node **from)
{
    slc_arena *arena = &b->net->arena;
    const slc_param *table = node->layer->entry.params;
    static const slc_param none[] = {{0}};
    slc_node *own = slc_node_new(arena, SLC_NODE_MAP);
    void *settings =
        slc_arena_zero(arena, 1, slc_max(node->layer->entry.settings_size, 1));
    if (!own || !settings) return slc_fail(b->err, SLC_ENOMEM, "model: memory ran out");
    own->line = set ? set->line : 0;
    own->origin = set ? set->origin : NULL;
    node->settings = settings;
    if (set && (set->kind == SLC_NODE_SCALAR || set->kind == SLC_NODE_LIST)) {
        if (table && table->name)
            slc_node_put(own, arena, table->name, slc_node_copy(arena, set));
        else
            *from = set;
    }
    for (const slc_node *n = set && set->kind == SLC_NODE_MAP ? set->first : NULL; n;
         n = n->next)
        if (!is_common(n->key)) slc_node_put(own, arena, n->key, slc_node_copy(arena, n));
    return slc_params_bind(table ? table : none, settings, own, false,
                           node->layer->entry.name, arena, b->err);
}

static slc_status add_tensors(builder *b, slc_net_node *node)
{
    slc_net *net = b->net;
    slc_tensor_spec spec[SLC_MAX_TENSORS] = {0};
    if (!node->layer->tensors) return SLC_OK;
    node->tensor = net->tensors;
    node->tensors = node->layer->tensors(node->settings, node->in, spec);
    for (size_t i = 0; i < node->tensors; i++) {
        slc_tensor_info *t = &net->tensor[net->tensors];
        size_t *block = spec[i].role == SLC_ROLE_BUFFER ? &net->buffers : &net->weights;
        *t = (slc_tensor_info){.role = spec[i].role,
                               .rank = spec[i].rank,
                               .size = 1,
                               .offset = *block,
                               .layer = net->nodes,
                               .whitens = i == 0 && node->init && node->init->text &&
                                          strcmp(node->init->text, "whitening") == 0};
        t->name = slc_arena_printf(&net->arena, "%s.%s", node->name, spec[i].suffix);
        if (!t->name) return slc_fail(b->err, SLC_ENOMEM, "model: memory ran out");
        for (size_t d = 0; d < t->rank; d++) {
            t->dim[d] = spec[i].dim[d];
            if (!slc_mul(t->size, t->dim[d], &t->size) || t->size > ((size_t)1 << 34))
                return slc_fail(b->err, SLC_ELIMIT, "%s: more than 2^34 weights",
                                t->name);
        }
        net->spec[net->tensors++] = spec[i];
        *block += t->size;
    }
    return SLC_OK;
}

static slc_status add_node(builder *b, const slc_layer *layer, const slc_node *set)
{
    slc_net *net = b->net;
    slc_net_node *node = &net->node[net->nodes];
    const slc_node *name = NULL, *from = NULL;
    *node = (slc_net_node){.layer = layer};
    if (set && set->kind == SLC_NODE_MAP) {
        name = slc_node_get(set, "name");
        from = slc_node_get(set, "from");
        node->init = slc_node_get(set, "init");
    }
    node->name = name && name->text ? slc_arena_text(&net->arena, name->text)
                                    : slc_arena_printf(&net->arena, "%s%zu",
                                                       layer->entry.name, net->nodes);
    if (!node->name) return slc_fail(b->err, SLC_ENOMEM, "model: memory ran out");
    if (find(net, node->name) >= SLC_NO_NODE)
        return slc_fail(b->err, SLC_EINVAL, "the name is already taken");
    slc_status status = bind(b, node, set, &from);
    if (status == SLC_OK) status = read_inputs(b, node, from);
    if (status != SLC_OK) return status;
    node->out = node->in[0];
    if (layer->shape)
        status = layer->shape(node->settings, node->in, node->inputs, &node->out, b->err);
    if (status == SLC_OK) status = add_tensors(b, node);
    if (layer->flops) node->flops = layer->flops(node->settings, node->in, node->out);
    if (status == SLC_OK) net->nodes++;
    return status;
}

/* One item of the list: "relu", or "conv2d: {out: 64, ...}". */
static slc_status add_item(builder *b, const slc_node *item)
{
    const bool map = item->kind == SLC_NODE_MAP && item->count == 1;
    char where[160];
    if (!map && item->kind != SLC_NODE_SCALAR)
        return slc_fail(b->err, SLC_EINVAL,
                        "%s: a layer is a name, or a name with its parameters: "
                        "conv2d: {out: 64}",
                        slc_node_where(item, where, sizeof(where)));
    const char *type = map ? item->first->key : item->text;
    const slc_layer *layer =
        slc_entry_find((const void *const *)slc_layers, "layer", type, item, b->err);
    if (!layer) return SLC_EINVAL;
    const slc_status status = add_node(b, layer, map ? item->first : NULL);
    if (status == SLC_OK) return SLC_OK;
    const slc_net_node *node = &b->net->node[b->net->nodes];
    return slc_err_prefix(b->err, "%s: layer %s (%s)",
                          slc_node_where(item, where, sizeof(where)),
                          node->name ? node->name : "?", type);
}

/* The family that a spec names, and its settings in arena. "resnet18-cifar" is resnet18 with
 * stem: cifar. */
static slc_status find_arch(const slc_node *spec, slc_arena *arena, const slc_arch **out,
                            void **settings, slc_err *err)
{
    const slc_node *name =
        spec->kind == SLC_NODE_SCALAR ? spec : slc_node_get(spec, "name");
    if (!name || name->kind != SLC_NODE_SCALAR)
        return slc_fail(err, SLC_EINVAL, "model: give a name or a list of layers");
    char *base = slc_arena_text(arena, name->text);
    slc_node *set = spec->kind == SLC_NODE_MAP ? slc_node_copy(arena, spec)
                                               : slc_node_new(arena, SLC_NODE_MAP);
    if (!base || !set) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    char *tail = strstr(base, "-cifar");
    if (tail && tail[6] == '\0') {
        *tail = '\0';
        slc_node_put(set, arena, "stem", slc_node_scalar(arena, "cifar"));
    }
    const slc_arch *arch =
        slc_entry_find((const void *const *)slc_archs, "model", base, name, err);
    if (!arch) return SLC_EINVAL;
    static const slc_param none[] = {{0}};
    *out = arch;
    *settings = slc_arena_zero(arena, 1, slc_max(arch->entry.settings_size, 1));
    if (!*settings) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    return slc_params_bind(arch->entry.params ? arch->entry.params : none, *settings, set,
                           true, arch->entry.name, arena, err);
}

slc_status slc_net_check(const slc_node *spec, slc_err *err)
{
    slc_arena arena = {0};
    const slc_arch *arch;
    void *settings;
    const bool listed = spec->kind == SLC_NODE_MAP && slc_node_get(spec, "layers");
    const slc_status status =
        listed ? SLC_OK : find_arch(spec, &arena, &arch, &settings, err);
    slc_arena_free(&arena);
    return status;
}

/* Replaces {name: resnet18, ...} by the list of layers it stands for. */
static slc_status expand(builder *b, const slc_node *spec, size_t classes,
                         const slc_node **list)
{
    slc_arena *arena = &b->net->arena;
    const slc_arch *arch = NULL;
    void *settings = NULL;
    slc_status status = find_arch(spec, arena, &arch, &settings, b->err);
    slc_str text = {0};
    slc_node *tree = NULL;
    if (status == SLC_OK)
        status = arch->write(settings, b->net->in, classes, &text, b->err);
    if (status == SLC_OK && text.failed)
        status = slc_fail(b->err, SLC_ENOMEM, "model: memory ran out");
    if (status == SLC_OK)
        status =
            slc_node_parse(&tree, arena, text.text, text.size, arch->entry.name, b->err);
    slc_str_free(&text);
    *list = tree;
    return status;
}

static slc_status read_spec(builder *b, const slc_node *spec, size_t classes)
{
    slc_net *net = b->net;
    const slc_node *list =
        spec && spec->kind == SLC_NODE_MAP ? slc_node_get(spec, "layers") : NULL;
    slc_status status = SLC_OK;
    if (!spec) return slc_fail(b->err, SLC_EINVAL, "model: nothing is described");
    if (!list) status = expand(b, spec, classes, &list);
    if (status != SLC_OK) return status;
    if (list->kind != SLC_NODE_LIST || list->count == 0)
        return slc_fail(b->err, SLC_EINVAL, "model: layers must be a list");
    net->node = slc_arena_zero(&net->arena, list->count, sizeof(*net->node));
    net->tensor =
        slc_arena_zero(&net->arena, list->count * SLC_MAX_TENSORS, sizeof(*net->tensor));
    net->spec =
        slc_arena_zero(&net->arena, list->count * SLC_MAX_TENSORS, sizeof(*net->spec));
    if (!net->node || !net->tensor || !net->spec)
        return slc_fail(b->err, SLC_ENOMEM, "model: memory ran out");
    for (const slc_node *item = list->first; item && status == SLC_OK; item = item->next)
        status = add_item(b, item);
    if (status != SLC_OK) return status;
    for (size_t i = 0; i + 1 < net->nodes; i++) {
        bool read = false;
        for (size_t j = i + 1; j < net->nodes; j++)
            for (size_t k = 0; k < net->node[j].inputs; k++)
                read |= net->node[j].from[k] == (int)i;
        if (!read)
            return slc_fail(b->err, SLC_EINVAL,
                            "model: nothing reads what layer %s makes",
                            net->node[i].name);
    }
    const slc_shape last = net->node[net->nodes - 1].out;
    if (slc_shape_size(last) != classes || last.c != classes)
        return slc_fail(
            b->err, SLC_EDATA,
            "layer %s: expected %zu outputs, one per class, as it is the last; "
            "got %zu x %zu x %zu",
            net->node[net->nodes - 1].name, classes, last.c, last.h, last.w);
    return SLC_OK;
}

slc_status slc_net_build(slc_net **out, const slc_node *spec, slc_shape in,
                         size_t classes, slc_err *err)
{
    slc_net *net = calloc(1, sizeof(*net));
    *out = NULL;
    if (!net) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    net->in = in;
    net->classes = classes;
    builder b = {.net = net, .err = err};
    const slc_status status = read_spec(&b, spec, classes);
    if (status != SLC_OK) slc_net_free(&net);
    *out = net;
    return status;
}

void slc_net_free(slc_net **net)
{
    if (!*net) return;
    slc_arena_free(&(*net)->arena);
    free(*net);
    *net = NULL;
}
