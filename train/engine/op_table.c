/* Which run belongs to which layer. */
#include <stddef.h>

#include "train/engine/op.h"

#define SLC_RUN(name)                                                                    \
    extern const slc_layer slc_layer_##name;                                             \
    extern const slc_run slc_run_##name;
#include "train/engine/op_list.h"
#undef SLC_RUN

const slc_run *slc_run_of(const slc_layer *layer)
{
    static const struct {
        const slc_layer *layer;
        const slc_run *run;
    } table[] = {
#define SLC_RUN(name) {&slc_layer_##name, &slc_run_##name},
#include "train/engine/op_list.h"
#undef SLC_RUN
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].layer == layer) return table[i].run;
    return NULL;
}
