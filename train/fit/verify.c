/* Is the data what it seems? Inputs and labels are looked at, the net is asked before it has
 * learnt anything, and then taught twice: the labels as they are must help on pictures held out,
 * shuffled ones must not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/fit/trial.h"

static void add(json_t *checks, const char *name, bool ok, double value, double expected,
                const char *text)
{
    json_t *c = json_object();
    json_object_set_new(c, "name", json_string(name));
    json_object_set_new(c, "ok", json_boolean(ok));
    json_object_set_new(c, "value", isfinite(value) ? json_real(value) : json_null());
    json_object_set_new(c, "expected", json_real(expected));
    json_object_set_new(c, "text", json_string(text));
    json_array_append_new(checks, c);
}

/* Each channel should have mean 0 and deviation 1, within what one sample of pictures tells. */
static void check_inputs(const trial *t, json_t *checks)
{
    const size_t plane = t->height * t->width;
    double worst_mean = 0, worst_dev = 1;
    char text[200];
    bool ok = true;
    for (size_t c = 0; c < t->channels; c++) {
        double sum = 0, square = 0;
        const double n = (double)(t->count * plane);
        for (size_t i = 0; i < t->count; i++)
            for (size_t x = 0; x < plane; x++) {
                const size_t at =
                    t->layout == SLC_NHWC ? x * t->channels + c : c * plane + x;
                const double v = (double)t->pictures[i * t->each + at];
                sum += v;
                square += v * v;
            }
        const double mean = sum / n, dev = sqrt(fmax(0, square / n - mean * mean));
        if (!(fabs(mean) <= 0.5) || !(dev >= 0.5 && dev <= 2)) ok = false;
        if (!(fabs(mean) <= fabs(worst_mean))) worst_mean = mean;
        if (!(fabs(log(dev)) <= fabs(log(worst_dev)))) worst_dev = dev;
    }
    snprintf(text, sizeof(text), "channels have mean %.3f and deviation %.3f at worst%s",
             worst_mean, worst_dev,
             ok ? ""
                : ", not 0 and 1: sluice stats tells what normalize should take off");
    add(checks, "inputs", ok, worst_mean, 0, text);
}

typedef struct seen {
    const trial *t;
    size_t i;
} seen;

static int by_pixels(const void *a, const void *b)
{
    const seen *x = a, *y = b;
    const size_t each = x->t->each;
    const int order = memcmp(x->t->pictures + x->i * each, y->t->pictures + y->i * each,
                             each * sizeof(float));
    return order ? order : (x->i > y->i) - (x->i < y->i);
}

/* Equal pictures: harmless with equal labels, a finding with different ones. */
static slc_status check_twins(const trial *t, json_t *checks, slc_err *err)
{
    size_t twins = 0, torn = 0;
    char text[200];
    seen *list = calloc(t->count, sizeof(*list));
    if (!list) return slc_fail(err, SLC_ENOMEM, "verify: out of memory");
    for (size_t i = 0; i < t->count; i++)
        list[i] = (seen){t, i};
    qsort(list, t->count, sizeof(*list), by_pixels);
    for (size_t k = 1; k < t->count; k++)
        if (memcmp(t->pictures + list[k].i * t->each,
                   t->pictures + list[k - 1].i * t->each, t->each * sizeof(float)) == 0) {
            twins++;
            torn += t->labels[list[k].i] != t->labels[list[k - 1].i];
        }
    free(list);
    snprintf(text, sizeof(text),
             "%zu of %zu pictures are equal to another, %zu of them %s", twins, t->count,
             torn, "under another label");
    add(checks, "duplicates", torn == 0, (double)torn, 0, text);
    return SLC_OK;
}

/* Share of the most frequent of these labels: what guessing gives. */
static double guess(const trial *t, size_t first, size_t n, size_t *absent, size_t *often)
{
    size_t most = 0;
    *absent = 0;
    for (size_t c = 0; c < t->classes; c++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            count += t->labels[first + i] == (int32_t)c;
        if (count > most) {
            most = count;
            *often = c;
        }
        *absent += count == 0;
    }
    return (double)most / (double)n;
}

static void check_labels(const trial *t, json_t *checks)
{
    size_t absent, often = 0;
    char text[300];
    const double share = guess(t, 0, t->count, &absent, &often), n = (double)t->classes;
    /* With ten pictures a class, one that is absent is no accident. */
    const bool ok = !(absent && (double)t->count >= 10 * n) && !(n > 1 && share > 0.9);
    snprintf(
        text, sizeof(text),
        "%zu classes, %zu without a picture among %zu; the most frequent (%.60s) has "
        "%.1f %%",
        t->classes, absent, t->count, slc_source_class(t->sources.train, often),
        100 * share);
    add(checks, "labels", ok, share, 1 / n, text);
}

