/* The state file: blocks as tensors, everything else as JSON in its metadata. It is the one
 * truth of a run: metrics and step logs are rewritten from it or cut to it on resume. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "train/fit/run.h"

const char *slc_run_path(run *r, const char *name)
{
    const char *path = slc_arena_printf(&r->arena, "%s/%s", r->settings->run, name);
    return path ? path : "";
}

enum { MAX_BLOBS = 2 + SLC_MAX_SLOTS + 5 };

/* The blocks that a resumed run needs, those that exist. */
static size_t list_blobs(const run *r, slc_blob blobs[MAX_BLOBS])
{
    const size_t w = slc_model_weight_count(r->model);
    const size_t b = slc_model_buffer_count(r->model);
    const stepper *s = &r->step_of;
    const struct {
        const char *name;
        const float *data;
        size_t count;
    } all[MAX_BLOBS] = {
        {"weights", slc_model_weights(r->model), w},
        {"buffers", slc_model_buffers(r->model), b},
        {"slot0", s->slot[0], w},
        {"slot1", s->slot[1], w},
        {"slot2", s->slot[2], w},
        {"slot3", s->slot[3], w},
        {"slow", s->slow, w},
        {"ema", s->ema, w},
        {"ema_buffers", r->ema_buffers, b},
        {"swa", r->swa, w},
        {"swa_buffers", r->swa_buffers, b},
    };
    size_t n = 0;
    for (size_t i = 0; i < MAX_BLOBS; i++)
        if (all[i].data)
            blobs[n++] = (slc_blob){.name = all[i].name,
                                    .dtype = "F32",
                                    .rank = 1,
                                    .dim = {all[i].count},
                                    .data = all[i].data,
                                    .size = all[i].count * sizeof(float)};
    return n;
}

static void put_count(json_t *o, const char *key, uint64_t value)
{
    json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void put_real(json_t *o, const char *key, double value)
{
    json_object_set_new(o, key, isfinite(value) ? json_real(value) : json_null());
}

static json_t *progress(const run *r)
{
    const run_sums *s = &r->sums;
    json_t *o = json_object(), *sums = json_object();
    put_count(o, "epoch", r->epoch);
    put_count(o, "position", r->position);
    put_count(o, "step", r->step);
    put_count(o, "planned", r->planned);
    put_count(o, "averaged", r->averaged);
    put_count(o, "best_epoch", r->best_epoch);
    put_real(o, "best_value", r->best_value);
    put_real(o, "last_lr", r->last_lr);
    put_real(o, "seconds",
             r->seconds_before + (double)(slc_clock_ns() - r->started) / 1e9);
    json_object_set_new(o, "done", json_boolean(r->done));
    json_object_set_new(o, "reason", json_string(r->reason));
    put_count(sums, "images", s->images);
    put_count(sums, "steps", s->steps);
    put_real(sums, "loss", s->loss);
    put_real(sums, "hits", s->hits);
    put_real(sums, "soft", s->soft);
    put_real(sums, "bound", s->bound);
    put_real(sums, "norm", s->norm);
    put_real(sums, "clipped", s->clipped);
    json_object_set_new(o, "sums", sums);
    json_object_set(o, "lines", r->lines);
    return o;
}

slc_status slc_run_save_state(run *r, slc_err *err)
{
    slc_blob blobs[MAX_BLOBS];
    const size_t n = list_blobs(r, blobs);
    json_t *o = progress(r);
    char *text = slc_json_line(o);
    json_decref(o);
    if (!text) return slc_fail(err, SLC_ENOMEM, "state: out of memory");
    const slc_arena_mark mark = slc_arena_get_mark(&r->arena);
    const char *const meta[] = {"kind",     "sluice state", "format",  "1",
                                "classes",  r->class_text,  "lineage", r->lineage,
                                "progress", text,           NULL};
    slc_status st = slc_run_flush_steps(r, err);
    if (st == SLC_OK)
        st = slc_tensors_write(slc_run_path(r, "state.safetensors"), blobs, n, meta, err);
    slc_arena_rewind(&r->arena, mark);
    free(text);
    r->saved = slc_clock_ns();
    return st;
}

static uint64_t get_count(const json_t *o, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(o, key));
    return v > 0 ? (uint64_t)v : 0;
}

