#include "train/inspect/twins.h"

#include <math.h>
#include <stdlib.h>

slc_status slc_twins_create(twins *t, size_t layer, size_t maps, size_t area,
                            size_t batch, slc_err *err)
{
    *t = (twins){.layer = layer, .maps = maps, .area = area};
    t->values = calloc(batch * maps * area, sizeof(float));
    t->dot = calloc(maps * maps, sizeof(double));
    t->sum = calloc(maps, sizeof(double));
    return t->values && t->dot && t->sum
               ? SLC_OK
               : slc_fail(err, SLC_ENOMEM, "comparing maps: out of memory");
}

void slc_twins_free(twins *t)
{
    free(t->values);
    free(t->dot);
    free(t->sum);
    *t = (twins){0};
}

slc_status slc_twins_add(twins *t, slc_model *model, size_t n, slc_err *err)
{
    const size_t each = t->maps * t->area;
    const slc_status st = slc_model_activation(model, t->layer, t->values, n * each, err);
    if (st != SLC_OK) return st;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < t->maps; i++) {
            const float *a = t->values + k * each + i * t->area;
            for (size_t x = 0; x < t->area; x++)
                t->sum[i] += (double)a[x];
            for (size_t j = 0; j <= i; j++) {
                const float *b = t->values + k * each + j * t->area;
                double dot = 0;
                for (size_t x = 0; x < t->area; x++)
                    dot += (double)a[x] * (double)b[x];
                t->dot[i * t->maps + j] += dot;
            }
        }
    t->count += (double)(n * t->area);
    return SLC_OK;
}

double slc_twins_similarity(const twins *t, size_t i, size_t j)
{
    const double ii = t->dot[i * t->maps + i], jj = t->dot[j * t->maps + j];
    const double ij = t->dot[i * t->maps + j], n = t->count;
    if (ii <= 0 || jj <= 0) return 0;
    const double vi = ii - t->sum[i] * t->sum[i] / n, vj = jj - t->sum[j] * t->sum[j] / n;
    const double cosine = ij / sqrt(ii * jj);
    if (vi <= 1e-12 * ii || vj <= 1e-12 * jj) return 0; /* constant maps have no shape */
    return fmin(cosine, (ij - t->sum[i] * t->sum[j] / n) / sqrt(vi * vj));
}
