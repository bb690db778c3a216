/* What a run shows of its inside: histograms.jsonl, and event files for TensorBoard. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "augment/codec.h"
#include "train/fit/events.h"
#include "train/fit/run.h"
#include "train/histogram.h"

static bool due(const run *r, uint64_t epoch)
{
    const int64_t every = r->recipe->train.histograms;
    return every > 0 && epoch % (uint64_t)every == 0;
}

/* Before the last step of an epoch that is looked at, its weights are put aside. */
slc_status slc_run_watch_step(run *r, slc_err *err)
{
    const size_t n = slc_model_weight_count(r->model);
    const bool last = r->position >= r->batches || r->step + 1 >= r->planned;
    if (!last || !due(r, r->epoch + 1)) return SLC_OK;
    if (!r->before) r->before = malloc((n + 1) * sizeof(float));
    if (!r->before) return slc_fail(err, SLC_ENOMEM, "histograms: out of memory");
    memcpy(r->before, slc_model_weights(r->model), n * sizeof(float));
    return SLC_OK;
}

static float value_at(const slc_batch *b, size_t i)
{
    return b->type == SLC_BF16 ? slc_f32_from_bf16(((const uint16_t *)b->data)[i])
                               : ((const float *)b->data)[i];
}

/* The first pictures of a batch, side by side, stretched to the full range. */
static bool sheet(const slc_batch *b, slc_image *out)
{
    const size_t n = b->n < 8 ? b->n : 8, c = b->channels == 1 ? 1 : 3;
    float lo = 1e30f, hi = -1e30f;
    const size_t count = n * b->height * b->width * c;
    if (b->layout != SLC_NHWC || (b->channels != 1 && b->channels != 3)) return false;
    for (size_t i = 0; i < count; i++) {
        lo = fminf(lo, value_at(b, i));
        hi = fmaxf(hi, value_at(b, i));
    }
    *out = (slc_image){
        .w = n * b->width, .h = b->height, .channels = c, .stride = n * b->width * c};
    out->px = malloc(out->stride * out->h);
    if (!out->px) return false;
    for (size_t i = 0; i < n; i++)
        for (size_t y = 0; y < b->height; y++)
            for (size_t k = 0; k < b->width * c; k++)
                out->px[y * out->stride + i * b->width * c + k] =
                    (uint8_t)(255 *
                              (value_at(b, (i * b->height + y) * b->width * c + k) - lo) /
                              (hi - lo + 1e-9f));
    return true;
}

void slc_run_watch_batch(run *r, const slc_batch *batch)
{
    slc_image image = {0};
    const slc_codec *png = slc_codec_by_extension("x.png");
    if (!r->recipe->train.tensorboard || batch->number != 0 || r->epoch != 0) return;
    slc_str bytes = {0};
    if (png && sheet(batch, &image) &&
        slc_encode(png, NULL, &image, &bytes, NULL) == SLC_OK) {
        slc_events_begin(&r->events, (double)time(NULL));
        slc_events_image(&r->events, (double)time(NULL), 0, "train/batch", bytes.text,
                         bytes.size, &image);
    }
    slc_str_free(&bytes);
    free(image.px);
}

static void add_scalars(run *r, const json_t *line, double wall)
{
    static const struct {
        const char *key, *tag;
    } tags[] = {{"train_loss", "loss/train"},
                {"val_loss", "loss/val"},
                {"test_loss", "loss/test"},
                {"train_top1", "top1/train"},
                {"val_top1", "top1/val"},
                {"test_top1", "top1/test"},
                {"lr", "optim/lr"},
                {"grad_norm", "optim/grad_norm"},
                {"images_per_second", "speed/images_per_second"}};
    for (size_t i = 0; i < SLC_COUNT(tags); i++) {
        const json_t *v = json_object_get(line, tags[i].key);
        if (json_is_number(v))
            slc_events_scalar(&r->events, wall, r->step, tags[i].tag,
                              json_number_value(v));
    }
}