static double get_real(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool grow(double **list, size_t room)
{
    double *bigger = realloc(*list, room * sizeof(**list));
    if (bigger) *list = bigger;
    return bigger != NULL;
}

slc_status slc_run_note_line(run *r, const json_t *line, slc_err *err)
{
    run_history *h = &r->history;
    if (h->epochs >= h->room) {
        const size_t room = h->room ? 2 * h->room : 64;
        if (!grow(&h->val_loss, room) || !grow(&h->val_top1, room) ||
            !grow(&h->train_loss, room))
            return slc_fail(err, SLC_ENOMEM, "train: out of memory");
        h->room = room;
    }
    h->train_loss[h->epochs++] = get_real(line, "train_loss");
    if (json_is_number(json_object_get(line, "val_top1"))) {
        h->val_loss[h->evaluations] = get_real(line, "val_loss");
        h->val_top1[h->evaluations++] = get_real(line, "val_top1");
    }
    return SLC_OK;
}

static slc_status take_progress(run *r, const json_t *o, slc_err *err)
{
    const json_t *sums = json_object_get(o, "sums"), *lines = json_object_get(o, "lines");
    slc_status st = SLC_OK;
    r->epoch = get_count(o, "epoch");
    r->position = get_count(o, "position");
    r->step = get_count(o, "step");
    if (r->recipe->train.budget && *r->recipe->train.budget)
        r->planned = get_count(o, "planned");
    r->averaged = get_count(o, "averaged");
    r->best_epoch = get_count(o, "best_epoch");
    r->best_value = get_real(o, "best_value");
    r->last_lr = get_real(o, "last_lr");
    r->seconds_before = get_real(o, "seconds");
    r->done = json_is_true(json_object_get(o, "done"));
    const char *reason = json_string_value(json_object_get(o, "reason"));
    snprintf(r->reason, sizeof(r->reason), "%s", reason ? reason : "");
    r->sums = (run_sums){.images = get_count(sums, "images"),
                         .steps = get_count(sums, "steps"),
                         .loss = get_real(sums, "loss"),
                         .hits = get_real(sums, "hits"),
                         .soft = get_real(sums, "soft"),
                         .bound = get_real(sums, "bound"),
                         .norm = get_real(sums, "norm"),
                         .clipped = get_real(sums, "clipped")};
    for (size_t i = 0; st == SLC_OK && i < json_array_size(lines); i++) {
        json_t *line = json_array_get(lines, i);
        json_array_append(r->lines, line);
        st = slc_run_note_line(r, line, err);
    }
    return st;
}

static slc_status take_blocks(run *r, const slc_tensors *file, slc_err *err)
{
    slc_blob blobs[MAX_BLOBS];
    const size_t n = list_blobs(r, blobs);
    for (size_t i = 0; i < n; i++) {
        const slc_blob *old = slc_tensors_find(file, blobs[i].name);
        if (!old || old->size != blobs[i].size || strcmp(old->dtype, "F32") != 0)
            return slc_fail(err, SLC_EDATA,
                            "%s: block %s is missing or has another size: the state "
                            "belongs to another net or optimizer",
                            slc_tensors_path(file), blobs[i].name);
    }
    for (size_t i = 0; i < n; i++)
        memcpy((void *)(uintptr_t)blobs[i].data,
               slc_tensors_find(file, blobs[i].name)->data, blobs[i].size);
    slc_model_touch(r->model);
    return SLC_OK;
}

slc_status slc_run_load_state(run *r, slc_err *err)
{
    slc_tensors *file = NULL;
    json_t *o = NULL;
    slc_status st = slc_tensors_open(&file, slc_run_path(r, "state.safetensors"), err);
    if (st != SLC_OK) return st;
    const char *kind = slc_tensors_meta(file, "kind");
    const char *format = slc_tensors_meta(file, "format");
    const char *text = slc_tensors_meta(file, "progress");
    const char *lineage = slc_tensors_meta(file, "lineage");
    const char *classes = slc_tensors_meta(file, "classes");
    if (!kind || strcmp(kind, "sluice state") != 0 || !text || !lineage || !classes)
        st = slc_fail(err, SLC_EFORMAT, "%s: not the state of a run",
                      slc_tensors_path(file));
    else if (!format || atoi(format) != RUN_FORMAT)
        st = slc_fail(err, SLC_EFORMAT, "%s: format %s is not known to this version",
                      slc_tensors_path(file), format ? format : "(none)");
    else if (strcmp(classes, r->class_text) != 0)
        st = slc_fail(err, SLC_EDATA, "%s: the classes of the data have changed",
                      slc_tensors_path(file));
    else if (!(o = json_loads(text, JSON_REJECT_DUPLICATES, NULL)))
        st = slc_fail(err, SLC_EFORMAT, "%s: progress is not JSON",
                      slc_tensors_path(file));
    if (st == SLC_OK) st = take_blocks(r, file, err);
    if (st == SLC_OK) st = take_progress(r, o, err);
    if (st == SLC_OK) r->lineage = slc_arena_text(&r->arena, lineage);
    if (st == SLC_OK && !r->lineage)
        st = slc_fail(err, SLC_ENOMEM, "state: out of memory");
    json_decref(o);
    slc_tensors_close(&file);
    return st;
}

slc_status slc_run_save_model(run *r, const char *name, uint64_t epoch, slc_err *err)
{
    char at[32], input[128];
    snprintf(at, sizeof(at), "%llu", (unsigned long long)epoch);
    snprintf(input, sizeof(input), "{\"channels\":%zu,\"height\":%zu,\"width\":%zu}",
             r->channels, r->height, r->width);
    const char *const meta[] = {"kind",    "sluice model",
                                "format",  "1",
                                "version", SLC_VERSION,
                                "classes", r->class_text,
                                "input",   input,
                                "lineage", r->lineage,
                                "epoch",   at,
                                "recipe",  r->model_recipe,
                                NULL};
    return slc_model_save(r->model, slc_run_path(r, name), meta, err);
}
