/* The tune section of a recipe. */
#include "train/study.h"

typedef struct section {
    const slc_node *search, *pacer;
    int64_t trials, epochs, seed;
    double minutes, target;
    int metric;
} section;

static const char *const metrics[] = {"top1", "loss", NULL};

static const slc_param params[] = {
    {"search", SLC_FIELD(section, search), .initial = "{name: bayes}",
     .help = "how points are chosen, and its own settings"},
    {"pacer", SLC_FIELD(section, pacer), .initial = "{name: none}",
     .help = "how long a trial runs before it must prove itself"},
    {"trials", SLC_FIELD(section, trials), .lo = 0, .hi = 1e6, .initial = "30",
     .help = "at most so many trials; 0 = no limit"},
    {"epochs", SLC_FIELD(section, epochs), .lo = 0, .hi = 1e6, .initial = "0",
     .help = "epochs of a trial that runs through; 0 = train.epochs"},
    {"minutes", SLC_FIELD(section, minutes), .lo = 0, .hi = 1e6, .initial = "0",
     .unit = "min", .help = "wall time of this process; 0 = no limit"},
    {"target", SLC_FIELD(section, target), .lo = 0, .hi = 1e9, .initial = "0",
     .help = "stop when the metric is this good; 0 = no target"},
    {"metric", SLC_FIELD(section, metric), .choices = metrics, .initial = "top1",
     .help = "what is searched for, on the validation set"},
    {"seed", SLC_FIELD(section, seed), .lo = 0, .hi = 1e15, .initial = "1",
     .help = "of the search's own draws"},
    {0},
};

const slc_param *slc_tune_params(void)
{
    return params;
}

/* Finds the entry that node's name key names and binds the rest of the node to its table. */
static slc_status bind_entry(const void *const *list, const char *kind,
                             const slc_node *node, const void **entry,
                             const void **settings, slc_arena *arena, slc_err *err)
{
    char where[160];
    const slc_node *name = slc_node_get(node, "name");
    if (node->kind == SLC_NODE_SCALAR) name = node;
    if (!name || name->kind != SLC_NODE_SCALAR)
        return slc_fail(err, SLC_EINVAL, "%s: tune.%s needs a name",
                        slc_node_where(node, where, sizeof(where)), kind);

    const slc_entry *found = slc_entry_find(list, kind, name->text, name, err);
    if (!found) return SLC_EINVAL;
    void *bound = slc_arena_zero(arena, 1, found->settings_size + 1);
    if (!bound) return slc_fail(err, SLC_ENOMEM, "tune: out of memory");
    *entry = found;
    *settings = bound;
    static const slc_param none[] = {{0}};
    return slc_params_bind(found->params ? found->params : none, bound,
                           node->kind == SLC_NODE_MAP ? node : NULL, true, found->name,
                           arena, err);
}

slc_status slc_tune_read(slc_tune *out, const slc_node *node, slc_arena *arena,
                         slc_err *err)
{
    section s = {0};
    slc_status st = slc_params_bind(params, &s, node, false, "tune", arena, err);
    if (st != SLC_OK) return st;
    *out = (slc_tune){.trials = s.trials,
                      .epochs = s.epochs,
                      .minutes = s.minutes,
                      .target = s.target,
                      .metric = s.metric,
                      .seed = s.seed};
    st = bind_entry((const void *const *)slc_searches, "search", s.search,
                    (const void **)&out->search, &out->search_settings, arena, err);
    if (st == SLC_OK)
        st = bind_entry((const void *const *)slc_pacers, "pacer", s.pacer,
                        (const void **)&out->pacer, &out->pacer_settings, arena, err);
    return st;
}
