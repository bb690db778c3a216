/* Reading a recipe: each section is bound by its table, then all are checked together. */
#include "train/recipe.h"

#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "train/recipe_impl.h"

/* What the top level may hold, and the sections that are bound later. */
typedef struct top {
    int64_t seed;
    const slc_node *data, *augment, *eval, *mix, *loader, *model, *loss, *optim,
        *schedule, *train;
} top;

const slc_param slc_recipe_params[] = {
    {"seed", SLC_FIELD(top, seed), .lo = 0, .hi = 9e15, .initial = "1",
     .help = "of everything that is drawn"},
    {"data", SLC_FIELD(top, data), .initial = "", .help = "where the pictures are"},
    {"augment", SLC_FIELD(top, augment), .initial = "", .help = "ops of training"},
    {"eval", SLC_FIELD(top, eval), .initial = "", .help = "ops of evaluation"},
    {"mix", SLC_FIELD(top, mix), .initial = "", .help = "what mixes a batch"},
    {"loader", SLC_FIELD(top, loader), .initial = "", .help = "how pictures are read"},
    {"model", SLC_FIELD(top, model), .initial = "", .help = "the net"},
    {"loss", SLC_FIELD(top, loss), .initial = "", .help = "the loss"},
    {"optim", SLC_FIELD(top, optim), .initial = "", .help = "the optimizer"},
    {"schedule", SLC_FIELD(top, schedule), .initial = "", .help = "the rate over time"},
    {"train", SLC_FIELD(top, train), .initial = "", .help = "how long and how"},
    {0}};

typedef struct loss_more {
    const slc_node *class_weights;
} loss_more;

const slc_param slc_recipe_loss_params[] = {
    {"class_weights", SLC_FIELD(loss_more, class_weights), .initial = "",
     .help = "a list with one number per class"},
    {0}};

static size_t table_length(const slc_param *table)
{
    size_t n = 0;
    while (table && table[n].name)
        n++;
    return n;
}

/* Binds map to the joined table; *settings and more receive the two parts. */
static slc_status bind_joint(slc_recipe *r, const slc_recipe_joint *j,
                             const slc_node *map, const void **settings, void *more,
                             slc_err *err)
{
    const size_t first = table_length(j->entry->params), second = table_length(j->more);
    const size_t shift = slc_round_up(j->more_size, 64);
    slc_param *table = slc_arena_zero(&r->arena, first + second + 1, sizeof(*table));
    char *block = slc_arena_zero(&r->arena, 1, shift + j->entry->settings_size + 1);
    if (!table || !block) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", j->what);
    for (size_t i = 0; i < first; i++) {
        table[i] = j->entry->params[i];
        table[i].offset += shift;
    }
    if (second) memcpy(table + first, j->more, second * sizeof(*table));
    const slc_status st =
        slc_params_bind(table, block, map, true, j->what, &r->arena, err);
    memcpy(more, block, j->more_size);
    *settings = block + shift;
    return st;
}

/* The thing that section names (fallback if the section is absent). A section may be the
 * bare name: "optim: adam". */
static const void *find(const slc_node *section, const void *const *list,
                        const char *kind, const char *fallback, slc_err *err)
{
    const slc_node *name = slc_node_get(section, "name");
    if (section && section->kind == SLC_NODE_SCALAR) name = section;
    if (name && name->kind != SLC_NODE_SCALAR) {
        (void)slc_node_fail(err, name, "%s: name is not a text", kind);
        return NULL;
    }
    return slc_entry_find(list, kind, name ? name->text : fallback, name, err);
}

static const slc_node *map_of(const slc_node *section)
{
    return section && section->kind == SLC_NODE_SCALAR ? NULL : section;
}

static slc_status read_weights(slc_recipe *r, const slc_node *list, slc_err *err)
{
    if (!list) return SLC_OK;
    if (list->kind != SLC_NODE_LIST || list->count == 0)
        return slc_node_fail(err, list, "loss: class_weights is not a list of numbers");
    float *weights = slc_arena_zero(&r->arena, list->count, sizeof(*weights));
    if (!weights) return slc_fail(err, SLC_ENOMEM, "loss: out of memory");
    size_t n = 0;
    for (const slc_node *item = list->first; item; item = item->next) {
        double value;
        if (item->kind != SLC_NODE_SCALAR || !slc_parse_real(item->text, &value) ||
            value < 0)
            return slc_node_fail(err, item,
                                 "loss: class weight %zu is not a number from 0 up", n);
        weights[n++] = (float)value;
    }
    r->class_weights = weights;
    r->class_weight_count = n;
    return SLC_OK;
}

