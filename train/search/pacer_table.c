#include "train/study.h"

#define SLC_PACER(name) extern const slc_pacer slc_pacer_##name;
#include "train/search/pacer_list.h"
#undef SLC_PACER

const slc_pacer *const slc_pacers[] = {
#define SLC_PACER(name) &slc_pacer_##name,
#include "train/search/pacer_list.h"
#undef SLC_PACER
    NULL,
};

/* Every trial runs through. */
const slc_pacer slc_pacer_none = {
    .entry = {.name = "none", .summary = "every trial runs through", .source = "-"},
};
