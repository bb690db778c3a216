/* When each task runs: forward, backward and, with gradient checkpoints, forward again.
 *
 * Chen et al. 2016 (arXiv:1604.06174): the tasks are cut into about sqrt(n) segments where a
 * single value passes from one to the next. Only those values outlive the forward pass; each
 * segment but the last runs forward once more right before it runs backward. The second run
 * reads what the first one read, so gradients have the same bits.
 *
 * Without checkpoints, batch norms' outputs do not outlive the forward pass where their inputs
 * do: a pass over the numbers makes them again, the same bits, right before they are needed
 * (as Bulo et al. 2018, arXiv:1712.02616, who invert instead, and Pleiss et al. 2017,
 * arXiv:1707.06990). */
#include <math.h>
#include <stdlib.h>

#include "train/engine/exec.h"

static int root_of(const slc_runplan *plan, int value)
{
    return plan->value[value].root;
}

static bool reads(const slc_runplan *plan, const slc_task *t, int root)
{
    for (size_t k = 0; k < t->inputs; k++)
        if (root_of(plan, t->in[k]) == root) return true;
    return t->add >= 0 && root_of(plan, t->add) == root;
}

/* One value, and nothing else, goes on from the tasks up to this one, and stays as it is. */
static bool is_narrow(const slc_runplan *plan, size_t task)
{
    const int root = root_of(plan, plan->task[task].out);
    for (size_t j = task + 1; j < plan->tasks; j++) {
        if (root_of(plan, plan->task[j].out) == root) return false;
        for (size_t i = 0; i < task; i++) {
            const int other = root_of(plan, plan->task[i].out);
            if (other != root && reads(plan, &plan->task[j], other)) return false;
        }
    }
    return true;
}

static double size_of(const slc_runplan *plan, size_t task)
{
    return (double)slc_shape_size(plan->value[plan->task[task].out].shape);
}

/* Marks the last task of each segment that runs again: segments of about the same size. */
static void cut(slc_runplan *plan, bool *narrow)
{
    size_t cuts = 0, first = 0;
    double total = 0, sum = 0, done = 0;
    for (size_t i = 0; i < plan->tasks; i++) {
        total += size_of(plan, i);
        narrow[i] = i + 1 < plan->tasks && is_narrow(plan, i);
        cuts += narrow[i];
    }
    const double part = total / ceil(sqrt((double)cuts + 1));
    for (size_t i = 0; i < plan->tasks; i++) {
        sum += size_of(plan, i);
        if (!narrow[i] || sum - done < part) continue;
        plan->task[i].again_from = (int)first;
        first = i + 1;
        done = sum;
    }
}

/* A segment that does not learn need not run again. */
static bool learns(const slc_runplan *plan, int from, int to)
{
    for (int i = from; i <= to; i++)
        if (plan->task[i].backward) return true;
    return false;
}

/* The one task whose output lies there; NULL if there are more, or none. */
static slc_task *maker_of(const slc_runplan *plan, int root)
{
    slc_task *maker = NULL;
    for (size_t i = 0; i < plan->tasks; i++) {
        if (root_of(plan, plan->task[i].out) != root) continue;
        if (maker) return NULL;
        maker = &plan->task[i];
    }
    return maker;
}

/* The backward of t reads this value: whether it is made again now, as that is cheap, and
 * what it takes is there: x, which its backward reads later, and what was added, which is not
 * made again itself but kept for somebody's backward. */
static bool make_again(slc_runplan *plan, const bool *kept, slc_task *t, int value,
                       int now)
{
    const int root = root_of(plan, value);
    slc_task *maker = maker_of(plan, root);
    if (!maker || !maker->op->again_is_cheap || !maker->backward || maker->again >= 0 ||
        maker->unmade)
        return false;
    if (root_of(plan, maker->in[0]) == root) return false;
    if (maker->add >= 0 && !kept[root_of(plan, maker->add)]) return false;
    maker->lazy = (int)(t - plan->task);
    t->renewed[t->renewing++] = (int)(maker - plan->task);
    maker->again = now;
    plan->value[root].made_again = now;
    return true;
}

/* Whatever t's backward reads; the time after it. */
static int make_all_again(slc_runplan *plan, const bool *kept, slc_task *t, int now)
{
    bool any = false;
    for (size_t k = 0; k < t->inputs && t->op->keeps_x; k++)
        any |= make_again(plan, kept, t, t->in[k], now);
    if (t->op->keeps_y || (t->add >= 0 && t->fused_clamp))
        any |= make_again(plan, kept, t, t->out, now);
    return now + any;
}

/* Values that backward reads, and that do not run again. From the front: what is added was
 * decided upon before. */
static void mark_kept(const slc_runplan *plan, bool *kept)
{
    for (size_t i = 0; i < plan->tasks; i++) {
        const slc_task *t = &plan->task[i];
        for (size_t k = 0; k < t->inputs; k++)
            if (t->backward && t->op->keeps_x) kept[root_of(plan, t->in[k])] = true;
        if (t->backward && t->op->keeps_y) kept[root_of(plan, t->out)] = true;
    }
    kept[0] = false; /* the images may lie elsewhere */
    for (size_t i = 0; i < plan->tasks; i++) {
        const slc_task *t = &plan->task[i];
        if (!t->op->again_is_cheap || !t->backward) continue;
        if (t->add < 0 || kept[root_of(plan, t->add)])
            kept[root_of(plan, t->out)] = false;
    }
}

bool slc_runplan_time(slc_runplan *plan, size_t nodes, bool checkpoints, bool lazy)
{
    bool *narrow = calloc(plan->tasks + 1, sizeof(*narrow));
    bool *kept = calloc(nodes + 1, sizeof(*kept));
    int now = (int)plan->tasks;
    if (!narrow || !kept) {
        free(narrow), free(kept);
        return false;
    }
    mark_kept(plan, kept);
    for (size_t i = 0; i < plan->tasks; i++) {
        slc_task *t = &plan->task[i];
        t->again = t->again_from = t->lazy = -1;
        t->renewing = 0;
    }
    if (checkpoints) cut(plan, narrow);
    for (int i = (int)plan->tasks - 1; i >= 0; i--) {
        slc_task *t = &plan->task[i];
        if (t->again_from >= 0 && !learns(plan, t->again_from, i)) t->again_from = -1;
        for (int j = t->again_from; t->again_from >= 0 && j <= i; j++) {
            plan->task[j].again = now++;
            slc_value *v = &plan->value[root_of(plan, plan->task[j].out)];
            if (v->made_again < 0) v->made_again = plan->task[j].again;
        }
        if (lazy && t->backward) now = make_all_again(plan, kept, t, now);
        t->back = now++;
    }
    free(narrow);
    free(kept);
    return true;
}
