#include "base/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One field on its way from YAML into a settings struct. */
typedef struct binding {
    const slc_param *param;
    void *field;
    const slc_node *node;
    const char *what; /* "op resize" */
    slc_arena *arena;
    slc_err *err;
} binding;

static slc_status no_memory(slc_err *err, const char *what)
{
    return slc_fail(err, SLC_ENOMEM, "%s: out of memory", what);
}

/* `recipe.yaml:4: op hflip: p is "often", not a number`; node is the value at fault. */
static slc_status wrong(const binding *b, const slc_node *node, const char *wanted)
{
    static const char *const kind[] = {
        [SLC_NODE_NULL] = "empty", [SLC_NODE_LIST] = "a list", [SLC_NODE_MAP] = "a map"};
    const char *name = b->param->name;
    if (node->kind != SLC_NODE_SCALAR)
        return slc_node_fail(b->err, node, "%s: %s is %s, not %s", b->what, name,
                             kind[node->kind], wanted);
    return slc_node_fail(b->err, node, "%s: %s is \"%.80s\"%s, not %s", b->what, name,
                         node->text, node->quoted ? " (a text)" : "", wanted);
}

static slc_status bind_bool(const binding *b)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no",
                                                                           "off"};
    if (b->node->kind == SLC_NODE_SCALAR && !b->node->quoted) {
        for (size_t i = 0; i < SLC_COUNT(yes); i++) {
            const bool is_yes = strcasecmp(b->node->text, yes[i]) == 0;
            if (!is_yes && strcasecmp(b->node->text, no[i]) != 0) continue;
            *(bool *)b->field = is_yes;
            return SLC_OK;
        }
    }
    return wrong(b, b->node, "true or false");
}

static slc_status check_range(const binding *b, const slc_node *node, double value)
{
    char lo[32], hi[32];
    const slc_param *p = b->param;
    if (p->lo == 0 && p->hi == 0) return SLC_OK;
    if (value >= p->lo && value <= p->hi) return SLC_OK;
    slc_format_real(p->lo, lo, sizeof(lo));
    slc_format_real(p->hi, hi, sizeof(hi));
    return slc_node_fail(b->err, node, "%s: %s is %.80s, not within %s to %s", b->what,
                         p->name, node->text, lo, hi);
}

static slc_status bind_int(const binding *b)
{
    int64_t value;
    if (b->node->kind != SLC_NODE_SCALAR || b->node->quoted ||
        !slc_parse_int(b->node->text, &value))
        return wrong(b, b->node, "a whole number");
    *(int64_t *)b->field = value;
    return check_range(b, b->node, (double)value);
}

static slc_status read_real(const binding *b, const slc_node *node, double *out)
{
    if (node->kind != SLC_NODE_SCALAR || node->quoted || !slc_parse_real(node->text, out))
        return wrong(b, node, "a number");
    return check_range(b, node, *out);
}

static slc_status bind_real(const binding *b)
{
    return read_real(b, b->node, b->field);
}

/* Empty stands for "none" where the default is empty, and is a mistake elsewhere. */
static slc_status bind_text(const binding *b)
{
    const char **field = b->field;
    if (b->node->kind == SLC_NODE_NULL && b->param->initial && !*b->param->initial) {
        *field = NULL;
        return SLC_OK;
    }
    if (b->node->kind != SLC_NODE_SCALAR) return wrong(b, b->node, "a text");
    *field = b->node->text;
    return SLC_OK;
}

static const char *nth_choice(const void *of, size_t i)
{
    return ((const slc_param *)of)->choices[i];
}

/* "a, b or c" into out. */
static void list_names(char *out, size_t size, const char *(*nth)(const void *, size_t),
                       const void *of)
{
    size_t used = 0;
    for (size_t i = 0; nth(of, i) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 i == 0           ? ""
                                 : nth(of, i + 1) ? ", "
                                                  : " or ",
                                 nth(of, i));
}

/* The index of the name that node holds, or an error that lists them. */
static slc_status find_choice(const binding *b, const slc_node *node, int *out)
{
    const slc_param *p = b->param;
    const char *text = node->kind == SLC_NODE_SCALAR ? node->text : NULL;
    int count = 0;
    for (; p->choices[count]; count++) {
        if (!text || strcmp(text, p->choices[count]) != 0) continue;
        *out = count;
        return SLC_OK;
    }

    char wanted[300] = "one of the choices";
    if (count <= 16) list_names(wanted, sizeof(wanted), nth_choice, p);
    const char *near = text ? slc_suggest(text, nth_choice, p) : NULL;
    if (!near) return wrong(b, node, wanted);

    char with_hint[400];
    snprintf(with_hint, sizeof(with_hint), "%s; did you mean \"%s\"?", wanted, near);
    return wrong(b, node, with_hint);
}

static slc_status bind_choice(const binding *b)
{
    return find_choice(b, b->node, b->field);
}

