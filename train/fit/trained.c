/* Model files in use: the recipe inside says how pictures must come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "train/checkpoint.h"
#include "train/fit.h"
#include "train/fit/run.h"
#include "train/fit/trained_impl.h"

/* A run directory stands for the model in it. */
static const char *find_file(slc_trained *t, const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return slc_arena_printf(&t->arena, "%s/model.safetensors", path);
    return slc_arena_text(&t->arena, path);
}

static slc_status read_classes(slc_trained *t, const char *text, slc_err *err)
{
    json_t *names = text ? json_loads(text, 0, NULL) : NULL;
    const size_t n = json_array_size(names);
    const char **list = slc_arena_zero(&t->arena, n + 1, sizeof(*list));
    bool ok = list && n > 0;
    for (size_t i = 0; ok && i < n; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        list[i] = name ? slc_arena_text(&t->arena, name) : NULL;
        ok = list[i] != NULL;
    }
    json_decref(names);
    if (!ok) return slc_fail(err, SLC_EFORMAT, "%s: has no class names", t->path);
    t->classes = list;
    t->class_count = n;
    return SLC_OK;
}

static slc_status read_input(slc_trained *t, const char *text, slc_err *err)
{
    json_t *o = text ? json_loads(text, 0, NULL) : NULL;
    size_t *const fields[] = {&t->channels, &t->height, &t->width};
    static const char *const keys[] = {"channels", "height", "width"};
    bool ok = o != NULL;
    for (size_t i = 0; ok && i < 3; i++) {
        const json_int_t v = json_integer_value(json_object_get(o, keys[i]));
        ok = v > 0 && v <= SLC_MAX_SIDE;
        *fields[i] = (size_t)v;
    }
    json_decref(o);
    return ok ? SLC_OK : slc_fail(err, SLC_EFORMAT, "%s: has no input size", t->path);
}

static slc_status read_meta(slc_trained *t, const slc_tensors *file, slc_err *err)
{
    slc_node *root = NULL;
    const char *kind = slc_tensors_meta(file, "kind");
    const char *format = slc_tensors_meta(file, "format");
    const char *recipe = slc_tensors_meta(file, "recipe");
    const char *heat = slc_tensors_meta(file, "temperature");
    const bool known = kind && (strcmp(kind, "sluice model") == 0 ||
                                strcmp(kind, "sluice ensemble") == 0);
    if (!known || !recipe)
        return slc_fail(err, SLC_EFORMAT,
                        "%s: not a model of this program: no recipe inside", t->path);
    if (!format || atoi(format) != RUN_FORMAT)
        return slc_fail(err, SLC_EFORMAT,
                        "%s: format %s is not known to this version of sluice", t->path,
                        format ? format : "(none)");
    t->temperature = 1;
    if (heat && (!slc_parse_real(heat, &t->temperature) || t->temperature <= 0))
        return slc_fail(err, SLC_EFORMAT, "%s: temperature %s makes no sense", t->path,
                        heat);
    slc_status st = read_classes(t, slc_tensors_meta(file, "classes"), err);
    if (st == SLC_OK) st = read_input(t, slc_tensors_meta(file, "input"), err);
    if (st == SLC_OK)
        st = slc_node_parse(&root, &t->arena, recipe, strlen(recipe), t->path, err);
    if (st == SLC_OK) st = slc_recipe_read(&t->recipe, root, err);
    return st;
}

slc_status slc_trained_make(slc_model **out, const slc_trained *t, const slc_node *spec,
                            const slc_trained_settings *settings, slc_err *err)
{
    const slc_model_settings m = {
        .spec = spec,
        .channels = t->channels,
        .height = t->height,
        .width = t->width,
        .classes = t->class_count,
        .batch = settings->batch ? settings->batch : (size_t)t->recipe.train.batch,
        .threads = settings->threads,
        .precision = settings->precision,
        .engine = settings->engine,
        .inference = !settings->trainable,
        .seed = (uint64_t)t->recipe.seed};
    return slc_model_create(out, &m, err);
}

/* Member i of an ensemble: its net is in metadata "model<i>", its tensors begin with "m<i>/". */
static slc_status make_member(slc_trained *t, const slc_tensors *file, size_t i,
                              slc_model **list, const slc_trained_settings *settings,
                              slc_err *err)
{
    char key[32], prefix[32];
    slc_node *spec = NULL;
    snprintf(key, sizeof(key), "model%zu", i);
    snprintf(prefix, sizeof(prefix), "m%zu/", i);
    const char *text = slc_tensors_meta(file, key);
    if (!text) return slc_fail(err, SLC_EFORMAT, "%s: %s is missing", t->path, key);
    slc_status st = slc_node_parse(&spec, &t->arena, text, strlen(text), t->path, err);
    if (st == SLC_OK) st = slc_trained_make(&list[i], t, spec, settings, err);
    if (st != SLC_OK) return st;
    t->model = list[0];
    t->member_count = i + 1;
    return slc_model_load_member(list[i], file, prefix, err);
}

