/* YAML trees: what is accepted must survive writing and reading, and take a --set. */
#include "base/json.h"
#include "base/node.h"
#include "base/params.h"
#include "tests/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The tree as text, checked to be read back as the same tree. */
static void check_round_trip(const slc_node *tree, slc_arena *arena)
{
    slc_str text = {0}, again = {0};
    slc_node *copy;
    slc_err err = {0};
    slc_node_write(tree, &text);
    const slc_status st =
        slc_node_parse(&copy, arena, text.text, text.size, "copy", &err);
    CHECK(st == SLC_OK, "%s in\n%s", err.msg, text.text);
    const char *where = slc_node_diff(tree, copy, arena, NULL, NULL);
    CHECK(!where, "%s differs in\n%s", where, text.text);
    slc_node_write(copy, &again);
    CHECK(strcmp(text.text, again.text) == 0, "%s\nis then\n%s", text.text, again.text);
    slc_str_free(&text);
    slc_str_free(&again);
}

typedef struct settings {
    int64_t size;
    slc_reals factor;
    const slc_node *rest;
} settings;

static void try_bind(const slc_node *tree, slc_arena *arena)
{
    static const slc_param table[] = {
        {"size", SLC_FIELD(settings, size), .lo = 1, .hi = 9, .initial = "3"},
        {"factor", SLC_FIELD(settings, factor), .max_count = 4, .initial = "[]"},
        {"optim", SLC_FIELD(settings, rest), .initial = ""},
        {0}};
    settings s;
    slc_err err = {0};
    if (slc_params_bind(table, &s, tree, true, "fuzz", arena, &err) == SLC_OK)
        CHECK(s.size >= 1 && s.size <= 9 && s.factor.n <= 4, "%zu", s.factor.n);
    else
        CHECK(err.msg[0] && !strchr(err.msg, '\n'), "%s", err.msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    slc_arena arena = {.limit = 1 << 26};
    slc_err err = {0};
    slc_node *tree;
    const char *text = (const char *)bytes;
    if (slc_node_parse(&tree, &arena, text, size, "fuzz.yaml", &err) == SLC_OK) {
        check_round_trip(tree, &arena);
        try_bind(tree, &arena);
        json_decref(slc_json_from_node(tree));

        /* The beginning of the text once more, as an assignment. */
        char line[200];
        snprintf(line, sizeof(line), "%.*s", size < 199 ? (int)size : 199, text);
        if (slc_node_set(tree, &arena, line, &err) == SLC_OK)
            check_round_trip(tree, &arena);
    } else {
        CHECK(err.msg[0], "a reason");
    }
    slc_arena_free(&arena);
    return 0;
}
