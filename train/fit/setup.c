/* Opening a run: directory, lock, recipe, data, net, optimizer, and where it left off. */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/pool.h"
#include "train/fit/run.h"

static bool exists(run *r, const char *name)
{
    return access(slc_run_path(r, name), F_OK) == 0;
}

static slc_status write_recipe(run *r, slc_err *err)
{
    return slc_file_replace(slc_run_path(r, "recipe.yaml"), r->recipe_text,
                            strlen(r->recipe_text), err);
}

/* Takes the place of an earlier run. Only when everything that can fail before the first step
 * has gone well: a mistyped key or a missing data set must not cost a trained model. */
static slc_status move_in(run *r, slc_err *err)
{
    const slc_status st = r->settings->resume ? SLC_OK : slc_run_remove_leftovers(r, err);
    return st == SLC_OK ? write_recipe(r, err) : st;
}

static const char *tree_text(slc_arena *arena, const slc_node *node)
{
    slc_str text = {0};
    slc_node_write(node, &text);
    const char *copy =
        text.failed || !text.text ? NULL : slc_arena_text_n(arena, text.text, text.size);
    slc_str_free(&text);
    return copy;
}

/* What the model file says of its recipe: not how many threads fed it, as they change no weight. */
static const char *model_recipe(run *r, slc_node *tree)
{
    slc_node *loader = slc_node_get(tree, "loader");
    slc_node *zero = slc_node_scalar(&r->arena, "0");
    if (!loader || !zero) return NULL;
    if (!slc_node_put(loader, &r->arena, "threads", zero)) return NULL;
    zero = slc_node_scalar(&r->arena, "0");
    if (!zero || !slc_node_put(loader, &r->arena, "ahead", zero)) return NULL;
    return tree_text(&r->arena, tree);
}

static slc_status choose_recipe(run *r, slc_err *err)
{
    const slc_fit_settings *s = r->settings;
    slc_status st = SLC_OK;
    slc_node *old = NULL;
    const bool has = s->resume && exists(r, "recipe.yaml");
    if (s->resume && !has)
        return slc_fail(err, SLC_EDATA, "%s: no run to resume: recipe.yaml is missing",
                        s->run);
    if (has && !s->recipe) {
        st = slc_recipe_open(&r->own, slc_run_path(r, "recipe.yaml"), NULL, err);
        r->recipe = &r->own;
    } else {
        r->recipe = s->recipe;
    }
    if (st != SLC_OK) return st;
    slc_node *new = slc_recipe_dump(r->recipe, &r->arena);
    r->recipe_text = new ? tree_text(&r->arena, new) : NULL;
    r->model_recipe = new ? model_recipe(r, new) : NULL;
    if (!r->recipe_text || !r->model_recipe)
        return slc_fail(err, SLC_ENOMEM, "recipe: out of memory");
    if (has && s->recipe) {
        st = slc_node_read(&old, &r->arena, slc_run_path(r, "recipe.yaml"), err);
        if (st == SLC_OK) /* both as text once: numbers are then written alike */
            st = slc_node_parse(&new, &r->arena, r->recipe_text, strlen(r->recipe_text),
                                "recipe", err);
        if (st == SLC_OK) st = slc_run_compare(r, old, new, err);
    }
    /* In a new directory at once: whatever kills the run from here on, it can be resumed. */
    if (st != SLC_OK || exists(r, "recipe.yaml")) return st;
    r->new_recipe = true;
    return write_recipe(r, err);
}

static slc_status name_classes(run *r, slc_err *err)
{
    json_t *names = json_array();
    r->classes = slc_source_classes(r->sources.train);
    for (size_t c = 0; c < r->classes; c++)
        json_array_append_new(names, json_string(slc_source_class(r->sources.train, c)));
    char *text = slc_json_line(names);
    json_decref(names);
    r->class_text = text ? slc_arena_text(&r->arena, text) : NULL;
    free(text);
    if (!r->class_text) return slc_fail(err, SLC_ENOMEM, "data: out of memory");
    if (r->recipe->class_weights && r->recipe->class_weight_count != r->classes)
        return slc_fail(err, SLC_EINVAL,
                        "loss: class_weights has %zu numbers, the data %zu classes",
                        r->recipe->class_weight_count, r->classes);
    return SLC_OK;
}

