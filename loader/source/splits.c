#include "loader/source/splits.h"

#include <string.h>

#include "base/attr.h"

static const struct {
    const char *split, *name;
} also[] = {
    {"train", "training"}, {"val", "valid"},    {"val", "validation"},
    {"val", "dev"},        {"test", "testing"},
};

static bool is(const char *text, const char *name, size_t size)
{
    return strlen(text) == size && memcmp(text, name, size) == 0;
}

bool slc_split_is(const char *split, const char *name, size_t size)
{
    if (is(split, name, size)) return true;
    for (size_t i = 0; size > 0 && i < SLC_COUNT(also); i++)
        if (strcmp(split, also[i].split) == 0 && is(also[i].name, name, size))
            return true;
    return false;
}
