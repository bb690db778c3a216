#include "train/histogram.h"

#include <math.h>

/* The i-th value; NaN is left out. */
typedef double value_at(const float *w, const float *before, size_t i);

static double plain(const float *w, const float *before, size_t i)
{
    (void)before;
    return (double)w[i];
}

static double moved(const float *w, const float *before, size_t i)
{
    const double was = (double)before[i], by = (double)w[i] - was;
    return was != 0 && by != 0 ? log10(fabs(by / was)) : NAN;
}

static slc_histogram count(value_at *at, const float *w, const float *before, size_t n)
{
    slc_histogram h = {.lo = INFINITY, .hi = -INFINITY};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = at(w, before, i);
        if (isnan(v)) continue;
        h.n++;
        h.lo = fmin(h.lo, v);
        h.hi = fmax(h.hi, v);
        sum += v;
        squares += v * v;
    }
    if (h.n == 0) return (slc_histogram){0};
    h.mean = sum / (double)h.n;
    h.std = sqrt(fmax(0, squares / (double)h.n - h.mean * h.mean));
    h.norm = sqrt(squares);
    const double scale = h.hi > h.lo ? SLC_HISTOGRAM_BINS / (h.hi - h.lo) : 0;
    for (size_t i = 0; i < n; i++) {
        const double place = (at(w, before, i) - h.lo) * scale;
        if (isnan(place)) continue;
        h.count[place < SLC_HISTOGRAM_BINS ? (size_t)fmax(place, 0)
                                           : SLC_HISTOGRAM_BINS - 1]++;
    }
    return h;
}

slc_histogram slc_histogram_of(const float *values, size_t n)
{
    return count(plain, values, NULL, n);
}

slc_histogram slc_histogram_of_update(const float *w, const float *before, size_t n)
{
    return count(moved, w, before, n);
}

static json_t *shape_of(const slc_tensor_info *info)
{
    json_t *shape = json_array();
    for (size_t d = 0; d < info->rank; d++)
        json_array_append_new(shape, json_integer((json_int_t)info->dim[d]));
    return shape;
}

static json_t *to_json(const slc_histogram *h)
{
    json_t *o = json_object(), *counts = json_array();
    for (size_t i = 0; i < SLC_HISTOGRAM_BINS; i++)
        json_array_append_new(counts, json_integer((json_int_t)h->count[i]));
    json_object_set_new(o, "lo", json_real(h->lo));
    json_object_set_new(o, "hi", json_real(h->hi));
    json_object_set_new(o, "mean", json_real(h->mean));
    json_object_set_new(o, "std", json_real(h->std));
    json_object_set_new(o, "norm", json_real(h->norm));
    json_object_set_new(o, "counts", counts);
    return o;
}

/* |w - before| / |before|: about 1e-3 is usual, 1e-1 is too fast, 1e-5 stands still. */
static double update_ratio(const float *w, const float *before, size_t n)
{
    double moved = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)w[i] - (double)before[i];
        moved += d * d;
        size += (double)before[i] * (double)before[i];
    }
    return size > 0 ? sqrt(moved / size) : 0;
}

json_t *slc_histogram_line(slc_model *model, const float *before, uint64_t epoch)
{
    json_t *line = json_object(), *list = json_array();
    const float *w = slc_model_weights(model), *g = slc_model_grads(model);
    for (size_t t = 0; t < slc_model_tensor_count(model); t++) {
        const slc_tensor_info *info = slc_model_tensor(model, t);
        if (info->role == SLC_ROLE_BUFFER || info->size == 0) continue;
        const slc_histogram weight = slc_histogram_of(w + info->offset, info->size);
        json_t *item = json_object();
        json_object_set_new(item, "name", json_string(info->name));
        json_object_set_new(item, "shape", shape_of(info));
        json_object_set_new(item, "weight", to_json(&weight));
        if (g && !info->frozen) {
            const slc_histogram gradient = slc_histogram_of(g + info->offset, info->size);
            json_object_set_new(item, "gradient", to_json(&gradient));
        }
        if (before && !info->frozen) {
            const slc_histogram update = slc_histogram_of_update(
                w + info->offset, before + info->offset, info->size);
            json_object_set_new(item, "update", to_json(&update));
            json_object_set_new(
                item, "update_ratio",
                json_real(
                    update_ratio(w + info->offset, before + info->offset, info->size)));
        }
        json_array_append_new(list, item);
    }
    json_object_set_new(line, "epoch", json_integer((json_int_t)epoch));
    json_object_set_new(line, "tensors", list);
    return line;
}
