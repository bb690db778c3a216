/* The frozen beginning of a net, run once for each image. Nothing random may come before it:
 * then what it makes of an image is the same in every epoch, and is kept from the first. */
#include <stdlib.h>
#include <string.h>

#include "train/fit/run.h"

/* Why every step must run the frozen layers; NULL if it need not. */
static const char *obstacle(const run *r)
{
    if (r->recipe->mix) return "mix draws at random";
    if (slc_policy_is_random(r->plans.augment)) return "augment draws at random";
    if (slc_policy_views(r->plans.augment) > 1) return "augment makes several views";
    if (r->recipe->loader.on_error != SLC_ON_ERROR_FAIL)
        return "loader.on_error may replace images";
    return NULL;
}

static slc_status take_memory(run *r, slc_err *err)
{
    run_frozen *f = &r->frozen;
    f->data = malloc((size_t)f->count * f->bytes);
    f->has = calloc((size_t)f->count, sizeof(*f->has));
    f->batch = malloc((size_t)r->recipe->train.batch * f->bytes);
    if (f->data && f->has && f->batch) return SLC_OK;
    return slc_fail(err, SLC_ENOMEM, "train: no memory for the frozen layers' output");
}

slc_status slc_run_frozen_open(run *r, slc_err *err)
{
    run_frozen *f = &r->frozen;
    const slc_log *log = r->settings->log;
    const double most = r->recipe->train.freeze_cache_mb;
    slc_run_frozen_close(r);
    const size_t bytes = slc_model_prefix_bytes(r->model);
    if (bytes == 0 || most <= 0) return SLC_OK;
    const char *why = obstacle(r);
    const uint64_t count = slc_source_count(r->sources.train);
    const double mb = (double)count * (double)bytes / 0x1p20;
    if (why)
        slc_log_line(log, SLC_INFO, "frozen layers run in every step: %s", why);
    else if (mb > most)
        slc_log_line(log, SLC_INFO,
                     "frozen layers run in every step: their output takes %.0f MiB, more "
                     "than train.freeze_cache_mb, %g",
                     mb, most);
    if (why || mb > most) return SLC_OK;
    f->bytes = bytes;
    f->count = count;
    slc_log_line(
        log, SLC_INFO,
        "frozen layers run once for each image: %.1f MiB of their output are kept", mb);
    return take_memory(r, err);
}

void slc_run_frozen_close(run *r)
{
    free(r->frozen.data);
    free(r->frozen.has);
    free(r->frozen.batch);
    r->frozen = (run_frozen){0};
}

/* Collects what is kept of the batch's images; false if one is missing. */
static bool gather(run_frozen *f, const slc_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        if (!f->has[batch->index[i]]) return false;
    for (size_t i = 0; i < batch->n; i++)
        memcpy(f->batch + i * f->bytes, f->data + batch->index[i] * f->bytes, f->bytes);
    return true;
}

slc_status slc_run_frozen_forward(run *r, const slc_batch *batch, const slc_pass *pass,
                                  const float **logits, slc_err *err)
{
    run_frozen *f = &r->frozen;
    const slc_view view = {batch->data, batch->type, batch->layout, batch->n};
    if (!f->data) return slc_model_forward(r->model, &view, pass, logits, err);
    if (!gather(f, batch)) {
        const slc_status st = slc_model_prefix(r->model, &view, pass, f->batch, err);
        if (st != SLC_OK) return st;
        for (size_t i = 0; i < batch->n; i++) {
            memcpy(f->data + batch->index[i] * f->bytes, f->batch + i * f->bytes,
                   f->bytes);
            f->has[batch->index[i]] = true;
        }
    }
    return slc_model_suffix(r->model, f->batch, batch->n, pass, logits, err);
}