static slc_status bind_reals(const binding *b)
{
    slc_reals *field = b->field;
    const slc_param *p = b->param;
    const bool one = p->min_count == 0 && p->max_count == 0;
    const size_t least = one ? 1 : p->min_count;
    size_t most = one ? 1 : p->max_count;
    if (most > SLC_MAX_REALS) most = SLC_MAX_REALS;

    if (b->node->kind == SLC_NODE_MAP)
        return wrong(b, b->node, "a number or a list of them");
    const bool list = b->node->kind == SLC_NODE_LIST;
    const size_t n = list ? b->node->count : b->node->kind == SLC_NODE_SCALAR;
    if (n < least || n > most || (p->one_or_all && n > 1 && n < most)) {
        if (!list) return wrong(b, b->node, least > 1 ? "a list of numbers" : "a number");
        if (least == most)
            return slc_node_fail(b->err, b->node, "%s: %s has %zu numbers, not %zu",
                                 b->what, p->name, n, least);
        return slc_node_fail(b->err, b->node, "%s: %s has %zu numbers, not %zu %s %zu",
                             b->what, p->name, n, least, p->one_or_all ? "or" : "to",
                             most);
    }
    *field = (slc_reals){.n = n};
    const slc_node *node = list ? b->node->first : b->node;
    for (size_t i = 0; i < n; i++, node = node->next) {
        const slc_status st = read_real(b, node, &field->v[i]);
        if (st != SLC_OK) return st;
        if (p->whole && field->v[i] != floor(field->v[i]))
            return wrong(b, node, "a whole number");
    }
    return SLC_OK;
}

static slc_status bind_texts(const binding *b)
{
    slc_texts *field = b->field;
    *field = (slc_texts){0};
    if (b->node->kind == SLC_NODE_NULL) return SLC_OK;
    if (b->node->kind == SLC_NODE_MAP)
        return wrong(b, b->node, "a text or a list of them");
    const bool list = b->node->kind == SLC_NODE_LIST;
    const size_t n = list ? b->node->count : 1;
    if (n == 0) return SLC_OK;

    field->v = slc_arena_zero(b->arena, n, sizeof(*field->v));
    if (!field->v) return no_memory(b->err, b->what);
    const slc_node *node = list ? b->node->first : b->node;
    for (; field->n < n; field->n++, node = node->next) {
        int which = 0;
        if (node->kind != SLC_NODE_SCALAR) return wrong(b, node, "a list of texts");
        const slc_status st = b->param->choices ? find_choice(b, node, &which) : SLC_OK;
        if (st != SLC_OK) return st;
        field->v[field->n] = node->text;
    }
    return SLC_OK;
}

static slc_status bind_node(const binding *b)
{
    *(const slc_node **)b->field = b->node->kind == SLC_NODE_NULL ? NULL : b->node;
    return SLC_OK;
}

static slc_status bind_field(const binding *b)
{
    static slc_status (*const bind[])(const binding *) = {
        [SLC_PARAM_BOOL] = bind_bool,     [SLC_PARAM_INT] = bind_int,
        [SLC_PARAM_REAL] = bind_real,     [SLC_PARAM_TEXT] = bind_text,
        [SLC_PARAM_CHOICE] = bind_choice, [SLC_PARAM_REALS] = bind_reals,
        [SLC_PARAM_TEXTS] = bind_texts,   [SLC_PARAM_NODE] = bind_node,
    };
    return bind[b->param->type](b);
}

static const char *nth_param(const void *of, size_t i)
{
    return ((const slc_param *)of)[i].name;
}

static slc_status refuse_unknown(const slc_param *table, const slc_node *map,
                                 bool skip_name, const char *what, slc_err *err)
{
    for (const slc_node *node = map ? map->first : NULL; node; node = node->next) {
        const slc_param *p = table;
        while (p->name && strcmp(p->name, node->key) != 0)
            p++;
        if (p->name || (skip_name && strcmp(node->key, "name") == 0)) continue;
        const char *near = slc_suggest(node->key, nth_param, table);
        if (near)
            return slc_node_fail(err, node,
                                 "%s: unknown key \"%s\"; did you mean \"%s\"?", what,
                                 node->key, near);
        char keys[300] = "any: it has none";
        list_names(keys, sizeof(keys), nth_param, table);
        return slc_node_fail(err, node, "%s: unknown key \"%s\", not %s", what, node->key,
                             keys);
    }
    return SLC_OK;
}

/* `brightness: 1.37` and `one_of: [hflip, vflip]` are what somebody means who writes them, but
 * not what a map can hold. */
static slc_status refuse_scalar(const slc_param *table, const slc_node *map,
                                const char *what, slc_err *err)
{
    const bool list = map->kind == SLC_NODE_LIST;
    const slc_param *takes = table; /* the first that may be a list */
    while (list && takes->name && takes->type < SLC_PARAM_REALS)
        takes++;
    if (!takes->name || !map->key) /* no one key is what a whole file means */
        return slc_node_fail(err, map, "%s: is a %s, not a map of settings", what,
                             list ? "list" : "single value");
    if (list)
        return slc_node_fail(
            err, map, "%s: is a list, not a map of settings; did you mean {%s: [...]}?",
            what, takes->name);
    return slc_node_fail(
        err, map,
        "%s: is a single value, not a map of settings; did you mean {%s: %.80s}?", what,
        table->name, map->text);
}

