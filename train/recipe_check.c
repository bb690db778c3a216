/* What the sections of a recipe must agree on, and writing all of them down. */
#include <stdio.h>
#include <string.h>

#include "train/net.h"
#include "train/recipe_impl.h"

/* The node of "section.key" for a message's line, or NULL. */
static const slc_node *at(const slc_recipe *r, const char *section, const char *key)
{
    const slc_node *map = slc_node_get(r->root, section);
    const slc_node *node = key ? slc_node_get(map, key) : NULL;
    return node ? node : map;
}

static bool validates(const slc_recipe *r)
{
    return r->data.val || r->data.val_fraction > 0 || r->data.folds > 0;
}

static slc_status check_data(const slc_recipe *r, slc_err *err)
{
    const slc_recipe_data *d = &r->data;
    if (d->path && (d->train || d->test))
        return slc_node_fail(err, at(r, "data", "path"),
                             "data: give path, or train and test, not both");
    if (d->path && d->path->kind == SLC_NODE_LIST)
        return slc_node_fail(err, d->path, "data: path is a list, not a source");
    const int ways = (d->val != NULL) + (d->val_fraction > 0) + (d->folds > 0);
    if (ways > 1)
        return slc_node_fail(err, at(r, "data", NULL),
                             "data: give one of val, val_fraction and folds");
    if (d->test && d->test_fraction > 0)
        return slc_node_fail(err, at(r, "data", "test_fraction"),
                             "data: give one of test and test_fraction");
    if (d->val_fraction + d->test_fraction >= 1)
        return slc_node_fail(err, at(r, "data", "test_fraction"),
                             "data: val_fraction and test_fraction leave nothing to "
                             "train on");
    if (d->folds == 1)
        return slc_node_fail(err, at(r, "data", "folds"), "data: one fold is no split");
    if (d->folds > 0 && d->fold >= d->folds)
        return slc_node_fail(err, at(r, "data", "fold"),
                             "data: fold %lld of %lld does not exist; they count from 0",
                             (long long)d->fold, (long long)d->folds);
    if (d->channels == 2)
        return slc_node_fail(err, at(r, "data", "channels"),
                             "data: channels is 2, not 1 (grey) or 3 (RGB)");
    if ((d->width > 0) != (d->height > 0))
        return slc_node_fail(err, at(r, "data", "width"),
                             "data: width and height belong together");
    return SLC_OK;
}

static slc_status check_watch(const slc_recipe *r, slc_err *err)
{
    static const char *const needs =
        "needs a validation set: give data.val, data.val_fraction or data.folds";
    const slc_recipe_train *t = &r->train;
    if (validates(r)) return SLC_OK;
    if (t->early_stop.on)
        return slc_node_fail(err, at(r, "train", "early_stop"), "train.early_stop %s",
                             needs);
    if (t->target.on)
        return slc_node_fail(err, at(r, "train", "target"), "train.target %s", needs);
    if (t->keep == SLC_KEEP_BEST)
        return slc_node_fail(err, at(r, "train", "keep"), "train.keep: best %s", needs);
    if (r->schedule->uses_history)
        return slc_node_fail(err, at(r, "schedule", "name"), "schedule %s %s",
                             r->schedule->entry.name, needs);
    return SLC_OK;
}

static slc_status check_snapshots(const slc_recipe *r, slc_err *err)
{
    const slc_node *const where = at(r, "train", "snapshots");
    const slc_node *cycles = slc_node_get(slc_node_get(r->root, "schedule"), "cycles");
    int64_t count = 0;
    if (r->train.keep == SLC_KEEP_ENSEMBLE && r->train.snapshots < 2)
        return slc_node_fail(err, at(r, "train", "keep"),
                             "train: keep is ensemble, which needs snapshots: 2 or more");
    if (r->train.keep == SLC_KEEP_ENSEMBLE && r->train.budget && *r->train.budget)
        return slc_node_fail(
            err, at(r, "train", "budget"),
            "train: keep is ensemble, but cycles that a budget moves have "
            "no sure ends");
    if (r->train.snapshots == 0) return SLC_OK;
    if (strcmp(r->schedule->entry.name, "cosine_restarts") != 0)
        return slc_node_fail(
            err, where, "train: snapshots need schedule cosine_restarts with cycles");
    if (r->train.swa.on)
        return slc_node_fail(err, where,
                             "train: give snapshots or swa, not both: swa's rate has no "
                             "cycles");
    if (cycles && cycles->text && slc_parse_int(cycles->text, &count) && count > 0 &&
        r->train.snapshots > count)
        return slc_node_fail(err, where,
                             "train: %lld snapshots of a schedule of %lld cycles",
                             (long long)r->train.snapshots, (long long)count);
    return SLC_OK;
}

