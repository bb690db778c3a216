#include "train/inspect/patient.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "surgery: out of memory");
}

organ *slc_patient_organ(patient *p, size_t node, const char *suffix)
{
    const slc_net_node *n = &p->net->node[node];
    char name[160];
    snprintf(name, sizeof(name), "%s.%s", n->name, suffix);
    for (size_t i = 0; i < p->organ_count; i++)
        if (strcmp(p->organs[i].name, name) == 0) return &p->organs[i];
    return NULL;
}

organ *slc_patient_add(patient *p, size_t node, const char *suffix, size_t size)
{
    organ *o = &p->organs[p->organ_count];
    *o = (organ){.rank = 1,
                 .dim = {size},
                 .size = size,
                 .data = slc_arena_zero(&p->arena, size, sizeof(float))};
    if (!o->data) return NULL;
    snprintf(o->name, sizeof(o->name), "%s.%s", p->net->node[node].name, suffix);
    p->organ_count++;
    return o;
}

size_t slc_patient_readers(const patient *p, size_t node, size_t *reader)
{
    size_t count = 0;
    for (size_t i = 0; i < p->net->nodes; i++)
        for (size_t k = 0; k < p->net->node[i].inputs; k++)
            if (p->net->node[i].from[k] == (int)node) {
                *reader = i;
                count++;
            }
    return count;
}

/* Tensors are taken from the model, whose blocks are plain f32 whatever the file holds. */
static slc_status take_organs(patient *p, slc_err *err)
{
    slc_model *model = p->trained.model;
    const size_t n = slc_model_tensor_count(model);
    p->organs = slc_arena_zero(&p->arena, n + p->net->nodes + 1, sizeof(*p->organs));
    p->gone = slc_arena_zero(&p->arena, p->net->nodes, sizeof(*p->gone));
    p->add_bias = slc_arena_zero(&p->arena, p->net->nodes, sizeof(*p->add_bias));
    p->out = slc_arena_zero(&p->arena, p->net->nodes, sizeof(*p->out));
    if (!p->organs || !p->gone || !p->add_bias || !p->out) return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const slc_tensor_info *info = slc_model_tensor(model, i);
        const float *block = info->role == SLC_ROLE_BUFFER ? slc_model_buffers(model)
                                                           : slc_model_weights(model);
        organ *o = &p->organs[p->organ_count++];
        o->rank = info->rank;
        o->size = info->size;
        memcpy(o->dim, info->dim, sizeof(o->dim));
        snprintf(o->name, sizeof(o->name), "%s", info->name);
        o->data = slc_arena_alloc(&p->arena, (info->size + 1) * sizeof(float));
        if (!o->data) return no_memory(err);
        memcpy(o->data, block + info->offset, info->size * sizeof(float));
    }
    for (size_t i = 0; i < p->net->nodes; i++)
        p->out[i] = p->net->node[i].out.c;
    return SLC_OK;
}

static slc_status choose_source(patient *p, slc_err *err)
{
    p->source = p->settings->source;
    if (p->source) return SLC_OK;
    const slc_status st =
        slc_recipe_open_sources(&p->sources, &p->trained.recipe, p->settings->log, err);
    p->source = p->sources.val    ? p->sources.val
                : p->sources.test ? p->sources.test
                                  : p->sources.train;
    return st;
}

size_t slc_patient_layer(const slc_model *model, const char *name)
{
    for (size_t i = 0; i < slc_model_layer_count(model); i++)
        if (strcmp(slc_model_layer(model, i).name, name) == 0) return i;
    return SIZE_MAX;
}

slc_status slc_patient_show(patient *p, slc_model *model, slc_mode mode,
                            patient_look *look, void *user, slc_err *err)
{
    slc_loader_settings s =
        slc_trained_stream(&p->trained, p->source, p->settings->threads);
    slc_loader *loader = NULL;
    uint64_t done = 0;
    s.type = SLC_F32;
    s.log = p->settings->log;
    slc_status st = slc_loader_open(&loader, &s, err);
    while (st == SLC_OK && done < p->images) {
        const slc_batch *batch = NULL;
        const float *logits;
        st = slc_loader_next(loader, &batch, err);
        if (st != SLC_OK || !batch) break;
        const size_t n =
            batch->n < p->images - done ? batch->n : (size_t)(p->images - done);
        const slc_view view = {batch->data, batch->type, batch->layout, n};
        const slc_pass pass = {.mode = mode};
        st = slc_model_forward(model, &view, &pass, &logits, err);
        slc_batch part = *batch;
        part.n = n;
        part.number = done; /* pictures before this batch */
        if (st == SLC_OK) st = look(user, model, &part, logits, err);
        done += n;
        slc_loader_release(loader, batch);
    }
    slc_loader_close(&loader);
    return st;
}