/* Before the first step the net should say nothing in particular: ln C. */
static slc_status check_start(trial *t, json_t *checks, slc_err *err)
{
    const double expected = log((double)t->classes), room = fmax(0.35, 0.2 * expected);
    char text[200];
    trial_score s;
    const slc_status st =
        slc_trial_score(t, 0, t->batch, t->labels, SLC_MODE_TRAIN, &s, err);
    if (st != SLC_OK) return st;
    const bool ok = fabs(s.loss - expected) <= room;
    snprintf(text, sizeof(text), "loss before the first step %.4f, ln %zu = %.4f%s",
             s.loss, t->classes, expected,
             ok ? ""
                : ": the start is sure of something; look at init and at the inputs");
    add(checks, "start", ok, s.loss, expected, text);
    return SLC_OK;
}

/* Teaches a fresh net the first taught pictures under these labels; its score on the rest. */
static slc_status teach(trial *t, size_t taught, const int32_t *labels, trial_score *out,
                        slc_err *err)
{
    const uint64_t steps = t->settings->steps ? t->settings->steps : 60;
    trial_score now;
    slc_status st = slc_trial_net(t, t->batch, err);
    for (uint64_t k = 1; st == SLC_OK && k <= steps; k++) {
        const size_t at = (size_t)(k - 1) % (taught / t->batch) * t->batch;
        st = slc_trial_step(t, at, t->batch, labels + at, k, steps, &now, err);
    }
    if (st == SLC_OK)
        st = slc_trial_score(t, taught, t->count - taught, labels + taught, SLC_MODE_EVAL,
                             out, err);
    return st;
}

static slc_status check_learning(trial *t, size_t taught, json_t *checks, slc_err *err)
{
    const size_t n = t->count - taught;
    int32_t *mixed = slc_arena_zero(&t->arena, t->count, sizeof(*mixed));
    size_t absent, often = 0;
    char text[300];
    trial_score real, shuffled;

    if (!mixed) return slc_fail(err, SLC_ENOMEM, "verify: out of memory");
    const slc_perm perm = slc_perm_make((uint64_t)t->settings->recipe->seed, 1, t->count);
    for (size_t i = 0; i < t->count; i++)
        mixed[i] = t->labels[slc_perm_at(&perm, i)];
    const double p = guess(t, taught, n, &absent, &often);
    /* Four deviations of a binomial share: chance reaches that once in 30,000. */
    const double limit = p + 4 * sqrt(p * (1 - p) / (double)n);

    slc_status st = teach(t, taught, t->labels, &real, err);
    if (st == SLC_OK) st = teach(t, taught, mixed, &shuffled, err);
    if (st != SLC_OK) return st;
    bool ok = real.top1 > limit;
    snprintf(text, sizeof(text),
             "%.1f %% right on %zu pictures held out, guessing gives %.1f %%%s",
             100 * real.top1, n, 100 * p,
             ok ? "" : ": nothing is learnt; do the labels belong to the pictures?");
    add(checks, "learns", ok, real.top1, limit, text);
    ok = shuffled.top1 <= limit;
    snprintf(
        text, sizeof(text), "labels shuffled: %.1f %% right, guessing gives %.1f %%%s",
        100 * shuffled.top1, 100 * p,
        ok ? "" : ": shuffled labels can be told, so the label leaks into the input");
    add(checks, "shuffle", ok, shuffled.top1, limit, text);
    return SLC_OK;
}

static slc_status check_all(trial *t, json_t *checks, slc_err *err)
{
    const size_t taught = t->count - t->count / 3;
    const size_t wish = (size_t)t->settings->recipe->train.batch,
                 most = wish < 64 ? wish : 64;
    if (t->count < 12)
        return slc_fail(err, SLC_EDATA, "verify: %zu labelled pictures are too few",
                        t->count);
    check_inputs(t, checks);
    check_labels(t, checks);
    slc_status st = check_twins(t, checks, err);
    if (st == SLC_OK) st = slc_trial_net(t, most < taught ? most : taught, err);
    if (st == SLC_OK) st = check_start(t, checks, err);
    if (st == SLC_OK) st = check_learning(t, taught, checks, err);
    return st;
}

slc_status slc_verify(const slc_sanity_settings *settings, json_t **result, slc_err *err)
{
    const uint64_t images = settings->images ? settings->images : 768;
    json_t *checks = json_array();
    bool ok = true;
    trial t;

    slc_status st = slc_trial_open(&t, settings, images + images / 2, err);
    if (st == SLC_OK) st = check_all(&t, checks, err);
    for (size_t i = 0; i < json_array_size(checks); i++)
        ok = ok && json_is_true(json_object_get(json_array_get(checks, i), "ok"));
    if (st == SLC_OK)
        *result = json_pack("{s:b, s:I, s:O}", "ok", (int)ok, "images",
                            (json_int_t)t.count, "checks", checks);
    json_decref(checks);
    slc_trial_close(&t);
    return st == SLC_OK && !*result ? slc_fail(err, SLC_ENOMEM, "verify: out of memory")
                                    : st;
}
