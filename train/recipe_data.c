/* From a recipe to streams of batches: sources, splits, policies, loader settings. */
#include <string.h>

#include "train/recipe.h"

static bool wants_subset(const slc_recipe_data *d, bool of_train)
{
    return d->classes.n > 0 || (of_train && (d->limit > 0 || d->val_fraction > 0 ||
                                             d->test_fraction > 0 || d->folds > 0));
}

/* Replaces *source by a part of itself and holds the whole. */
static slc_status cut(slc_source **source, slc_source **hold, const slc_subset *subset,
                      slc_err *err)
{
    slc_source *part = NULL;
    const slc_status st = slc_source_subset(&part, *source, subset, err);
    if (st != SLC_OK) return st;
    *hold = *source;
    *source = part;
    return SLC_OK;
}

static const char *const *class_list(const slc_recipe *r, slc_arena *arena, slc_err *err)
{
    const size_t n = r->data.classes.n;
    const char **names = slc_arena_zero(arena, n + 1, sizeof(*names));
    if (!names) {
        (void)slc_fail(err, SLC_ENOMEM, "data: out of memory");
        return NULL;
    }
    if (n) memcpy(names, r->data.classes.v, n * sizeof(*names));
    return names;
}

static slc_status split(slc_recipe_sources *s, const slc_recipe *r,
                        const char *const *classes, slc_err *err)
{
    const slc_recipe_data *d = &r->data;
    slc_status st = SLC_OK;
    slc_source *whole = s->train;
    slc_subset train = {.seed = (uint64_t)d->split_seed,
                        .classes = d->classes.n ? classes : NULL,
                        .stratified = true,
                        .most = (uint64_t)d->limit};
    slc_subset val = train;
    val.most = 0;
    const slc_subset test = {.seed = train.seed,
                             .classes = train.classes,
                             .stratified = true,
                             .lo = 1 - d->test_fraction,
                             .hi = 1};
    val.hi = test.lo; /* train, val, test: in this order on [0, 1) */
    train.hi = val.lo = val.hi - d->val_fraction;
    train.folds = val.folds = (uint64_t)d->folds;
    train.fold = val.fold = (uint64_t)d->fold;
    val.fold_only = true;
    if (d->val_fraction == 0) val.lo = 0;
    if (wants_subset(d, true)) st = cut(&s->train, &s->hold[0], &train, err);
    if (st == SLC_OK && d->test_fraction > 0)
        st = slc_source_subset(&s->test, whole, &test, err);
    if (st == SLC_OK && (d->val_fraction > 0 || d->folds > 0))
        return slc_source_subset(&s->val, whole, &val, err);
    const slc_subset keep = {.classes = train.classes};
    if (st == SLC_OK && s->val && wants_subset(d, false))
        st = cut(&s->val, &s->hold[1], &keep, err);
    return st;
}

/* Labels mean the same in both. */
static slc_status same_classes(const slc_source *a, const slc_source *b, slc_err *err)
{
    const size_t n = slc_source_classes(a);
    if (slc_source_classes(b) != n)
        return slc_fail(err, SLC_EDATA, "%s has %zu classes, but %s has %zu",
                        slc_source_describe(a), n, slc_source_describe(b),
                        slc_source_classes(b));
    for (size_t c = 0; c < n; c++)
        if (strcmp(slc_source_class(a, c), slc_source_class(b, c)) != 0)
            return slc_fail(err, SLC_EDATA, "class %zu is \"%s\" in %s, but \"%s\" in %s",
                            c, slc_source_class(a, c), slc_source_describe(a),
                            slc_source_class(b, c), slc_source_describe(b));
    return SLC_OK;
}

