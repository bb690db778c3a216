/* Printing what a registry holds, as text, JSON or Markdown, from the same tables that read
 * recipes. */
#ifndef TOOLS_ENTRY_H
#define TOOLS_ENTRY_H

#include <jansson.h>
#include <stdio.h>

#include "base/params.h"

void cli_entry_text(const slc_entry *entry,
                    FILE *out); /* summary, source, one line per key */
void cli_entry_markdown(const slc_entry *entry,
                        FILE *out); /* heading, summary, key table */
void cli_params_markdown(const slc_param *table,
                         FILE *out); /* the key table alone, and an empty line */
json_t *cli_entry_json(const slc_entry *entry);

/* "0 to 1", "one of nearest, bilinear", "1 to 2 numbers, 0 to 100"; lives in buffer. */
const char *cli_param_range(const slc_param *param, char *buffer, size_t size);

#endif
