/* One batch learnt by heart: a net that cannot do that will not learn anything. */
#include <math.h>
#include <string.h>

#include "train/fit/trial.h"

typedef struct outcome {
    uint64_t steps;
    trial_score start, end;
    bool finite, ok;
    double lr; /* the highest of the schedule */
    json_t *losses;
} outcome;

static slc_status learn(trial *t, size_t n, outcome *out, slc_err *err)
{
    const slc_sanity_settings *s = t->settings;
    const uint64_t steps = s->steps ? s->steps : 300;
    const double target = s->target > 0 ? s->target : 0.01;
    slc_status st = SLC_OK;

    out->finite = true;
    for (uint64_t k = 1; st == SLC_OK && k <= steps && !out->ok; k++) {
        st = slc_trial_step(t, 0, n, t->labels, k, steps, &out->end, err);
        if (st != SLC_OK) break;
        if (k == 1) out->start = out->end;
        out->steps = k;
        out->finite = isfinite(out->end.loss) != 0;
        if (!out->finite) break;
        json_array_append_new(out->losses, json_real(out->end.loss));
        out->ok = out->end.loss <= target && out->end.top1 >= 1;
        if (k % 50 == 0)
            slc_log_line(s->log, SLC_INFO, "step %llu: loss %.4f, top-1 %.3f",
                         (unsigned long long)k, out->end.loss, out->end.top1);
    }
    return st;
}

static bool drops(const char *key)
{
    return strncmp(key, "drop", 4) == 0;
}

/* Nothing drops at random: layers ("- dropout", "- dropout: 0.2", "- drop_path: {p: 0.2}") as
 * well as what ready nets are told ("dropout: 0.2"). */
static void rest(slc_node *node, slc_arena *arena)
{
    for (slc_node *child = node->first; child; child = child->next) {
        const bool layer = child->kind == SLC_NODE_SCALAR && node->kind == SLC_NODE_LIST;
        if (layer && drops(child->text)) {
            const char *name = child->text;
            child->kind = SLC_NODE_MAP;
            child->text = NULL;
            slc_node_put(child, arena, name, slc_node_scalar(arena, "0"));
        } else if (child->key && drops(child->key) && child->kind == SLC_NODE_SCALAR) {
            child->text = "0";
        } else {
            if (child->key && drops(child->key) && child->kind == SLC_NODE_MAP)
                slc_node_put(child, arena, "p", slc_node_scalar(arena, "0"));
            rest(child, arena);
        }
    }
}

/* The recipe's rate is meant for its batch: a smaller one gets its share (Goyal et al. 2017). What is
 * asked is whether the net can learn, not whether the rate suits one batch: if it does not, a
 * tenth and a hundredth of it are tried. */
static slc_status learn_at_some_rate(trial *t, outcome *best, slc_err *err)
{
    const slc_recipe *r = t->settings->recipe;
    const double share = fmin(1, (double)t->count / (double)r->train.batch);
    const double lr = ((const slc_optim_common *)r->optim_settings)->lr * share;
    const bool given = t->settings->lr > 0;
    slc_status st = SLC_OK;
    for (int attempt = 0; st == SLC_OK && !best->ok && attempt < (given ? 1 : 3);
         attempt++) {
        outcome o = {.losses = json_array()};
        st = slc_trial_net(t, t->count, err);
        if (!given) t->lr = lr * pow(0.1, attempt);
        o.lr = t->lr;
        if (st == SLC_OK) st = learn(t, t->count, &o, err);
        if (st == SLC_OK && !o.ok)
            slc_log_line(t->settings->log, SLC_INFO, "not learnt at rate %g", o.lr);
        const bool better = attempt == 0 || o.ok ||
                            (o.finite && !(best->finite && best->end.loss <= o.end.loss));
        const outcome worse = better ? *best : o;
        if (better) *best = o;
        json_decref(worse.losses);
    }
    return st;
}

/* Pairs of equal pictures whose labels differ: no net can have both. */
static size_t contradictions(const trial *t, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            count += t->labels[i] != t->labels[k] &&
                     memcmp(t->pictures + i * t->each, t->pictures + k * t->each,
                            t->each * sizeof(float)) == 0;
    return count;
}

static void say(json_t *advice, const char *text)
{
    json_array_append_new(advice, json_string(text));
}

static json_t *advise(const trial *t, size_t n, const outcome *o)
{
    json_t *advice = json_array();
    char text[300];
    const double chance = log((double)t->classes);
    const size_t pairs = contradictions(t, n);

    if (o->ok) return advice;
    if (!o->finite) {
        snprintf(text, sizeof(text),
                 "the loss is no number after step %llu (first bad layer: %s): lower "
                 "optim.lr, or clip with train.clip_norm",
                 (unsigned long long)o->steps,
                 slc_model_first_bad(t->model) ? slc_model_first_bad(t->model) : "none");
        say(advice, text);
        return advice;
    }
    if (pairs) {
        snprintf(
            text, sizeof(text),
            "%zu pairs of pictures are equal but labelled differently: no net can learn "
            "both",
            pairs);
        say(advice, text);
    }
    if (o->end.loss > 0.9 * chance)
        say(advice,
            "the loss stays at that of guessing: the gradient does not arrive or the "
            "rate is "
            "far off; try --lr ten times higher and lower, and look at the pictures "
            "(sluice preview)");
    else if (o->end.top1 >= 1)
        say(advice,
            "every picture is right, only the loss is not there yet: more --steps");
    else
        say(advice, "it learns, but slowly: more --steps, another --lr, or a wider net");
    return advice;
}

slc_status slc_overfit(const slc_sanity_settings *settings, json_t **result, slc_err *err)
{
    const uint64_t batch = (uint64_t)settings->recipe->train.batch;
    const uint64_t images = settings->images ? settings->images : batch < 32 ? batch : 32;
    outcome o = {0};
    trial t;

    slc_status st = slc_trial_open(&t, settings, images, err);
    if (st == SLC_OK && t.spec) {
        slc_node *still = slc_node_copy(&t.arena, t.spec);
        if (still) rest(still, &t.arena);
        t.spec = still;
    }
    if (st == SLC_OK) st = learn_at_some_rate(&t, &o, err);
    if (st == SLC_OK) {
        json_t *r = *result = json_object();
        json_object_set_new(r, "ok", json_boolean(o.ok));
        json_object_set_new(r, "images", json_integer((json_int_t)t.count));
        json_object_set_new(r, "steps", json_integer((json_int_t)o.steps));
        json_object_set_new(r, "lr", json_real(o.lr));
        json_object_set_new(r, "start", json_real(o.start.loss));
        json_object_set_new(r, "loss", o.finite ? json_real(o.end.loss) : json_null());
        json_object_set_new(r, "top1", json_real(o.end.top1));
        json_object_set(r, "losses", o.losses);
        json_object_set_new(r, "advice", advise(&t, t.count, &o));
    }
    json_decref(o.losses);
    slc_trial_close(&t);
    return st;
}
