/* A subset of a source: chosen by content hash, fold, class or number, in the source's order.
 * Which part a sample falls into depends on nothing but its group's name and the seed, so parts
 * never overlap and stay as they are when samples are added. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "loader/source/source_impl.h"

typedef struct view {
    const slc_source *of;
    uint64_t *index; /* self->count, ascending */
} view;

/* The place of a sample's group on [0, 2^64). */
static uint64_t place_of(const slc_source *of, uint64_t index, uint64_t seed)
{
    const uint64_t group = slc_source_group(of, index);
    return slc_hash64(&group, sizeof(group), seed ^ 0x73706c6974ull);
}

static bool in_fold(const slc_subset *subset, uint64_t place)
{
    if (subset->folds == 0) return true;
    return (place % subset->folds == subset->fold) == subset->fold_only;
}

/* lo <= place / 2^64 < hi, without rounding trouble at the ends. */
static bool in_part(const slc_subset *subset, double at)
{
    const bool all = subset->lo == 0 && subset->hi == 0;
    return all || (at >= subset->lo && at < subset->hi);
}

typedef struct ranked {
    uint64_t place, index;
} ranked;

static int by_place(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Exact shares: the groups of one class in hash order, cut at lo and hi of their number. Samples
 * of one group share a place and so stay together. */
static void mark_class(const slc_subset *subset, ranked *list, size_t n, bool *keep)
{
    qsort(list, n, sizeof(*list), by_place);
    for (size_t i = 0, first = 0; i < n; i++) {
        if (list[i].place != list[first].place) first = i;
        keep[list[i].index] = in_part(subset, ((double)first + 0.5) / (double)n);
    }
}

static slc_status mark_stratified(const slc_source *of, const slc_subset *subset,
                                  bool *keep, slc_err *err)
{
    ranked *list = malloc((of->count + 1) * sizeof(*list));
    if (!list) return slc_fail(err, SLC_ENOMEM, "subset: out of memory");
    for (int64_t c = -1; c < (int64_t)of->classes; c++) {
        size_t n = 0;
        for (uint64_t i = 0; i < of->count; i++)
            if (slc_source_label(of, i) == c)
                list[n++] = (ranked){place_of(of, i, subset->seed), i};
        mark_class(subset, list, n, keep);
    }
    free(list);
    return SLC_OK;
}

static void mark_plain(const slc_source *of, const slc_subset *subset, bool *keep)
{
    for (uint64_t i = 0; i < of->count; i++)
        keep[i] =
            in_part(subset, (double)(place_of(of, i, subset->seed) >> 11) * 0x1p-53);
}

/* Thins the marked samples to most of them, spread evenly over the order. */
static void thin(const slc_subset *subset, bool *keep, uint64_t count)
{
    uint64_t marked = 0, seen = 0;
    for (uint64_t i = 0; i < count; i++)
        marked += keep[i];
    if (subset->most == 0 || marked <= subset->most) return;
    for (uint64_t i = 0; i < count; i++) {
        if (!keep[i]) continue;
        /* The k-th is kept where k * most / marked steps up. */
        const __uint128_t before = (__uint128_t)seen * subset->most / marked;
        const __uint128_t after = (__uint128_t)(seen + 1) * subset->most / marked;
        keep[i] = after > before;
        seen++;
    }
}

static slc_status relabel(slc_source *self, const slc_source *of,
                          const slc_subset *subset, int32_t *new_label, slc_err *err)
{
    slc_texts names = {0};
    self->classes = of->classes;
    self->class_names = of->class_names;
    for (size_t c = 0; c < of->classes; c++)
        new_label[c] = (int32_t)c;
    if (!subset->classes) return SLC_OK;
    while (subset->classes[names.n])
        names.n++;
    names.v = (const char **)subset->classes;
    return slc_classes_pick(self, &names, new_label, err);
}

/* Copies what is kept into the tables of the view. */
static slc_status fill(slc_source *self, view *v, const int32_t *new_label,
                       const bool *keep, slc_err *err)
{
    const slc_source *of = v->of;
    uint64_t n = 0;
    for (uint64_t i = 0; i < of->count; i++)
        n += keep[i];
    int32_t *labels = slc_arena_zero(&self->arena, n + 1, sizeof(*labels));
    float *weights = slc_arena_zero(&self->arena, n + 1, sizeof(*weights));
    uint64_t *groups =
        of->groups ? slc_arena_zero(&self->arena, n + 1, sizeof(*groups)) : NULL;
    v->index = slc_arena_zero(&self->arena, n + 1, sizeof(*v->index));
    if (!labels || !weights || !v->index || (of->groups && !groups))
        return slc_fail(err, SLC_ENOMEM, "subset: out of memory");
    for (uint64_t i = 0; i < of->count; i++) {
        if (!keep[i]) continue;
        const int32_t label = slc_source_label(of, i);
        labels[self->count] = label < 0 ? label : new_label[label];
        weights[self->count] = (float)slc_source_weight(of, i);
        if (groups) groups[self->count] = of->groups[i];
        v->index[self->count++] = i;
    }
    self->labels = of->labels ? labels : NULL;
    self->weights = of->weights ? weights : NULL;
    self->groups = groups;
    return SLC_OK;
}

static slc_status choose(slc_source *self, view *v, const slc_subset *subset,
                         slc_err *err)
{
    const slc_source *of = v->of;
    bool *keep = calloc(of->count + 1, sizeof(*keep));
    int32_t *new_label = calloc(of->classes + 1, sizeof(*new_label));
    slc_status st =
        keep && new_label ? SLC_OK : slc_fail(err, SLC_ENOMEM, "subset: out of memory");
    if (st == SLC_OK) st = relabel(self, of, subset, new_label, err);
    if (st == SLC_OK && subset->stratified)
        st = mark_stratified(of, subset, keep, err);
    else if (st == SLC_OK)
        mark_plain(of, subset, keep);
    if (st == SLC_OK) {
        for (uint64_t i = 0; i < of->count; i++) {
            const int32_t label = slc_source_label(of, i);
            keep[i] = keep[i] && in_fold(subset, place_of(of, i, subset->seed)) &&
                      (label < 0 ? !subset->classes : new_label[label] >= 0);
        }
        thin(subset, keep, of->count);
        st = fill(self, v, new_label, keep, err);
    }
    free(keep);
    free(new_label);
    return st;
}

slc_status slc_source_subset(slc_source **out, const slc_source *source,
                             const slc_subset *subset, slc_err *err)
{
    slc_status st = SLC_OK;
    slc_source *self = calloc(1, sizeof(*self));
    *out = NULL;
    if (subset->folds && subset->fold >= subset->folds)
        st =
            slc_fail(err, SLC_EINVAL, "subset: there is no fold %llu of %llu",
                     (unsigned long long)subset->fold, (unsigned long long)subset->folds);
    else if (!(subset->lo >= 0 && subset->lo <= subset->hi && subset->hi <= 1))
        st = slc_fail(err, SLC_EINVAL, "subset: %g to %g is no part of 0 to 1",
                      subset->lo, subset->hi);
    if (st != SLC_OK || !self) {
        free(self);
        return st != SLC_OK ? st : slc_fail(err, SLC_ENOMEM, "subset: out of memory");
    }
    self->kind = &slc_source_kind_subset;
    self->root = source->root;
    self->w = source->w;
    self->h = source->h;
    self->channels = source->channels;
    self->split_picked = source->split_picked;
    view *v = slc_arena_zero(&self->arena, 1, sizeof(*v));
    self->describe = slc_arena_printf(&self->arena, "part of %s", source->describe);
    if (v && self->describe) {
        v->of = source;
        self->state = v;
        st = choose(self, v, subset, err);
    } else {
        st = slc_fail(err, SLC_ENOMEM, "subset: out of memory");
    }
    if (st == SLC_OK && self->count == 0)
        st = slc_fail(err, SLC_EDATA, "%s: no sample is left", self->describe);
    if (st != SLC_OK) slc_source_close(&self);
    *out = self;
    return st;
}

static slc_status read_sample(const slc_source *self, uint64_t index, slc_arena *arena,
                              slc_stored *out, slc_err *err)
{
    const view *v = self->state;
    const int32_t label = out->label;
    const slc_status st = v->of->kind->read(v->of, v->index[index], arena, out, err);
    out->label = label;
    return st;
}

static const char *name(const slc_source *self, uint64_t index, char *buffer, size_t size)
{
    const view *v = self->state;
    return v->of->kind->name(v->of, v->index[index], buffer, size);
}

static void hint(const slc_source *self, uint64_t index)
{
    const view *v = self->state;
    slc_source_hint(v->of, v->index[index]);
}

const slc_source_kind slc_source_kind_subset = {
    .entry = {"subset", "a part of another source", "", NULL, 0},
    .read = read_sample,
    .name = name,
    .hint = hint,
};