/* The net must fit what both streams deliver. */
static slc_status find_shape(run *r, slc_err *err)
{
    size_t c[2], h[2], w[2];
    for (size_t i = 0; i < 2; i++) {
        slc_loader *loader = NULL;
        slc_loader_settings s = slc_recipe_loader_settings(
            r->recipe, &r->plans, r->sources.train, i ? SLC_FOR_EVAL : SLC_FOR_TRAIN, 1);
        s.quarantine = NULL;
        s.ahead = 2;
        const slc_status st = slc_loader_open(&loader, &s, err);
        if (st != SLC_OK) return st;
        slc_loader_shape(loader, &c[i], &h[i], &w[i]);
        slc_loader_close(&loader);
    }
    r->channels = c[0];
    r->height = h[0];
    r->width = w[0];
    if (c[0] != c[1])
        return slc_fail(err, SLC_EINVAL,
                        "eval: gives %zu channels, but augment gives %zu", c[1], c[0]);
    if (h[0] != h[1] || w[0] != w[1])
        return slc_fail(err, SLC_EINVAL,
                        "eval: gives %zu x %zu px, but augment gives %zu x %zu", w[1],
                        h[1], w[0], h[0]);
    return SLC_OK;
}

/* The layer that makes the logits: what a new set of classes replaces. */
static const char *head_glob(run *r)
{
    const size_t n = slc_model_tensor_count(r->model);
    const char *name = NULL;
    for (size_t i = 0; i < n; i++)
        if (slc_model_tensor(r->model, i)->role != SLC_ROLE_BUFFER)
            name = slc_model_tensor(r->model, i)->name;
    const char *dot = name ? strrchr(name, '.') : NULL;
    if (!dot) return NULL;
    return slc_arena_printf(&r->arena, "%.*s.*", (int)(dot - name), name);
}

static bool head_differs(run *r, const slc_tensors *file, const char *glob)
{
    const size_t stem = strlen(glob) - 1;
    for (size_t i = 0; i < slc_model_tensor_count(r->model); i++) {
        const slc_tensor_info *info = slc_model_tensor(r->model, i);
        if (strncmp(info->name, glob, stem) != 0) continue;
        const slc_blob *blob = slc_tensors_seek(file, info->name);
        if (!blob || blob->rank == 0 || blob->dim[0] != info->dim[0]) return true;
    }
    return false;
}

/* What two runs must share for their weights to be averaged: the block they began with. */
static slc_status note_lineage(run *r, const char *parent, slc_err *err)
{
    const uint64_t hash = slc_hash64(slc_model_weights(r->model),
                                     slc_model_weight_count(r->model) * sizeof(float), 1);
    r->lineage = slc_arena_printf(&r->arena, "%016llx%s%s", (unsigned long long)hash,
                                  parent ? "," : "", parent ? parent : "");
    return r->lineage ? SLC_OK : slc_fail(err, SLC_ENOMEM, "model: out of memory");
}

static slc_status check_head(run *r, slc_err *err)
{
    const char *glob = r->recipe->model_head;
    if (!glob || !*glob) return SLC_OK; /* "": nothing begins anew */
    for (size_t i = 0; i < slc_model_tensor_count(r->model); i++)
        if (fnmatch(glob, slc_model_tensor(r->model, i)->name, 0) == 0) return SLC_OK;
    return slc_fail(err, SLC_EINVAL, "model: head \"%s\" matches no tensor of the model",
                    glob);
}

static slc_status start_weights(run *r, slc_err *err)
{
    const slc_recipe *recipe = r->recipe;
    slc_tensors *file = NULL;
    const bool fresh = !recipe->model_from || !*recipe->model_from;
    slc_status st = slc_run_whiten(r, fresh, err);
    if (st != SLC_OK) return st;
    if (fresh) return note_lineage(r, NULL, err);
    st = check_head(r, err);
    if (st == SLC_OK) st = slc_tensors_open(&file, recipe->model_from, err);
    if (st != SLC_OK) return st;
    const char *const kind = slc_tensors_meta(file, "kind");
    if (kind && strcmp(kind, "sluice ensemble") == 0) {
        slc_tensors_close(&file);
        return slc_fail(err, SLC_EINVAL,
                        "%s: is an ensemble, not one net: name one of its snapshots",
                        recipe->model_from);
    }
    const char *skip = recipe->model_head, *head = head_glob(r);
    if (!skip && head && head_differs(r, file, head)) skip = head;
    st = slc_model_load(r->model, file, skip, true, err);
    if (st == SLC_OK && skip)
        slc_log_line(r->settings->log, SLC_INFO, "%s: %s starts anew", recipe->model_from,
                     skip);
    if (st == SLC_OK) st = note_lineage(r, slc_tensors_meta(file, "lineage"), err);
    slc_tensors_close(&file);
    return st;
}