static slc_status check_sources(const slc_recipe_sources *s, const slc_recipe *r,
                                slc_err *err)
{
    slc_status st = SLC_OK;
    if (slc_source_classes(s->train) < 1 || slc_source_count(s->train) == 0)
        return slc_fail(err, SLC_EDATA, "data: %s has %s to learn from",
                        slc_source_describe(s->train),
                        slc_source_count(s->train) ? "no labels" : "no pictures");
    if (s->val && slc_source_count(s->val) == 0)
        return slc_fail(err, SLC_EDATA, "data: the validation set is empty");
    if (r->data.path && r->data.test_fraction > 0 && slc_source_has_split(s->train))
        return slc_fail(err, SLC_EINVAL,
                        "data: %s has splits of its own; test_fraction is for sources "
                        "without",
                        slc_source_describe(s->train));
    if (r->data.path && s->test && r->data.test_fraction == 0) {
        uint8_t a[32], b[32];
        slc_source_digest(s->hold[0] ? s->hold[0] : s->train, a);
        slc_source_digest(s->hold[2] ? s->hold[2] : s->test, b);
        if (memcmp(a, b, sizeof(a)) == 0)
            return slc_node_fail(err, r->data.path,
                                 "data: %s has no split into train and test; "
                                 "test_fraction: 0.2 cuts one off",
                                 slc_source_describe(s->train));
    }
    if (s->val) st = same_classes(s->train, s->val, err);
    if (st == SLC_OK && s->test) st = same_classes(s->train, s->test, err);
    return st;
}

slc_status slc_recipe_open_sources(slc_recipe_sources *out, const slc_recipe *recipe,
                                   const slc_log *log, slc_err *err)
{
    const slc_recipe_data *d = &recipe->data;
    const slc_node *train = d->train ? d->train : d->path;
    const slc_node *test = d->test || d->test_fraction > 0 ? d->test : d->path;
    slc_recipe_sources s = {0};
    slc_arena arena = {0};
    *out = s;
    if (!train)
        return slc_node_fail(err, recipe->root,
                             "data.path is missing: where are the pictures? data: {path: "
                             "\"folder:/where/they/are\"}, or --set data.path=...");
    const char *const *classes = class_list(recipe, &arena, err);
    slc_status st = classes ? SLC_OK : SLC_ENOMEM;
    if (st == SLC_OK) st = slc_source_open(&s.train, train, "train", log, err);
    if (st == SLC_OK && d->val) st = slc_source_open(&s.val, d->val, "val", log, err);
    if (st == SLC_OK && test) st = slc_source_open(&s.test, test, "test", log, err);
    if (st == SLC_OK) st = split(&s, recipe, classes, err);
    const slc_subset keep = {.classes = classes};
    if (st == SLC_OK && test && wants_subset(d, false))
        st = cut(&s.test, &s.hold[2], &keep, err);
    if (st == SLC_OK) st = check_sources(&s, recipe, err);
    slc_arena_free(&arena);
    if (st != SLC_OK) slc_recipe_close_sources(&s);
    *out = s;
    return st;
}

slc_status slc_recipe_source(const slc_source **out, const slc_recipe_sources *sources,
                             const char *split, slc_err *err)
{
    const struct {
        const char *name;
        const slc_source *source;
    } part[] = {
        {"train", sources->train}, {"val", sources->val}, {"test", sources->test}};
    for (size_t i = 0; i < SLC_COUNT(part); i++)
        if (strcmp(split, part[i].name) == 0) {
            *out = part[i].source;
            return SLC_OK;
        }
    return slc_fail(err, SLC_EINVAL, "split: \"%s\" is not train, val or test", split);
}

void slc_recipe_close_sources(slc_recipe_sources *sources)
{
    slc_source_close(&sources->train);
    slc_source_close(&sources->val);
    slc_source_close(&sources->test);
    for (size_t i = 0; i < SLC_COUNT(sources->hold); i++)
        slc_source_close(&sources->hold[i]);
}

