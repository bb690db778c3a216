/* The list of mixers: one is chosen per batch. Image i is mixed with image i - 1, the first
 * with the last (torchvision's roll by one), so that in place only one copy is needed. */
#include "augment/mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/mix/mixer.h"

const char *const slc_mix_per[] = {"batch", "sample", NULL};

static const slc_mixer *const mixers[] = {&slc_mixer_cutmix, &slc_mixer_mixup, NULL};

const slc_entry *const slc_mix_entries[] = {&slc_mixer_cutmix.entry,
                                            &slc_mixer_mixup.entry, NULL};

typedef struct choice {
    const slc_mixer *mixer;
    slc_mix_common settings;
} choice;

struct slc_mix {
    slc_arena arena;
    choice *choices;
    size_t count;
};

static slc_status read_choice(slc_mix *mix, const slc_node *item, choice *out,
                              slc_err *err)
{
    char where[256], label[64];
    const bool plain = item->kind == SLC_NODE_SCALAR;
    if (!plain && (item->kind != SLC_NODE_MAP || item->count != 1))
        return slc_fail(err, SLC_EINVAL, "%s: mix: expected \"- mixup: {alpha: 0.2}\"",
                        slc_node_where(item, where, sizeof(where)));
    const char *name = plain ? item->text : item->first->key;
    out->mixer =
        slc_entry_find((const void *const *)mixers, "way to mix", name, item, err);
    if (!out->mixer) return SLC_EINVAL;
    snprintf(label, sizeof(label), "mix %s", name);
    return slc_params_bind(out->mixer->entry.params, &out->settings,
                           plain ? NULL : item->first, false, label, &mix->arena, err);
}

slc_status slc_mix_create(slc_mix **out, const slc_node *list, slc_err *err)
{
    char where[256];
    slc_status status = SLC_OK;
    *out = NULL;
    if (list && list->kind != SLC_NODE_NULL && list->kind != SLC_NODE_LIST)
        return slc_fail(err, SLC_EINVAL, "%s: mix: expected a list",
                        slc_node_where(list, where, sizeof(where)));
    slc_mix *mix = calloc(1, sizeof(*mix));
    if (!mix) return slc_fail(err, SLC_ENOMEM, "mix: no memory");
    if (list && list->count) {
        mix->choices = slc_arena_zero(&mix->arena, list->count, sizeof(*mix->choices));
        if (!mix->choices) status = slc_fail(err, SLC_ENOMEM, "mix: no memory");
        for (const slc_node *item = list->first; item && !status; item = item->next)
            status = read_choice(mix, item, mix->choices + mix->count++, err);
    }
    if (status)
        slc_mix_destroy(&mix);
    else
        *out = mix;
    return status;
}

void slc_mix_destroy(slc_mix **mix)
{
    if (!*mix) return;
    slc_arena_free(&(*mix)->arena);
    free(*mix);
    *mix = NULL;
}

slc_node *slc_mix_dump(const slc_mix *mix, slc_arena *arena)
{
    slc_node *list = slc_node_new(arena, SLC_NODE_LIST);
    for (size_t i = 0; i < mix->count; i++) {
        const choice *c = mix->choices + i;
        slc_node *map = slc_node_new(arena, SLC_NODE_MAP);
        slc_node_put(map, arena, c->mixer->entry.name,
                     slc_params_dump(c->mixer->entry.params, &c->settings, arena));
        if (!slc_node_add(list, map)) return NULL;
    }
    return list;
}

static size_t image_bytes(size_t channels, size_t height, size_t width, slc_dtype type)
{
    return channels * height * width * slc_dtype_size(type);
}

size_t slc_mix_scratch(const slc_mix *mix, size_t n, size_t channels, size_t height,
                       size_t width, slc_dtype type)
{
    return mix->count && n > 1 ? image_bytes(channels, height, width, type) : 0;
}

/* By probability; NULL with the probability that is left. */
static const choice *choose(const slc_mix *mix, slc_rng *rng)
{
    double sum = 0;
    for (size_t i = 0; i < mix->count; i++)
        sum += mix->choices[i].settings.p;
    double u = slc_rng_unit(rng) * (sum > 1 ? sum : 1);
    for (size_t i = 0; i < mix->count; i++) {
        if (u < mix->choices[i].settings.p) return mix->choices + i;
        u -= mix->choices[i].settings.p;
    }
    return NULL;
}

static void mix_all(const choice *c, slc_mix_batch *b, slc_rng *rng, slc_isa isa,
                    char *text, size_t size)
{
    const size_t bytes = image_bytes(b->channels, b->height, b->width, b->type);
    char *data = b->data;
    slc_mix_draw draw = {0};

    memcpy(b->scratch, data + (b->n - 1) * bytes, bytes);
    c->mixer->draw(&c->settings, b, rng, &draw);
    for (size_t i = b->n; i-- > 0;) {
        const size_t partner = i ? i - 1 : b->n - 1;
        if (i + 1 < b->n && c->settings.per == SLC_MIX_SAMPLE)
            c->mixer->draw(&c->settings, b, rng, &draw);
        c->mixer->apply(&draw, b, data + i * bytes,
                        i ? data + partner * bytes : b->scratch, isa);
        b->lambda[i] = (float)draw.lambda;
        b->label_b[i] = b->label_a[partner];
        b->partner[i] = (uint32_t)partner;
    }
    if (!text) return;
    if (c->settings.per == SLC_MIX_BATCH)
        c->mixer->text(&draw, text, size);
    else
        snprintf(text, size, "%s per sample", c->mixer->entry.name);
}

void slc_mix_run(const slc_mix *mix, uint64_t seed, uint64_t epoch, uint64_t number,
                 slc_mix_batch *batch, slc_isa isa, char *text, size_t size)
{
    slc_rng rng = slc_rng_at(seed, epoch, number, SLC_SLOT_MIX);
    if (text && size) text[0] = 0;
    for (size_t i = 0; i < batch->n; i++) {
        batch->lambda[i] = 1;
        batch->label_b[i] = batch->label_a[i];
        batch->partner[i] = (uint32_t)i;
    }
    const choice *c = batch->n > 1 ? choose(mix, &rng) : NULL;
    if (c) mix_all(c, batch, &rng, isa, size ? text : NULL, size);
}
