#include "augment/kernel/tint.h"

#include "augment/kernel/planes_avx2.h"

#define TINT slc_tint_avx2
#include "augment/kernel/tint_body.h"
