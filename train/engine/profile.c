/* What the clock saw of the last training step, and the limit to hold it against. */
#include "train/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/engine/exec.h"
#include "train/gemm.h"

slc_status slc_exec_profile(slc_exec *ex, bool on, slc_err *err)
{
    free(ex->spent);
    ex->spent = NULL;
    if (!on) return SLC_OK;
    ex->spent = calloc(ex->net->nodes * SLC_PARTS, sizeof(*ex->spent));
    return ex->spent ? SLC_OK : slc_fail(err, SLC_ENOMEM, "profile: memory ran out");
}

slc_profile_row slc_exec_profile_row(const slc_exec *ex, size_t i)
{
    const slc_task *t = &ex->plan[1].task[i];
    const double gflop = t->op->product ? t->node->flops * (double)ex->view.n / 1e9 : 0;
    slc_profile_row row = {.name = t->node->name,
                           .type = t->node->layer->entry.name,
                           .add = t->add >= 0,
                           .relu = t->fused_clamp,
                           .channels = t->node->out.c,
                           .height = t->node->out.h,
                           .width = t->node->out.w};
    row.gflop[SLC_PART_FORWARD] = gflop;
    if (t->backward && t->wants_dx[0]) row.gflop[SLC_PART_DATA] = gflop;
    if (t->backward && !t->frozen) row.gflop[SLC_PART_WEIGHTS] = gflop;
    for (size_t k = 0; k < SLC_PARTS; k++)
        row.ms[k] = (double)ex->spent[i * SLC_PARTS + k] / 1e6;
    return row;
}

double slc_product_limit(size_t threads)
{
    enum { SIDE = 1024, ROUNDS = 6, AREA = SIDE * SIDE };
    float *room = calloc(threads * 3 * AREA, sizeof(*room));
    double best = INFINITY;
    if (!room) return 0;
    for (size_t i = 0; i < threads * 3 * AREA; i++)
        room[i] = (float)(i % 7);
    for (size_t round = 0; round < ROUNDS; round++) {
        const uint64_t start = slc_clock_ns();
#pragma omp parallel for num_threads((int)threads) schedule(static)
        for (size_t i = 0; i < threads; i++) {
            float *a = room + i * 3 * AREA;
            slc_gemm(false, false, SIDE, SIDE, SIDE, a, SIDE, a + AREA, SIDE, 0,
                     a + 2 * AREA, SIDE);
        }
        best = fmin(best, (double)(slc_clock_ns() - start));
    }
    free(room);
    return 2.0 * SIDE * SIDE * SIDE * (double)threads / best;
}
