/* Tree to block YAML. */
#include <string.h>

#include "base/node.h"

enum { LINE = 72 }; /* longest list of scalars that is written in one line */

/* May c stand in YAML as it is, without starting a new line or being refused? */
static bool is_plain(uint32_t c, size_t size)
{
    if (c < 0x80) return c >= 0x20 && c != 0x7f;
    if (size == 1) return false; /* an invalid byte */
    return c >= 0xa0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe &&
           c != 0xffff;
}

/* Can text stand without quotes and be read as the same scalar, also inside [ ]? */
static bool can_be_bare(const char *text)
{
    static const char *const special[] = {"~", "null", "Null", "NULL", "-", "---", "..."};
    const size_t size = strlen(text);
    if (size == 0 || text[size - 1] == ' ' || text[size - 1] == ':') return false;
    for (size_t i = 0; i < SLC_COUNT(special); i++)
        if (strcmp(text, special[i]) == 0) return false;
    if (strchr(" ?:,[]{}#&*!|>'\"%@`", text[0])) return false;
    if (strncmp(text, "- ", 2) == 0 || strncmp(text, "--- ", 4) == 0 ||
        strncmp(text, "... ", 4) == 0)
        return false;
    if (strpbrk(text, ",[]{}") || strstr(text, ": ") || strstr(text, ":?") ||
        strstr(text, " #"))
        return false;
    for (size_t i = 0, n = 1; text[i]; i += n)
        if (!is_plain(slc_utf8_next(text + i, &n), n)) return false;
    return true;
}

static void write_quoted(const char *text, slc_str *out)
{
    slc_str_add(out, "\"");
    for (size_t i = 0, n = 1; text[i]; i += n) {
        const uint32_t c = slc_utf8_next(text + i, &n);
        if (c == '"' || c == '\\')
            slc_str_printf(out, "\\%c", (int)c);
        else if (is_plain(c, n))
            slc_str_add_n(out, text + i, n);
        else if (c == '\n')
            slc_str_add(out, "\\n");
        else if (c == '\t')
            slc_str_add(out, "\\t");
        else if (c < 0x100)
            slc_str_printf(out, "\\x%02X", c);
        else
            slc_str_printf(out, "\\u%04X", c);
    }
    slc_str_add(out, "\"");
}

static void write_text(const char *text, bool quoted, slc_str *out)
{
    if (!quoted && can_be_bare(text))
        slc_str_add(out, text);
    else
        write_quoted(text, out);
}

/* Scalars and everything else that stands behind a colon or dash on the same line. */
static bool is_inline(const slc_node *node)
{
    size_t width = 2;
    if (node->kind == SLC_NODE_NULL || node->kind == SLC_NODE_SCALAR) return true;
    if (node->count == 0) return true;
    if (node->kind == SLC_NODE_MAP) return false;
    for (const slc_node *child = node->first; child; child = child->next) {
        if (child->kind != SLC_NODE_SCALAR && child->kind != SLC_NODE_NULL) return false;
        width += child->text ? strlen(child->text) + 2 : 6;
        if (width > LINE) return false;
    }
    return true;
}

static void write_inline(const slc_node *node, slc_str *out)
{
    if (node->kind == SLC_NODE_NULL) {
        slc_str_add(out, "null");
    } else if (node->kind == SLC_NODE_SCALAR) {
        write_text(node->text, node->quoted, out);
    } else if (node->kind == SLC_NODE_MAP) {
        slc_str_add(out, "{}");
    } else {
        slc_str_add(out, "[");
        for (const slc_node *child = node->first; child; child = child->next) {
            write_inline(child, out);
            if (child->next) slc_str_add(out, ", ");
        }
        slc_str_add(out, "]");
    }
}

static void indent(size_t columns, slc_str *out)
{
    for (size_t i = 0; i < columns; i++)
        slc_str_add(out, " ");
}

/* The children of a list or map, from the current column on. */
static void write_block(const slc_node *node, size_t column, slc_str *out)
{
    for (const slc_node *child = node->first; child; child = child->next) {
        const bool in_list = node->kind == SLC_NODE_LIST;
        if (child != node->first) indent(column, out);
        if (in_list) {
            slc_str_add(out, "-");
        } else {
            write_text(child->key, false, out);
            slc_str_add(out, ":");
        }
        if (is_inline(child)) {
            slc_str_add(out, " ");
            write_inline(child, out);
            slc_str_add(out, "\n");
        } else if (in_list) {
            slc_str_add(out, " ");
            write_block(child, column + 2, out);
        } else {
            slc_str_add(out, "\n");
            indent(column + 2, out);
            write_block(child, column + 2, out);
        }
    }
}

void slc_node_write(const slc_node *node, slc_str *out)
{
    if (!is_inline(node)) {
        write_block(node, 0, out);
        return;
    }
    write_inline(node, out);
    slc_str_add(out, "\n");
}
