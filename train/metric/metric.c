/* Counting hits, confusions, confidence and losses. */
#include "train/metric.h"

#include <math.h>
#include <stdlib.h>

slc_status slc_metric_create(slc_metric *out, size_t classes, slc_err *err)
{
    *out = (slc_metric){.classes = classes, .k = classes < 5 ? classes : 5};
    out->confusion = calloc(classes ? classes * classes : 1, sizeof(*out->confusion));
    if (!out->confusion)
        return slc_fail(err, SLC_ENOMEM, "metric: no memory for %zu classes", classes);
    return SLC_OK;
}

void slc_metric_free(slc_metric *metric)
{
    free(metric->confusion);
    *metric = (slc_metric){0};
}

void slc_softmax(const float *logits, size_t classes, double *probs)
{
    double top = (double)logits[0], sum = 0;
    for (size_t c = 1; c < classes; c++)
        if ((double)logits[c] > top) top = (double)logits[c];
    for (size_t c = 0; c < classes; c++)
        sum += probs[c] = exp((double)logits[c] - top);
    for (size_t c = 0; c < classes; c++)
        probs[c] /= sum;
}

size_t slc_argmax(const float *logits, size_t classes)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}

/* The largest probability, without storing the others. */
static double confidence(const float *z, size_t classes, size_t best)
{
    double sum = 0;
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)z[c] - (double)z[best]);
    return 1 / sum;
}

/* Is the label among the k largest? Of equal logits the lower class comes first. */
static bool in_top(const float *z, size_t classes, size_t label, size_t k)
{
    size_t above = 0;
    for (size_t c = 0; c < classes; c++)
        above += z[c] > z[label] || (z[c] == z[label] && c < label);
    return above < k;
}

static void add(slc_metric *m, const float *z, size_t a, size_t b, double lambda)
{
    const size_t best = slc_argmax(z, m->classes);
    const double sure = confidence(z, m->classes, best);
    size_t bin = (size_t)(sure * SLC_ECE_BINS);
    if (bin >= SLC_ECE_BINS) bin = SLC_ECE_BINS - 1;
    m->bin_count[bin]++;
    m->bin_hits[bin] += best == a;
    m->bin_confidence[bin] += sure;
    m->count++;
    m->hits += best == a;
    m->hits_k += in_top(z, m->classes, a, m->k);
    m->confusion[a * m->classes + best]++;
    m->soft += (best == a ? lambda : 0) + (best == b ? 1 - lambda : 0);
    m->bound += a == b ? 1 : fmax(lambda, 1 - lambda);
}

void slc_metric_add(slc_metric *metric, const float *logits, const slc_targets *targets,
                    const uint8_t *real, const float *each, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t a = targets->label_a[i];
        const int32_t b = targets->label_b ? targets->label_b[i] : a;
        if ((real && !real[i]) || a < 0 || b < 0) continue;
        if ((size_t)a >= metric->classes || (size_t)b >= metric->classes) continue;
        const double lambda = targets->lambda ? (double)targets->lambda[i] : 1;
        add(metric, logits + i * metric->classes, (size_t)a, (size_t)b, lambda);
        if (each) metric->loss += (double)each[i];
    }
}

static double share(double part, uint64_t count)
{
    return count ? part / (double)count : 0;
}

double slc_metric_top1(const slc_metric *metric)
{
    return share((double)metric->hits, metric->count);
}

double slc_metric_topk(const slc_metric *metric)
{
    return share((double)metric->hits_k, metric->count);
}

double slc_metric_loss(const slc_metric *metric)
{
    return share(metric->loss, metric->count);
}

double slc_metric_soft(const slc_metric *metric)
{
    return share(metric->soft, metric->count);
}

double slc_metric_bound(const slc_metric *metric)
{
    return share(metric->bound, metric->count);
}

double slc_metric_ece(const slc_metric *metric)
{
    double sum = 0;
    for (size_t b = 0; b < SLC_ECE_BINS; b++)
        sum += fabs(metric->bin_hits[b] - metric->bin_confidence[b]);
    return share(sum, metric->count);
}

slc_class_score slc_metric_class(const slc_metric *metric, size_t c)
{
    uint64_t truth = 0, said = 0;
    const uint64_t hit = metric->confusion[c * metric->classes + c];
    for (size_t i = 0; i < metric->classes; i++) {
        truth += metric->confusion[c * metric->classes + i];
        said += metric->confusion[i * metric->classes + c];
    }
    return (slc_class_score){.count = truth,
                             .precision = share((double)hit, said),
                             .recall = share((double)hit, truth),
                             .f1 = share(2 * (double)hit, truth + said)};
}