slc_status slc_params_bind(const slc_param *table, void *settings, const slc_node *map,
                           bool skip_name, const char *what, slc_arena *arena,
                           slc_err *err)
{
    static const slc_param none[] = {{0}};
    if (!table) table = none;
    if (map && map->kind != SLC_NODE_MAP && map->kind != SLC_NODE_NULL)
        return refuse_scalar(table, map, what, err);
    slc_status st = refuse_unknown(table, map, skip_name, what, err);
    for (const slc_param *p = table; st == SLC_OK && p->name; p++) {
        const slc_node *given = slc_node_get(map, p->name);
        slc_node *initial;
        if (!given && !p->initial)
            return slc_node_fail(err, map, "%s: %s is missing", what, p->name);
        if (!given) {
            st = slc_node_parse(&initial, arena, p->initial, strlen(p->initial),
                                "default", err);
            if (st != SLC_OK) return st;
            given = initial;
        }
        st = bind_field(&(binding){.param = p,
                                   .field = (char *)settings + p->offset,
                                   .node = given,
                                   .what = what,
                                   .arena = arena,
                                   .err = err});
    }
    return st;
}

/* Text that a reader would take for something else is marked, so that it gets quotes. */
static slc_node *text_node(slc_arena *arena, const char *text)
{
    double number;
    if (!text) return slc_node_new(arena, SLC_NODE_NULL);
    slc_node *node = slc_node_scalar(arena, text);
    if (node) node->quoted = slc_parse_real(text, &number);
    return node;
}

static slc_node *real_node(slc_arena *arena, double value)
{
    char text[48];
    slc_format_real(value, text, sizeof(text));
    return slc_node_scalar(arena, text);
}

static slc_node *reals_node(slc_arena *arena, const slc_reals *reals)
{
    if (reals->n == 1) return real_node(arena, reals->v[0]);
    slc_node *list = slc_node_new(arena, SLC_NODE_LIST);
    for (size_t i = 0; list && i < reals->n; i++)
        if (!slc_node_add(list, real_node(arena, reals->v[i]))) return NULL;
    return list;
}

static slc_node *texts_node(slc_arena *arena, const slc_texts *texts)
{
    slc_node *list = slc_node_new(arena, SLC_NODE_LIST);
    for (size_t i = 0; list && i < texts->n; i++)
        if (!slc_node_add(list, text_node(arena, texts->v[i]))) return NULL;
    return list;
}

static slc_node *field_node(const slc_param *p, const void *field, slc_arena *arena)
{
    char text[32];
    switch (p->type) {
    case SLC_PARAM_BOOL:
        return slc_node_scalar(arena, *(const bool *)field ? "true" : "false");
    case SLC_PARAM_INT:
        snprintf(text, sizeof(text), "%lld", (long long)*(const int64_t *)field);
        return slc_node_scalar(arena, text);
    case SLC_PARAM_REAL: return real_node(arena, *(const double *)field);
    case SLC_PARAM_TEXT: return text_node(arena, *(const char *const *)field);
    case SLC_PARAM_CHOICE: return slc_node_scalar(arena, p->choices[*(const int *)field]);
    case SLC_PARAM_REALS: return reals_node(arena, field);
    case SLC_PARAM_TEXTS: return texts_node(arena, field);
    case SLC_PARAM_NODE:
        if (!*(const slc_node *const *)field) return slc_node_new(arena, SLC_NODE_NULL);
        return slc_node_copy(arena, *(const slc_node *const *)field);
    }
    return NULL;
}

slc_node *slc_params_dump(const slc_param *table, const void *settings, slc_arena *arena)
{
    slc_node *map = slc_node_new(arena, SLC_NODE_MAP);
    for (const slc_param *p = table; map && p && p->name; p++) {
        slc_node *value = field_node(p, (const char *)settings + p->offset, arena);
        if (!slc_node_put(map, arena, p->name, value)) return NULL;
    }
    return map;
}

typedef const slc_entry *const *entry_list;

static const char *nth_entry(const void *of, size_t i)
{
    const slc_entry *entry = ((entry_list)of)[i];
    return entry ? entry->name : NULL;
}

const void *slc_entry_find(const void *const *list, const char *kind, const char *name,
                           const slc_node *at, slc_err *err)
{
    const char *candidate;
    for (size_t i = 0; (candidate = nth_entry(list, i)) != NULL; i++)
        if (strcmp(candidate, name) == 0) return list[i];
    const char *near = slc_suggest(name, nth_entry, list);
    if (near)
        slc_node_fail(err, at, "unknown %s \"%.80s\"; did you mean \"%s\"?", kind, name,
                      near);
    else
        slc_node_fail(err, at, "unknown %s \"%.80s\"", kind, name);
    return NULL;
}
