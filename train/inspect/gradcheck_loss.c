/* Gradients of losses against central differences of their values, which are summed in
 * double. Logits and steps are multiples of 2^-10, so that steps are exact in float. */
#include <math.h>
#include <string.h>

#include "train/gradcheck.h"

enum { IMAGES = 6, CLASSES = 5, LOGITS = IMAGES * CLASSES };

/* Every case of a loss: labels alone, mixed, and with weighed classes. */
const slc_gradcheck_loss_case slc_gradcheck_loss_cases[] = {
    {"bce", "{}", false, false},
    {"bce", "{smoothing: 0.1}", true, true},
    {"cross_entropy", "{}", false, false},
    {"cross_entropy", "{smoothing: 0.1}", true, false},
    {"cross_entropy", "{smoothing: 0.1}", true, true},
    {"focal", "{}", false, false},
    {"focal", "{gamma: 0.5, smoothing: 0.1}", true, true},
    {"jsd", "{}", false, false},
    {"jsd", "{views: 2, smoothing: 0.1}", true, true},
    {"mse", "{}", false, false},
    {"mse", "{smoothing: 0.1}", true, true},
    {NULL, NULL, false, false},
};

typedef struct check {
    const slc_loss *loss;
    const void *settings;
    slc_targets targets;
    const float *weight;
    float logits[LOGITS];
} check;

static double value(const check *c, float *gradient)
{
    double v;
    c->loss->run(c->settings, c->logits, &c->targets, IMAGES, CLASSES, c->weight, &v,
                 gradient, NULL);
    return v;
}

static double slope(check *c, size_t i, float h)
{
    const float z = c->logits[i];
    c->logits[i] = z + h;
    const double up = value(c, NULL);
    c->logits[i] = z - h;
    const double down = value(c, NULL);
    c->logits[i] = z;
    return (up - down) / (2 * (double)h);
}

/* Two steps and Richardson's extrapolation: the error is of order h^4. */
static double derivative(check *c, size_t i)
{
    const float h = 0x1p-8f;
    return (4 * slope(c, i, h / 2) - slope(c, i, h)) / 3;
}

slc_status slc_gradcheck_loss(double *error, const slc_gradcheck_loss_case *what,
                              slc_err *err)
{
    static const int32_t label_a[IMAGES] = {0, 3, 4, 1, 2, 2},
                         label_b[IMAGES] = {1, 3, 0, 2, 2, 0};
    static const float lambda[IMAGES] = {0.7f, 1, 0.25f, 0.5f, 0.9f, 1},
                       weight[CLASSES] = {1, 0.5f, 2, 1.5f, 3};
    slc_arena arena = {0};
    slc_node *node;
    float gradient[LOGITS];
    double wrong = 0, right = 0;
    check c = {
        .targets = {label_a, what->mixed ? label_b : NULL, what->mixed ? lambda : NULL},
        .weight = what->weighted ? weight : NULL};

    c.loss =
        slc_entry_find((const void *const *)slc_losses, "loss", what->loss, NULL, err);
    if (!c.loss) return err->code;
    void *settings = slc_arena_zero(&arena, 1, c.loss->entry.settings_size + 1);
    slc_status st = settings ? slc_node_parse(&node, &arena, what->settings,
                                              strlen(what->settings), what->loss, err)
                             : slc_fail(err, SLC_ENOMEM, "gradcheck: memory ran out");
    if (st == SLC_OK)
        st = slc_params_bind(c.loss->entry.params, settings, node, true, what->loss,
                             &arena, err);
    c.settings = settings;
    for (int i = 0; i < LOGITS; i++)
        c.logits[i] = (float)((i * 37 + 11) % 23 - 11) / 8.0f;
    if (st == SLC_OK) value(&c, gradient);
    for (size_t i = 0; st == SLC_OK && i < LOGITS; i++) {
        const double d = derivative(&c, i);
        wrong += (d - (double)gradient[i]) * (d - (double)gradient[i]);
        right += d * d;
    }
    slc_arena_free(&arena);
    *error = right > 0 ? sqrt(wrong / right) : 0;
    return st;
}
