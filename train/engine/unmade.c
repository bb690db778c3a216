/* Batch norms whose outputs are never made: a convolution or linear layer that alone reads one
 * normalises its input as it lays it out for the tiles, forward and for its weight gradient: a
 * pass over memory less, each way. Not where outputs are looked at, or whole segments run again. */
#include <string.h>

#include "train/engine/exec.h"

static bool reads_norms(const slc_exec *ex, const slc_task *t)
{
    if (!slc_exec_is_product(t)) return false;
    const slc_geom g = slc_exec_geom(t, ex->batch, true);
    const slc_engine *own = slc_engine_own(&g, ex->multiplies);
    return ex->type == ex->multiplies && own && own->reads_norm && own->reads_norm(&g);
}

void slc_runplan_unmake(const slc_exec *ex, slc_runplan *plan, const size_t *readers)
{
    for (size_t i = 0; i < plan->tasks && !ex->keeps && !ex->checkpoints; i++) {
        slc_task *t = &plan->task[i];
        if (strcmp(t->op->layer, "batch_norm") != 0 || t->add >= 0 || !t->backward ||
            readers[t->out] != 1)
            continue;
        for (size_t k = i + 1; k < plan->tasks; k++) {
            slc_task *r = &plan->task[k];
            if (r->in[0] != t->out || !reads_norms(ex, r)) continue;
            t->unmade = true;
            r->reads_norm = (int)i;
        }
    }
}
