/* Averages of weights: moving (EMA) and of late epochs (SWA). */
#include <math.h>
#include <string.h>

#include "train/fit/norms.h"
#include "train/fit/run.h"

bool slc_run_uses_ema(const run *r)
{
    return r->recipe->train.ema.on;
}

double slc_run_ema_share(const run *r, uint64_t step)
{
    const slc_recipe_ema *e = &r->recipe->train.ema;
    if (!e->on || step % (uint64_t)e->every != 0) return -1;
    const double t = (double)(step / (uint64_t)e->every);
    return 1 - (e->warmup ? fmin(e->decay, (1 + t) / (10 + t)) : e->decay);
}

void slc_run_average_buffers(run *r, double share)
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

void slc_run_swap_in(run *r)
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

void slc_run_swap_out(run *r)
{
    if (!r->spare) return;
    copy(slc_model_weights(r->model), r->spare, slc_model_weight_count(r->model));
    copy(slc_model_buffers(r->model), r->spare_buffers, slc_model_buffer_count(r->model));
    slc_model_touch(r->model);
}

/* w_swa <- (w_swa n + w) / (n + 1); the statistics are only a start for measuring. */
void slc_run_add_swa(run *r)
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

slc_status slc_run_measure_norms(run *r, uint64_t batches, slc_err *err)
{
    slc_loader *loader = NULL;
    if (slc_model_buffer_count(r->model) == 0) return SLC_OK;
    slc_loader_settings s = slc_recipe_loader_settings(
        r->recipe, &r->plans, r->sources.train, SLC_FOR_TRAIN, r->threads);
    s.type = r->type;
    s.epoch = r->epoch;
    s.epochs = 0;
    slc_status st = slc_loader_open(&loader, &s, err);
    if (st == SLC_OK) st = slc_norms_measure(r->model, loader, batches, err);
    slc_loader_close(&loader);
    return st;
}