slc_status slc_run_freeze(run *r, bool frozen, slc_err *err)
{
    const slc_texts *globs = &r->recipe->train.freeze;
    for (size_t i = 0; i < globs->n; i++)
        if (slc_model_freeze(r->model, globs->v[i], frozen) == 0)
            return slc_fail(err, SLC_EINVAL,
                            "train: freeze \"%s\" matches no tensor of the model",
                            globs->v[i]);
    return SLC_OK;
}

static slc_status make_model(run *r, slc_err *err)
{
    const slc_recipe *recipe = r->recipe;
    const slc_model_settings settings = {.spec = recipe->model,
                                         .channels = r->channels,
                                         .height = r->height,
                                         .width = r->width,
                                         .classes = r->classes,
                                         .batch = (size_t)recipe->train.batch,
                                         .threads = r->threads,
                                         .precision =
                                             (slc_precision)recipe->train.precision,
                                         .engine = recipe->train.engine,
                                         .grad_checkpoint = recipe->train.grad_checkpoint,
                                         .seed = (uint64_t)recipe->seed};
    if (!recipe->model)
        return slc_fail(err, SLC_EINVAL, "recipe: model is missing: say which net");
    slc_status st = slc_model_create(&r->model, &settings, err);
    if (st == SLC_OK) st = start_weights(r, err);
    if (st != SLC_OK) return st;
    const slc_model_facts facts = slc_model_facts_of(r->model);
    r->type = facts.precision == SLC_PRECISION_BF16 ? SLC_BF16 : SLC_F32;
    slc_log_line(r->settings->log, SLC_INFO, "model: %zu weights, %s, %s", facts.weights,
                 facts.engine, r->type == SLC_BF16 ? "bf16" : "f32");
    if (recipe->train.unfreeze_at == 0 || r->epoch < (uint64_t)recipe->train.unfreeze_at)
        st = slc_run_freeze(r, true, err);
    return st == SLC_OK ? slc_model_check_batch(r->model, settings.batch, err) : st;
}

static void *block(size_t n, size_t size)
{
    return calloc(n + 1, size);
}

static slc_status make_blocks(run *r, slc_err *err)
{
    const size_t w = slc_model_weight_count(r->model);
    const size_t b = slc_model_buffer_count(r->model);
    const size_t batch = (size_t)r->recipe->train.batch;
    const slc_recipe_train *t = &r->recipe->train;
    r->dlogits = block(batch * r->classes, sizeof(float));
    r->each = block(batch, sizeof(float));
    r->labels = block(batch, sizeof(int32_t));
    bool ok = r->dlogits && r->each && r->labels;
    if (t->ema.on || t->swa.on) {
        r->spare = block(w, sizeof(float));
        r->spare_buffers = block(b, sizeof(float));
        ok = ok && r->spare && r->spare_buffers;
    }
    if (t->ema.on) {
        r->ema_buffers = block(b, sizeof(float));
        ok = ok && r->ema_buffers;
        if (ok) memcpy(r->ema_buffers, slc_model_buffers(r->model), b * sizeof(float));
    }
    if (t->swa.on) {
        r->swa = block(w, sizeof(float));
        r->swa_buffers = block(b, sizeof(float));
        ok = ok && r->swa && r->swa_buffers;
    }
    return ok ? SLC_OK : slc_fail(err, SLC_ENOMEM, "train: out of memory");
}

/* An average of no epoch at all would be a run without SWA, and nobody would be told. */
static slc_status check_swa(const run *r, slc_err *err)
{
    const slc_recipe_swa *swa = &r->recipe->train.swa;
    const uint64_t every = (uint64_t)swa->every, per = slc_run_steps_per_epoch(r);
    const uint64_t epochs = (r->planned + per - 1) / per;
    const uint64_t last =
        epochs / every * every; /* the last epoch that may be averaged */
    const uint64_t end = last * per < r->planned ? last * per : r->planned;
    const uint64_t start = slc_fit_swa_start(r->recipe, r->planned);
    const slc_optim_common *common = r->recipe->optim_settings;
    if (swa->on && swa->lr > common->lr)
        slc_log_line(r->settings->log, SLC_WARNING,
                     "train.swa.lr is %g, above optim.lr, %g: the averaged epochs may "
                     "unlearn",
                     swa->lr, common->lr);
    if (!swa->on || slc_run_budget(r) > 0 || (last > 0 && end >= start)) return SLC_OK;
    return slc_fail(
        err, SLC_EINVAL,
        "train: swa averages none of %llu epochs: it starts after step %llu of "
        "%llu, and every is %llu",
        (unsigned long long)epochs, (unsigned long long)start,
        (unsigned long long)r->planned, (unsigned long long)every);
}

