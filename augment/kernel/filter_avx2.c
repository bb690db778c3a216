#include "augment/kernel/filter.h"

#define FILTERS slc_filters_avx2
#include "augment/kernel/filter_body.h"
