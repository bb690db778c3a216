/* Class names become numbers. */
#include <stdlib.h>
#include <string.h>

#include "loader/source/source_impl.h"

typedef struct named {
    const char *text;
    size_t at;
} named;

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const named *)a)->text, ((const named *)b)->text);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = 0, y = 0;
    slc_parse_int(((const named *)a)->text, &x);
    slc_parse_int(((const named *)b)->text, &y);
    return x < y ? -1 : x > y ? 1 : by_bytes(a, b);
}

static bool all_numbers(const char *const *texts, size_t count)
{
    int64_t value;
    for (size_t i = 0; i < count; i++)
        if (!slc_parse_int(texts[i], &value)) return false;
    return true;
}

slc_status slc_classes_number(slc_source *s, const char *const *texts, size_t count,
                              int32_t *new_label, slc_err *err)
{
    named *list = malloc((count + 1) * sizeof(*list));
    const char **names = slc_arena_zero(&s->arena, count + 1, sizeof(*names));
    if (!list || !names) {
        free(list);
        return slc_fail(err, SLC_ENOMEM, "classes: out of memory");
    }
    for (size_t i = 0; i < count; i++)
        list[i] = (named){texts[i], i};
    qsort(list, count, sizeof(*list), all_numbers(texts, count) ? by_value : by_bytes);
    size_t classes = 0;
    for (size_t i = 0; i < count; i++) {
        if (classes == 0 || strcmp(names[classes - 1], list[i].text) != 0)
            names[classes++] = list[i].text;
        new_label[list[i].at] = (int32_t)(classes - 1);
    }
    free(list);
    s->classes = classes;
    s->class_names = names;
    return SLC_OK;
}

typedef struct name_list {
    const char *const *v;
    size_t n;
} name_list;

static const char *next_name(const void *of, size_t i)
{
    const name_list *list = of;
    return i < list->n ? list->v[i] : NULL;
}

slc_status slc_classes_pick(slc_source *s, const slc_texts *names, int32_t *new_label,
                            slc_err *err)
{
    const name_list have = {s->class_names, s->classes};
    const char **picked = slc_arena_zero(&s->arena, names->n + 1, sizeof(*picked));
    if (!picked) return slc_fail(err, SLC_ENOMEM, "classes: out of memory");
    for (size_t i = 0; i < s->classes; i++)
        new_label[i] = -1;
    for (size_t k = 0; k < names->n; k++) {
        size_t i = 0;
        while (i < s->classes && strcmp(s->class_names[i], names->v[k]) != 0)
            i++;
        if (i == s->classes) {
            const char *near = slc_suggest(names->v[k], next_name, &have);
            return slc_fail(err, SLC_EINVAL, "classes: there is no class \"%s\"%s%s%s",
                            names->v[k], near ? "; did you mean \"" : "",
                            near ? near : "", near ? "\"?" : "");
        }
        if (new_label[i] >= 0)
            return slc_fail(err, SLC_EINVAL, "classes: \"%s\" is named twice",
                            names->v[k]);
        new_label[i] = (int32_t)k;
        picked[k] = slc_arena_text(&s->arena, names->v[k]);
        if (!picked[k]) return slc_fail(err, SLC_ENOMEM, "classes: out of memory");
    }
    s->classes = names->n;
    s->class_names = picked;
    return SLC_OK;
}