static slc_status keep_logits(void *user, slc_model *model, const slc_batch *batch,
                              const float *logits, slc_err *err)
{
    patient *p = user;
    (void)model, (void)err;
    memcpy(p->logits + batch->number * p->trained.class_count, logits,
           batch->n * p->trained.class_count * sizeof(float));
    return SLC_OK;
}

slc_status slc_patient_open(patient *p, const char *path,
                            const slc_surgery_settings *settings, slc_err *err)
{
    *p = (patient){.settings = settings};
    slc_status st =
        slc_trained_open(&p->trained, path,
                         &(slc_trained_settings){.threads = settings->threads,
                                                 .precision = SLC_PRECISION_F32},
                         err);
    if (st == SLC_OK && p->trained.member_count > 1)
        st = slc_fail(err, SLC_EINVAL, "%s: is an ensemble, not one net", path);
    if (st == SLC_OK) st = slc_tensors_open(&p->file, p->trained.path, err);
    const slc_shape in = {p->trained.channels, p->trained.height, p->trained.width};
    if (st == SLC_OK)
        st = slc_net_build(&p->net, p->trained.recipe.model, in, p->trained.class_count,
                           err);
    if (st == SLC_OK) st = take_organs(p, err);
    if (st == SLC_OK) st = choose_source(p, err);
    if (st != SLC_OK) return st;
    p->images = settings->images ? settings->images : 256;
    if (p->images > slc_source_count(p->source)) p->images = slc_source_count(p->source);
    p->logits =
        slc_arena_zero(&p->arena, p->images * p->trained.class_count, sizeof(float));
    if (!p->logits) return no_memory(err);
    return slc_patient_show(p, p->trained.model, SLC_MODE_EVAL, keep_logits, p, err);
}

void slc_patient_close(patient *p)
{
    slc_recipe_close_sources(&p->sources);
    slc_tensors_close(&p->file);
    slc_net_free(&p->net);
    slc_trained_close(&p->trained);
    slc_arena_free(&p->arena);
}

/* The node that stands for an old one: itself, or what came before it if it is gone. */
static int stand_in(const patient *p, int node)
{
    while (node >= 0 && p->gone[node])
        node = p->net->node[node].from[0];
    return node;
}

static slc_node *inputs_of(patient *p, const slc_net_node *n)
{
    slc_node *list = slc_node_new(&p->arena, SLC_NODE_LIST);
    for (size_t k = 0; k < n->inputs; k++) {
        const int from = stand_in(p, n->from[k]);
        slc_node_add(list, slc_node_scalar(&p->arena,
                                           from < 0 ? "input" : p->net->node[from].name));
    }
    return list;
}

/* The net as a list of layers with all their settings and names. */
static slc_node *write_spec(patient *p)
{
    char number[32];
    slc_arena *a = &p->arena;
    slc_node *spec = slc_node_new(a, SLC_NODE_MAP),
             *layers = slc_node_new(a, SLC_NODE_LIST);
    for (size_t i = 0; i < p->net->nodes; i++) {
        const slc_net_node *n = &p->net->node[i];
        if (p->gone[i]) continue;
        slc_node *item = slc_node_new(a, SLC_NODE_MAP);
        slc_node *set = slc_params_dump(n->layer->entry.params, n->settings, a);
        if (!set) set = slc_node_new(a, SLC_NODE_MAP);
        slc_node_put(set, a, "name", slc_node_scalar(a, n->name));
        if (slc_node_get(set, "out")) {
            snprintf(number, sizeof(number), "%zu", p->out[i]);
            slc_node_put(set, a, "out", slc_node_scalar(a, number));
        }
        if (p->add_bias[i]) slc_node_put(set, a, "bias", slc_node_scalar(a, "true"));
        slc_node_put(set, a, "from", inputs_of(p, n));
        slc_node_put(item, a, n->layer->entry.name, set);
        slc_node_add(layers, item);
    }
    slc_node_put(spec, a, "layers", layers);
    return spec;
}

typedef struct check {
    patient *p;
    double largest, off;
} check;

static slc_status compare(void *user, slc_model *model, const slc_batch *batch,
                          const float *logits, slc_err *err)
{
    check *c = user;
    const size_t classes = c->p->trained.class_count;
    const float *old = c->p->logits + batch->number * classes;
    (void)model, (void)err;
    for (size_t i = 0; i < batch->n * classes; i++) {
        c->largest = fmax(c->largest, fabs((double)old[i]));
        c->off = fmax(c->off, fabs((double)old[i] - (double)logits[i]));
    }
    return SLC_OK;
}

