#include "train/loss.h"

#define SLC_LOSS(name) extern const slc_loss slc_loss_##name;
#include "train/loss/loss_list.h"
#undef SLC_LOSS

const slc_loss *const slc_losses[] = {
#define SLC_LOSS(name) &slc_loss_##name,
#include "train/loss/loss_list.h"
#undef SLC_LOSS
    NULL,
};
