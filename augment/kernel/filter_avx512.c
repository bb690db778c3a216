#include "augment/kernel/filter_pairs.h"

#define FILTERS slc_filters_avx512
#include "augment/kernel/filter_body.h"
