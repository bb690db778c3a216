/* The registry of ways to start weights. */
#include "train/net.h"

#define SLC_INIT(name) extern const slc_init slc_init_##name;
#include "train/init/init_list.h"
#undef SLC_INIT

const slc_init *const slc_inits[] = {
#define SLC_INIT(name) &slc_init_##name,
#include "train/init/init_list.h"
#undef SLC_INIT
    NULL};
