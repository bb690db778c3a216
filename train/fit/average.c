/* Averages of weights: moving (EMA) and of late epochs (SWA). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/fit/run.h"

bool run_uses_ema(const run *r)
{
    return r->recipe->train.ema.on;
}

double run_ema_share(const run *r, uint64_t step)
{
    const slc_recipe_ema *e = &r->recipe->train.ema;
    if (!e->on || step % (uint64_t)e->every != 0) return -1;
    const double t = (double)(step / (uint64_t)e->every);
    return 1 - (e->warmup ? fmin(e->decay, (1 + t) / (10 + t)) : e->decay);
}

void run_average_buffers(run *r, double share)
{
    const float *now = slc_model_buffers(r->model);
    const size_t n = slc_model_buffer_count(r->model);
    for (size_t i = 0; i < n; i++)
        r->ema_buffers[i] += (float)share * (now[i] - r->ema_buffers[i]);
}

static void copy(float *to, const float *from, size_t n)
{
    if (n) memcpy(to, from, n * sizeof(*to));
}

void run_swap_in(run *r)
{
    const size_t w = slc_model_weight_count(r->model);
    const size_t b = slc_model_buffer_count(r->model);
    if (!r->spare) return;
    copy(r->spare, slc_model_weights(r->model), w);
    copy(r->spare_buffers, slc_model_buffers(r->model), b);
    copy(slc_model_weights(r->model), r->step_of.ema ? r->step_of.ema : r->swa, w);
    copy(slc_model_buffers(r->model), r->ema_buffers ? r->ema_buffers : r->swa_buffers,
         b);
    slc_model_touch(r->model);
}

void run_swap_out(run *r)
{
    if (!r->spare) return;
    copy(slc_model_weights(r->model), r->spare, slc_model_weight_count(r->model));
    copy(slc_model_buffers(r->model), r->spare_buffers, slc_model_buffer_count(r->model));
    slc_model_touch(r->model);
}

uint64_t run_swa_start(const run *r)
{
    return (uint64_t)ceil(r->recipe->train.swa.start * (double)r->planned);
}

/* w_swa <- (w_swa n + w) / (n + 1); the statistics are only a start for measuring. */
void run_add_swa(run *r)
{
    const size_t w = slc_model_weight_count(r->model);
    const size_t b = slc_model_buffer_count(r->model);
    const float *now = slc_model_weights(r->model);
    const float share = 1 / (float)(r->averaged + 1);
    for (size_t i = 0; i < w; i++)
        r->swa[i] += share * (now[i] - r->swa[i]);
    copy(r->swa_buffers, slc_model_buffers(r->model), b);
    r->averaged++;
}

/* A TRAIN forward moves statistics by r <- (1 - m) r + m s. With r = 0 before it they become
 * m s, with r = 1 they become 1 - m + m s: two passes over one batch give m, and one pass over
 * each further batch its s, whatever m is in the layer. */
static slc_status forward_from(run *r, const slc_batch *batch, float start, slc_err *err)
{
    const size_t b = slc_model_buffer_count(r->model);
    const float *logits;
    float *buffers = slc_model_buffers(r->model);
    for (size_t i = 0; i < b; i++)
        buffers[i] = start;
    slc_model_touch(r->model);
    const slc_view view = {batch->data, batch->type, batch->layout, batch->n};
    const slc_pass pass = {.mode = SLC_MODE_TRAIN, .step = batch->number};
    return slc_model_forward(r->model, &view, &pass, &logits, err);
}

static slc_status measure(run *r, slc_loader *loader, uint64_t batches, double *sum,
                          double *share, slc_err *err)
{
    const size_t b = slc_model_buffer_count(r->model);
    const float *now = slc_model_buffers(r->model);
    uint64_t done = 0;
    slc_status st = SLC_OK;
    while (st == SLC_OK && done < batches) {
        const slc_batch *batch = NULL;
        st = slc_loader_next(loader, &batch, err);
        if (st != SLC_OK || !batch) break;
        if (done == 0) {
            st = forward_from(r, batch, 1, err);
            for (size_t i = 0; i < b; i++)
                share[i] = (double)now[i];
        }
        if (st == SLC_OK) st = forward_from(r, batch, 0, err);
        for (size_t i = 0; i < b; i++) {
            if (done == 0) share[i] = 1 - (share[i] - (double)now[i]);
            sum[i] += (double)now[i];
        }
        slc_loader_release(loader, batch);
        done++;
    }
    for (size_t i = 0; i < b && done; i++)
        sum[i] /= (double)done;
    return st;
}

/* All entries of one tensor share a momentum: the median stands for it. */
static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void unscale(run *r, double *sum, double *share)
{
    float *buffers = slc_model_buffers(r->model);
    for (size_t t = 0; t < slc_model_tensor_count(r->model); t++) {
        const slc_tensor_info *info = slc_model_tensor(r->model, t);
        if (info->role != SLC_ROLE_BUFFER || info->size == 0) continue;
        double *own = share + info->offset;
        qsort(own, info->size, sizeof(*own), ascending);
        const double m = own[info->size / 2];
        for (size_t i = 0; i < info->size; i++)
            buffers[info->offset + i] =
                (float)(m > 1e-9 ? sum[info->offset + i] / m : sum[info->offset + i]);
    }
    slc_model_touch(r->model);
}

slc_status run_measure_norms(run *r, uint64_t batches, slc_err *err)
{
    const size_t b = slc_model_buffer_count(r->model);
    slc_loader *loader = NULL;
    if (b == 0) return SLC_OK;
    double *sum = calloc(b, sizeof(*sum)), *share = calloc(b, sizeof(*share));
    slc_loader_settings s = slc_recipe_loader_settings(
        r->recipe, &r->plans, r->sources.train, SLC_FOR_TRAIN, r->threads);
    s.type = r->type;
    s.epoch = r->epoch;
    s.epochs = 0;
    slc_status st = sum && share ? slc_loader_open(&loader, &s, err)
                                 : slc_fail(err, SLC_ENOMEM, "swa: out of memory");
    if (st == SLC_OK) st = measure(r, loader, batches, sum, share, err);
    if (st == SLC_OK) unscale(r, sum, share);
    slc_loader_close(&loader);
    free(sum);
    free(share);
    return st;
}
