/* One row of a manifest. */
#ifndef LOADER_SOURCE_MANIFEST_ROW_H
#define LOADER_SOURCE_MANIFEST_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum slc_column {
    SLC_COLUMN_PATH,
    SLC_COLUMN_LABEL,
    SLC_COLUMN_SPLIT,
    SLC_COLUMN_WEIGHT,
    SLC_COLUMN_GROUP,
    SLC_COLUMNS
};

enum { SLC_MANIFEST_FIELDS = 256 };

typedef struct slc_manifest_form {
    char delimiter;
    size_t fields;
    uint8_t kind[SLC_MANIFEST_FIELDS]; /* of each field; SLC_COLUMNS = of no interest */
    bool has[SLC_COLUMNS];
} slc_manifest_form;

typedef struct slc_field_text {
    char *text; /* not terminated */
    size_t size;
} slc_field_text;

/* Takes the next field and goes behind what ends it; unquotes it in place. *line goes up with
 * every line break inside quotes. *last: the row ends with this field. */
SLC_CHECKED slc_status slc_manifest_field(char **at, char *end, char delimiter,
                                          slc_field_text *out, bool *last, uint64_t *line,
                                          slc_err *err);

/* Reads the header; *at goes behind it. */
SLC_CHECKED slc_status slc_manifest_header(slc_manifest_form *out, char delimiter,
                                           char **at, char *end, uint64_t *line,
                                           slc_err *err);

#endif
