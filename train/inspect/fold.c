/* Batch norm into the layer before it: w' = w g / sqrt(v + eps), b' = (b - m) g / sqrt(v + eps)
 * + beta. */
#include <math.h>
#include <string.h>

#include "train/inspect/patient.h"
#include "train/layer.h"

static bool is(const patient *p, size_t node, const char *type)
{
    return strcmp(p->net->node[node].layer->entry.name, type) == 0;
}

static double value(const organ *o, size_t i, double absent)
{
    return o ? (double)o->data[i] : absent;
}

static slc_status fold_one(patient *p, size_t before, size_t norm, slc_err *err)
{
    const slc_norm_settings *s = p->net->node[norm].settings;
    organ *w = slc_patient_organ(p, before, "weight"),
          *b = slc_patient_organ(p, before, "bias");
    organ *g = slc_patient_organ(p, norm, "weight"),
          *beta = slc_patient_organ(p, norm, "bias");
    organ *m = slc_patient_organ(p, norm, "running_mean");
    organ *v = slc_patient_organ(p, norm, "running_var");
    const size_t out = w->dim[0], each = w->size / out;
    if (!b) {
        b = slc_patient_add(p, before, "bias", out);
        if (!b) return slc_fail(err, SLC_ENOMEM, "fold: out of memory");
        p->add_bias[before] = true;
    }
    for (size_t k = 0; k < out; k++) {
        const double scale = value(g, k, 1) / sqrt(value(v, k, 1) + s->eps);
        for (size_t i = 0; i < each; i++)
            w->data[k * each + i] = (float)((double)w->data[k * each + i] * scale);
        b->data[k] =
            (float)(((double)b->data[k] - value(m, k, 0)) * scale + value(beta, k, 0));
    }
    organ *const dead[] = {g, beta, m, v};
    for (size_t i = 0; i < SLC_COUNT(dead); i++)
        if (dead[i]) dead[i]->gone = true;
    p->gone[norm] = true;
    return SLC_OK;
}

slc_status slc_fold(const char *path, const char *output,
                    const slc_surgery_settings *settings, json_t **result, slc_err *err)
{
    patient p;
    size_t folded = 0, reader;
    double difference = 0;
    *result = NULL;
    slc_status st = slc_patient_open(&p, path, settings, err);
    for (size_t i = 0; st == SLC_OK && i < p.net->nodes; i++) {
        const int from = p.net->node[i].from[0];
        if (!is(&p, i, "batch_norm") || from < 0) continue;
        if (!is(&p, (size_t)from, "conv2d") && !is(&p, (size_t)from, "linear")) continue;
        if (slc_patient_readers(&p, (size_t)from, &reader) != 1) continue;
        st = fold_one(&p, (size_t)from, i, err);
        folded++;
    }
    if (st == SLC_OK && folded == 0)
        st =
            slc_fail(err, SLC_EINVAL, "%s: has no batch norm that could be folded", path);
    if (st == SLC_OK) st = slc_patient_wake(&p, output, 1e-4, &difference, err);
    if (st == SLC_OK)
        *result =
            json_pack("{s:i, s:I, s:f, s:I}", "schema", 1, "folded", (json_int_t)folded,
                      "difference", difference, "images", (json_int_t)p.images);
    slc_patient_close(&p);
    return st;
}
