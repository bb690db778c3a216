/* When each task runs: forward, backward and, with gradient checkpoints, forward again.
 *
 * Chen et al. 2016 (arXiv:1604.06174): the tasks are cut into about sqrt(n) segments where a
 * single value passes from one to the next. Only those values outlive the forward pass; each
 * segment but the last runs forward once more right before it runs backward. The second run
 * reads what the first one read, so gradients have the same bits. */
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

bool slc_runplan_time(slc_runplan *plan, bool checkpoints)
{
    bool *narrow = calloc(plan->tasks + 1, sizeof(*narrow));
    int now = (int)plan->tasks;
    if (!narrow) return false;
    for (size_t i = 0; i < plan->tasks; i++)
        plan->task[i].again = plan->task[i].again_from = -1;
    if (checkpoints) cut(plan, narrow);
    for (int i = (int)plan->tasks - 1; i >= 0; i--) {
        slc_task *t = &plan->task[i];
        if (t->again_from >= 0 && !learns(plan, t->again_from, i)) t->again_from = -1;
        for (int j = t->again_from; t->again_from >= 0 && j <= i; j++) {
            plan->task[j].again = now++;
            slc_value *v = &plan->value[root_of(plan, plan->task[j].out)];
            if (v->made_again < 0) v->made_again = plan->task[j].again;
        }
        t->back = now++;
    }
    free(narrow);
    return true;
}
