/* The registry of ready nets. */
#include "train/net.h"

#define SLC_ARCH(name) extern const slc_arch slc_arch_##name;
#include "train/arch/arch_list.h"
#undef SLC_ARCH

const slc_arch *const slc_archs[] = {
#define SLC_ARCH(name) &slc_arch_##name,
#include "train/arch/arch_list.h"
#undef SLC_ARCH
    NULL};
