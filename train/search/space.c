/* The space of a search: found in the recipe, written back into it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/search.h"

static bool is_draw_key(const char *key)
{
    static const char *const draws[] = {"log", "uniform", "int", "choice"};
    for (size_t i = 0; i < SLC_COUNT(draws); i++)
        if (strcmp(key, draws[i]) == 0) return true;
    return false;
}

/* The list a dimension is drawn from, or NULL if node is an ordinary value: a distribution is
 * a map in which one key names one and holds a list. */
static const slc_node *range_of(const slc_node *node)
{
    if (node->kind != SLC_NODE_MAP) return NULL;
    for (const slc_node *child = node->first; child; child = child->next)
        if (child->kind == SLC_NODE_LIST && is_draw_key(child->key)) return child;
    return NULL;
}

static slc_status bad(const slc_node *node, const slc_dim *dim, const char *why,
                      slc_err *err)
{
    char where[160];
    return slc_fail(err, SLC_EINVAL, "%s: search: %s: %s",
                    slc_node_where(node, where, sizeof(where)), dim->path, why);
}

static slc_status read_bounds(slc_dim *dim, const slc_node *range, slc_err *err)
{
    const slc_node *lo = range->first, *hi = lo ? lo->next : NULL;
    if (range->count != 2 || lo->kind != SLC_NODE_SCALAR || hi->kind != SLC_NODE_SCALAR ||
        !slc_parse_real(lo->text, &dim->lo) || !slc_parse_real(hi->text, &dim->hi))
        return bad(range, dim, "the range must be two numbers, [low, high]", err);
    if (!(dim->lo < dim->hi))
        return bad(range, dim, "the range is empty: low is not below high", err);
    if (dim->log && dim->lo <= 0)
        return bad(range, dim, "a logarithmic range must be above 0", err);
    if (dim->kind == SLC_DIM_INT &&
        (dim->lo != floor(dim->lo) || dim->hi != floor(dim->hi)))
        return bad(range, dim, "the bounds of an int must be whole", err);
    return SLC_OK;
}

static slc_status read_extras(slc_dim *dim, const slc_node *node, const slc_node *range,
                              slc_err *err)
{
    for (const slc_node *c = node->first; c; c = c->next) {
        if (c == range) continue;
        if (strcmp(c->key, "step") == 0 && dim->kind == SLC_DIM_INT) {
            if (c->kind != SLC_NODE_SCALAR || !slc_parse_real(c->text, &dim->step) ||
                dim->step < 1 || dim->step != floor(dim->step))
                return bad(c, dim, "step must be a whole number of at least 1", err);
        } else if (strcmp(c->key, "when") == 0) {
            if (c->kind != SLC_NODE_MAP || c->count != 1 ||
                c->first->kind != SLC_NODE_SCALAR)
                return bad(c, dim, "when must be one key path and its value", err);
            dim->when = c->first->key;
            dim->equals = c->first->text;
        } else {
            return bad(c, dim,
                       "only step (of an int) and when may stand beside the range", err);
        }
    }
    return SLC_OK;
}

static slc_status read_dim(slc_space *out, const slc_node *node, const slc_node *range,
                           const char *path, slc_err *err)
{
    slc_status st = SLC_OK;
    slc_dim dim = {.path = path, .step = 1};

    if (out->n == SLC_MAX_DIMS) return bad(node, &dim, "more than 32 dimensions", err);
    if (strncmp(path, "data.", 5) == 0)
        return bad(node, &dim, "a search must not change the data or its split", err);
    dim.log = strcmp(range->key, "log") == 0;
    if (strcmp(range->key, "choice") == 0) {
        dim.kind = SLC_DIM_CHOICE;
        dim.choices = range->count;
        dim.choice = range->first;
        if (range->count == 0) return bad(range, &dim, "the choice is empty", err);
    } else {
        dim.kind = strcmp(range->key, "int") == 0 ? SLC_DIM_INT : SLC_DIM_REAL;
        st = read_bounds(&dim, range, err);
    }
    if (st == SLC_OK) st = read_extras(&dim, node, range, err);
    if (st == SLC_OK) out->dim[out->n++] = dim;
    return st;
}

