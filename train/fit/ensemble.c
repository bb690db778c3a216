/* Scoring and writing ensembles. Averages of weights are only meant for nets that began with
 * the same weights: others lie in different basins, and the mean of two basins is a hill. */
#include "train/ensemble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "train/checkpoint.h"
#include "train/fit/norms.h"

typedef struct member {
    slc_trained trained;
    slc_tensors *file; /* for its metadata */
    double top1, val;
    bool used;
    uint16_t *answers; /* one per image */
} member;

typedef struct crew {
    const slc_ensemble_settings *settings;
    member *members;
    size_t count;
    slc_recipe_sources sources;
    const slc_source *source;
    uint64_t images;
    slc_metric metric;
    double *sum; /* weights, then buffers */
    slc_arena arena;
} crew;

static bool averages(const crew *c)
{
    return c->settings->mode >= SLC_ENSEMBLE_WEIGHTS;
}

static const char *text_of(slc_arena *arena, const slc_node *node)
{
    slc_str text = {0};
    if (node) slc_node_write(node, &text);
    const char *copy = slc_arena_text(arena, text.text ? text.text : "");
    slc_str_free(&text);
    return copy ? copy : "";
}

static slc_status same_input(crew *c, const slc_trained *a, const slc_trained *b,
                             slc_err *err)
{
    if (a->class_count != b->class_count)
        return slc_fail(err, SLC_EINVAL, "%s knows %zu classes, %s knows %zu", a->path,
                        a->class_count, b->path, b->class_count);
    for (size_t i = 0; i < a->class_count; i++)
        if (strcmp(a->classes[i], b->classes[i]) != 0)
            return slc_fail(err, SLC_EINVAL,
                            "class %zu is \"%s\" in %s, but \"%s\" in %s", i,
                            a->classes[i], a->path, b->classes[i], b->path);
    if (a->channels != b->channels || a->height != b->height || a->width != b->width)
        return slc_fail(err, SLC_EINVAL,
                        "%s takes %zu x %zu x %zu pictures, %s takes %zu x %zu x %zu",
                        a->path, a->width, a->height, a->channels, b->path, b->width,
                        b->height, b->channels);
    const char *x = text_of(&c->arena, slc_policy_dump(a->plans.eval, &c->arena));
    const char *y = text_of(&c->arena, slc_policy_dump(b->plans.eval, &c->arena));
    if (strcmp(x, y) != 0)
        return slc_fail(err, SLC_EINVAL,
                        "%s and %s prepare pictures differently: their eval ops differ",
                        a->path, b->path);
    return SLC_OK;
}

/* Do two comma-separated lists of block hashes share one? */
static bool related(const char *a, const char *b)
{
    while (a && *a) {
        const char *end = strchr(a, ',');
        const size_t n = end ? (size_t)(end - a) : strlen(a);
        for (const char *at = b; at && *at;) {
            const char *stop = strchr(at, ',');
            const size_t m = stop ? (size_t)(stop - at) : strlen(at);
            if (n == m && strncmp(a, at, n) == 0) return true;
            at = stop ? stop + 1 : NULL;
        }
        a = end ? end + 1 : NULL;
    }
    return false;
}

static slc_status same_net(crew *c, const member *a, const member *b, slc_err *err)
{
    const char *x = text_of(&c->arena, a->trained.recipe.model);
    const char *y = text_of(&c->arena, b->trained.recipe.model);
    if (strcmp(x, y) != 0)
        return slc_fail(err, SLC_EINVAL,
                        "%s and %s are different nets: their weights have no mean",
                        a->trained.path, b->trained.path);
    if (!related(slc_tensors_meta(a->file, "lineage"),
                 slc_tensors_meta(b->file, "lineage")))
        return slc_fail(err, SLC_EINVAL,
                        "%s and %s did not begin with the same weights: without common "
                        "ancestry their mean is no net (use prob, logits or vote)",
                        a->trained.path, b->trained.path);
    return SLC_OK;
}

