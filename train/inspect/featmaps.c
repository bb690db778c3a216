/* Feature maps with what is dead or doubled among them (the lecture's "look at the maps"). All
 * layers are looked at in one pass over the pictures. */
#include "train/featmaps.h"

#include <stdlib.h>
#include <string.h>

#include "train/inspect/patient.h"
#include "train/inspect/twins.h"

typedef struct plate {
    twins twins;
    float *first; /* maps x area of the first picture; NULL: nothing to show */
    slc_map_fact *fact;
} plate;

typedef struct album {
    plate *plate; /* one per node; without maps it stays zero */
    size_t count;
} album;

static slc_status gather(void *user, slc_model *model, const slc_batch *batch,
                         const float *logits, slc_err *err)
{
    album *a = user;
    (void)logits, (void)err;
    for (size_t i = 0; i < a->count; i++) {
        plate *p = &a->plate[i];
        if (!p->first) continue;
        slc_err gone = {0}; /* the engine has joined the layer with the one behind it */
        if (slc_twins_add(&p->twins, model, batch->n, &gone) != SLC_OK) {
            free(p->first);
            p->first = NULL;
            continue;
        }
        if (batch->number == 0)
            memcpy(p->first, p->twins.values,
                   p->twins.maps * p->twins.area * sizeof(float));
    }
    return SLC_OK;
}

static slc_status prepare(plate *p, const slc_net_node *node, const slc_model *model,
                          slc_err *err)
{
    const size_t layer = slc_patient_layer(model, node->name), maps = node->out.c;
    const size_t area = node->out.h * node->out.w;
    if (layer == SIZE_MAX || area < 2) return SLC_OK;
    p->first = calloc(maps * area, sizeof(float));
    p->fact = calloc(maps, sizeof(*p->fact));
    if (!p->first || !p->fact)
        return slc_fail(err, SLC_ENOMEM, "feature maps: out of memory");
    return slc_twins_create(&p->twins, layer, maps, area, slc_model_facts_of(model).batch,
                            err);
}

static void judge(plate *p)
{
    const twins *t = &p->twins;
    for (size_t i = 0; i < t->maps; i++) {
        p->fact[i] = (slc_map_fact){.dead = t->dot[i * t->maps + i] <= 0, .twin = i};
        for (size_t j = 0; j < i; j++) {
            const double like = slc_twins_similarity(t, i, j);
            if (like <= p->fact[i].likeness) continue;
            p->fact[i].likeness = like;
            p->fact[i].twin = j;
        }
    }
}

static slc_status show(plate *p, const slc_net_node *node, slc_look_at_maps *look,
                       void *user, slc_err *err)
{
    if (!p->first) return SLC_OK;
    judge(p);
    const slc_layer_maps maps = {.name = node->name,
                                 .type = node->layer->entry.name,
                                 .count = node->out.c,
                                 .height = node->out.h,
                                 .width = node->out.w,
                                 .first = p->first,
                                 .fact = p->fact};
    return look(user, &maps, err);
}

slc_status slc_featmaps(const char *path, const slc_surgery_settings *settings,
                        slc_look_at_maps *look, void *user, slc_err *err)
{
    patient p;
    slc_model *viewer = NULL;
    album a = {0};

    slc_status st = slc_patient_open(&p, path, settings, err);
    if (st == SLC_OK && p.images == 0)
        st = slc_fail(err, SLC_EDATA, "%s: there is no picture to look at",
                      slc_source_describe(p.source));
    if (st == SLC_OK) st = slc_patient_viewer(&p, &viewer, err);
    if (st == SLC_OK) {
        a.count = p.net->nodes;
        a.plate = calloc(a.count, sizeof(*a.plate));
        if (!a.plate) st = slc_fail(err, SLC_ENOMEM, "feature maps: out of memory");
    }
    for (size_t i = 0; st == SLC_OK && i < a.count; i++)
        st = prepare(&a.plate[i], &p.net->node[i], viewer, err);
    if (st == SLC_OK) st = slc_patient_show(&p, viewer, SLC_MODE_TRAIN, gather, &a, err);
    for (size_t i = 0; st == SLC_OK && i < a.count; i++)
        st = show(&a.plate[i], &p.net->node[i], look, user, err);

    for (size_t i = 0; a.plate && i < a.count; i++) {
        slc_twins_free(&a.plate[i].twins);
        free(a.plate[i].first);
        free(a.plate[i].fact);
    }
    free(a.plate);
    slc_model_destroy(&viewer);
    slc_patient_close(&p);
    return st;
}