static slc_status load_organs(patient *p, slc_model *model, slc_err *err)
{
    for (size_t i = 0; i < slc_model_tensor_count(model); i++) {
        const slc_tensor_info *info = slc_model_tensor(model, i);
        const organ *found = NULL;
        for (size_t k = 0; k < p->organ_count; k++)
            if (!p->organs[k].gone && strcmp(p->organs[k].name, info->name) == 0)
                found = &p->organs[k];
        if (!found || found->size != info->size)
            return slc_fail(err, SLC_EINVAL,
                            "surgery: tensor %s does not fit the new net", info->name);
        float *block = info->role == SLC_ROLE_BUFFER ? slc_model_buffers(model)
                                                     : slc_model_weights(model);
        memcpy(block + info->offset, found->data, info->size * sizeof(float));
    }
    slc_model_touch(model);
    return SLC_OK;
}

/* No layer of these settings drops anything. */
static void stop_dropping(patient *p, slc_node *spec)
{
    const slc_node *layers = slc_node_get(spec, "layers");
    for (const slc_node *item = layers->first; item; item = item->next) {
        slc_node *set = item->first;
        if (set && strncmp(set->key, "drop", 4) == 0 && slc_node_get(set, "p"))
            slc_node_put(set, &p->arena, "p", slc_node_scalar(&p->arena, "0"));
    }
}

static slc_status create(patient *p, slc_model **out, const slc_node *spec,
                         bool inference, slc_err *err)
{
    const slc_model_facts old = slc_model_facts_of(p->trained.model);
    const slc_model_settings settings = {.spec = spec,
                                         .channels = old.channels,
                                         .height = old.height,
                                         .width = old.width,
                                         .classes = old.classes,
                                         .batch = old.batch,
                                         .threads = p->settings->threads,
                                         .precision = SLC_PRECISION_F32,
                                         .inference = inference,
                                         .keep_outputs = !inference};
    const slc_status st = slc_model_create(out, &settings, err);
    return st == SLC_OK ? load_organs(p, *out, err) : st;
}

slc_status slc_patient_viewer(patient *p, slc_model **out, slc_err *err)
{
    slc_node *spec = write_spec(p);
    stop_dropping(p, spec);
    slc_status st = create(p, out, spec, false, err);
    for (size_t i = 0; st == SLC_OK && i < p->net->nodes; i++) {
        if (strcmp(p->net->node[i].layer->entry.name, "batch_norm") != 0) continue;
        const char *glob = slc_arena_printf(&p->arena, "%s.*", p->net->node[i].name);
        if (!glob) return no_memory(err);
        (void)slc_model_freeze(*out, glob, true);
    }
    return st;
}

/* The recipe that goes with the new net: the old one with another model section. */
static const char *new_recipe(patient *p, const slc_node *spec)
{
    slc_str text = {0};
    slc_node *root = slc_recipe_dump(&p->trained.recipe, &p->arena);
    slc_node_put(root, &p->arena, "model", slc_node_copy(&p->arena, spec));
    if (root) slc_node_write(root, &text);
    const char *copy = text.text ? slc_arena_text(&p->arena, text.text) : NULL;
    slc_str_free(&text);
    return copy;
}

static slc_status save(patient *p, slc_model *model, const slc_node *spec,
                       const char *output, slc_err *err)
{
    static const char *const keys[] = {"kind",  "format",  "version", "classes",
                                       "input", "lineage", "epoch",   "temperature"};
    const char *meta[2 * SLC_COUNT(keys) + 4], *recipe = new_recipe(p, spec);
    size_t n = 0;
    if (!recipe) return no_memory(err);
    for (size_t i = 0; i < SLC_COUNT(keys); i++) {
        const char *value = slc_tensors_meta(p->file, keys[i]);
        if (!value) continue;
        meta[n++] = keys[i];
        meta[n++] = value;
    }
    meta[n++] = "recipe";
    meta[n++] = recipe;
    meta[n] = NULL;
    return slc_model_save(model, output, meta, err);
}

slc_status slc_patient_wake(patient *p, const char *output, double most,
                            double *difference, slc_err *err)
{
    slc_model *model = NULL;
    check c = {.p = p};
    const slc_node *spec = write_spec(p);
    slc_status st = create(p, &model, spec, true, err);
    if (st == SLC_OK) st = slc_patient_show(p, model, SLC_MODE_EVAL, compare, &c, err);
    *difference = c.largest > 0 ? c.off / c.largest : c.off;
    if (st == SLC_OK && !(*difference <= most))
        st = slc_fail(err, SLC_EINVAL,
                      "%s: the logits would change by %.3g of their size, more than %g: "
                      "nothing was written",
                      p->trained.path, *difference, most);
    if (st == SLC_OK && output) st = save(p, model, spec, output, err);
    slc_model_destroy(&model);
    return st;
}
