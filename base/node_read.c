/* YAML to tree, one libyaml event at a time. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/node.h"

enum {
    MOST_LEVELS = 64,
    MOST_NODES = 1000000,
    LONGEST_KEY = 256,
    LARGEST_FILE = 1 << 26
};

typedef struct reader {
    yaml_parser_t parser;
    slc_arena *arena;
    const char *origin;
    bool has_lines;
    size_t nodes;
    slc_err *err;
} reader;

static slc_status no_memory(const reader *r)
{
    return slc_fail(r->err, SLC_ENOMEM, "%s: out of memory", r->origin);
}

/* The line of a mark as a node carries it. */
static unsigned line_of(const reader *r, yaml_mark_t mark)
{
    return r->has_lines ? (unsigned)mark.line + 1 : 0;
}

static slc_status refuse(const reader *r, yaml_mark_t mark, const char *why)
{
    const slc_node at = {.origin = r->origin, .line = line_of(r, mark)};
    return slc_node_fail(r->err, &at, "%s", why);
}

/* libyaml speaks of tokens and nodes; who wrote a recipe thinks of tabs and brackets. */
static const char *in_plain_words(const char *problem)
{
    static const struct {
        const char *problem, *words;
    } table[] = {
        {"found character that cannot start any token",
         "a tab, @, % or ` stands where none may; indent by spaces, put such texts in "
         "quotes"},
        {"did not find expected node content",
         "a value is missing; is there a bracket or comma too many?"},
        {"did not find expected ',' or '}'",
         "a map is not closed: \",\" or \"}\" missing"},
        {"did not find expected ',' or ']'",
         "a list is not closed: \",\" or \"]\" missing"},
        {"did not find expected key",
         "no key where one should be; is the indentation even?"},
        {"could not find expected ':'", "a key without a \":\" behind it"},
        {"found unexpected ':'", "a \":\" without a space behind it"},
        {"invalid leading UTF-8 octet", "is no text; a recipe is one, in YAML"},
        {"control characters are not allowed", "is no text; a recipe is one, in YAML"},
        {"mapping values are not allowed in this context",
         "a \":\" where no key can stand; is the indentation even, does a text need "
         "quotes?"},
    };
    for (size_t i = 0; i < SLC_COUNT(table); i++)
        if (strcmp(problem, table[i].problem) == 0) return table[i].words;
    return problem;
}

static slc_status next_event(reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event)) return SLC_OK;
    if (r->parser.error == YAML_MEMORY_ERROR) return no_memory(r);
    const bool reader_error = r->parser.error == YAML_READER_ERROR;
    const char *why = r->parser.problem ? in_plain_words(r->parser.problem) : "not YAML";
    return refuse(r, reader_error ? r->parser.mark : r->parser.problem_mark, why);
}

/* Anchors make trees that are not trees, and tags types that are not ours. */
static slc_status check_properties(const reader *r, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor || event->type == YAML_ALIAS_EVENT)
        return refuse(
            r, event->start_mark,
            "anchors and aliases (& and *) are not supported; write the value out");
    if (tag) return refuse(r, event->start_mark, "tags are not supported");
    return SLC_OK;
}

static slc_status read_text(reader *r, const yaml_event_t *event, const char **out)
{
    const char *text = (const char *)event->data.scalar.value;
    const size_t size = event->data.scalar.length;
    if (memchr(text, 0, size))
        return refuse(r, event->start_mark, "text with a zero byte");
    *out = slc_arena_text_n(r->arena, text, size);
    return *out ? SLC_OK : no_memory(r);
}

static slc_status read_key(reader *r, const yaml_event_t *event, const char **out)
{
    const slc_status st = check_properties(r, event);
    if (st != SLC_OK) return st;
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(r, event->start_mark, "a key must be a plain text");
    if (event->data.scalar.length == 0) return refuse(r, event->start_mark, "empty key");
    if (event->data.scalar.length > LONGEST_KEY)
        return refuse(r, event->start_mark, "key longer than 256 bytes");
    return read_text(r, event, out);
}

static bool is_null(const char *text)
{
    static const char *const null[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < SLC_COUNT(null); i++)
        if (strcmp(text, null[i]) == 0) return true;
    return false;
}

static slc_status read_value(reader *r, const yaml_event_t *event, unsigned level,
                             slc_node **out);

/* Reads up to the end event of a list or map whose start has been read. */
static slc_status read_children(reader *r, slc_node *node, yaml_event_type_t end,
                                unsigned level)
{
    for (;;) {
        yaml_event_t event;
        slc_node *child = NULL;
        const char *key = NULL;
        slc_status st = next_event(r, &event);
        if (st != SLC_OK) return st;
        const bool done = event.type == end;
        const unsigned line = line_of(r, event.start_mark);
        if (!done && node->kind == SLC_NODE_MAP) {
            st = read_key(r, &event, &key);
            yaml_event_delete(&event);
            if (st == SLC_OK) st = next_event(r, &event);
            if (st != SLC_OK) return st;
        }
        if (!done) st = read_value(r, &event, level, &child);
        yaml_event_delete(&event);
        if (done || st != SLC_OK) return st;
        child->key = key;
        if (key) child->line = line;
        slc_node_add(node, child);
    }
}

