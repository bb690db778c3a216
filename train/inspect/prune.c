/* Look-alike maps. Maps are compared where they are read: after norm, activation and pooling,
 * on real pictures. Removing map j whose twin is i adds a W_j to the weights that read i, with
 * a = <i, j> / <i, i>, the best fit; for true duplicates a is 1 and nothing changes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/inspect/patient.h"
#include "train/inspect/twins.h"
#include "train/layer.h"

static bool is(const patient *p, size_t node, const char *type)
{
    return strcmp(p->net->node[node].layer->entry.name, type) == 0;
}

/* Layers that treat every map by itself, so that a map can be left out before them. */
static bool passes_through(const patient *p, size_t node)
{
    static const char *const types[] = {"batch_norm", "relu",
                                        "leaky_relu", "elu",
                                        "gelu",       "silu",
                                        "sigmoid",    "tanh",
                                        "hard_swish", "max_pool",
                                        "avg_pool",   "dropout",
                                        "flatten",    "global_avg_pool",
                                        "scale"};
    for (size_t i = 0; i < SLC_COUNT(types); i++)
        if (is(p, node, types[i])) return true;
    return false;
}

/* The chain behind a convolution: last node before the reader, and the reader. */
static bool follow(const patient *p, size_t conv, size_t *last, size_t *reader)
{
    size_t at = conv, next;
    for (;;) {
        if (slc_patient_readers(p, at, &next) != 1) return false;
        if (is(p, next, "conv2d")) {
            const slc_conv_settings *s = p->net->node[next].settings;
            *last = at;
            *reader = next;
            return s->groups == 1;
        }
        if (is(p, next, "linear")) {
            *last = at;
            *reader = next;
            return true;
        }
        if (!passes_through(p, next)) return false;
        at = next;
    }
}

static slc_status gather(void *user, slc_model *model, const slc_batch *batch,
                         const float *logits, slc_err *err)
{
    (void)logits;
    return slc_twins_add(user, model, batch->n, err);
}

/* Columns of the reader that read a map: every output, kernel area or pixels of the map. */
static void move_weights(patient *p, size_t reader, size_t maps, size_t from, size_t to,
                         double share)
{
    organ *w = slc_patient_organ(p, reader, "weight");
    const size_t out = w->dim[0], in = w->size / out, each = in / maps;
    for (size_t k = 0; k < out; k++)
        for (size_t x = 0; x < each; x++)
            w->data[k * in + to * each + x] +=
                (float)(share * (double)w->data[k * in + from * each + x]);
}

/* Leaves out rows (dimension 0) of all tensors along the chain, and columns of the reader. */
static void drop_rows(organ *o, const bool *dead, size_t maps)
{
    if (!o || o->dim[0] != maps) return;
    const size_t each = o->size / maps;
    size_t kept = 0;
    for (size_t i = 0; i < maps; i++)
        if (!dead[i])
            memmove(o->data + kept++ * each, o->data + i * each, each * sizeof(float));
    o->dim[0] = kept;
    o->size = kept * each;
}

static void drop_columns(organ *w, const bool *dead, size_t maps)
{
    const size_t out = w->dim[0], in = w->size / out, each = in / maps;
    size_t at = 0, kept = 0;
    for (size_t k = 0; k < out; k++)
        for (size_t i = 0; i < maps; i++)
            for (size_t x = 0; x < each && !dead[i]; x++)
                w->data[at++] = w->data[k * in + i * each + x];
    for (size_t i = 0; i < maps; i++)
        kept += !dead[i];
    w->dim[1] = w->rank == 2 ? kept * each : kept;
    w->size = at;
}

static void cut(patient *p, size_t conv, size_t last, size_t reader, const bool *dead,
                size_t maps)
{
    static const char *const suffixes[] = {"weight", "bias", "running_mean",
                                           "running_var"};
    size_t next = conv, kept = 0;
    for (size_t at = conv;; at = next) {
        for (size_t i = 0; i < SLC_COUNT(suffixes); i++)
            drop_rows(slc_patient_organ(p, at, suffixes[i]), dead, maps);
        if (at == last) break;
        (void)slc_patient_readers(p, at, &next);
    }
    drop_columns(slc_patient_organ(p, reader, "weight"), dead, maps);
    for (size_t i = 0; i < maps; i++)
        kept += !dead[i];
    p->out[conv] = kept;
}

