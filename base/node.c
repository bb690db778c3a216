#include "base/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/params.h"

enum { MOST_LEVELS = 64, LONGEST_KEY = 256 }; /* node_read.c has the same */

slc_node *slc_node_get(const slc_node *map, const char *key)
{
    if (!map || map->kind != SLC_NODE_MAP) return NULL;
    for (slc_node *node = map->first; node; node = node->next)
        if (strcmp(node->key, key) == 0) return node;
    return NULL;
}

slc_node *slc_node_new(slc_arena *arena, slc_node_kind kind)
{
    slc_node *node = slc_arena_zero(arena, 1, sizeof(*node));
    if (node) node->kind = kind;
    return node;
}

slc_node *slc_node_scalar(slc_arena *arena, const char *text)
{
    slc_node *node = slc_node_new(arena, SLC_NODE_SCALAR);
    if (!node) return NULL;
    node->text = slc_arena_text(arena, text);
    return node->text ? node : NULL;
}

slc_node *slc_node_add(slc_node *list, slc_node *item)
{
    if (!list || !item) return NULL;
    item->next = NULL;
    if (list->last)
        list->last->next = item;
    else
        list->first = item;
    list->last = item;
    list->count++;
    return item;
}

/* Puts item where old is; old is a child of parent. */
static void replace(slc_node *parent, slc_node *old, slc_node *item)
{
    slc_node *before = NULL;
    for (slc_node *node = parent->first; node != old; node = node->next)
        before = node;
    if (before)
        before->next = item;
    else
        parent->first = item;
    if (parent->last == old) parent->last = item;
    item->next = old->next;
    item->key = old->key;
}

slc_node *slc_node_put(slc_node *map, slc_arena *arena, const char *key, slc_node *value)
{
    if (!map || !value) return NULL;
    slc_node *old = slc_node_get(map, key);
    if (old) {
        replace(map, old, value);
        return value;
    }
    value->key = slc_arena_text(arena, key);
    return value->key ? slc_node_add(map, value) : NULL;
}

slc_node *slc_node_copy(slc_arena *arena, const slc_node *node)
{
    if (!node) return NULL;
    slc_node *copy = slc_node_new(arena, node->kind);
    if (!copy) return NULL;
    copy->quoted = node->quoted;
    copy->line = node->line;
    if (node->origin && !(copy->origin = slc_arena_text(arena, node->origin)))
        return NULL;
    if (node->key && !(copy->key = slc_arena_text(arena, node->key))) return NULL;
    if (node->text && !(copy->text = slc_arena_text(arena, node->text))) return NULL;
    for (const slc_node *child = node->first; child; child = child->next)
        if (!slc_node_add(copy, slc_node_copy(arena, child))) return NULL;
    return copy;
}

const char *slc_node_where(const slc_node *node, char *buffer, size_t size)
{
    const char *origin = node && node->origin ? node->origin : "";
    if (node && node->line > 0)
        snprintf(buffer, size, "%s:%u", origin, node->line);
    else
        snprintf(buffer, size, "%s", origin);
    return buffer;
}

