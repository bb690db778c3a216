/* The registry of layers. */
#include <string.h>

#include "train/layer.h"

#define SLC_LAYER(name) extern const slc_layer slc_layer_##name;
#include "train/layer/layer_list.h"
#undef SLC_LAYER

const slc_layer *const slc_layers[] = {
#define SLC_LAYER(name) &slc_layer_##name,
#include "train/layer/layer_list.h"
#undef SLC_LAYER
    NULL};

const slc_layer *slc_layer_named(const char *name)
{
    for (size_t i = 0; slc_layers[i]; i++)
        if (strcmp(slc_layers[i]->entry.name, name) == 0) return slc_layers[i];
    return NULL;
}

size_t slc_window_out(size_t size, int64_t kernel, int64_t stride, int64_t padding,
                      int64_t dilation)
{
    const int64_t room = (int64_t)size + 2 * padding - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : (size_t)(room / stride + 1);
}
