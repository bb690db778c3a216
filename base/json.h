/* JSON through jansson, with one habit: keys in the order written, numbers that round-trip,
 * one line per object. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/err.h"
#include "base/node.h"

/* One line, no newline; the caller frees it with free(). NULL if memory ran out. */
SLC_API SLC_CHECKED char *slc_json_line(const json_t *json);

/* Parses one JSON text. Errors: SLC_EFORMAT "origin:line: reason", SLC_ENOMEM. */
SLC_API SLC_CHECKED slc_status slc_json_parse(json_t **out, const void *text, size_t size,
                                              const char *origin, slc_err *err);

/* Reads a JSON file of at most limit bytes. Errors: slc_file_read's, and
 * SLC_EFORMAT with path and line. */
SLC_API SLC_CHECKED slc_status slc_json_read(json_t **out, const char *path, size_t limit,
                                             slc_err *err);
/* Writes indented JSON, replacing the file durably. */
SLC_API SLC_CHECKED slc_status slc_json_write(const json_t *json, const char *path,
                                              slc_err *err);

/* A text; bytes that are no UTF-8, of a file name perhaps, count as Latin-1. NULL if memory ran
 * out. */
SLC_API json_t *slc_json_text(const char *text);

SLC_API json_t *slc_json_from_node(
    const slc_node *node); /* scalars become numbers where they read as such */

#endif
