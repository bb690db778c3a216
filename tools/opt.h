/* Command-line options, one table per command. The same table parses, range-checks, prints the
 * help, and makes the man pages and completions, so that none of them can disagree. */
#ifndef TOOLS_OPT_H
#define TOOLS_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum { CLI_MAX_TEXTS = 64 };

/* The values of an option that may be given more than once, in order. */
typedef struct cli_texts {
    size_t n;
    const char *v[CLI_MAX_TEXTS];
} cli_texts;

typedef enum cli_opt_type {
    CLI_FLAG,
    CLI_TEXT,
    CLI_TEXTS,
    CLI_WHOLE,
    CLI_REAL,
    CLI_CHOICE
} cli_opt_type;

/* The path that a text is. What is written main() checks before the command runs: cli_output_check(). */
typedef enum cli_path {
    CLI_NO_PATH,
    CLI_READS, /* a file, a folder, or another data source */
    CLI_WRITES_FILE,
    CLI_WRITES_OVER,    /* a file; the one that is read is allowed */
    CLI_WRITES_PICTURE, /* png, jpg, webp */
    CLI_WRITES_PLOT,    /* png, svg */
    CLI_WRITES_DIR      /* made with its parents if absent */
} cli_path;

typedef struct cli_opt {
    char key;         /* short name, or 0 */
    const char *name; /* long name; NULL ends the table */
    size_t offset;    /* of the field that receives the value */
    cli_opt_type type;
    double lo, hi;              /* accepted range of numbers, inclusive; both 0 = any */
    const char *const *choices; /* CHOICE: NULL-terminated names */
    const char *value;          /* what to call the value in the help: "N", "FILE" */
    cli_path path;
    const char *help; /* one lower-case phrase; the default is added to it */
} cli_opt;

/* Names a field of the struct that holds a command's settings. The option's type follows
 * from the field's C type (int: index into choices); any other type does not compile. */
#define CLI_FIELD(settings, field)                                                       \
    .offset = offsetof(settings, field),                                                 \
    .type = _Generic(((settings *)0)->field,                                             \
        bool: CLI_FLAG,                                                                  \
        const char *: CLI_TEXT,                                                          \
        cli_texts: CLI_TEXTS,                                                            \
        uint64_t: CLI_WHOLE,                                                             \
        double: CLI_REAL,                                                                \
        int: CLI_CHOICE)

/* A table, and the struct its options are stored in. */
typedef struct cli_opt_set {
    const cli_opt *table; /* NULL = none */
    void *settings;
} cli_opt_set;

/* Reads the options in args[0..*count) into the settings of count_sets sets and moves the rest
 * to the front of args, leaving their number in *count. "--" ends the options. args[*count]
 * must be NULL, as it is in main(). Unknown options suggest the nearest; a value is never empty.
 * Errors: SLC_EINVAL. */
SLC_CHECKED
slc_status cli_opt_parse(const cli_opt_set *sets, size_t count_sets, int *count,
                         char **args, slc_err *err);

/* Prints one line per option; defaults are read from *settings. */
void cli_opt_help(const cli_opt *table, const void *settings, FILE *out);

#endif