typedef struct keyed {
    const slc_node *node;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    return strcmp(x->node->key, y->node->key);
}

/* Sorting finds duplicates among a million keys as well as among three. */
static slc_status refuse_duplicates(reader *r, const slc_node *map)
{
    if (map->count < 2) return SLC_OK;
    const slc_arena_mark mark = slc_arena_get_mark(r->arena);
    keyed *all = slc_arena_zero(r->arena, map->count, sizeof(*all));
    if (!all) return no_memory(r);

    const slc_node *second = NULL;
    size_t n = 0;
    for (const slc_node *node = map->first; node; node = node->next)
        all[n++].node = node;
    qsort(all, n, sizeof(*all), by_key);
    for (size_t i = 1; i < n && !second; i++)
        if (by_key(&all[i - 1], &all[i]) == 0)
            second =
                all[i - 1].node->line > all[i].node->line ? all[i - 1].node : all[i].node;
    slc_arena_rewind(r->arena, mark);
    if (!second) return SLC_OK;
    return slc_node_fail(r->err, second, "key \"%s\" is given twice", second->key);
}

static slc_status read_value(reader *r, const yaml_event_t *event, unsigned level,
                             slc_node **out)
{
    slc_status st = check_properties(r, event);
    if (st != SLC_OK) return st;
    if (level > MOST_LEVELS)
        return refuse(r, event->start_mark, "nested more than 64 levels deep");
    if (++r->nodes > MOST_NODES)
        return refuse(r, event->start_mark, "more than 1000000 nodes");

    slc_node *node = slc_node_new(r->arena, SLC_NODE_NULL);
    if (!node) return no_memory(r);
    node->origin = r->origin;
    node->line = line_of(r, event->start_mark);
    *out = node;
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        node->kind = SLC_NODE_LIST;
        return read_children(r, node, YAML_SEQUENCE_END_EVENT, level + 1);
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        node->kind = SLC_NODE_MAP;
        st = read_children(r, node, YAML_MAPPING_END_EVENT, level + 1);
        return st == SLC_OK ? refuse_duplicates(r, node) : st;
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    st = read_text(r, event, &node->text);
    if (st != SLC_OK) return st;
    if (node->quoted || !is_null(node->text))
        node->kind = SLC_NODE_SCALAR;
    else
        node->text = NULL;
    return SLC_OK;
}

/* The one document between the start and the end of the stream. */
static slc_status read_stream(reader *r, slc_node **out)
{
    bool seen = false;
    for (;;) {
        yaml_event_t event;
        slc_status st = next_event(r, &event);
        if (st != SLC_OK) return st;
        const yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && seen)
            st = refuse(r, event.start_mark, "more than one document");
        else if (type == YAML_DOCUMENT_START_EVENT)
            seen = true;
        else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
                 type != YAML_DOCUMENT_END_EVENT)
            st = read_value(r, &event, 1, out);
        yaml_event_delete(&event);
        if (st != SLC_OK || type == YAML_STREAM_END_EVENT) return st;
    }
}

slc_status slc_node_parse(slc_node **out, slc_arena *arena, const char *text, size_t size,
                          const char *origin, slc_err *err)
{
    reader r = {.arena = arena, .err = err, .origin = origin};
    /* An option's value has lines only if it is written on several. */
    r.has_lines = (strncmp(origin, "--", 2) != 0 && strcmp(origin, "default") != 0) ||
                  memchr(text, '\n', size);
    *out = NULL;
    slc_node *node = slc_node_new(arena, SLC_NODE_NULL);
    const char *kept = slc_arena_text(arena, origin);
    if (!node || !kept) return no_memory(&r);
    r.origin = node->origin = kept;
    node->line = r.has_lines;

    if (!yaml_parser_initialize(&r.parser)) return no_memory(&r);
    yaml_parser_set_input_string(&r.parser, (const yaml_char_t *)text, size);
    const slc_status st = read_stream(&r, &node);
    yaml_parser_delete(&r.parser);
    if (st == SLC_OK) *out = node;
    return st;
}

slc_status slc_node_read(slc_node **out, slc_arena *arena, const char *path, slc_err *err)
{
    uint8_t *bytes;
    size_t size;
    *out = NULL;
    slc_status st = slc_file_read(&bytes, &size, path, LARGEST_FILE, err);
    if (st != SLC_OK) return st;
    st = slc_node_parse(out, arena, (const char *)bytes, size, path, err);
    free(bytes);
    return st;
}
