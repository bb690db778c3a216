/* What is done with trained nets: ensembles, surgery, uncertainty. */
#include <unistd.h>

#include "base/attr.h"
#include "tests/train/tiny.h"
#include "train/checkpoint.h"
#include "train/ensemble.h"
#include "train/featmaps.h"
#include "train/surgery.h"
#include "train/uncertainty.h"

static char root[256];

static const char *const text =
    "seed: %d\n"
    "data: {path: 'idx:%s/data', val_fraction: 0.25}\n"
    "augment: [normalize: {mean: %s, std: 0.3}]\n"
    "eval: [normalize: {mean: %s, std: 0.3}]\n"
    "loader: {threads: 1}\n"
    "model: {layers: [{conv2d: {name: c1, out: 6, kernel: 3, padding: 1, bias: false}},\n"
    "  {batch_norm: {name: b1}}, relu, {max_pool: 2},\n"
    "  {conv2d: {name: c2, out: 8, kernel: 3, padding: 1}}, {batch_norm: {name: b2}}, "
    "relu,\n"
    "  flatten, {dropout: 0.3}, {linear: {name: fc, out: 4}}]}\n"
    "optim: {name: sgd, lr: 0.05}\n"
    "schedule: {name: cosine_restarts, cycles: 3}\n"
    "train: {epochs: %d, batch: 16, precision: f32, snapshots: 3}\n";

static void train(const char *name, int seed, const char *mean, int epochs)
{
    char yaml[2048], dir[300];
    slc_arena arena = {0};
    slc_node *node;
    slc_recipe recipe;
    slc_fit_result result;
    slc_err err = {0};
    snprintf(yaml, sizeof(yaml), text, seed, root, mean, mean, epochs);
    snprintf(dir, sizeof(dir), "%s/%s", root, name);
    CHECK(slc_node_parse(&node, &arena, yaml, strlen(yaml), "recipe", &err) == SLC_OK &&
              slc_recipe_read(&recipe, node, &err) == SLC_OK,
          "%s", err.msg);
    CHECK(slc_fit_run(&(slc_fit_settings){.recipe = &recipe, .run = dir, .threads = 2},
                      &result, &err) == SLC_OK,
          "%s: %s", name, err.msg);
    json_decref(result.summary);
    slc_recipe_free(&recipe);
    slc_arena_free(&arena);
}

static const char *at(char room[400], const char *name)
{
    snprintf(room, 400, "%s/%s", root, name);
    return room;
}

