/* What the two halves of a study share: opening it (study_open.c), deciding (study.c). */
#ifndef TRAIN_SEARCH_STUDY_IMPL_H
#define TRAIN_SEARCH_STUDY_IMPL_H

#include "train/search/ledger.h"

struct slc_study {
    slc_arena arena;
    slc_ledger *ledger;
    slc_space space;
    const slc_node *recipe;
    slc_tune tune;
    uint64_t epochs;
    char dir[400], owner[96];
    int lock; /* of the running trial's directory: tells the living from the dead */
};

#endif
