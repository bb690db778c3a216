/* statistics.json: what stands in the output, from the journal's exact integer sums, so that
 * neither threads nor interruptions show in the figures. */
#include <math.h>

#include "base/json.h"
#include "loader/prep/prep.h"

typedef struct totals {
    uint64_t bytes, least_w, least_h, most_w, most_h;
    double n[3], sum[3], square[3];
} totals;

static void add(totals *t, const slc_prep_record *r)
{
    t->bytes += r->bytes_out;
    if (t->least_w == 0 || r->w < t->least_w) t->least_w = r->w;
    if (t->least_h == 0 || r->h < t->least_h) t->least_h = r->h;
    if (r->w > t->most_w) t->most_w = r->w;
    if (r->h > t->most_h) t->most_h = r->h;
    for (size_t c = 0; c < r->channels && c < 3; c++) {
        t->n[c] += (double)r->w * r->h;
        t->sum[c] += (double)r->sum[c];
        t->square[c] += (double)r->square[c];
    }
}

static json_t *class_counts(const slc_source *source,
                            const slc_prep_record *const *records, size_t count)
{
    json_t *object = json_object();
    for (size_t c = 0; c < slc_source_classes(source); c++) {
        json_int_t n = 0;
        for (size_t i = 0; i < count; i++)
            n += records[i]->label == (int32_t)c;
        json_object_set_new(object, slc_source_class(source, c), json_integer(n));
    }
    return object;
}

slc_status slc_prep_statistics(const slc_preprocess_settings *set,
                               const slc_prep_record *const *records, size_t count,
                               slc_err *err)
{
    char path[PATH_MAX], name[64];
    totals t = {0};
    for (size_t i = 0; i < count; i++)
        add(&t, records[i]);
    json_t *mean = json_array(), *std = json_array();
    for (size_t c = 0; c < 3 && t.n[c] > 0; c++) {
        const double m = t.sum[c] / t.n[c], v = t.square[c] / t.n[c] - m * m;
        json_array_append_new(mean, json_real(m / 255));
        json_array_append_new(std, json_real(sqrt(v > 0 ? v : 0) / 255));
    }
    json_t *object =
        json_pack("{s:i, s:I, s:I, s:{s:[I,I], s:[I,I]}, s:o, s:o, s:o}", "schema", 1,
                  "pictures", (json_int_t)count, "bytes", (json_int_t)t.bytes, "size",
                  "least", (json_int_t)t.least_w, (json_int_t)t.least_h, "most",
                  (json_int_t)t.most_w, (json_int_t)t.most_h, "mean", mean, "std", std,
                  "classes", class_counts(set->source, records, count));
    if (!object) return slc_fail(err, SLC_ENOMEM, "statistics: out of memory");
    if (set->world > 1)
        snprintf(name, sizeof(name), "statistics-%llu.json",
                 (unsigned long long)set->rank);
    else
        snprintf(name, sizeof(name), "statistics.json");
    snprintf(path, sizeof(path), "%s/.sluice/%s", set->out, name);
    slc_status st = slc_json_write(object, path, err);
    if (st == SLC_OK) st = slc_prep_stand(set->out, name, err);
    json_decref(object);
    return st;
}
