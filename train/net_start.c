/* Where training starts: tensors filled by their inits, each from its own keyed stream. */
#include <string.h>

#include "base/num.h"
#include "train/net.h"

slc_rng slc_net_rng(uint64_t seed, uint64_t step, size_t node)
{
    return slc_rng_at(seed, 0, step, SLC_SLOT_LAYER + (uint32_t)node);
}

static slc_fill fill_of(const slc_tensor_info *t, const slc_tensor_spec *spec)
{
    slc_fill f = {.rank = t->rank, .size = t->size};
    memcpy(f.dim, t->dim, sizeof(f.dim));
    const size_t area = t->rank == 4 ? t->dim[2] * t->dim[3] : 1;
    f.fan_in = spec->fan_in ? spec->fan_in : (t->rank > 1 ? t->dim[1] * area : t->size);
    f.fan_out = t->dim[0] * area;
    return f;
}

/* init: kaiming_normal, or {kaiming_normal: {mode: fan_out}}; for the first tensor of a
 * layer only. */
static slc_status wish(const slc_node *init, const char **name, const slc_node **set,
                       slc_err *err)
{
    char where[160];
    if (init->kind == SLC_NODE_SCALAR) {
        *name = init->text;
        return SLC_OK;
    }
    if (init->kind != SLC_NODE_MAP || init->count != 1)
        return slc_fail(err, SLC_EINVAL, "%s: init is a name, or a name with parameters",
                        slc_node_where(init, where, sizeof(where)));
    *name = init->first->key;
    *set = init->first;
    return SLC_OK;
}

static slc_status start_one(const slc_net *net, size_t i, uint64_t seed, float *out,
                            slc_arena *arena, slc_err *err)
{
    const slc_tensor_info *t = &net->tensor[i];
    const slc_net_node *node = &net->node[t->layer];
    const char *name = net->spec[i].init;
    const slc_node *set = NULL;
    slc_status status = SLC_OK;
    if (node->init && i == node->tensor) status = wish(node->init, &name, &set, err);
    if (status != SLC_OK) return status;
    const slc_init *init =
        slc_entry_find((const void *const *)slc_inits, "init", name, set, err);
    if (!init) return slc_err_prefix(err, "layer %s", node->name);
    static const slc_param none[] = {{0}};
    void *settings = slc_arena_zero(arena, 1, slc_max(init->entry.settings_size, 1));
    if (!settings) return slc_fail(err, SLC_ENOMEM, "model: memory ran out");
    status = slc_params_bind(init->entry.params ? init->entry.params : none, settings,
                             set, false, name, arena, err);
    if (status != SLC_OK) return status;
    const slc_fill what = fill_of(t, &net->spec[i]);
    slc_rng rng = slc_rng_at(seed, 0, i, SLC_SLOT_INIT);
    init->fill(settings, &what, &rng, out);
    return SLC_OK;
}

slc_status slc_net_start(const slc_net *net, uint64_t seed, float *weights,
                         float *buffers, slc_err *err)
{
    slc_arena arena = {0};
    slc_status status = SLC_OK;
    for (size_t i = 0; i < net->tensors && status == SLC_OK; i++) {
        float *block = net->tensor[i].role == SLC_ROLE_BUFFER ? buffers : weights;
        status = start_one(net, i, seed, block + net->tensor[i].offset, &arena, err);
    }
    slc_arena_free(&arena);
    return status;
}