/* Two names of one file, or of a run and the file in it. */
static slc_status not_again(const crew *c, const char *path, slc_err *err)
{
    struct stat a, b;
    if (stat(path, &a) != 0) return SLC_OK; /* it was opened: gone since */
    for (size_t i = 0; i + 1 < c->count; i++)
        if (stat(c->members[i].trained.path, &b) == 0 && a.st_dev == b.st_dev &&
            a.st_ino == b.st_ino)
            return slc_fail(err, SLC_EINVAL,
                            "%s is named twice: a model has nothing to add to itself",
                            path);
    return SLC_OK;
}

static slc_status open_members(crew *c, slc_err *err)
{
    const slc_ensemble_settings *s = c->settings;
    slc_status st = SLC_OK;
    c->members = calloc(s->count + 1, sizeof(*c->members));
    if (!c->members) return slc_fail(err, SLC_ENOMEM, "ensemble: out of memory");
    if (s->count < 2)
        return slc_fail(err, SLC_EINVAL, "ensemble: needs at least two members");
    slc_trained_settings how = {.threads = s->threads, .trainable = averages(c)};
    for (size_t i = 0; st == SLC_OK && i < s->count; i++) {
        member *m = &c->members[c->count++];
        m->used = true;
        st = slc_trained_open(&m->trained, s->paths[i], &how, err);
        if (st == SLC_OK && i == 0) /* all of them see the same batches */
            how.batch = slc_model_facts_of(m->trained.model).batch;
        if (st == SLC_OK && m->trained.temperature != 1)
            slc_log_line(
                s->log, SLC_WARNING,
                "%s: its temperature is left out; calibrate the ensemble instead",
                m->trained.path);
        if (st == SLC_OK) st = slc_tensors_open(&m->file, m->trained.path, err);
        if (st == SLC_OK && m->trained.member_count > 1)
            st = slc_fail(err, SLC_EINVAL, "%s is an ensemble already", m->trained.path);
        if (st == SLC_OK) st = not_again(c, m->trained.path, err);
        if (st == SLC_OK && i)
            st = same_input(c, &c->members[0].trained, &m->trained, err);
        if (st == SLC_OK && i && averages(c)) st = same_net(c, &c->members[0], m, err);
    }
    return st;
}

static slc_status open_data(crew *c, slc_err *err)
{
    const slc_ensemble_settings *s = c->settings;
    const slc_recipe *recipe = &c->members[0].trained.recipe;
    slc_status st = SLC_OK;
    if (!s->source || averages(c))
        st = slc_recipe_open_sources(&c->sources, recipe, s->log, err);
    c->source = s->source         ? s->source
                : c->sources.test ? c->sources.test
                                  : c->sources.val;
    if (st == SLC_OK && !c->source)
        return slc_fail(err, SLC_EINVAL, "ensemble: the recipe of %s has no test set",
                        c->members[0].trained.path);
    if (st == SLC_OK && s->mode == SLC_ENSEMBLE_SOUP && !c->sources.val)
        return slc_fail(err, SLC_EINVAL,
                        "ensemble: a greedy soup is chosen on a validation set, and the "
                        "recipe has none");
    if (st == SLC_OK) c->images = slc_source_count(c->source);
    return st;
}

static void note_answer(void *user, const slc_prediction *p)
{
    uint16_t *answers = user;
    answers[p->index] = (uint16_t)p->best;
}

/* One model, or all of them together (members not NULL), over one source. */
static slc_status score(crew *c, const slc_trained *t, slc_model *const *models, size_t n,
                        const slc_source *source, uint16_t *answers, slc_metric *metric,
                        slc_err *err)
{
    slc_loader_settings ls;
    slc_loader *loader = NULL;
    *metric = (slc_metric){0};
    slc_status st = slc_trained_loader(t, source, c->settings->threads, &ls, err);
    ls.log = c->settings->log;
    if (st == SLC_OK) st = slc_loader_open(&loader, &ls, err);
    const slc_eval_settings settings = {
        .log = c->settings->log,
        .stop = c->settings->stop,
        .members = models,
        .member_count = n,
        .combine = averages(c) ? SLC_COMBINE_LOGITS : (slc_combine)c->settings->mode,
        .on_prediction = answers ? note_answer : NULL,
        .user = answers};
    if (st == SLC_OK) st = slc_fit_eval(t->model, loader, &settings, metric, err);
    slc_loader_close(&loader);
    return st;
}

