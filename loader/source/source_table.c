/* The kinds of sources, from source_list.h. */
#include "loader/source/source_impl.h"

const slc_source_kind *const slc_source_kinds[] = {
#define SLC_SOURCE(name) &slc_source_kind_##name,
#include "loader/source/source_list.h"
#undef SLC_SOURCE
    NULL,
};
