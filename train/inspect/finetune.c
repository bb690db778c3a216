/* A few gentle epochs for a net that was cut: its own recipe, from its own weights, at a tenth of
 * the learning rate. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/inspect/patient.h"

/* What a recipe asks for that a short run from good weights does not want. */
static const char *const plain[] = {"train.steps=0",     "train.budget=''",
                                    "train.early_stop=", "train.target=",
                                    "train.swa=",        "train.snapshots=0",
                                    "train.freeze=",     "train.unfreeze_at=0",
                                    "train.keep=auto",   "schedule={name: cosine}"};

static slc_status change(slc_recipe *out, const slc_recipe *recipe, const char *weights,
                         uint64_t epochs, slc_err *err)
{
    slc_arena arena = {0};
    char text[2][64];
    const double lr = ((const slc_optim_common *)recipe->optim_settings)->lr;
    slc_node *root = slc_recipe_dump(recipe, &arena);
    slc_node *model = slc_node_get(root, "model");
    slc_node *from = slc_node_scalar(&arena, weights);
    slc_status st =
        root && model && from ? SLC_OK : slc_fail(err, SLC_ENOMEM, "out of memory");
    if (st == SLC_OK) from->quoted = true;
    snprintf(text[0], sizeof(text[0]), "train.epochs=%llu", (unsigned long long)epochs);
    snprintf(text[1], sizeof(text[1]), "optim.lr=%.9g", lr / 10);
    for (size_t i = 0; st == SLC_OK && i < 2; i++)
        st = slc_node_set(root, &arena, text[i], err);
    for (size_t i = 0; st == SLC_OK && i < SLC_COUNT(plain); i++)
        st = slc_node_set(root, &arena, plain[i], err);
    if (st == SLC_OK) {
        slc_node_put(model, &arena, "from", from);
        slc_node_put(model, &arena, "head", slc_node_scalar(&arena, ""));
        st = slc_recipe_read(out, root, err);
    }
    slc_arena_free(&arena);
    return st;
}

static slc_status score(const char *path, const slc_source *source,
                        const slc_surgery_settings *settings, double *top1, slc_err *err)
{
    slc_trained t = {0};
    slc_loader_settings ls;
    slc_loader *loader = NULL;
    slc_metric metric = {0};
    slc_status st = slc_trained_open(
        &t, path, &(slc_trained_settings){.threads = settings->threads}, err);
    if (st == SLC_OK) st = slc_trained_loader(&t, source, settings->threads, &ls, err);
    ls.log = settings->log;
    if (st == SLC_OK) st = slc_loader_open(&loader, &ls, err);
    if (st == SLC_OK)
        st = slc_trained_eval(&t, loader, &(slc_eval_settings){.stop = settings->stop},
                              &metric, err);
    *top1 = st == SLC_OK ? slc_metric_top1(&metric) : 0;
    slc_metric_free(&metric);
    slc_loader_close(&loader);
    slc_trained_close(&t);
    return st;
}

/* Trains in the directory PATH.run; the result takes the file's place. */
static slc_status train(const slc_recipe *recipe, const char *path,
                        const slc_surgery_settings *settings, slc_err *err)
{
    slc_arena arena = {0};
    slc_recipe gentle = {0};
    slc_fit_result result = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *run = slc_arena_printf(&arena, "%s.run", path);
    const char *file = slc_arena_printf(&arena, "%s.run/model.safetensors", path);
    slc_status st = run && file ? change(&gentle, recipe, path, settings->finetune, err)
                                : slc_fail(err, SLC_ENOMEM, "out of memory");
    if (st == SLC_OK)
        st = slc_fit_run(&(slc_fit_settings){.recipe = &gentle,
                                             .run = run,
                                             .overwrite = true,
                                             .threads = settings->threads,
                                             .log = settings->log,
                                             .stop = settings->stop},
                         &result, err);
    if (st == SLC_OK) st = slc_file_read(&bytes, &size, file, SIZE_MAX, err);
    if (st == SLC_OK) st = slc_file_replace(path, bytes, size, err);
    free(bytes);
    json_decref(result.summary);
    slc_recipe_free(&gentle);
    slc_arena_free(&arena);
    return st;
}

slc_status slc_patient_train(const char *path, const slc_surgery_settings *settings,
                             json_t *result, slc_err *err)
{
    slc_trained t = {0};
    slc_recipe_sources sources = {0};
    double before = 0, after = 0;
    slc_status st = slc_trained_open(&t, path, NULL, err);
    if (st == SLC_OK)
        st = slc_recipe_open_sources(&sources, &t.recipe, settings->log, err);
    const slc_source *source = sources.test ? sources.test : sources.val;
    if (st == SLC_OK && source) st = score(path, source, settings, &before, err);
    if (st == SLC_OK) st = train(&t.recipe, path, settings, err);
    if (st == SLC_OK && source) st = score(path, source, settings, &after, err);
    if (st == SLC_OK) {
        json_t *o = json_pack("{s:I}", "epochs", (json_int_t)settings->finetune);
        if (source) {
            json_object_set_new(o, "set", json_string(sources.test ? "test" : "val"));
            json_object_set_new(o, "top1_before", json_real(before));
            json_object_set_new(o, "top1_after", json_real(after));
        }
        json_object_set_new(result, "finetune", o);
    }
    slc_recipe_close_sources(&sources);
    slc_trained_close(&t);
    return st;
}
