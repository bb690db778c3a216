/* Measuring batch-norm statistics of weights that were made, not trained: averages. */
#include "train/fit/norms.h"

#include <stdlib.h>

/* A TRAIN forward moves statistics by r <- (1 - m) r + m s. With r = 0 before it they become
 * m s, with r = 1 they become 1 - m + m s: two passes over one batch give m, and one pass over
 * each further batch its s, whatever m is in the layer. */
static slc_status forward_from(slc_model *model, const slc_batch *batch, float start,
                               slc_err *err)
{
    const size_t b = slc_model_buffer_count(model);
    const float *logits;
    float *buffers = slc_model_buffers(model);
    for (size_t i = 0; i < b; i++)
        buffers[i] = start;
    slc_model_touch(model);
    const slc_view view = {batch->data, batch->type, batch->layout, batch->n};
    const slc_pass pass = {.mode = SLC_MODE_TRAIN, .step = batch->number};
    return slc_model_forward(model, &view, &pass, &logits, err);
}

static slc_status measure(slc_model *model, slc_loader *loader, uint64_t batches,
                          double *sum, double *share, slc_err *err)
{
    const size_t b = slc_model_buffer_count(model);
    const float *now = slc_model_buffers(model);
    uint64_t done = 0;
    slc_status st = SLC_OK;
    while (st == SLC_OK && done < batches) {
        const slc_batch *batch = NULL;
        st = slc_loader_next(loader, &batch, err);
        if (st != SLC_OK || !batch) break;
        if (done == 0) {
            st = forward_from(model, batch, 1, err);
            for (size_t i = 0; i < b; i++)
                share[i] = (double)now[i];
        }
        if (st == SLC_OK) st = forward_from(model, batch, 0, err);
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

static void unscale(slc_model *model, double *sum, double *share)
{
    float *buffers = slc_model_buffers(model);
    for (size_t t = 0; t < slc_model_tensor_count(model); t++) {
        const slc_tensor_info *info = slc_model_tensor(model, t);
        if (info->role != SLC_ROLE_BUFFER || info->size == 0) continue;
        double *own = share + info->offset;
        qsort(own, info->size, sizeof(*own), ascending);
        const double m = own[info->size / 2];
        for (size_t i = 0; i < info->size; i++)
            buffers[info->offset + i] =
                (float)(m > 1e-9 ? sum[info->offset + i] / m : sum[info->offset + i]);
    }
    slc_model_touch(model);
}

slc_status slc_norms_measure(slc_model *model, slc_loader *loader, uint64_t batches,
                             slc_err *err)
{
    const size_t b = slc_model_buffer_count(model);
    if (b == 0) return SLC_OK;
    double *sum = calloc(b, sizeof(*sum)), *share = calloc(b, sizeof(*share));
    slc_status st = sum && share ? measure(model, loader, batches, sum, share, err)
                                 : slc_fail(err, SLC_ENOMEM, "batch norm: out of memory");
    if (st == SLC_OK) unscale(model, sum, share);
    free(sum);
    free(share);
    return st;
}