static void add_histograms(run *r, double wall)
{
    const float *w = slc_model_weights(r->model), *g = slc_model_grads(r->model);
    char tag[256];
    for (size_t t = 0; t < slc_model_tensor_count(r->model); t++) {
        const slc_tensor_info *info = slc_model_tensor(r->model, t);
        if (info->role == SLC_ROLE_BUFFER || info->size == 0) continue;
        const slc_histogram h = slc_histogram_of(w + info->offset, info->size);
        snprintf(tag, sizeof(tag), "weights/%s", info->name);
        slc_events_histogram(&r->events, wall, r->step, tag, &h);
        if (!g || info->frozen) continue;
        const slc_histogram slope = slc_histogram_of(g + info->offset, info->size);
        snprintf(tag, sizeof(tag), "gradients/%s", info->name);
        slc_events_histogram(&r->events, wall, r->step, tag, &slope);
    }
}

/* One event file per process, appended to: TensorBoard follows it as it grows. */
static slc_status flush_events(run *r, slc_err *err)
{
    slc_status st = slc_dir_make(slc_run_path(r, "tensorboard"), err);
    if (st != SLC_OK) return st;
    if (!r->events_path)
        r->events_path = slc_arena_printf(
            &r->arena, "%s/tensorboard/events.out.tfevents.%lld.sluice.%d",
            r->settings->run, (long long)time(NULL), (int)getpid());
    FILE *file = r->events_path ? fopen(r->events_path, "ab") : NULL;
    if (!file) return slc_fail_errno(err, SLC_EIO, "%s: open", r->events_path);
    const bool ok = fwrite(r->events.text, 1, r->events.size, file) == r->events.size;
    if ((fclose(file) != 0) | !ok)
        st = slc_fail_errno(err, SLC_EIO, "%s: write", r->events_path);
    slc_str_free(&r->events);
    r->events = (slc_str){0};
    return st;
}

slc_status slc_run_watch_epoch(run *r, const json_t *line, slc_err *err)
{
    slc_status st = SLC_OK;
    if (due(r, r->epoch)) {
        r->inside = slc_histogram_line(r->model, r->before, r->epoch);
        char *text = slc_json_line(r->inside);
        if (!text) return slc_fail(err, SLC_ENOMEM, "histograms: out of memory");
        st = slc_file_append_line(slc_run_path(r, "histograms.jsonl"), text, err);
        free(text);
    }
    if (st != SLC_OK || !r->recipe->train.tensorboard) return st;
    const double wall = (double)time(NULL);
    if (!r->events_path && r->events.size == 0) slc_events_begin(&r->events, wall);
    add_scalars(r, line, wall);
    if (due(r, r->epoch)) add_histograms(r, wall);
    return flush_events(r, err);
}

/* Lines of epochs that will run again are taken away. */
static slc_status cut_histograms(run *r, slc_err *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0, at = 0;
    const char *path = slc_run_path(r, "histograms.jsonl");
    if (access(path, F_OK) != 0) return SLC_OK;
    slc_status st = slc_file_read(&bytes, &size, path, (size_t)1 << 31, err);
    while (st == SLC_OK && at < size) {
        const char *text = (const char *)bytes + at;
        const char *end = memchr(text, '\n', size - at);
        unsigned long long epoch = 0;
        if (!end || sscanf(text, "{\"epoch\":%llu", &epoch) != 1 || epoch > r->epoch)
            break;
        at += (size_t)(end - text) + 1;
    }
    if (st == SLC_OK && at < size) st = slc_file_replace(path, bytes, at, err);
    free(bytes);
    return st;
}

/* Events of steps that will run again stand in the file of the process before: they are revoked. */
slc_status slc_run_watch_again(run *r, slc_err *err)
{
    if (r->settings->resume && r->recipe->train.tensorboard) {
        slc_events_begin(&r->events, (double)time(NULL));
        slc_events_restart(&r->events, (double)time(NULL), r->step + 1);
    }
    return cut_histograms(r, err);
}