/* A run that is cut short for a trial may end before that; it is not wrong. */
static void mention_frozen(const run *r)
{
    const uint64_t thaw = (uint64_t)r->recipe->train.unfreeze_at;
    if (thaw > 0 && thaw * slc_run_steps_per_epoch(r) >= r->planned)
        slc_log_line(r->settings->log, SLC_WARNING,
                     "train.unfreeze_at is %llu, and the run ends before: what is frozen "
                     "stays so",
                     (unsigned long long)thaw);
}

/* The number of steps follows from the stream; the schedule must fit them. */
static slc_status plan_steps(run *r, slc_err *err)
{
    slc_loader *loader = NULL;
    const slc_recipe *recipe = r->recipe;
    slc_loader_settings s =
        slc_recipe_loader_settings(recipe, &r->plans, r->sources.train, SLC_FOR_TRAIN, 1);
    s.quarantine = NULL;
    s.ahead = 2;
    slc_status st = slc_loader_open(&loader, &s, err);
    if (st != SLC_OK) return st;
    r->batches = slc_loader_batches(loader);
    slc_loader_close(&loader);
    if (r->batches == 0)
        return slc_fail(err, SLC_EINVAL, "train: %llu images do not fill a batch of %lld",
                        (unsigned long long)slc_source_count(r->sources.train),
                        (long long)recipe->train.batch);
    r->planned = slc_run_steps_per_epoch(r) * (uint64_t)recipe->train.epochs;
    if (recipe->train.steps > 0 && (uint64_t)recipe->train.steps < r->planned)
        r->planned = (uint64_t)recipe->train.steps;
    const slc_when when = {.steps = r->planned,
                           .steps_per_epoch = slc_run_steps_per_epoch(r),
                           .base_lr = 1,
                           .base_momentum = -1};
    st = slc_schedule_check(recipe->schedule, recipe->schedule_settings, &recipe->warmup,
                            &when, err);
    mention_frozen(r);
    return st == SLC_OK ? check_swa(r, err) : st;
}

slc_status slc_run_open(run *r, const slc_fit_settings *settings, slc_err *err)
{
    *r = (run){.settings = settings, .lock = -1, .best_value = NAN};
    r->threads = settings->threads ? settings->threads : slc_pool_cores();
    r->started = r->saved = slc_clock_ns();
    r->lines = json_array();
    slc_status st = slc_run_claim(r, err);
    if (st == SLC_OK) st = choose_recipe(r, err);
    if (st == SLC_OK)
        st = slc_recipe_open_sources(&r->sources, r->recipe, settings->log, err);
    if (st == SLC_OK)
        st = slc_recipe_make_plans(&r->plans, r->recipe, r->sources.train, err);
    if (st == SLC_OK) st = name_classes(r, err);
    if (st == SLC_OK) st = find_shape(r, err);
    if (st == SLC_OK) st = plan_steps(r, err);
    if (st == SLC_OK) st = make_model(r, err);
    if (st == SLC_OK)
        st = slc_stepper_create(&r->step_of, r->model, r->recipe, r->threads, err);
    if (st == SLC_OK) st = make_blocks(r, err);
    if (st == SLC_OK) st = move_in(r, err);
    if (st == SLC_OK && settings->resume && exists(r, "state.safetensors"))
        st = slc_run_load_state(r, err);
    if (st == SLC_OK) st = slc_run_cut_steps(r, err);
    if (st == SLC_OK) st = slc_run_watch_again(r, err);
    if (st == SLC_OK && r->epoch > 0) st = slc_run_write_metrics(r, err);
    if (st != SLC_OK) slc_run_retreat(r);
    return st;
}

void slc_run_close(run *r)
{
    slc_loader_close(&r->loader);
    slc_run_frozen_close(r);
    slc_stepper_free(&r->step_of);
    slc_model_destroy(&r->model);
    slc_recipe_free_plans(&r->plans);
    slc_recipe_close_sources(&r->sources);
    slc_recipe_free(&r->own);
    slc_metric_free(&r->scored);
    json_decref(r->lines);
    json_decref(r->inside);
    float *const blocks[] = {r->ema_buffers,   r->swa,     r->swa_buffers, r->spare,
                             r->spare_buffers, r->dlogits, r->each,        r->before};
    for (size_t i = 0; i < SLC_COUNT(blocks); i++)
        free(blocks[i]);
    free(r->labels);
    free(r->history.val_loss);
    free(r->history.val_top1);
    free(r->history.train_loss);
    slc_str_free(&r->steps_log);
    slc_str_free(&r->events);
    if (r->lock >= 0) slc_lock_drop(&r->lock);
    slc_arena_free(&r->arena);
}