static slc_status build_ensemble(slc_trained *t, const slc_tensors *file, size_t count,
                                 slc_model **list, const slc_trained_settings *settings,
                                 slc_err *err)
{
    static const char *const names[] = {"logits", "prob", "vote"};
    const char *combine = slc_tensors_meta(file, "combine");
    size_t k = 0;
    while (k < SLC_COUNT(names) && (!combine || strcmp(combine, names[k]) != 0))
        k++;
    if (k == SLC_COUNT(names))
        return slc_fail(err, SLC_EFORMAT, "%s: does not say how its members are combined",
                        t->path);
    t->combine = (slc_combine)k;
    slc_status st = SLC_OK;
    for (size_t i = 0; st == SLC_OK && i < count; i++)
        st = make_member(t, file, i, list, settings, err);
    return st;
}

static slc_status build(slc_trained *t, const slc_tensors *file,
                        const slc_trained_settings *settings, slc_err *err)
{
    const char *text = slc_tensors_meta(file, "members");
    int64_t count = 1;
    if (text && (!slc_parse_int(text, &count) || count < 1 || count > 1000))
        return slc_fail(err, SLC_EFORMAT, "%s: %s members make no sense", t->path, text);
    slc_model **list = slc_arena_zero(&t->arena, (size_t)count, sizeof(*list));
    if (!list) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", t->path);
    t->members = list;
    slc_status st = slc_recipe_make_plans(&t->plans, &t->recipe, NULL, err);
    if (st != SLC_OK) return st;
    if (text) return build_ensemble(t, file, (size_t)count, list, settings, err);
    st = slc_trained_make(&list[0], t, t->recipe.model, settings, err);
    if (st != SLC_OK) return st;
    t->model = list[0];
    t->member_count = 1;
    return slc_model_load(t->model, file, NULL, false, err);
}

slc_status slc_trained_open(slc_trained *out, const char *path,
                            const slc_trained_settings *settings, slc_err *err)
{
    static const slc_trained_settings none = {0};
    slc_tensors *file = NULL;
    slc_trained t = {0};
    t.path = find_file(&t, path);
    slc_status st = t.path ? slc_tensors_open(&file, t.path, err)
                           : slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    if (st == SLC_OK) st = read_meta(&t, file, err);
    if (st == SLC_OK) st = build(&t, file, settings ? settings : &none, err);
    slc_tensors_close(&file);
    if (st != SLC_OK) slc_trained_close(&t);
    *out = t;
    return st;
}

void slc_trained_close(slc_trained *trained)
{
    for (size_t i = 0; i < trained->member_count; i++) {
        slc_model *member = trained->members[i];
        slc_model_destroy(&member);
    }
    slc_recipe_free_plans(&trained->plans);
    slc_recipe_free(&trained->recipe);
    slc_arena_free(&trained->arena);
    *trained = (slc_trained){0};
}

static slc_status same_classes(const slc_trained *t, const slc_source *source,
                               slc_err *err)
{
    const size_t n = slc_source_classes(source);
    if (n == 0) return SLC_OK; /* unlabelled: there is nothing to compare */
    if (n != t->class_count)
        return slc_fail(err, SLC_EDATA, "%s has %zu classes, %s knows %zu",
                        slc_source_describe(source), n, t->path, t->class_count);
    for (size_t c = 0; c < n && !t->nameless; c++)
        if (strcmp(slc_source_class(source, c), t->classes[c]) != 0)
            return slc_fail(err, SLC_EDATA, "class %zu is \"%s\" in %s, but \"%s\" in %s",
                            c, slc_source_class(source, c), slc_source_describe(source),
                            t->classes[c], t->path);
    return SLC_OK;
}

slc_loader_settings slc_trained_stream(const slc_trained *trained,
                                       const slc_source *source, size_t threads)
{
    const slc_model_facts facts = slc_model_facts_of(trained->model);
    slc_loader_settings out = slc_recipe_loader_settings(
        &trained->recipe, &trained->plans, source, SLC_FOR_EVAL, threads);
    out.batch = facts.batch;
    out.channels = trained->channels;
    out.width = trained->width;
    out.height = trained->height;
    out.quarantine = NULL;
    if (facts.precision == SLC_PRECISION_BF16) out.type = SLC_BF16;
    return out;
}

slc_status slc_trained_loader(const slc_trained *trained, const slc_source *source,
                              size_t threads, slc_loader_settings *out, slc_err *err)
{
    *out = slc_trained_stream(trained, source, threads);
    return same_classes(trained, source, err);
}