static json_t *class_list(const slc_metric *m, const char *const *names, double macro[3])
{
    json_t *list = json_array();
    for (size_t c = 0; c < m->classes; c++) {
        const slc_class_score s = slc_metric_class(m, c);
        json_t *item = json_object();
        if (names) json_object_set_new(item, "name", json_string(names[c]));
        json_object_set_new(item, "count", json_integer((json_int_t)s.count));
        json_object_set_new(item, "precision", json_real(s.precision));
        json_object_set_new(item, "recall", json_real(s.recall));
        json_object_set_new(item, "f1", json_real(s.f1));
        json_array_append_new(list, item);
        macro[0] += s.precision / (double)m->classes;
        macro[1] += s.recall / (double)m->classes;
        macro[2] += s.f1 / (double)m->classes;
    }
    return list;
}

static json_t *confusion_rows(const slc_metric *m)
{
    json_t *rows = json_array();
    for (size_t r = 0; r < m->classes; r++) {
        json_t *row = json_array();
        for (size_t c = 0; c < m->classes; c++)
            json_array_append_new(
                row, json_integer((json_int_t)m->confusion[r * m->classes + c]));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* Is cell a before b in the order of slc_metric_confused? */
static bool precedes(const slc_metric *m, size_t a, size_t b)
{
    const uint64_t x = m->confusion[a], y = m->confusion[b];
    return x != y ? x > y : a < b;
}

size_t slc_metric_confused(const slc_metric *metric, slc_confused *out, size_t n)
{
    const size_t k = metric->classes;
    size_t found = 0, last = 0;
    while (found < n) {
        size_t best = k * k;
        for (size_t i = 0; i < k * k; i++)
            if (i / k != i % k && metric->confusion[i] > 0 &&
                (found == 0 || precedes(metric, last, i)) &&
                (best == k * k || precedes(metric, i, best)))
                best = i;
        if (best == k * k) break;
        out[found++] = (slc_confused){best / k, best % k, metric->confusion[best]};
        last = best;
    }
    return found;
}

static json_t *name_or_number(const char *const *names, size_t c)
{
    return names ? json_string(names[c]) : json_integer((json_int_t)c);
}

static json_t *confused_list(const slc_metric *m, const char *const *names)
{
    slc_confused most[10];
    const size_t n = slc_metric_confused(m, most, SLC_COUNT(most));
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:I}", "truth",
                                              name_or_number(names, most[i].truth),
                                              "prediction",
                                              name_or_number(names, most[i].prediction),
                                              "count", (json_int_t)most[i].count));
    return list;
}

static json_t *reliability(const slc_metric *m)
{
    json_t *list = json_array();
    for (size_t b = 0; b < SLC_ECE_BINS; b++)
        json_array_append_new(
            list, json_pack("{s:f, s:f, s:I, s:f, s:f}", "lo", (double)b / SLC_ECE_BINS,
                            "hi", (double)(b + 1) / SLC_ECE_BINS, "count",
                            (json_int_t)m->bin_count[b], "accuracy",
                            share(m->bin_hits[b], m->bin_count[b]), "confidence",
                            share(m->bin_confidence[b], m->bin_count[b])));
    return list;
}

json_t *slc_metric_json(const slc_metric *metric, const char *const *names)
{
    double macro[3] = {0};
    json_t *classes = class_list(metric, names, macro), *out = json_object();
    json_object_set_new(out, "top1", json_real(slc_metric_top1(metric)));
    json_object_set_new(out, "topk", json_real(slc_metric_topk(metric)));
    json_object_set_new(out, "k", json_integer((json_int_t)metric->k));
    json_object_set_new(out, "loss", json_real(slc_metric_loss(metric)));
    json_object_set_new(out, "count", json_integer((json_int_t)metric->count));
    json_object_set_new(out, "ece", json_real(slc_metric_ece(metric)));
    json_object_set_new(out, "macro_precision", json_real(macro[0]));
    json_object_set_new(out, "macro_recall", json_real(macro[1]));
    json_object_set_new(out, "macro_f1", json_real(macro[2]));
    json_object_set_new(out, "classes", classes);
    json_object_set_new(out, "confusion", confusion_rows(metric));
    json_object_set_new(out, "confused", confused_list(metric, names));
    json_object_set_new(out, "reliability", reliability(metric));
    return out;
}
