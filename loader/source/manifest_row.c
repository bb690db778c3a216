#include "loader/source/manifest_row.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static const char *const column_names[SLC_COLUMNS] = {
    [SLC_COLUMN_PATH] = "path",   [SLC_COLUMN_LABEL] = "label",
    [SLC_COLUMN_SPLIT] = "split", [SLC_COLUMN_WEIGHT] = "weight",
    [SLC_COLUMN_GROUP] = "group",
};

/* Behind the opening quote. Two quotes stand for one. */
static slc_status quoted(char **at, char *end, char delimiter, slc_field_text *out,
                         uint64_t *line, slc_err *err)
{
    const uint64_t first = *line;
    char *p = *at, *to = p;
    out->text = p;
    for (;; *to++ = *p++) {
        if (p == end)
            return slc_fail(err, SLC_EFORMAT, "line %llu: a quote is not closed",
                            (unsigned long long)first);
        if (*p == '\n') ++*line;
        if (*p == 0)
            return slc_fail(err, SLC_EFORMAT, "line %llu: a zero byte",
                            (unsigned long long)*line);
        if (*p != '"') continue;
        if (p + 1 < end && p[1] == '"')
            p++;
        else
            break;
    }
    out->size = (size_t)(to - out->text);
    p++;
    if (p < end && *p == '\r' && p + 1 < end && p[1] == '\n') p++;
    if (p < end && *p != delimiter && *p != '\n')
        return slc_fail(err, SLC_EFORMAT, "line %llu: text behind a closing quote",
                        (unsigned long long)*line);
    *at = p;
    return SLC_OK;
}

slc_status slc_manifest_field(char **at, char *end, char delimiter, slc_field_text *out,
                              bool *last, uint64_t *line, slc_err *err)
{
    char *p = *at;
    if (p < end && *p == '"') {
        p++;
        const slc_status st = quoted(&p, end, delimiter, out, line, err);
        if (st != SLC_OK) return st;
    } else {
        out->text = p;
        while (p < end && *p != delimiter && *p != '\n' && *p != '"' && *p)
            p++;
        if (p < end && (*p == '"' || *p == 0))
            return slc_fail(err, SLC_EFORMAT, "line %llu: %s", (unsigned long long)*line,
                            *p ? "a quote inside a field that does not begin with one"
                               : "a zero byte");
        out->size = (size_t)(p - out->text);
        if ((p == end || *p == '\n') && out->size > 0 && p[-1] == '\r') out->size--;
    }
    *last = p == end || *p == '\n';
    *at = p < end ? p + 1 : p;
    return SLC_OK;
}

static size_t column_of(const slc_field_text *field)
{
    const char *text = field->text;
    size_t n = field->size, k = 0;
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    while (n > 0 && isspace((unsigned char)*text))
        text++, n--;
    while (k < SLC_COLUMNS &&
           (strlen(column_names[k]) != n || strncasecmp(column_names[k], text, n) != 0))
        k++;
    return k;
}

static slc_status no_path(const slc_str *seen, uint64_t line, slc_err *err)
{
    return slc_fail(err, SLC_EFORMAT,
                    "line %llu: the header has no column \"path\", only %.200s",
                    (unsigned long long)line, seen->text ? seen->text : "\"\"");
}

slc_status slc_manifest_header(slc_manifest_form *out, char delimiter, char **at,
                               char *end, uint64_t *line, slc_err *err)
{
    slc_status st = SLC_OK;
    slc_str seen = {0};
    bool last = false;
    const uint64_t first = *line;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    const size_t size = (size_t)((stop ? stop : end) - *at);
    *out = (slc_manifest_form){.delimiter = delimiter};
    if (!delimiter) out->delimiter = memchr(*at, '\t', size) ? '\t' : ',';
    while (!last && st == SLC_OK) {
        slc_field_text field;
        st = slc_manifest_field(at, end, out->delimiter, &field, &last, line, err);
        if (st != SLC_OK) break;
        if (out->fields == SLC_MANIFEST_FIELDS) {
            st = slc_fail(err, SLC_ELIMIT, "line %llu: more than %d columns",
                          (unsigned long long)*line, SLC_MANIFEST_FIELDS);
            break;
        }
        const size_t kind = column_of(&field);
        if (kind < SLC_COLUMNS && out->has[kind])
            st = slc_fail(err, SLC_EFORMAT, "line %llu: two columns \"%s\"",
                          (unsigned long long)*line, column_names[kind]);
        if (kind < SLC_COLUMNS) out->has[kind] = true;
        out->kind[out->fields++] = (uint8_t)kind;
        const int shown = field.size < 40 ? (int)field.size : 40;
        slc_str_printf(&seen, "%s\"%.*s\"", seen.size ? ", " : "", shown, field.text);
    }
    if (st == SLC_OK && !out->has[SLC_COLUMN_PATH]) st = no_path(&seen, first, err);
    for (char *c = err ? err->msg : NULL; st != SLC_OK && c && *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    slc_str_free(&seen);
    ++*line;
    return st;
}