static slc_status score_members(crew *c, slc_err *err)
{
    slc_status st = SLC_OK;
    for (size_t i = 0; st == SLC_OK && i < c->count; i++) {
        member *m = &c->members[i];
        slc_metric metric;
        m->answers = calloc(c->images + 1, sizeof(uint16_t));
        if (!m->answers) return slc_fail(err, SLC_ENOMEM, "ensemble: out of memory");
        st = score(c, &m->trained, NULL, 0, c->source, m->answers, &metric, err);
        if (st == SLC_OK) m->top1 = slc_metric_top1(&metric);
        slc_metric_free(&metric);
        if (st == SLC_OK && c->settings->mode == SLC_ENSEMBLE_SOUP) {
            st = score(c, &m->trained, NULL, 0, c->sources.val, NULL, &metric, err);
            if (st == SLC_OK) m->val = slc_metric_top1(&metric);
            slc_metric_free(&metric);
        }
        if (st == SLC_OK)
            slc_log_line(c->settings->log, SLC_INFO, "%s: top1 %.4f", m->trained.path,
                         m->top1);
    }
    return st;
}

static double disagreement(const crew *c)
{
    double sum = 0;
    size_t pairs = 0;
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = i + 1; k < c->count; k++, pairs++) {
            const uint16_t *a = c->members[i].answers, *b = c->members[k].answers;
            uint64_t differ = 0;
            for (uint64_t n = 0; n < c->images; n++)
                differ += a[n] != b[n];
            sum += (double)differ / (double)c->images;
        }
    return pairs ? sum / (double)pairs : 0;
}

static slc_status measure(crew *c, slc_model *model, slc_err *err)
{
    const slc_trained *t = &c->members[0].trained;
    const uint64_t batches = c->settings->norm_batches ? c->settings->norm_batches : 100;
    slc_loader *loader = NULL;
    if (slc_model_buffer_count(model) == 0) return SLC_OK;
    slc_loader_settings s = slc_recipe_loader_settings(
        &t->recipe, &t->plans, c->sources.train, SLC_FOR_TRAIN, c->settings->threads);
    const slc_model_facts facts = slc_model_facts_of(model);
    s.type = facts.precision == SLC_PRECISION_BF16 ? SLC_BF16 : SLC_F32;
    s.batch = facts.batch;
    s.epochs = 0;
    slc_status st = slc_loader_open(&loader, &s, err);
    if (st == SLC_OK) st = slc_norms_measure(model, loader, batches, err);
    slc_loader_close(&loader);
    return st;
}

/* Makes the mean of the members' own files the weights of the first model. */
static slc_status average(crew *c, slc_err *err)
{
    slc_model *model = c->members[0].trained.model;
    const size_t w = slc_model_weight_count(model), b = slc_model_buffer_count(model);
    size_t n = 0;
    slc_status st = SLC_OK;
    memset(c->sum, 0, (w + b) * sizeof(*c->sum));
    for (size_t i = 0; st == SLC_OK && i < c->count; i++) {
        if (!c->members[i].used) continue;
        st = slc_model_load(model, c->members[i].file, NULL, false, err);
        const float *weights = slc_model_weights(model),
                    *buffers = slc_model_buffers(model);
        for (size_t k = 0; k < w; k++)
            c->sum[k] += (double)weights[k];
        for (size_t k = 0; k < b; k++)
            c->sum[w + k] += (double)buffers[k];
        n++;
    }
    for (size_t k = 0; k < w; k++)
        slc_model_weights(model)[k] = (float)(c->sum[k] / (double)n);
    for (size_t k = 0; k < b; k++)
        slc_model_buffers(model)[k] = (float)(c->sum[w + k] / (double)n);
    slc_model_touch(model);
    return st == SLC_OK && n > 1 ? measure(c, model, err) : st;
}