static double field(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* Copies a model file, with filter `to` of c1 made a twin of filter `from`. */
static void plant(const char *source, const char *target, size_t from, size_t to)
{
    static const char *const keys[] = {"kind",  "format",  "version", "classes",
                                       "input", "lineage", "epoch",   "recipe"};
    static const char *const rows[] = {"c1.weight", "b1.weight", "b1.bias",
                                       "b1.running_mean", "b1.running_var"};
    const char *meta[2 * SLC_COUNT(keys) + 1] = {0};
    slc_tensors *file;
    slc_err err = {0};
    slc_blob blobs[64];
    size_t n = 0;
    CHECK(slc_tensors_open(&file, source, &err) == SLC_OK, "%s", err.msg);
    for (size_t i = 0; i < SLC_COUNT(keys); i++) {
        meta[n++] = keys[i];
        meta[n++] = slc_tensors_meta(file, keys[i]);
    }
    for (size_t i = 0; i < slc_tensors_count(file); i++) {
        blobs[i] = *slc_tensors_at(file, i);
        char *copy = malloc(blobs[i].size);
        memcpy(copy, blobs[i].data, blobs[i].size);
        for (size_t k = 0; k < SLC_COUNT(rows); k++) {
            const size_t row = blobs[i].size / blobs[i].dim[0];
            if (strcmp(blobs[i].name, rows[k]) == 0)
                memcpy(copy + to * row, copy + from * row, row);
        }
        blobs[i].data = copy;
    }
    CHECK(slc_tensors_write(target, blobs, slc_tensors_count(file), meta, &err) == SLC_OK,
          "%s", err.msg);
    for (size_t i = 0; i < slc_tensors_count(file); i++)
        free((void *)(uintptr_t)blobs[i].data);
    slc_tensors_close(&file);
}

static void test_prune_removes_exactly_the_twins(void)
{
    char a[400], b[400], c[400];
    json_t *o = NULL;
    slc_err err = {0};
    slc_trained t;
    plant(at(a, "one/model.safetensors"), at(b, "planted.safetensors"), 1, 4);
    const slc_surgery_settings s = {.similar = 0.9999, .threads = 2};
    CHECK(slc_prune(b, at(c, "pruned.safetensors"), &s, &o, &err) == SLC_OK, "%s",
          err.msg);
    const json_t *list = json_object_get(o, "removed");
    CHECK(json_array_size(list) == 1, "%zu maps", json_array_size(list));
    CHECK(field(json_array_get(list, 0), "map") == 4 &&
              field(json_array_get(list, 0), "twin") == 1,
          "another map");
    CHECK(field(o, "difference") < 1e-5, "%g", field(o, "difference"));
    CHECK(field(o, "weights_before") - field(o, "weights_after") == 9 + 2 + 8 * 9, "%g",
          field(o, "weights_before") - field(o, "weights_after"));
    CHECK(slc_trained_open(&t, c, NULL, &err) == SLC_OK, "%s",
          err.msg); /* and it opens */
    slc_trained_close(&t);
    json_decref(o);
}

typedef struct found {
    size_t layers, alike, dead;
    bool planted;
} found;

static slc_status count_maps(void *user, const slc_layer_maps *maps, slc_err *err)
{
    found *f = user;
    (void)err;
    f->layers++;
    for (size_t i = 0; i < maps->count; i++) {
        f->alike += maps->fact[i].likeness > 0.9999;
        f->dead += maps->fact[i].dead;
    }
    if (strcmp(maps->name, "c1") == 0)
        f->planted = maps->fact[4].twin == 1 && maps->fact[4].likeness > 0.9999;
    return SLC_OK;
}

static void test_featmaps_mark_the_twin_in_every_layer_that_shows_it(void)
{
    char a[400], b[400];
    slc_err err = {0};
    found f = {0};
    plant(at(a, "one/model.safetensors"), at(b, "planted.safetensors"), 1, 4);
    const slc_surgery_settings s = {.threads = 2, .images = 20};
    CHECK(slc_featmaps(b, &s, count_maps, &f, &err) == SLC_OK, "%s", err.msg);
    CHECK(f.planted, "map 4 of c1 is not known as the twin of map 1");
    CHECK(f.layers >= 3 && f.alike >= 2, "%zu layers, %zu look-alikes", f.layers,
          f.alike); /* c1, and what is behind its activation */
}

static void test_fold_keeps_logits(void)
{
    char a[400], b[400];
    json_t *o = NULL;
    slc_err err = {0};
    slc_trained t;
    const slc_surgery_settings s = {.threads = 2};
    CHECK(slc_fold(at(a, "one"), at(b, "folded.safetensors"), &s, &o, &err) == SLC_OK,
          "%s", err.msg);
    CHECK(field(o, "folded") == 2 && field(o, "difference") < 1e-4, "%g %g",
          field(o, "folded"), field(o, "difference"));
    json_decref(o);
    CHECK(slc_trained_open(&t, b, NULL, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_model_buffer_count(t.model) == 0, "no statistics are left");
    slc_trained_close(&t);
    CHECK(slc_fold(b, NULL, &s, &o, &err) == SLC_EINVAL &&
              strstr(err.msg, "no batch norm"),
          "%s", err.msg);
}

static slc_status join(const char *const *names, size_t n, slc_ensemble_mode mode,
                       const char *output, json_t **o, slc_err *err)
{
    char room[4][400];
    const char *paths[4];
    for (size_t i = 0; i < n; i++)
        paths[i] = at(room[i], names[i]);
    return slc_ensemble_run(&(slc_ensemble_settings){.paths = paths,
                                                     .count = n,
                                                     .mode = mode,
                                                     .output = output,
                                                     .norm_batches = 10,
                                                     .threads = 2},
                            o, err);
}

/* A file with all members scores as the members together did. */
static void test_ensemble_file_scores_the_same(void)
{
    static const char *const names[] = {"one", "two"};
    for (int mode = SLC_ENSEMBLE_LOGITS; mode <= SLC_ENSEMBLE_VOTE; mode++) {
        char file[400];
        json_t *o = NULL;
        slc_err err = {0};
        slc_trained t;
        slc_recipe_sources sources;
        slc_loader_settings ls;
        slc_loader *loader = NULL;
        slc_metric m;
        CHECK(join(names, 2, (slc_ensemble_mode)mode, at(file, "both.safetensors"), &o,
                   &err) == SLC_OK,
              "%s", err.msg);
        CHECK(field(o, "disagreement") >= 0 && field(o, "top1") > 0.8, "%g",
              field(o, "top1"));
        CHECK(slc_trained_open(&t, file, NULL, &err) == SLC_OK && t.member_count == 2,
              "%s", err.msg);
        CHECK(slc_recipe_open_sources(&sources, &t.recipe, NULL, &err) == SLC_OK, "%s",
              err.msg);
        CHECK(slc_trained_loader(&t, sources.test, 1, &ls, &err) == SLC_OK &&
                  slc_loader_open(&loader, &ls, &err) == SLC_OK &&
                  slc_trained_eval(&t, loader, &(slc_eval_settings){0}, &m, &err) ==
                      SLC_OK,
              "%s", err.msg);
        CHECK(slc_metric_top1(&m) == field(o, "top1"), "%g, not %g", slc_metric_top1(&m),
              field(o, "top1"));
        slc_metric_free(&m);
        slc_loader_close(&loader);
        slc_recipe_close_sources(&sources);
        slc_trained_close(&t);
        json_decref(o);
    }
}

static void test_snapshots_average_and_strangers_do_not(void)
{
    static const char *const snaps[] = {"one/snapshot-2.safetensors",
                                        "one/snapshot-3.safetensors"};
    static const char *const strangers[] = {"one", "two"}, *const other[] = {"one",
                                                                             "dark"};
    char file[400];
    json_t *o = NULL;
    slc_err err = {0};
    CHECK(join(snaps, 2, SLC_ENSEMBLE_WEIGHTS, at(file, "mean.safetensors"), &o, &err) ==
              SLC_OK,
          "%s", err.msg);
    CHECK(field(o, "top1") > 0.8, "%g", field(o, "top1"));
    json_decref(o);
    CHECK(join(snaps, 2, SLC_ENSEMBLE_SOUP, NULL, &o, &err) == SLC_OK, "%s", err.msg);
    json_decref(o);
    CHECK(join(strangers, 2, SLC_ENSEMBLE_WEIGHTS, NULL, &o, &err) == SLC_EINVAL &&
              strstr(err.msg, "common ancestry"),
          "%s", err.msg);
    static const char *const same[] = {"one", "two", "one/model.safetensors"};
    CHECK(join(same, 3, SLC_ENSEMBLE_PROB, NULL, &o, &err) == SLC_EINVAL &&
              strstr(err.msg, "named twice"),
          "%s", err.msg);
    CHECK(join(other, 2, SLC_ENSEMBLE_PROB, NULL, &o, &err) == SLC_EINVAL &&
              strstr(err.msg, "prepare pictures differently"),
          "%s", err.msg);
}

static void test_doubt(void)
{
    char path[400];
    slc_err err = {0};
    slc_trained t;
    slc_recipe_sources sources;
    slc_loader_settings ls;
    CHECK(slc_trained_open(&t, at(path, "one"), NULL, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_recipe_open_sources(&sources, &t.recipe, NULL, &err) == SLC_OK &&
              slc_trained_loader(&t, sources.test, 1, &ls, &err) == SLC_OK,
          "%s", err.msg);
    const size_t n = slc_source_count(sources.test);
    slc_doubt *doubt = calloc(n, sizeof(*doubt));
    CHECK(slc_doubt_run(&t, &ls, 8, NULL, doubt, &err) == SLC_OK, "%s", err.msg);
    double mutual = 0;
    for (size_t i = 0; i < n; i++) {
        CHECK(doubt[i].entropy >= doubt[i].mutual && doubt[i].mutual >= 0 &&
                  doubt[i].variance <= 0.25 && doubt[i].confidence <= 1 + 1e-12,
              "picture %zu: entropy %g, mutual %g", i, doubt[i].entropy, doubt[i].mutual);
        mutual += doubt[i].mutual;
    }
    CHECK(mutual > 0, "the passes do not differ");
    free(doubt);
    slc_recipe_close_sources(&sources);
    slc_trained_close(&t);
}

static void test_auroc(void)
{
    double low[] = {1, 2, 3, 4}, high[] = {3, 5};
    /* pairs: 3 beats 1 and 2, ties 3; 5 beats all: (2.5 + 4) / 8 */
    CHECK(slc_auroc(low, 4, high, 2) == 0.8125, "%g", slc_auroc(low, 4, high, 2));
}

int main(void)
{
    char path[400];
    slc_err err = {0};
    snprintf(root, sizeof(root), "/tmp/sluice-test-inspect-%d", (int)getpid());
    CHECK(slc_dir_make(root, &err) == SLC_OK, "%s", err.msg);
    tiny_make(at(path, "data"));
    train("one", 1, "0.4", 6);
    train("two", 2, "0.4", 6);
    train("dark", 1, "0.5", 1 + 2);
    test_prune_removes_exactly_the_twins();
    test_featmaps_mark_the_twin_in_every_layer_that_shows_it();
    test_fold_keeps_logits();
    test_ensemble_file_scores_the_same();
    test_snapshots_average_and_strangers_do_not();
    test_doubt();
    test_auroc();
    snprintf(path, sizeof(path), "rm -rf %s", root);
    return system(path) == 0 ? 0 : 1;
}
