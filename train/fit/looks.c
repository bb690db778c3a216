/* Test-time augmentation by other eval ops: several views of a picture, whose logits
 * evaluation averages. */
#include <string.h>

#include "train/fit.h"

/* What takes the middle crop's place, or stands before normalisation if there is none: with
 * nothing cut away there is nothing to see around the middle, so corners come from a border. */
static const struct {
    const char *instead, *without;
} views[] = {
    [SLC_LOOKS_FIVE] = {"[five_crop: {size: [%zu, %zu]}]",
                        "[pad: {padding: %zu, padding_mode: reflect}, five_crop: {size: "
                        "[%zu, %zu]}]"},
    [SLC_LOOKS_TEN] = {"[ten_crop: {size: [%zu, %zu]}]",
                       "[pad: {padding: %zu, padding_mode: reflect}, ten_crop: {size: "
                       "[%zu, %zu]}]"},
    [SLC_LOOKS_SCALES] = {"[scale_crops: {size: [%zu, %zu]}]",
                          "[scale_crops: {size: [%zu, %zu], scales: [1, 1.1, 1.2]}]"},
};

static const char *name_of(const slc_node *item)
{
    return item->kind == SLC_NODE_MAP ? item->first->key : item->text;
}

static void size_of(const slc_node *crop, size_t *h, size_t *w)
{
    const slc_node *size = slc_node_get(crop->first, "size");
    const slc_node *side = size->kind == SLC_NODE_LIST ? size->first : size;
    int64_t v = 0;
    (void)slc_parse_int(side->text, &v);
    *h = *w = (size_t)v;
    if (side->next && size->kind == SLC_NODE_LIST && slc_parse_int(side->next->text, &v))
        *w = (size_t)v;
}

/* The list's ops, with those of text instead of the one at place (or before it). */
static slc_node *put_views(slc_arena *arena, const slc_node *list, const slc_node *place,
                           bool instead, slc_node *ops)
{
    slc_node *out = slc_node_new(arena, SLC_NODE_LIST);
    for (const slc_node *item = list ? list->first : NULL;; item = item->next) {
        if (item == place)
            for (slc_node *op = ops->first, *next; op; op = next) {
                next = op->next;
                slc_node_add(out, slc_node_copy(arena, op));
            }
        if (!item) return out;
        if (item != place || !instead) slc_node_add(out, slc_node_copy(arena, item));
    }
}

static slc_status change_policy(slc_trained *t, slc_looks looks, slc_err *err)
{
    const slc_node *list = slc_policy_dump(t->plans.eval, &t->arena);
    const slc_node *crop = NULL, *tail = NULL;
    slc_node *ops = NULL;
    slc_policy *policy = NULL;
    char text[160];
    size_t h = t->height, w = t->width;
    for (const slc_node *item = list ? list->first : NULL; item; item = item->next) {
        const char *name = name_of(item);
        if (strcmp(name, "center_crop") == 0) crop = item;
        if (!tail && (strcmp(name, "normalize") == 0 || strcmp(name, "whiten") == 0))
            tail = item;
    }
    if (crop) size_of(crop, &h, &w);
    const size_t margin = ((h < w ? h : w) + 13) / 14;
    const int n = crop || looks == SLC_LOOKS_SCALES
                      ? snprintf(text, sizeof(text),
                                 crop ? views[looks].instead : views[looks].without, h, w)
                      : snprintf(text, sizeof(text), views[looks].without, margin, h, w);
    slc_status st = slc_node_parse(&ops, &t->arena, text, (size_t)n, "--tta", err);
    if (st != SLC_OK) return st;
    slc_node *changed = put_views(&t->arena, list, crop ? crop : tail, crop != NULL, ops);
    st = slc_policy_create(&policy, changed, "eval",
                           (slc_images){.channels = t->channels}, err);
    if (st != SLC_OK) return st;
    slc_policy_destroy(&t->plans.eval);
    t->plans.eval = policy;
    t->recipe.eval = changed;
    return SLC_OK;
}

slc_status slc_trained_look(slc_trained *trained, slc_looks looks, slc_err *err)
{
    trained->flip = looks == SLC_LOOKS_FLIP || looks == SLC_LOOKS_FLIP_SCALES;
    if (looks == SLC_LOOKS_ONE || looks == SLC_LOOKS_FLIP) return SLC_OK;
    if (slc_policy_views(trained->plans.eval) > 1)
        return slc_fail(err, SLC_EINVAL,
                        "%s: its eval ops give %u views of a picture already",
                        trained->path, slc_policy_views(trained->plans.eval));
    return change_policy(trained,
                         looks == SLC_LOOKS_FLIP_SCALES ? SLC_LOOKS_SCALES : looks, err);
}
