#include "augment/kernel/tint.h"

#include "augment/kernel/planes_avx512.h"

#define TINT slc_tint_avx512
#include "augment/kernel/tint_body.h"