/* Marks dead and look-alike maps and hands their weights on; how many. */
static size_t judge(patient *p, const twins *t, size_t conv, size_t reader, bool *dead,
                    json_t *removed)
{
    const double limit = p->settings->similar > 0 ? p->settings->similar : 0.98;
    size_t count = 0;
    for (size_t i = 0; i < t->maps; i++) {
        double best = 0;
        size_t twin = SIZE_MAX;
        const double own = t->dot[i * t->maps + i];
        for (size_t j = 0; j < i; j++)
            if (!dead[j] && slc_twins_similarity(t, i, j) > best) {
                best = slc_twins_similarity(t, i, j);
                twin = j;
            }
        if (count + 1 >= t->maps || (own > 0 && best < limit)) continue;
        dead[i] = true;
        count++;
        json_t *o = json_object();
        json_object_set_new(o, "layer", json_string(p->net->node[conv].name));
        json_object_set_new(o, "map", json_integer((json_int_t)i));
        if (own > 0) {
            move_weights(p, reader, t->maps, i, twin,
                         t->dot[i * t->maps + twin] / t->dot[twin * t->maps + twin]);
            json_object_set_new(o, "twin", json_integer((json_int_t)twin));
            json_object_set_new(o, "similarity", json_real(best));
        } else {
            json_object_set_new(o, "dead", json_true());
        }
        json_array_append_new(removed, o);
    }
    return count;
}

static slc_status prune_layer(patient *p, slc_model *viewer, size_t conv, json_t *removed,
                              slc_err *err)
{
    size_t last, reader;
    if (!is(p, conv, "conv2d") || !follow(p, conv, &last, &reader)) return SLC_OK;
    const slc_conv_settings *s = p->net->node[conv].settings;
    const slc_net_node *end = &p->net->node[last];
    const size_t maps = p->net->node[conv].out.c;
    const size_t layer = slc_patient_layer(viewer, end->name);
    if (s->groups != 1 || maps < 2 || layer == SIZE_MAX) return SLC_OK;
    twins t;
    bool *dead = calloc(maps, sizeof(*dead));
    slc_status st = slc_twins_create(&t, layer, maps, slc_shape_size(end->out) / maps,
                                     slc_model_facts_of(p->trained.model).batch, err);
    if (st == SLC_OK && !dead) st = slc_fail(err, SLC_ENOMEM, "prune: out of memory");
    if (st == SLC_OK) st = slc_patient_show(p, viewer, SLC_MODE_TRAIN, gather, &t, err);
    if (st == SLC_OK && judge(p, &t, conv, reader, dead, removed) > 0)
        cut(p, conv, last, reader, dead, maps);
    slc_twins_free(&t);
    free(dead);
    return st;
}

static json_int_t weight_count(const patient *p)
{
    size_t sum = 0;
    for (size_t i = 0; i < p->organ_count; i++)
        if (!p->organs[i].gone && !strstr(p->organs[i].name, "running_"))
            sum += p->organs[i].size;
    return (json_int_t)sum;
}

slc_status slc_prune(const char *path, const char *output,
                     const slc_surgery_settings *settings, json_t **result, slc_err *err)
{
    patient p;
    double difference = 0;
    slc_model *viewer = NULL;
    *result = NULL;
    if (settings->finetune && !output)
        return slc_fail(err, SLC_EINVAL, "fine-tuning needs a file to write (--output)");
    json_t *removed = json_array();
    slc_status st = slc_patient_open(&p, path, settings, err);
    const json_int_t before = st == SLC_OK ? weight_count(&p) : 0;
    if (st == SLC_OK) st = slc_patient_viewer(&p, &viewer, err);
    for (size_t i = 0; st == SLC_OK && i < p.net->nodes; i++)
        st = prune_layer(&p, viewer, i, removed, err);
    slc_model_destroy(&viewer);
    if (st == SLC_OK) st = slc_patient_wake(&p, output, INFINITY, &difference, err);
    if (st == SLC_OK)
        *result =
            json_pack("{s:i, s:O, s:I, s:I, s:f, s:I}", "schema", 1, "removed", removed,
                      "weights_before", before, "weights_after", weight_count(&p),
                      "difference", difference, "images", (json_int_t)p.images);
    const bool changed = json_array_size(removed) > 0;
    json_decref(removed);
    slc_patient_close(&p);
    if (st == SLC_OK && settings->finetune && changed)
        st = slc_patient_train(output, settings, *result, err);
    if (st != SLC_OK) {
        json_decref(*result);
        *result = NULL;
    }
    return st;
}