static slc_status check_train(const slc_recipe *r, slc_err *err)
{
    const slc_recipe_train *t = &r->train;
    if (t->epochs == 0)
        return slc_node_fail(err, at(r, "train", "epochs"),
                             "train: 0 epochs are no training");
    if (r->model_head && *r->model_head && (!r->model_from || !*r->model_from))
        return slc_node_fail(err, at(r, "model", "head"), "model: head without from");
    if (t->clip_norm > 0 && t->clip_adaptive > 0)
        return slc_node_fail(err, at(r, "train", "clip_norm"),
                             "train: give clip_norm or clip_adaptive, not both");
    if (t->ema.on && t->swa.on)
        return slc_node_fail(err, at(r, "train", "swa"),
                             "train: give ema or swa, not both");
    if (t->ema.on && t->ema.decay >= 1 && !t->ema.warmup)
        return slc_node_fail(err, at(r, "train", "ema"),
                             "train: ema with decay 1 keeps the first weights forever");
    if (r->optim_more.lookahead > 0 && r->optim_more.lookahead_alpha <= 0 &&
        r->optim_more.lookahead_growth <= 0)
        return slc_node_fail(err, at(r, "optim", "lookahead_alpha"),
                             "optim: lookahead_alpha 0 pulls back to the first weights "
                             "forever");
    if (t->swa.on && t->keep == SLC_KEEP_BEST)
        return slc_node_fail(err, at(r, "train", "keep"),
                             "train: keep is best, but swa keeps its average");
    const slc_status st = check_snapshots(r, err);
    if (st != SLC_OK) return st;
    if (t->unfreeze_at > 0 && t->freeze.n == 0)
        return slc_node_fail(err, at(r, "train", "unfreeze_at"),
                             "train: unfreeze_at without freeze");
    if (t->early_stop.on && t->early_stop.rule != SLC_STOP_PATIENCE &&
        t->early_stop.metric != SLC_WATCH_LOSS)
        return slc_node_fail(err, at(r, "train", "early_stop"),
                             "train.early_stop: Prechelt's rules watch the loss; "
                             "write metric: loss");
    double seconds;
    if (t->budget && *t->budget && !slc_parse_duration(t->budget, &seconds))
        return slc_node_fail(err, at(r, "train", "budget"),
                             "train: budget \"%.40s\" is not a time like 90s, 30m or 2h",
                             t->budget);
    return SLC_OK;
}

slc_status slc_recipe_check(const slc_recipe *r, slc_err *err)
{
    slc_status st = r->model ? slc_net_check(r->model, err) : SLC_OK;
    if (st == SLC_OK) st = check_data(r, err);
    if (st == SLC_OK) st = check_train(r, err);
    if (st == SLC_OK) st = check_watch(r, err);
    return st;
}