static slc_status walk(slc_space *out, const slc_node *node, const char *path,
                       unsigned depth, slc_arena *arena, slc_err *err)
{
    slc_status st = SLC_OK;
    size_t position = 0;

    if (depth > 64)
        return slc_fail(err, SLC_EINVAL, "search: recipe is nested too deeply");
    for (const slc_node *c = node->first; c && st == SLC_OK; c = c->next, position++) {
        const char *dot = path[0] ? "." : "";
        const char *here = c->key
                               ? slc_arena_printf(arena, "%s%s%s", path, dot, c->key)
                               : slc_arena_printf(arena, "%s%s%zu", path, dot, position);
        if (!here) return slc_fail(err, SLC_ENOMEM, "search: out of memory");
        const slc_node *range = range_of(c);
        if (range)
            st = read_dim(out, c, range, here, err);
        else if (c->kind == SLC_NODE_MAP || c->kind == SLC_NODE_LIST)
            st = walk(out, c, here, depth + 1, arena, err);
    }
    return st;
}

/* The child called by the first part of path: a key of a map or a position in a list. */
static slc_node *child_at(const slc_node *node, const char *path, size_t length)
{
    char key[128];
    int64_t position = -1;
    if (length >= sizeof(key)) return NULL;
    memcpy(key, path, length);
    key[length] = '\0';
    if (node->kind == SLC_NODE_MAP) return slc_node_get(node, key);
    if (node->kind != SLC_NODE_LIST || !slc_parse_int(key, &position) || position < 0)
        return NULL;
    slc_node *c = node->first;
    while (c && position-- > 0)
        c = c->next;
    return c;
}

static slc_node *find_path(slc_node *node, const char *path)
{
    while (node && *path) {
        const size_t length = strcspn(path, ".");
        node = child_at(node, path, length);
        path += length + (path[length] == '.');
    }
    return node;
}

slc_status slc_space_read(slc_space *out, const slc_node *recipe, slc_arena *arena,
                          slc_err *err)
{
    *out = (slc_space){.n = 0};
    slc_status st = walk(out, recipe, "", 0, arena, err);
    if (st != SLC_OK) return st;
    if (out->n == 0)
        return slc_fail(err, SLC_EINVAL,
                        "%s: the recipe has nothing to search; write, for example, "
                        "lr: {log: [1e-4, 1]}",
                        recipe->origin ? recipe->origin : "recipe");
    for (size_t i = 0; i < out->n; i++)
        if (out->dim[i].when && !find_path((slc_node *)recipe, out->dim[i].when))
            return slc_fail(
                err, SLC_EINVAL,
                "search: %s: its condition names %s, which is not in the recipe",
                out->dim[i].path, out->dim[i].when);
    return SLC_OK;
}

size_t slc_dim_cells(const slc_dim *dim)
{
    if (dim->kind == SLC_DIM_CHOICE) return dim->choices;
    if (dim->kind == SLC_DIM_INT)
        return (size_t)floor((dim->hi - dim->lo) / dim->step) + 1;
    return 0;
}

static size_t cell_of(const slc_dim *dim, double u)
{
    const size_t cells = slc_dim_cells(dim);
    const double at = floor(fmax(u, 0) * (double)cells);
    return at >= (double)cells ? cells - 1 : (size_t)at;
}

double slc_dim_snap(const slc_dim *dim, double u)
{
    const size_t cells = slc_dim_cells(dim);
    if (!cells) return fmin(fmax(u, 0), 1);
    return ((double)cell_of(dim, u) + 0.5) / (double)cells;
}

