#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/params.h"

static void write_value(const json_t *json, size_t level, bool indented, slc_str *out);

/* jansson's own escaping, which needs no numbers and so no locale. */
static void write_string(const json_t *json, slc_str *out)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    if (text)
        slc_str_add(out, text);
    else
        out->failed = true;
    free(text);
}

/* The shortest text that reads back as the same double, recognisably not an integer:
 * jansson writes 0.1 as 0.10000000000000001. */
static void write_real(double value, slc_str *out)
{
    char text[48];
    slc_format_real(value, text, sizeof(text));
    slc_str_add(out, text);
    if (!strpbrk(text, ".e")) slc_str_add(out, ".0");
}

static void new_line(size_t level, bool indented, slc_str *out)
{
    if (!indented) return;
    slc_str_add(out, "\n");
    for (size_t i = 0; i < level; i++)
        slc_str_add(out, "  ");
}

static void write_array(const json_t *json, size_t level, bool indented, slc_str *out)
{
    const size_t n = json_array_size(json);
    bool scalars = true; /* these share a line */
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        scalars = scalars && !json_is_array(item) && !json_is_object(item);
    }
    slc_str_add(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) slc_str_add(out, indented && scalars ? ", " : ",");
        if (!scalars) new_line(level + 1, indented, out);
        write_value(json_array_get(json, i), level + 1, indented, out);
    }
    if (!scalars) new_line(level, indented, out);
    slc_str_add(out, "]");
}

static void write_object(const json_t *json, size_t level, bool indented, slc_str *out)
{
    json_t *object = (json_t *)(uintptr_t)json; /* the iterator only reads */
    bool first = true;
    slc_str_add(out, "{");
    for (void *it = json_object_iter(object); it;
         it = json_object_iter_next(object, it)) {
        json_t *key = json_string(json_object_iter_key(it));
        if (!first) slc_str_add(out, ",");
        first = false;
        new_line(level + 1, indented, out);
        write_string(key, out);
        json_decref(key);
        slc_str_add(out, indented ? ": " : ":");
        write_value(json_object_iter_value(it), level + 1, indented, out);
    }
    if (!first) new_line(level, indented, out);
    slc_str_add(out, "}");
}

static void write_value(const json_t *json, size_t level, bool indented, slc_str *out)
{
    if (out->failed) return;
    if (!json) {
        out->failed = true;
        return;
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT: write_object(json, level, indented, out); return;
    case JSON_ARRAY: write_array(json, level, indented, out); return;
    case JSON_STRING: write_string(json, out); return;
    case JSON_REAL: write_real(json_real_value(json), out); return;
    case JSON_INTEGER:
        slc_str_printf(out, "%lld", (long long)json_integer_value(json));
        return;
    case JSON_TRUE: slc_str_add(out, "true"); return;
    case JSON_FALSE: slc_str_add(out, "false"); return;
    case JSON_NULL: slc_str_add(out, "null"); return;
    }
}

char *slc_json_line(const json_t *json)
{
    slc_str out = {0};
    write_value(json, 0, false, &out);
    if (out.failed) slc_str_free(&out);
    return out.text;
}

slc_status slc_json_parse(json_t **out, const void *text, size_t size, const char *origin,
                          slc_err *err)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t error;
    *out = json_loadb(text, size, flags, &error);
    if (*out) return SLC_OK;
    /* Where jansson runs out of memory, it mostly says nothing at all. */
    if (json_error_code(&error) == json_error_out_of_memory || !error.text[0])
        return slc_fail(err, SLC_ENOMEM, "%s: out of memory", origin);
    return slc_fail(err, SLC_EFORMAT, "%s:%d: %s", origin, error.line, error.text);
}

slc_status slc_json_read(json_t **out, const char *path, size_t limit, slc_err *err)
{
    uint8_t *bytes;
    size_t size;
    *out = NULL;
    slc_status st = slc_file_read(&bytes, &size, path, limit, err);
    if (st != SLC_OK) return st;
    st = slc_json_parse(out, bytes, size, path, err);
    free(bytes);
    return st;
}

slc_status slc_json_write(const json_t *json, const char *path, slc_err *err)
{
    slc_status st;
    slc_str out = {0};
    write_value(json, 0, true, &out);
    slc_str_add(&out, "\n");
    if (out.failed)
        st = slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    else
        st = slc_file_replace(path, out.text, out.size, err);
    slc_str_free(&out);
    return st;
}

json_t *slc_json_text(const char *text)
{
    if (slc_utf8_is_valid(text)) return json_string(text);
    slc_str fixed = {0};
    for (size_t n; *text; text += n) {
        const uint32_t c = slc_utf8_next(text, &n);
        if (n > 1 || c < 0x80)
            slc_str_add_n(&fixed, text, n);
        else
            slc_str_add_n(&fixed,
                          (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 63))}, 2);
    }
    json_t *json = fixed.failed ? NULL : json_string(fixed.text);
    slc_str_free(&fixed);
    return json;
}

static json_t *json_from_scalar(const slc_node *node)
{
    int64_t whole;
    double real;
    const char *text = node->text;
    if (!node->quoted) {
        if (strcasecmp(text, "true") == 0) return json_true();
        if (strcasecmp(text, "false") == 0) return json_false();
        if (!strpbrk(text, ".eE") && slc_parse_int(text, &whole))
            return json_integer(whole);
        if (slc_parse_real(text, &real)) return json_real(real);
    }
    return slc_json_text(text);
}

json_t *slc_json_from_node(const slc_node *node)
{
    if (!node || node->kind == SLC_NODE_NULL) return json_null();
    if (node->kind == SLC_NODE_SCALAR) return json_from_scalar(node);

    const bool is_map = node->kind == SLC_NODE_MAP;
    json_t *json = is_map ? json_object() : json_array();
    for (const slc_node *child = node->first; child && json; child = child->next) {
        json_t *value = slc_json_from_node(child);
        const int failed = is_map ? json_object_set_new(json, child->key, value)
                                  : json_array_append_new(json, value);
        if (failed) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}