slc_status slc_node_fail(slc_err *err, const slc_node *at, const char *fmt, ...)
{
    char text[sizeof(err->msg)], where[sizeof(err->msg)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    slc_node_where(at, where, sizeof(where));
    return slc_fail(err, SLC_EINVAL, "%s%s%s", where, *where ? ": " : "", text);
}

/* The list entry that text numbers, or NULL. */
static slc_node *entry(const slc_node *list, const char *text)
{
    int64_t index;
    if (text[strspn(text, "0123456789")] != '\0' || !slc_parse_int(text, &index))
        return NULL;
    slc_node *node = list->first;
    for (; node && index > 0; index--)
        node = node->next;
    return node;
}

/* What "--set" is working on. */
typedef struct setter {
    slc_arena *arena;
    const char *origin; /* "--set a.b" */
    const char *path;   /* "a.b" */
    slc_err *err;
} setter;

static slc_status no_memory(const setter *s)
{
    return slc_fail(s->err, SLC_ENOMEM, "%s: out of memory", s->origin);
}

/* Finds or makes the child of *at that name stands for. before is the path up to here. */
static slc_status descend(const setter *s, slc_node **at, const char *name,
                          const char *before)
{
    slc_node *node = *at, *child = NULL;
    if (node->kind == SLC_NODE_LIST) {
        child = entry(node, name);
        if (!child)
            return slc_fail(s->err, SLC_EINVAL,
                            "%s: %s has %zu entries, \"%s\" is not one", s->origin,
                            before, node->count, name);
        *at = child;
        return SLC_OK;
    }
    if (node->kind == SLC_NODE_SCALAR && strcmp(node->text, name) != 0)
        return slc_fail(s->err, SLC_EINVAL, "%s: %s is \"%s\", not a map", s->origin,
                        *before ? before : "the document", node->text);
    if (node->kind != SLC_NODE_MAP) { /* nothing yet, or "hflip" short for "hflip: {}" */
        const bool named = node->kind == SLC_NODE_SCALAR;
        node->kind = SLC_NODE_MAP;
        node->text = NULL;
        node->quoted = false;
        if (named &&
            !slc_node_put(node, s->arena, name, slc_node_new(s->arena, SLC_NODE_NULL)))
            return no_memory(s);
    }
    child = slc_node_get(node, name);
    if (!child) {
        child = slc_node_put(node, s->arena, name, slc_node_new(s->arena, SLC_NODE_NULL));
        if (!child) return no_memory(s);
        child->origin = s->origin;
    }
    *at = child;
    return SLC_OK;
}

/* Overwrites a node in place, keeping its position in its parent. */
static void become(slc_node *node, const slc_node *value)
{
    slc_node *next = node->next;
    const char *key = node->key;
    *node = *value;
    node->next = next;
    node->key = key;
}

static size_t levels_of(const slc_node *node)
{
    size_t most = 0;
    for (const slc_node *child = node->first; child; child = child->next)
        most = slc_max(most, levels_of(child));
    return most + 1;
}

/* A path must name keys that a file could have had, too. */
static slc_status check_path(const setter *s, const slc_node *value)
{
    size_t levels = levels_of(value);
    bool fits = slc_utf8_is_valid(s->path);
    for (const char *p = s->path;; p++) {
        const size_t n = strcspn(p, ".");
        fits = fits && n > 0 && n <= LONGEST_KEY;
        levels++;
        p += n;
        if (!*p) break;
    }
    if (!fits)
        return slc_fail(s->err, SLC_EINVAL, "%s: not a key path (write key.path=value)",
                        s->origin);
    if (levels > MOST_LEVELS)
        return slc_fail(s->err, SLC_EINVAL, "%s: more than %d levels", s->origin,
                        MOST_LEVELS);
    return SLC_OK;
}

slc_status slc_node_set(slc_node *root, slc_arena *arena, const char *assignment,
                        slc_err *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return slc_fail(err, SLC_EINVAL, "--set %s: no \"=\" (write key.path=value)",
                        assignment);

    const size_t n = (size_t)(equals - assignment);
    char *path = slc_arena_text_n(arena, assignment, n);
    char *name = slc_arena_text_n(arena, assignment, n);
    const char *origin = path ? slc_arena_printf(arena, "--set %s", path) : NULL;
    const setter s = {arena, origin, path, err};
    if (!origin || !name) return slc_fail(err, SLC_ENOMEM, "--set: out of memory");

    slc_node *value, *at = root;
    slc_status st =
        slc_node_parse(&value, arena, equals + 1, strlen(equals + 1), origin, err);
    if (st == SLC_OK) st = check_path(&s, value);
    if (st != SLC_OK) return st;

    /* name: cut at each dot in turn; path: cut just before that element. */
    for (size_t from = 0; from <= n && st == SLC_OK;) {
        const size_t to = from + strcspn(name + from, ".");
        name[to] = '\0';
        if (from > 0) path[from - 1] = '\0';
        if (from == 0) path[0] = '\0';
        st = descend(&s, &at, name + from, path);
        memcpy(path, assignment, n);
        from = to + 1;
    }
    if (st == SLC_OK) become(at, value);
    return st;
}

typedef struct differ {
    slc_arena *arena;
    bool (*skip)(const void *of, const char *path);
    const void *of;
} differ;

static bool same_scalar(const slc_node *a, const slc_node *b)
{
    double x, y;
    if (strcmp(a->text, b->text) == 0) return true;
    return !a->quoted && !b->quoted && slc_parse_real(a->text, &x) &&
           slc_parse_real(b->text, &y) && x == y;
}

/* The first difference at or below path; a or b may be NULL (absent). */
static const char *difference(const differ *d, const slc_node *a, const slc_node *b,
                              const char *path);

/* Of one child: name is its key, or NULL and index its position. */
static const char *child_difference(const differ *d, const slc_node *a, const slc_node *b,
                                    const char *path, const char *name, size_t index)
{
    const char *dot = *path ? "." : "";
    const char *below = name ? slc_arena_printf(d->arena, "%s%s%s", path, dot, name)
                             : slc_arena_printf(d->arena, "%s%s%zu", path, dot, index);
    return below ? difference(d, a, b, below) : path;
}

static const char *map_difference(const differ *d, const slc_node *a, const slc_node *b,
                                  const char *path)
{
    const char *found = NULL;
    for (const slc_node *x = a->first; x && !found; x = x->next)
        found = child_difference(d, x, slc_node_get(b, x->key), path, x->key, 0);
    for (const slc_node *y = b->first; y && !found; y = y->next)
        if (!slc_node_get(a, y->key))
            found = child_difference(d, NULL, y, path, y->key, 0);
    return found;
}

static const char *difference(const differ *d, const slc_node *a, const slc_node *b,
                              const char *path)
{
    if (d->skip && d->skip(d->of, path)) return NULL;
    if (!a || !b || a->kind != b->kind) return a == b ? NULL : path;
    if (a->kind == SLC_NODE_NULL) return NULL;
    if (a->kind == SLC_NODE_SCALAR) return same_scalar(a, b) ? NULL : path;
    if (a->kind == SLC_NODE_MAP) return map_difference(d, a, b, path);

    const slc_node *x = a->first, *y = b->first;
    const char *found = NULL;
    for (size_t i = 0; (x || y) && !found; i++) {
        found = child_difference(d, x, y, path, NULL, i);
        x = x ? x->next : NULL;
        y = y ? y->next : NULL;
    }
    return found;
}

const char *slc_node_diff(const slc_node *a, const slc_node *b, slc_arena *arena,
                          bool (*skip)(const void *of, const char *path), const void *of)
{
    return difference(&(differ){arena, skip, of}, a, b, "");
}
