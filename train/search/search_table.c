#include "train/search.h"

#define SLC_SEARCH(name) extern const slc_search slc_search_##name;
#include "train/search/search_list.h"
#undef SLC_SEARCH

const slc_search *const slc_searches[] = {
#define SLC_SEARCH(name) &slc_search_##name,
#include "train/search/search_list.h"
#undef SLC_SEARCH
    NULL,
};