static double real_at(const slc_dim *dim, double u)
{
    if (dim->kind == SLC_DIM_INT) return dim->lo + dim->step * (double)cell_of(dim, u);
    const double t = fmin(fmax(u, 0), 1);
    if (!dim->log) return dim->lo + t * (dim->hi - dim->lo);
    const double at = exp(log(dim->lo) + t * (log(dim->hi) - log(dim->lo)));
    return fmin(fmax(at, dim->lo), dim->hi);
}

static const slc_node *choice_at(const slc_dim *dim, double u)
{
    const slc_node *node = dim->choice;
    for (size_t i = cell_of(dim, u); i > 0; i--)
        node = node->next;
    return node;
}

void slc_dim_text(const slc_dim *dim, double u, char *buffer, size_t size)
{
    /* Six digits are what a person reads and types again. */
    if (dim->kind != SLC_DIM_CHOICE) {
        snprintf(buffer, size, dim->kind == SLC_DIM_INT ? "%.0f" : "%.6g",
                 real_at(dim, u));
        return;
    }
    const slc_node *node = choice_at(dim, u);
    slc_str text = {0};
    if (node->kind == SLC_NODE_SCALAR)
        slc_str_add(&text, node->text);
    else
        slc_node_write(node, &text);
    snprintf(buffer, size, "%s", text.text ? text.text : "");
    buffer[strcspn(buffer, "\n")] = '\0';
    slc_str_free(&text);
}

bool slc_dim_active(const slc_space *space, size_t d, const double *unit)
{
    char text[64];
    /* A chain of conditions has at most as many links as there are dimensions. */
    for (size_t links = 0; space->dim[d].when && links <= space->n; links++) {
        size_t on = 0;
        while (on < space->n && strcmp(space->dim[on].path, space->dim[d].when) != 0)
            on++;
        if (on == space->n) return true; /* a fixed key */
        slc_dim_text(&space->dim[on], unit[on], text, sizeof(text));
        if (strcmp(text, space->dim[d].equals) != 0) return false;
        d = on;
    }
    return true;
}

/* Overwrites a node in place, keeping its key, its neighbours and where it is written. */
static void become(slc_node *node, const slc_node *value)
{
    const slc_node old = *node;
    *node = *value;
    node->key = old.key;
    node->next = old.next;
    node->line = old.line;
    node->origin = old.origin;
}

static void drop(slc_node *root, const char *path)
{
    const char *dot = strrchr(path, '.');
    char parent[256] = "";
    if (dot && (size_t)(dot - path) < sizeof(parent))
        memcpy(parent, path, (size_t)(dot - path));

    slc_node *map = find_path(root, parent);
    const slc_node *gone = find_path(root, path);
    for (slc_node **link = map ? &map->first : NULL; link && *link; link = &(*link)->next)
        if (*link == gone) {
            *link = gone->next;
            map->count--;
            return;
        }
}

static bool holds(slc_node *root, const slc_dim *dim)
{
    const slc_node *node = dim->when ? find_path(root, dim->when) : NULL;
    return !dim->when || (node && node->kind == SLC_NODE_SCALAR &&
                          strcmp(node->text, dim->equals) == 0);
}

slc_node *slc_space_apply(const slc_space *space, const slc_node *recipe,
                          const double *unit, slc_arena *arena)
{
    slc_node *root = slc_node_copy(arena, recipe);
    for (size_t i = 0; root && i < space->n; i++) {
        const slc_dim *dim = &space->dim[i];
        const slc_node *value;
        char text[64];
        if (dim->kind == SLC_DIM_CHOICE) {
            value = slc_node_copy(arena, choice_at(dim, unit[i]));
        } else {
            slc_dim_text(dim, unit[i], text, sizeof(text));
            value = slc_node_scalar(arena, text);
        }
        slc_node *place = find_path(root, dim->path);
        if (!value || !place) return NULL;
        become(place, value);
    }
    /* Positions in lists shift when something is dropped: last to first. */
    for (size_t i = space->n; root && i-- > 0;)
        if (!holds(root, &space->dim[i])) drop(root, space->dim[i].path);
    if (root) drop(root, "tune");
    return root;
}