static slc_status read_loss(slc_recipe *r, const slc_node *section, slc_err *err)
{
    loss_more more = {0};
    r->loss =
        find(section, (const void *const *)slc_losses, "loss", "cross_entropy", err);
    if (!r->loss) return SLC_EINVAL;
    const slc_recipe_joint j = {&r->loss->entry, slc_recipe_loss_params, sizeof(more),
                                "loss"};
    const slc_status st =
        bind_joint(r, &j, map_of(section), &r->loss_settings, &more, err);
    return st == SLC_OK ? read_weights(r, more.class_weights, err) : st;
}

static slc_status read_optim(slc_recipe *r, const slc_node *section, slc_err *err)
{
    r->optim = find(section, (const void *const *)slc_optims, "optimizer", "sgd", err);
    if (!r->optim) return SLC_EINVAL;
    const slc_recipe_joint j = {&r->optim->entry, slc_recipe_optim_params,
                                sizeof(r->optim_more), "optim"};
    return bind_joint(r, &j, map_of(section), &r->optim_settings, &r->optim_more, err);
}

static slc_status read_schedule(slc_recipe *r, const slc_node *section, slc_err *err)
{
    r->schedule =
        find(section, (const void *const *)slc_schedules, "schedule", "cosine", err);
    if (!r->schedule) return SLC_EINVAL;
    const slc_recipe_joint j = {&r->schedule->entry, slc_warmup_params, sizeof(r->warmup),
                                "schedule"};
    return bind_joint(r, &j, map_of(section), &r->schedule_settings, &r->warmup, err);
}

/* A sub-map that switches something on by being there. */
static slc_status read_switch(slc_recipe *r, const slc_param *table, const slc_node *node,
                              const char *what, void *out, bool *on, slc_err *err)
{
    bool off = node && node->kind == SLC_NODE_SCALAR && !node->quoted &&
               strcmp(node->text, "false") == 0;
    *on = false;
    if (!node || off) node = NULL;
    if (!node && table == slc_recipe_target_params) return SLC_OK;
    if (node && node->kind == SLC_NODE_SCALAR && strcmp(node->text, "true") != 0)
        return slc_node_fail(err, node, "%s: \"%.60s\" is not a map of settings", what,
                             node->text);
    const slc_status st =
        slc_params_bind(table, out, map_of(node), false, what, &r->arena, err);
    *on = node != NULL;
    return st;
}

static slc_status read_train(slc_recipe *r, const slc_node *section, slc_err *err)
{
    slc_recipe_train *t = &r->train;
    slc_status st = slc_params_bind(slc_recipe_train_params, t, section, false, "train",
                                    &r->arena, err);
    if (st == SLC_OK)
        st = read_switch(r, slc_recipe_early_params, t->early_stop_node,
                         "train.early_stop", &t->early_stop, &t->early_stop.on, err);
    if (st == SLC_OK)
        st = read_switch(r, slc_recipe_ema_params, t->ema_node, "train.ema", &t->ema,
                         &t->ema.on, err);
    if (st == SLC_OK)
        st = read_switch(r, slc_recipe_swa_params, t->swa_node, "train.swa", &t->swa,
                         &t->swa.on, err);
    if (st == SLC_OK)
        st = read_switch(r, slc_recipe_target_params, t->target_node, "train.target",
                         &t->target, &t->target.on, err);
    return st;
}

static slc_status read_data(slc_recipe *r, const slc_node *section, slc_err *err)
{
    if (section && section->kind == SLC_NODE_SCALAR) { /* "data: idx:DIR" */
        const slc_status st = slc_params_bind(slc_recipe_data_params, &r->data, NULL,
                                              false, "data", &r->arena, err);
        r->data.path = section;
        return st;
    }
    return slc_params_bind(slc_recipe_data_params, &r->data, section, false, "data",
                           &r->arena, err);
}

