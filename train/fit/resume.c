/* What may differ between a run and the recipe that goes on with it. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "train/fit/run.h"

/* "optim" covers "optim.lr" and itself. */
static bool covers(const char *key, const char *path)
{
    const size_t n = strlen(key);
    return strncmp(key, path, n) == 0 && (path[n] == 0 || path[n] == '.');
}

/* Keys that change nothing about what is learned. */
static bool harmless(const void *of, const char *path)
{
    static const char *const keys[] = {
        "loader.threads",         "loader.ahead",
        "loader.cache",           "loader.cache_mb",
        "loader.quarantine",      "train.freeze_cache_mb",
        "train.checkpoint_steps", "train.checkpoint_minutes",
        "train.tensorboard",      "train.histograms"};
    for (size_t i = 0; i < SLC_COUNT(keys); i++)
        if (strcmp(path, keys[i]) == 0) return true;
    for (const char *const *allow = of; allow && *allow; allow++)
        if (covers(*allow, path)) return true;
    return false;
}

/* All keys that differ, for one sentence. */
typedef struct changed {
    const char *const *allow;
    const char *seen[8];
    size_t n;
} changed;

static bool seen_or_harmless(const void *of, const char *path)
{
    const changed *c = of;
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(path, c->seen[i]) == 0) return true;
    return harmless(c->allow, path);
}

/* Paths of all nodes of a tree: "optim", "optim.lr", ... */
typedef struct paths {
    slc_arena *arena;
    const char **list; /* NULL-terminated */
    size_t n;
} paths;

static size_t count_nodes(const slc_node *node)
{
    size_t n = 1;
    for (const slc_node *child = node->first; child; child = child->next)
        n += count_nodes(child);
    return n;
}

static void collect(paths *p, const slc_node *node, const char *path)
{
    size_t i = 0;
    for (const slc_node *child = node->first; child; child = child->next, i++) {
        const char *dot = *path ? "." : "";
        const char *below =
            child->key ? slc_arena_printf(p->arena, "%s%s%s", path, dot, child->key)
                       : slc_arena_printf(p->arena, "%s%s%zu", path, dot, i);
        if (!below) return;
        p->list[p->n++] = below;
        collect(p, child, below);
    }
}

static const char *nth_path(const void *of, size_t i)
{
    return ((const paths *)of)->list[i];
}

/* A key that neither recipe has cannot have changed: it is mistyped. */
static slc_status check_allowed(run *r, const slc_node *old, const slc_node *new,
                                slc_err *err)
{
    paths p = {.arena = &r->arena};
    if (!r->settings->allow || !*r->settings->allow) return SLC_OK;
    p.list = slc_arena_zero(&r->arena, count_nodes(old) + count_nodes(new) + 1,
                            sizeof(*p.list));
    if (!p.list) return slc_fail(err, SLC_ENOMEM, "recipe: out of memory");
    collect(&p, old, "");
    collect(&p, new, "");
    for (const char *const *key = r->settings->allow; *key; key++) {
        size_t i = 0;
        while (p.list[i] && strcmp(p.list[i], *key) != 0)
            i++;
        if (p.list[i]) continue;
        const char *near = slc_suggest(*key, nth_path, &p);
        return slc_fail(err, SLC_EINVAL, "--allow: the recipe has no key \"%s\"%s%s%s",
                        *key, near ? "; did you mean \"" : "", near ? near : "",
                        near ? "\"?" : "");
    }
    return SLC_OK;
}

slc_status slc_run_compare(run *r, const slc_node *old, const slc_node *new, slc_err *err)
{
    changed c = {.allow = r->settings->allow};
    char list[300] = "";
    size_t used = 0;
    const char *path;
    const slc_status st = check_allowed(r, old, new, err);
    if (st != SLC_OK) return st;
    while ((path = slc_node_diff(old, new, &r->arena, seen_or_harmless, &c)) &&
           c.n < SLC_COUNT(c.seen)) {
        c.seen[c.n++] = path;
        if (used < sizeof(list))
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                     c.n > 1 ? ", " : "", path);
    }
    if (c.n == 0) return SLC_OK;
    return slc_fail(
        err, SLC_EINVAL,
        "%s: cannot resume, the recipe has changed: %s%s (--allow KEY accepts a "
        "change)",
        r->settings->run, list, path ? " and more" : "");
}