/* Members from the best down; each stays if the soup with it is no worse. */
static slc_status cook(crew *c, slc_err *err)
{
    double best = -1;
    slc_status st = SLC_OK;
    bool *tried = slc_arena_zero(&c->arena, c->count, sizeof(*tried));
    if (!tried) return slc_fail(err, SLC_ENOMEM, "ensemble: out of memory");
    for (size_t i = 0; i < c->count; i++)
        c->members[i].used = false;
    for (size_t round = 0; st == SLC_OK && round < c->count; round++) {
        size_t next = SIZE_MAX;
        slc_metric metric = {0};
        for (size_t i = 0; i < c->count; i++)
            if (!tried[i] &&
                (next == SIZE_MAX || c->members[i].val > c->members[next].val))
                next = i;
        tried[next] = c->members[next].used = true;
        st = average(c, err);
        if (st == SLC_OK)
            st = score(c, &c->members[0].trained, NULL, 0, c->sources.val, NULL, &metric,
                       err);
        const double value = st == SLC_OK ? slc_metric_top1(&metric) : 0;
        slc_metric_free(&metric);
        if (value >= best)
            best = value;
        else
            c->members[next].used = false;
    }
    return st == SLC_OK ? average(c, err) : st;
}

static slc_status score_joint(crew *c, slc_err *err)
{
    slc_status st = SLC_OK;
    slc_model **models = slc_arena_zero(&c->arena, c->count, sizeof(*models));
    if (!models) return slc_fail(err, SLC_ENOMEM, "ensemble: out of memory");
    for (size_t i = 0; i < c->count; i++)
        models[i] = c->members[i].trained.model;
    if (!averages(c))
        return score(c, &c->members[0].trained, models, c->count, c->source, NULL,
                     &c->metric, err);
    slc_model *model = models[0];
    const size_t size = slc_model_weight_count(model) + slc_model_buffer_count(model);
    c->sum = calloc(size + 1, sizeof(*c->sum));
    if (!c->sum) return slc_fail(err, SLC_ENOMEM, "ensemble: out of memory");
    st = c->settings->mode == SLC_ENSEMBLE_SOUP ? cook(c, err) : average(c, err);
    if (st == SLC_OK)
        st = score(c, &c->members[0].trained, NULL, 0, c->source, NULL, &c->metric, err);
    return st;
}

enum { MAX_META = 24 };

static size_t shared_meta(const member *m, const char *kind, const char *meta[MAX_META])
{
    static const char *const keys[] = {"format", "version", "classes",
                                       "input",  "lineage", "recipe"};
    size_t n = 0;
    meta[n++] = "kind";
    meta[n++] = kind;
    for (size_t i = 0; i < SLC_COUNT(keys); i++) {
        const char *value = slc_tensors_meta(m->file, keys[i]);
        if (!value) continue;
        meta[n++] = keys[i];
        meta[n++] = value;
    }
    meta[n] = NULL;
    return n;
}

/* All tensors of all members as "m0/conv1.weight", each member's net as metadata. */
static slc_status write_members(crew *c, slc_err *err)
{
    static const char *const names[] = {"logits", "prob", "vote"};
    size_t total = 0, n = 0;
    for (size_t i = 0; i < c->count; i++)
        total += slc_tensors_count(c->members[i].file);
    slc_blob *blobs = slc_arena_zero(&c->arena, total + 1, sizeof(*blobs));
    const char **meta =
        slc_arena_zero(&c->arena, MAX_META + 2 * c->count + 8, sizeof(*meta));
    if (!blobs || !meta) return slc_fail(err, SLC_ENOMEM, "ensemble: out of memory");
    size_t k = shared_meta(&c->members[0], "sluice ensemble", meta);
    meta[k++] = "combine";
    meta[k++] = names[c->settings->mode];
    meta[k++] = "members";
    meta[k++] = slc_arena_printf(&c->arena, "%zu", c->count);
    for (size_t i = 0; i < c->count; i++) {
        const member *m = &c->members[i];
        meta[k++] = slc_arena_printf(&c->arena, "model%zu", i);
        meta[k++] = text_of(&c->arena, m->trained.recipe.model);
        for (size_t t = 0; t < slc_tensors_count(m->file); t++) {
            blobs[n] = *slc_tensors_at(m->file, t);
            blobs[n].name = slc_arena_printf(&c->arena, "m%zu/%s", i, blobs[n].name);
            if (!blobs[n++].name) return slc_fail(err, SLC_ENOMEM, "ensemble: no memory");
        }
    }
    return slc_tensors_write(c->settings->output, blobs, n, meta, err);
}