/* Takes "from" and "head" out of the model section: the nets do not know them. */
static slc_status read_model(slc_recipe *r, const slc_node *section, slc_err *err)
{
    r->model = section;
    if (!section || section->kind != SLC_NODE_MAP) return SLC_OK;
    slc_node *copy = slc_node_new(&r->arena, SLC_NODE_MAP);
    if (!copy) return slc_fail(err, SLC_ENOMEM, "model: out of memory");
    copy->line = section->line;
    copy->origin = section->origin;
    copy->key = section->key;
    for (const slc_node *n = section->first; n; n = n->next) {
        const bool from = strcmp(n->key, "from") == 0, head = strcmp(n->key, "head") == 0;
        if ((from || head) && n->kind != SLC_NODE_SCALAR && n->kind != SLC_NODE_NULL)
            return slc_node_fail(err, n, "model: %s is not a text", n->key);
        if (from) r->model_from = n->text;
        if (head) r->model_head = n->text;
        if (from || head) continue;
        if (!slc_node_add(copy, slc_node_copy(&r->arena, n)))
            return slc_fail(err, SLC_ENOMEM, "model: out of memory");
    }
    r->model = copy;
    return SLC_OK;
}

slc_status slc_recipe_read(slc_recipe *out, const slc_node *root, slc_err *err)
{
    top t = {0};
    slc_recipe r = *out = (slc_recipe){0};
    const slc_node *tune = root ? slc_node_get(root, "tune") : NULL;
    if (tune)
        return slc_node_fail(err, tune,
                             "values of this recipe are to be searched for: "
                             "`sluice tune` does, and writes best.yaml to train");
    slc_status st =
        slc_params_bind(slc_recipe_params, &t, root, false, "recipe", &r.arena, err);
    r.root = slc_node_copy(&r.arena, root);
    r.seed = t.seed;
    r.augment = slc_node_copy(&r.arena, t.augment);
    r.eval = slc_node_copy(&r.arena, t.eval);
    r.mix = slc_node_copy(&r.arena, t.mix);
    if (st == SLC_OK) st = read_data(&r, slc_node_copy(&r.arena, t.data), err);
    if (st == SLC_OK)
        st = slc_params_bind(slc_recipe_loader_params, &r.loader,
                             slc_node_copy(&r.arena, t.loader), false, "loader", &r.arena,
                             err);
    if (st == SLC_OK) st = read_model(&r, slc_node_copy(&r.arena, t.model), err);
    if (st == SLC_OK) st = read_loss(&r, slc_node_copy(&r.arena, t.loss), err);
    if (st == SLC_OK) st = read_optim(&r, slc_node_copy(&r.arena, t.optim), err);
    if (st == SLC_OK) st = read_schedule(&r, slc_node_copy(&r.arena, t.schedule), err);
    if (st == SLC_OK) st = read_train(&r, slc_node_copy(&r.arena, t.train), err);
    if (st == SLC_OK) st = slc_recipe_check(&r, err);
    if (st != SLC_OK) slc_recipe_free(&r);
    *out = r;
    return st;
}

slc_status slc_recipe_set(slc_node *root, slc_arena *arena, const char *assignment,
                          slc_err *err)
{
    static const char *const named[] = {"model", "loss", "optim", "schedule"};
    for (size_t i = 0; i < SLC_COUNT(named); i++) {
        slc_node *const section = slc_node_get(root, named[i]);
        const size_t n = strlen(named[i]);
        if (!section || section->kind != SLC_NODE_SCALAR ||
            strncmp(assignment, named[i], n) != 0 || assignment[n] != '.')
            continue;
        slc_node *const name = slc_node_copy(arena, section);
        if (!name) return slc_fail(err, SLC_ENOMEM, "--set: out of memory");
        section->kind = SLC_NODE_MAP, section->text = NULL, section->quoted = false;
        slc_node_put(section, arena, "name", name);
    }
    return slc_node_set(root, arena, assignment, err);
}

slc_status slc_recipe_open(slc_recipe *out, const char *path, const char *const *sets,
                           slc_err *err)
{
    slc_arena arena = {0};
    slc_node *root = NULL;
    struct stat info;
    *out = (slc_recipe){0};
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return slc_fail(err, SLC_EINVAL,
                        "%s: is a directory, not a recipe; for a folder of pictures take "
                        "recipes/photos.yaml and --set data.path=folder:%s",
                        path, path);
    slc_status st = slc_node_read(&root, &arena, path, err);
    for (; st == SLC_OK && sets && *sets; sets++)
        st = slc_recipe_set(root, &arena, *sets, err);
    if (st == SLC_OK) st = slc_recipe_read(out, root, err);
    slc_arena_free(&arena);
    return st;
}

void slc_recipe_free(slc_recipe *recipe)
{
    slc_arena_free(&recipe->arena);
    *recipe = (slc_recipe){0};
}
