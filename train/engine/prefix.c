/* The frozen beginning of a net: tasks that neither learn nor draw and hand on one value. What
 * it makes of an image stays the same from epoch to epoch and can be kept. */
#include <string.h>

#include "train/engine/exec.h"

static int root_of(const slc_runplan *plan, int value)
{
    return plan->value[value].root;
}

/* Whether the first count tasks made this value, or it is the input. */
static bool made_before(const slc_runplan *plan, size_t count, int root)
{
    for (size_t i = 0; i < count; i++)
        if (root_of(plan, plan->task[i].out) == root) return true;
    return root == 0;
}

/* Whether the tasks from count on read nothing from before but the last result there. */
static bool hands_on_one_value(const slc_runplan *plan, size_t count)
{
    const int only = root_of(plan, plan->task[count - 1].out);
    for (size_t i = count; i < plan->tasks; i++) {
        const slc_task *t = &plan->task[i];
        for (size_t k = 0; k <= t->inputs; k++) {
            const int value = k < t->inputs ? t->in[k] : t->add;
            if (value < 0) continue;
            const int root = root_of(plan, value);
            if (root != only && made_before(plan, count, root)) return false;
        }
    }
    return true;
}

/* How many tasks it has: as many as possible, and a product among them. */
static size_t length(const slc_runplan *plan)
{
    size_t best = 0;
    bool worth = false;
    for (size_t i = 0; i + 1 < plan->tasks; i++) {
        const slc_task *t = &plan->task[i];
        if (t->backward || t->op->draws) break;
        worth |= t->op->product;
        if (worth && hands_on_one_value(plan, i + 1)) best = i + 1;
    }
    return best;
}

static size_t bytes_of(const slc_exec *ex, int value)
{
    const slc_runplan *plan = &ex->plan[1];
    return slc_shape_size(plan->value[root_of(plan, value)].shape) *
           slc_dtype_size(ex->type);
}

size_t slc_exec_prefix_bytes(const slc_exec *ex)
{
    const slc_runplan *plan = &ex->plan[1];
    /* with checkpoints, a segment that runs again may begin inside */
    const size_t n = ex->inference || ex->checkpoints ? 0 : length(plan);
    return n ? bytes_of(ex, plan->task[n - 1].out) : 0;
}

slc_status slc_exec_prefix(slc_exec *ex, const slc_view *x, const slc_pass *pass,
                           void *out, slc_err *err)
{
    const slc_status st = slc_exec_begin(ex, x, pass, err);
    if (st != SLC_OK) return st;
    const size_t n = length(ex->last);
    const int cut = ex->last->task[n - 1].out;
    slc_exec_tasks(ex, pass, 0, n);
    memcpy(out, slc_exec_value(ex, ex->last, cut), x->n * bytes_of(ex, cut));
    ex->last = NULL; /* there are no logits to go back from */
    return SLC_OK;
}

slc_status slc_exec_suffix(slc_exec *ex, const void *features, size_t n,
                           const slc_pass *pass, slc_err *err)
{
    const slc_view none = {.type = ex->type, .layout = SLC_NHWC, .n = n};
    const slc_status st = slc_exec_begin(ex, &none, pass, err);
    if (st != SLC_OK) return st;
    const size_t from = length(ex->last);
    const int cut = ex->last->task[from - 1].out;
    memcpy(slc_exec_value(ex, ex->last, cut), features, n * bytes_of(ex, cut));
    ex->skipped = (size_t)cut;
    slc_exec_tasks(ex, pass, from, ex->last->tasks);
    return slc_exec_end(ex, err);
}