static slc_status write_file(crew *c, slc_err *err)
{
    const char *meta[MAX_META] = {0};
    if (!c->settings->output) return SLC_OK;
    if (!averages(c)) return write_members(c, err);
    (void)shared_meta(&c->members[0], "sluice model", meta);
    return slc_model_save(c->members[0].trained.model, c->settings->output, meta, err);
}

static json_t *report(const crew *c)
{
    static const char *const names[] = {"logits", "prob", "vote", "weights", "soup"};
    json_t *o = json_object(), *list = json_array();
    double best = 0, mean = 0;
    for (size_t i = 0; i < c->count; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "path", json_string(c->members[i].trained.path));
        json_object_set_new(item, "top1", json_real(c->members[i].top1));
        json_object_set_new(item, "used", json_boolean(c->members[i].used));
        json_array_append_new(list, item);
        if (c->members[i].top1 > best) best = c->members[i].top1;
        mean += c->members[i].top1 / (double)c->count;
    }
    json_object_set_new(o, "schema", json_integer(1));
    json_object_set_new(o, "mode", json_string(names[c->settings->mode]));
    json_object_set_new(o, "top1", json_real(slc_metric_top1(&c->metric)));
    json_object_set_new(o, "loss", json_real(slc_metric_loss(&c->metric)));
    json_object_set_new(o, "best_member", json_real(best));
    json_object_set_new(o, "mean_member", json_real(mean));
    json_object_set_new(o, "gain", json_real(slc_metric_top1(&c->metric) - best));
    json_object_set_new(o, "disagreement", json_real(disagreement(c)));
    json_object_set_new(o, "members", list);
    json_object_set_new(o, "data",
                        json_string(c->settings->data ? c->settings->data
                                                      : slc_source_describe(c->source)));
    json_object_set_new(o, "metric",
                        slc_metric_json(&c->metric, c->members[0].trained.classes));
    return o;
}

static void disband(crew *c)
{
    for (size_t i = 0; i < c->count; i++) {
        slc_tensors_close(&c->members[i].file);
        slc_trained_close(&c->members[i].trained);
        free(c->members[i].answers);
    }
    slc_recipe_close_sources(&c->sources);
    slc_metric_free(&c->metric);
    slc_arena_free(&c->arena);
    free(c->members);
    free(c->sum);
}

slc_status slc_ensemble_run(const slc_ensemble_settings *settings, json_t **result,
                            slc_err *err)
{
    crew c = {.settings = settings};
    *result = NULL;
    slc_status st = open_members(&c, err);
    if (st == SLC_OK) st = open_data(&c, err);
    if (st == SLC_OK) st = score_members(&c, err);
    if (st == SLC_OK) st = score_joint(&c, err);
    if (st == SLC_OK) st = write_file(&c, err);
    if (st == SLC_OK) *result = report(&c);
    disband(&c);
    return st;
}

slc_status slc_ensemble_write(const slc_ensemble_settings *settings, slc_err *err)
{
    crew c = {.settings = settings};
    if (averages(&c))
        return slc_fail(err, SLC_EINVAL, "ensemble: only answers are joined unscored");
    slc_status st = open_members(&c, err);
    if (st == SLC_OK) st = write_members(&c, err);
    disband(&c);
    return st;
}