bool slc_parse_duration(const char *text, double *seconds)
{
    static const struct {
        char unit;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char number[64];
    const size_t n = strlen(text);
    if (n < 2 || n >= sizeof(number)) return false;
    memcpy(number, text, n - 1);
    number[n - 1] = 0;
    for (size_t i = 0; i < SLC_COUNT(units); i++) {
        if (text[n - 1] != units[i].unit || !slc_parse_real(number, seconds)) continue;
        *seconds *= units[i].seconds;
        return *seconds > 0;
    }
    return false;
}

/* name first, then the thing's own keys, then the section's. */
static slc_node *dump_joint(const slc_entry *entry, const void *settings,
                            const slc_param *more, const void *more_settings,
                            slc_arena *arena)
{
    slc_node *map = slc_node_new(arena, SLC_NODE_MAP);
    slc_node *parts[2] = {slc_params_dump(entry->params, settings, arena),
                          slc_params_dump(more, more_settings, arena)};
    if (!map || !parts[0] || !parts[1]) return NULL;
    slc_node_put(map, arena, "name", slc_node_scalar(arena, entry->name));
    for (size_t i = 0; i < 2; i++)
        for (slc_node *n = parts[i]->first, *next; n; n = next) {
            next = n->next;
            slc_node_put(map, arena, n->key, n);
        }
    return map;
}

static slc_node *dump_loss(const slc_recipe *r, slc_arena *arena)
{
    slc_node *map = dump_joint(&r->loss->entry, r->loss_settings, NULL, NULL, arena);
    if (!r->class_weights) return map;
    const slc_node *given = slc_node_get(slc_node_get(r->root, "loss"), "class_weights");
    slc_node_put(map, arena, "class_weights", slc_node_copy(arena, given));
    return map;
}

static void dump_switch(slc_node *train, slc_arena *arena, const char *key, bool on,
                        const slc_param *table, const void *settings)
{
    slc_node_put(train, arena, key,
                 on ? slc_params_dump(table, settings, arena)
                    : slc_node_new(arena, SLC_NODE_NULL));
}

static slc_node *dump_train(const slc_recipe_train *t, slc_arena *arena)
{
    slc_node *map = slc_params_dump(slc_recipe_train_params, t, arena);
    dump_switch(map, arena, "early_stop", t->early_stop.on, slc_recipe_early_params,
                &t->early_stop);
    dump_switch(map, arena, "ema", t->ema.on, slc_recipe_ema_params, &t->ema);
    dump_switch(map, arena, "swa", t->swa.on, slc_recipe_swa_params, &t->swa);
    dump_switch(map, arena, "target", t->target.on, slc_recipe_target_params, &t->target);
    return map;
}

static slc_node *dump_model(const slc_recipe *r, slc_arena *arena)
{
    slc_node *model = slc_node_copy(arena, r->model);
    if (model && r->model_from)
        slc_node_put(model, arena, "from", slc_node_scalar(arena, r->model_from));
    if (model && r->model_head)
        slc_node_put(model, arena, "head", slc_node_scalar(arena, r->model_head));
    return model;
}

slc_node *slc_recipe_dump(const slc_recipe *recipe, slc_arena *arena)
{
    char seed[32];
    const slc_recipe *r = recipe;
    slc_node *map = slc_node_new(arena, SLC_NODE_MAP);
    snprintf(seed, sizeof(seed), "%lld", (long long)r->seed);
    const struct {
        const char *key;
        slc_node *value;
    } sections[] = {
        {"seed", slc_node_scalar(arena, seed)},
        {"data", slc_params_dump(slc_recipe_data_params, &r->data, arena)},
        {"augment", slc_node_copy(arena, r->augment)},
        {"eval", slc_node_copy(arena, r->eval)},
        {"mix", slc_node_copy(arena, r->mix)},
        {"loader", slc_params_dump(slc_recipe_loader_params, &r->loader, arena)},
        {"model", dump_model(r, arena)},
        {"loss", dump_loss(r, arena)},
        {"optim", dump_joint(&r->optim->entry, r->optim_settings, slc_recipe_optim_params,
                             &r->optim_more, arena)},
        {"schedule", dump_joint(&r->schedule->entry, r->schedule_settings,
                                slc_warmup_params, &r->warmup, arena)},
        {"train", dump_train(&r->train, arena)}};
    for (size_t i = 0; i < SLC_COUNT(sections); i++)
        if (sections[i].value)
            slc_node_put(map, arena, sections[i].key, sections[i].value);
    return map;
}
