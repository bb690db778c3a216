/* One layer of a net, where it stands: its definition's gradients against central differences
 * along random directions, at (nearly) the numbers that reach it. One direction a tensor checks
 * all of its numbers at once. */
#include "train/inspect/gradcheck_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

/* A tensor or an input: numbers that are moved, their gradient, and the direction. */
typedef struct moved {
    double *value, *gradient, *way, *start;
    size_t size;
} moved;

typedef struct trial {
    const slc_layer *layer;
    slc_ref ref;
    double *y, *dy;
    size_t outs;
    moved part[SLC_MAX_INPUTS + SLC_MAX_TENSORS];
    size_t parts;
    slc_rng rng;
} trial;

static void draw(slc_rng *rng, double *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = slc_rng_normal(rng);
}

/* A copy of n numbers with room for their gradient; NULL if memory ran out. */
static moved *add_part(trial *t, const double *from, size_t n)
{
    moved *m = &t->part[t->parts];
    double *room = calloc(4 * n + 1, sizeof(*room));
    if (!room) return NULL;
    *m = (moved){room, room + n, room + 2 * n, room + 3 * n, n};
    memcpy(m->value, from, n * sizeof(*from));
    memcpy(m->start, from, n * sizeof(*from));
    t->parts++;
    return m;
}

static bool open_trial(trial *t, const slc_reference *r, size_t i)
{
    const slc_net_node *node = &r->net->node[i];
    t->layer = node->layer;
    t->ref = slc_reference_at(r, i);
    t->outs = r->n * slc_shape_size(node->out);
    t->y = calloc(2 * t->outs + 1, sizeof(*t->y));
    if (!t->y) return false;
    t->ref.y = t->y;
    t->ref.dy = t->dy = t->y + t->outs;
    for (size_t k = 0; k < node->inputs; k++) {
        moved *m = add_part(t, t->ref.x[k], r->n * slc_shape_size(node->in[k]));
        if (!m) return false;
        t->ref.x[k] = m->value;
        t->ref.dx[k] = m->gradient;
    }
    for (size_t k = 0; k < node->tensors; k++) {
        if (!t->ref.dt[k]) continue; /* a buffer */
        moved *m = add_part(t, t->ref.t[k], r->net->tensor[node->tensor + k].size);
        if (!m) return false;
        t->ref.t[k] = m->value;
        t->ref.dt[k] = m->gradient;
    }
    return true;
}

static void close_trial(trial *t)
{
    for (size_t k = 0; k < t->parts; k++)
        free(t->part[k].value);
    free(t->y);
}

/* The layer's outputs times dy, with part m moved by h along its way. */
static double value_at(trial *t, moved *m, double h)
{
    double sum = 0;
    for (size_t i = 0; i < m->size; i++)
        m->value[i] = m->start[i] + h * m->way[i];
    t->layer->forward(&t->ref);
    for (size_t i = 0; i < t->outs; i++)
        sum += t->y[i] * t->dy[i];
    return sum;
}

static double slope(trial *t, moved *m, double h)
{
    return (value_at(t, m, h) - value_at(t, m, -h)) / (2 * h);
}

/* Inputs a hundredth off, so that equal ones (zeros behind a relu, in a max pool) do not lie
 * at a kink in every direction. */
static void shake(trial *t, moved *m)
{
    double square = 0;
    for (size_t i = 0; i < m->size; i++)
        square += m->start[i] * m->start[i];
    const double by = 0.01 * sqrt(square / (double)slc_max(m->size, 1)) + 1e-6;
    for (size_t i = 0; i < m->size; i++)
        m->value[i] = m->start[i] += by * slc_rng_normal(&t->rng);
}

/* A direction that moves about one number in `every`, and the length of the gradient there. */
static double draw_way(trial *t, moved *m, size_t every)
{
    double length = 0;
    for (size_t i = 0; i < m->size; i++) {
        const bool moves = every == 1 || slc_rng_below(&t->rng, every) == 0;
        m->way[i] = moves ? slc_rng_normal(&t->rng) : 0;
        if (moves) length += m->gradient[i] * m->gradient[i];
    }
    return sqrt(length) + 1e-3; /* outputs have gradients of about 1: zero is possible */
}

/* The error along one direction over the gradient's length; < 0: every direction tried led
 * over a kink, where two steps disagree. Among very many numbers some lie at a kink whatever
 * the direction, so that later ones move fewer. */
static double error_of(trial *t, moved *m)
{
    static const size_t every[] = {1, 1, 16, 256, 4096};
    const double h = 1e-6;
    for (size_t i = 0; i < SLC_COUNT(every) && every[i] <= m->size; i++) {
        const double length = draw_way(t, m, every[i]);
        double along = 0;
        for (size_t k = 0; k < m->size; k++)
            along += m->gradient[k] * m->way[k];
        const double coarse = slope(t, m, 2 * h), fine = slope(t, m, h);
        memcpy(m->value, m->start, m->size * sizeof(*m->value));
        if (fabs(coarse - fine) < 1e-6 * length) return fabs(fine - along) / length;
    }
    return -1;
}

slc_status slc_gradcheck_in_place(double *error, size_t *skipped, const slc_reference *r,
                                  size_t node, uint64_t seed, slc_err *err)
{
    trial t = {.rng = slc_rng_at(seed, 4, node, SLC_SLOT_INIT)};
    slc_status st = SLC_OK;
    *error = -1;
    if (!open_trial(&t, r, node)) {
        st = slc_fail(err, SLC_ENOMEM, "gradcheck: memory ran out");
        goto done;
    }
    draw(&t.rng, t.dy, t.outs);
    for (size_t k = 0; k < r->net->node[node].inputs; k++)
        shake(&t, &t.part[k]);
    t.layer->forward(&t.ref);
    t.layer->backward(&t.ref);
    for (size_t k = 0; k < t.parts; k++) {
        const double e = error_of(&t, &t.part[k]);
        *skipped += e < 0;
        *error = fmax(*error, e);
    }
done:
    close_trial(&t);
    return st;
}
