/* A tree of settings with line numbers, as read from YAML, changed by --set, and written
 * back as YAML. Everything in a tree lives in one arena; strings are borrowed from it. */
#ifndef BASE_NODE_H
#define BASE_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef enum slc_node_kind {
    SLC_NODE_NULL,
    SLC_NODE_SCALAR,
    SLC_NODE_LIST,
    SLC_NODE_MAP
} slc_node_kind;

typedef struct slc_node {
    slc_node_kind kind;
    bool quoted;            /* a scalar in quotes: text, whatever it looks like */
    unsigned line;          /* 1-based; 0 if the origin has no lines */
    const char *origin;     /* "recipe.yaml", "--set optim.lr", "--ops", "default" */
    const char *key;        /* in a map, else NULL */
    const char *text;       /* of a scalar */
    struct slc_node *first; /* children of a list or map, in order */
    struct slc_node *last;
    struct slc_node *next;
    size_t count; /* of children */
} slc_node;

/* Parses one YAML document (libyaml). Anchors, tags, several documents and duplicate keys
 * are refused with their line; at most 64 levels and 1,000,000 nodes. An empty document is
 * SLC_NODE_NULL. An origin that begins with "--", or is "default", has no lines. A node in a
 * map has the line of its key. Errors: SLC_EINVAL "origin:line: reason", SLC_ENOMEM; of read
 * also slc_file_read's. */
SLC_API SLC_CHECKED slc_status slc_node_parse(slc_node **out, slc_arena *arena,
                                              const char *text, size_t size,
                                              const char *origin, slc_err *err);
SLC_API SLC_CHECKED slc_status slc_node_read(slc_node **out, slc_arena *arena,
                                             const char *path, slc_err *err);

SLC_API slc_node *slc_node_get(const slc_node *map, const char *key); /* NULL if absent */

/* New nodes for trees made in code; NULL if memory ran out (callers may pass NULL on). */
SLC_API slc_node *slc_node_new(slc_arena *arena, slc_node_kind kind);
SLC_API slc_node *slc_node_scalar(slc_arena *arena, const char *text);
SLC_API slc_node *slc_node_put(slc_node *map, slc_arena *arena, const char *key,
                               slc_node *value);
SLC_API slc_node *slc_node_add(slc_node *list, slc_node *item);
SLC_API slc_node *slc_node_copy(slc_arena *arena, const slc_node *node); /* deep */

/* Applies "key.path=value" (value is YAML; list positions are numbers: "augment.0.resize.size=32").
 * Missing maps on the way are made. */
SLC_API SLC_CHECKED slc_status slc_node_set(slc_node *root, slc_arena *arena,
                                            const char *assignment, slc_err *err);

/* Writes block YAML that parses back to the same tree; short lists of scalars in one line. */
SLC_API void slc_node_write(const slc_node *node, slc_str *out);

/* "recipe.yaml:12" or "--set optim.lr": what a message starts with. Lives in buffer. */
SLC_API const char *slc_node_where(const slc_node *node, char *buffer, size_t size);

/* Records SLC_EINVAL with the node's place, if it has one, in front; at may be NULL. */
SLC_API SLC_PRINTF(3, 4) slc_status
    slc_node_fail(slc_err *err, const slc_node *at, const char *fmt, ...);

/* First difference of two trees as a key path ("optim.lr"), NULL if equal; differences
 * below a path for which skip() is true are passed over. Text lives in arena. */
SLC_API const char *slc_node_diff(const slc_node *a, const slc_node *b, slc_arena *arena,
                                  bool (*skip)(const void *of, const char *path),
                                  const void *of);

#endif
