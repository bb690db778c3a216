/* Parameter tables: one table per op, layer, optimizer, source... drives reading from YAML
 * with line numbers and "did you mean", validation, defaults, help, serialisation and the
 * reference docs.
 *
 * A table describes the fields of a plain settings struct:
 *
 *     typedef struct settings { double p; slc_reals factor; } settings;
 *     static const slc_param params[] = {
 *         {"p", SLC_FIELD(settings, p), .lo = 0, .hi = 1, .initial = "0.5", .help = "chance to apply"},
 *         {"factor", SLC_FIELD(settings, factor), .lo = 0, .hi = 100, .min_count = 1, .max_count = 2,
 *          .initial = "[0.6, 1.4]", .unit = "ratio", .help = "one value, or the range to draw from"},
 *         {0}};
 */
#ifndef BASE_PARAMS_H
#define BASE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"

enum { SLC_MAX_REALS = 16 };

/* One to SLC_MAX_REALS numbers: a scalar or a list in YAML. */
typedef struct slc_reals {
    size_t n;
    double v[SLC_MAX_REALS];
} slc_reals;

typedef struct slc_texts {
    size_t n;
    const char **v;
} slc_texts;

typedef enum slc_param_type {
    SLC_PARAM_BOOL,   /* bool */
    SLC_PARAM_INT,    /* int64_t; "1e3" and "4096" are fine, "1.5" is not */
    SLC_PARAM_REAL,   /* double; never NaN or infinite */
    SLC_PARAM_TEXT,   /* const char *; initial NULL-able by .initial = "" */
    SLC_PARAM_CHOICE, /* int: index into choices */
    SLC_PARAM_REALS,  /* slc_reals, min_count to max_count of them */
    SLC_PARAM_TEXTS,  /* slc_texts */
    SLC_PARAM_NODE,   /* const slc_node *: read later, by whoever knows what it is */
} slc_param_type;

typedef struct slc_param {
    const char *name; /* NULL ends the table */
    slc_param_type type;
    size_t offset;               /* of the field in the settings struct */
    double lo, hi;               /* of numbers, inclusive; both 0 = no range */
    size_t min_count, max_count; /* REALS: how many; both 0 = 1 */
    bool one_or_all;             /* REALS: 1 or max_count, none between */
    bool whole;                  /* REALS: no fractions */
    const char *const *choices; /* CHOICE, and TEXTS if not NULL: NULL-terminated names */
    const char *initial;        /* the default as YAML; NULL = must be given */
    const char *unit;           /* "px", "deg", "ratio", ... or NULL */
    const char *help;           /* one lower-case phrase */
} slc_param;

/* Names a field; the parameter's type follows from the field's C type. An int field is a
 * CHOICE. Any other type does not compile. */
#define SLC_FIELD(settings, field)                                                       \
    .offset = offsetof(settings, field),                                                 \
    .type = _Generic(((settings *)0)->field,                                             \
        bool: SLC_PARAM_BOOL,                                                            \
        int64_t: SLC_PARAM_INT,                                                          \
        double: SLC_PARAM_REAL,                                                          \
        const char *: SLC_PARAM_TEXT,                                                    \
        int: SLC_PARAM_CHOICE,                                                           \
        slc_reals: SLC_PARAM_REALS,                                                      \
        slc_texts: SLC_PARAM_TEXTS,                                                      \
        const slc_node *: SLC_PARAM_NODE)

/* What every listed thing (op, layer, optimizer, schedule, loss, source, model...) has in
 * common, as the first member of its descriptor, so that one piece of code lists, reads,
 * documents and tests all registries. */
typedef struct slc_entry {
    const char *name;        /* lower case, unique in its registry; what recipes write */
    const char *summary;     /* one lower-case phrase */
    const char *source;      /* the paper, standard or convention that defines it */
    const slc_param *params; /* NULL = none */
    size_t settings_size;
} slc_entry;

/* The entry called name in a NULL-terminated list (const descriptors whose first member is
 * an slc_entry), or NULL with an error that suggests the nearest: "recipe.yaml:7: unknown op
 * "hflp"; did you mean "hflip"?". kind is "op", "layer", ...; at may be NULL. */
SLC_API const void *slc_entry_find(const void *const *list, const char *kind,
                                   const char *name, const slc_node *at, slc_err *err);

/* Fills *settings from map (NULL or SLC_NODE_NULL: all defaults). Keys that the table does
 * not have are an error, except "name" if skip_name. what names the thing in messages:
 * "op resize", "optim". Texts and lists live in arena or in the node's own arena. */
SLC_API SLC_CHECKED slc_status slc_params_bind(const slc_param *table, void *settings,
                                               const slc_node *map, bool skip_name,
                                               const char *what, slc_arena *arena,
                                               slc_err *err);

/* The settings as a map node with every key in table order; binding it gives the same
 * settings bit for bit (numbers are written so that they round-trip). */
SLC_API slc_node *slc_params_dump(const slc_param *table, const void *settings,
                                  slc_arena *arena);

/* Scalars read alone: the whole text or nothing. */
SLC_API bool slc_parse_real(const char *text, double *out); /* finite only */
SLC_API bool slc_parse_int(const char *text, int64_t *out);

/* The shortest text that reads back as the same double. */
SLC_API void slc_format_real(double value, char *buffer, size_t size);

#endif
