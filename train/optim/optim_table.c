#include "train/optim.h"

#define SLC_OPTIM(name) extern const slc_optim slc_optim_##name;
#include "train/optim/optim_list.h"
#undef SLC_OPTIM

const slc_optim *const slc_optims[] = {
#define SLC_OPTIM(name) &slc_optim_##name,
#include "train/optim/optim_list.h"
#undef SLC_OPTIM
    NULL,
};