slc_status slc_recipe_make_plans(slc_recipe_plans *out, const slc_recipe *recipe,
                                 const slc_source *source, slc_err *err)
{
    slc_recipe_plans p = {0};
    slc_images images = {0};
    if (source) slc_source_fixed_size(source, &images.w, &images.h, &images.channels);
    if (recipe->data.channels > 0) images.channels = (size_t)recipe->data.channels;
    slc_status st =
        slc_policy_create(&p.augment, recipe->augment, "augment", images, err);
    if (!recipe->data.path) images.w = images.h = 0; /* val and test are other sources */
    if (st == SLC_OK) st = slc_policy_create(&p.eval, recipe->eval, "eval", images, err);
    if (st == SLC_OK && recipe->mix) st = slc_mix_create(&p.mix, recipe->mix, err);
    if (st == SLC_OK && slc_policy_is_random(p.eval))
        st = slc_node_fail(err, recipe->eval,
                           "eval: its ops draw at random; evaluation must not");
    if (st == SLC_OK && recipe->augment &&
        slc_policy_is_normalized(p.augment) != slc_policy_is_normalized(p.eval))
        st = slc_node_fail(err, recipe->eval ? recipe->eval : recipe->augment,
                           "eval: %s but augment does%s: the net would see different "
                           "numbers",
                           slc_policy_is_normalized(p.eval) ? "normalises,"
                                                            : "does not normalise,",
                           slc_policy_is_normalized(p.eval) ? " not" : "");
    if (st != SLC_OK) slc_recipe_free_plans(&p);
    *out = p;
    return st;
}

void slc_recipe_free_plans(slc_recipe_plans *plans)
{
    slc_policy_destroy(&plans->augment);
    slc_policy_destroy(&plans->eval);
    slc_mix_destroy(&plans->mix);
}

static slc_ragged tail_of(const slc_recipe *r, const slc_source *source)
{
    if (r->loader.tail > 0) return (slc_ragged)(r->loader.tail - 1);
    return slc_source_count(source) < (uint64_t)r->train.batch ? SLC_TAIL_KEEP
                                                               : SLC_TAIL_DROP;
}

static slc_decode decode_of(const slc_recipe_loader *l)
{
    slc_decode how = {.limits = {.pixels = (uint64_t)l->max_pixels,
                                 .side = (uint64_t)l->max_side,
                                 .file_bytes = (uint64_t)l->max_file_mb << 20,
                                 .scans = (uint64_t)l->max_scans,
                                 .chunks = (uint64_t)l->max_chunks},
                      .ignore_orientation = l->orientation == 1,
                      .accept_truncated = l->truncated == 1};
    for (size_t c = 0; c < 3 && l->background.n > 0; c++)
        how.background[c] = (uint8_t)l->background.v[l->background.n == 3 ? c : 0];
    return how;
}

slc_loader_settings slc_recipe_loader_settings(const slc_recipe *recipe,
                                               const slc_recipe_plans *plans,
                                               const slc_source *source,
                                               slc_purpose purpose, size_t threads)
{
    const slc_recipe_loader *l = &recipe->loader;
    const bool train = purpose == SLC_FOR_TRAIN;
    return (slc_loader_settings){
        .source = source,
        .policy = train ? plans->augment : plans->eval,
        .mix = train ? plans->mix : NULL,
        .batch = (size_t)recipe->train.batch,
        .threads = l->threads > 0 ? (size_t)l->threads : threads,
        .ahead = (size_t)l->ahead,
        .type = SLC_F32,
        .layout = SLC_NHWC,
        .channels = (size_t)recipe->data.channels,
        .width = (size_t)recipe->data.width,
        .height = (size_t)recipe->data.height,
        .shuffle = train,
        .sample_by = train ? (slc_sample_by)l->sample_by : SLC_SAMPLE_ALL,
        .repeats = train ? (uint64_t)l->repeats : 0,
        .tail = train ? tail_of(recipe, source) : SLC_TAIL_KEEP,
        .seed = (uint64_t)recipe->seed,
        .epochs = train ? (uint64_t)recipe->train.epochs : 1,
        .mix_until = train ? (uint64_t)l->mix_until : 0,
        .fast = train && l->decode == 0,
        .decode = decode_of(l),
        .on_error = (slc_on_error)l->on_error,
        .max_errors = l->max_errors,
        .quarantine = l->quarantine && *l->quarantine ? l->quarantine : NULL,
        .cache = train ? (slc_cache)l->cache : SLC_CACHE_NONE,
        .cache_bytes = (uint64_t)l->cache_mb << 20,
    };
}
