/* timm's names for the tensors of nets that bear torchvision's here. Its resnets have the same. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "train/checkpoint.h"

typedef struct pair {
    const char *ours, *timm;
} pair;

/* Beginnings of names, of mobilenet_v2 and then of the vggs. */
static const pair fixed[] = {{"features.0.0.", "conv_stem."},
                             {"features.0.1.", "bn1."},
                             {"features.1.conv.0.0.", "blocks.0.0.conv_dw."},
                             {"features.1.conv.0.1.", "blocks.0.0.bn1."},
                             {"features.1.conv.1.", "blocks.0.0.conv_pw."},
                             {"features.1.conv.2.", "blocks.0.0.bn2."},
                             {"features.18.0.", "conv_head."},
                             {"features.18.1.", "bn2."},
                             {"classifier.1.", "classifier."},
                             {"classifier.0.", "pre_logits.fc1."},
                             {"classifier.3.", "pre_logits.fc2."},
                             {"classifier.6.", "head.fc."}};

/* Inside an inverted residual of mobilenet_v2, after "features.N." and "blocks.STAGE.INDEX.". */
static const pair inside[] = {{"conv.0.0.", "conv_pw."}, {"conv.0.1.", "bn1."},
                              {"conv.1.0.", "conv_dw."}, {"conv.1.1.", "bn2."},
                              {"conv.2.", "conv_pwl."},  {"conv.3.", "bn3."}};

static const pair *find(const pair *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(name, list[i].ours, strlen(list[i].ours)) == 0) return &list[i];
    return NULL;
}

bool slc_timm_name(const char *name, char *out, size_t size)
{
    static const unsigned repeats[] = {2, 3, 4, 3, 3, 1}; /* of stages 1 to 6 */
    unsigned block;
    int used = 0;
    const pair *p = find(fixed, SLC_COUNT(fixed), name);
    if (p) {
        snprintf(out, size, "%s%s", p->timm, name + strlen(p->ours));
        return true;
    }
    if (sscanf(name, "features.%2u.%n", &block, &used) != 1 || used == 0 || block < 2)
        return false;
    p = find(inside, SLC_COUNT(inside), name + used);
    size_t stage = 0;
    for (block -= 2; stage < SLC_COUNT(repeats) && block >= repeats[stage]; stage++)
        block -= repeats[stage];
    if (!p || stage == SLC_COUNT(repeats)) return false;
    snprintf(out, size, "blocks.%zu.%u.%s%s", stage + 1, block, p->timm,
             name + used + strlen(p->ours));
    return true;
}

const slc_blob *slc_tensors_seek(const slc_tensors *file, const char *name)
{
    char other[128];
    const slc_blob *blob = slc_tensors_find(file, name);
    return !blob && slc_timm_name(name, other, sizeof(other))
               ? slc_tensors_find(file, other)
               : blob;
}
