#include <string.h>

#include "augment/op.h"

#define SLC_OP(name) extern const slc_op slc_op_##name;
#include "augment/op/op_list.h"
#undef SLC_OP

const slc_op *const slc_ops[] = {
#define SLC_OP(name) &slc_op_##name,
#include "augment/op/op_list.h"
#undef SLC_OP
    NULL,
};

const slc_op *slc_op_find(const char *name)
{
    for (const slc_op *const *op = slc_ops; *op; op++)
        if (strcmp((*op)->entry.name, name) == 0) return *op;
    return NULL;
}

const char *const slc_filter_names[] = {
    "nearest", "nearest_exact", "box",         "bilinear",      "hamming", "bicubic",
    "lanczos", "mitchell",      "catmull_rom", "cubic_bspline", NULL,
};

const char *const slc_border_names[] = {"constant", "edge", "reflect", "symmetric", NULL};

const char *const slc_warp_filter_names[] = {"nearest", "bilinear", "bicubic", NULL};

slc_status slc_filter_check(int filter, bool antialias, bool linear_light, slc_err *err)
{
    const bool stb = filter >= SLC_MITCHELL;
    const bool both =
        filter == SLC_BOX || filter == SLC_BILINEAR || filter == SLC_BICUBIC;
    if (linear_light && !stb && !both)
        return slc_fail(err, SLC_EINVAL, "linear_light: not with interpolation %s",
                        slc_filter_names[filter]);
    if (!antialias && (stb || linear_light))
        return slc_fail(err, SLC_EINVAL, "antialias: interpolation %s%s always has it",
                        slc_filter_names[filter], linear_light ? " in linear light" : "");
    return SLC_OK;
}
