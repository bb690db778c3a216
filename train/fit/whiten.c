/* A first layer that whitens: its filters are the eigenvectors of the pictures' patches, divided
 * by the root of their eigenvalues, each with both signs, and do not learn. Without its bias the
 * outputs of one sign have mean square 1 and do not correlate. Source: Jordan 2024
 * (arXiv:2404.00498), section 3.2; as there, patches are not centred. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/eigen.h"
#include "train/fit/run.h"

enum { MOST_IMAGES = 5000 };
static const double EPS = 5e-4;

/* Filters of a layer, and the sums over patches as they are gathered. */
typedef struct patches {
    size_t c, h, w, dims; /* of a filter; dims = c h w */
    double *sum;          /* dims x dims: upper triangle of the sum of x x' */
    double *x;            /* one patch, in the order of a filter: c, h, w */
    double count;
} patches;

static void add_patch(patches *p, const float *at, size_t row, size_t channels)
{
    size_t i = 0;
    for (size_t c = 0; c < p->c; c++)
        for (size_t y = 0; y < p->h; y++)
            for (size_t x = 0; x < p->w; x++)
                p->x[i++] = (double)at[y * row + x * channels + c];
    for (i = 0; i < p->dims; i++)
        for (size_t k = i; k < p->dims; k++)
            p->sum[i * p->dims + k] += p->x[i] * p->x[k];
    p->count++;
}

static void add_batch(patches *p, const run *r, const slc_batch *batch)
{
    const size_t row = r->width * r->channels, size = r->height * row;
    for (size_t n = 0; n < batch->n; n++)
        for (size_t y = 0; y + p->h <= r->height; y++)
            for (size_t x = 0; x + p->w <= r->width; x++)
                add_patch(
                    p, (const float *)batch->data + n * size + y * row + x * r->channels,
                    row, r->channels);
}

/* The training pictures as evaluation sees them: nothing random. */
static slc_status gather(patches *p, run *r, slc_err *err)
{
    slc_source *some = NULL;
    slc_loader *loader = NULL;
    const slc_batch *batch = NULL;
    slc_status st = slc_source_subset(&some, r->sources.train,
                                      &(slc_subset){.most = MOST_IMAGES}, err);
    if (st == SLC_OK) {
        slc_loader_settings s = slc_recipe_loader_settings(r->recipe, &r->plans, some,
                                                           SLC_FOR_EVAL, r->threads);
        s.quarantine = NULL;
        st = slc_loader_open(&loader, &s, err);
    }
    while (st == SLC_OK) {
        st = slc_loader_next(loader, &batch, err);
        if (st != SLC_OK || !batch) break;
        add_batch(p, r, batch);
        slc_loader_release(loader, batch);
    }
    slc_loader_close(&loader);
    slc_source_close(&some);
    return st;
}

/* The largest eigenvalues first, as in the source; then the same with the other sign. */
static slc_status fill(patches *p, float *filters, slc_err *err)
{
    double *values = malloc(p->dims * sizeof(*values));
    bool ok = values != NULL && p->count > 0;
    for (size_t i = 0; i < p->dims * p->dims; i++)
        p->sum[i] /= p->count;
    ok = ok && slc_eigen(p->dims, p->sum, values);
    for (size_t k = 0; ok && k < p->dims; k++) {
        const size_t from = p->dims - 1 - k;
        const double scale = 1 / sqrt(fmax(values[from], 0) + EPS);
        for (size_t i = 0; i < p->dims; i++) {
            const float v = (float)(p->sum[from * p->dims + i] * scale);
            filters[k * p->dims + i] = v;
            filters[(p->dims + k) * p->dims + i] = -v;
        }
    }
    free(values);
    return ok ? SLC_OK
              : slc_fail(err, SLC_ENOMEM, "whitening: no eigenvalues of the patches");
}

static slc_status whiten(run *r, const slc_tensor_info *t, slc_err *err)
{
    patches p = {.c = t->dim[1], .h = t->dim[2], .w = t->dim[3]};
    p.dims = p.c * p.h * p.w;
    p.sum = calloc(p.dims * p.dims, sizeof(*p.sum));
    p.x = malloc(p.dims * sizeof(*p.x));
    slc_status st = p.sum && p.x ? gather(&p, r, err)
                                 : slc_fail(err, SLC_ENOMEM, "whitening: out of memory");
    if (st == SLC_OK) st = fill(&p, slc_model_weights(r->model) + t->offset, err);
    if (st == SLC_OK) slc_model_touch(r->model);
    free(p.sum);
    free(p.x);
    return st;
}

static bool suits(const run *r, const slc_tensor_info *t)
{
    return t->rank == 4 && t->layer == 0 && t->dim[1] == r->channels &&
           t->dim[2] <= r->height && t->dim[3] <= r->width &&
           t->dim[0] == 2 * t->dim[1] * t->dim[2] * t->dim[3];
}

slc_status slc_run_whiten(run *r, bool measure, slc_err *err)
{
    for (size_t i = 0; i < slc_model_tensor_count(r->model); i++) {
        const slc_tensor_info *t = slc_model_tensor(r->model, i);
        if (!t->whitens) continue;
        if (!suits(r, t))
            return slc_fail(err, SLC_EINVAL,
                            "model: %s: init whitening is for a first conv2d without "
                            "groups whose out is twice the numbers in a patch",
                            t->name);
        const slc_status st = measure ? whiten(r, t, err) : SLC_OK;
        if (st != SLC_OK) return st;
        (void)slc_model_freeze(r->model, t->name, true);
    }
    return SLC_OK;
}
