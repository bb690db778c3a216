/* The n-th allocation fails, for every n: an error each time, no crash, and under
 * AddressSanitizer no leak. libyaml and jansson get their memory from here as well. */
#include <yaml.h>

#include "base/file.h"
#include "base/json.h"
#include "base/params.h"
#include "base/pool.h"
#include "tests/alloc.h"
#include "tests/check.h"

/* libyaml calls these through the dynamic linker, and so finds ours. */
void *yaml_malloc(size_t size);
void *yaml_realloc(void *old, size_t size);
yaml_char_t *yaml_strdup(const yaml_char_t *text);

void *yaml_malloc(size_t size)
{
    return malloc(size ? size : 1);
}

void *yaml_realloc(void *old, size_t size)
{
    return realloc(old, size ? size : 1);
}

yaml_char_t *yaml_strdup(const yaml_char_t *text)
{
    return text ? (yaml_char_t *)strdup((const char *)text) : NULL;
}

static void *json_malloc(size_t size)
{
    return malloc(size);
}

typedef struct settings {
    double p;
    slc_reals factor;
    slc_texts names;
    const char *path;
    const slc_node *rest;
} settings;

static const slc_param table[] = {
    {"p", SLC_FIELD(settings, p), .lo = 0, .hi = 1, .initial = "0.5"},
    {"factor", SLC_FIELD(settings, factor), .max_count = 2, .initial = "[0.6, 1.4]"},
    {"names", SLC_FIELD(settings, names), .initial = "[]"},
    {"path", SLC_FIELD(settings, path), .initial = ""},
    {"rest", SLC_FIELD(settings, rest), .initial = ""},
    {0}};

static slc_status read_recipe(slc_err *err)
{
    static const char text[] = "op: {p: 0.25, names: [a, 'b'], rest: {x: [1, 2]}}\n";
    slc_arena arena = {0};
    slc_node *root = NULL, *dump = NULL;
    settings s;
    slc_str yaml = {0};
    slc_status st = slc_node_parse(&root, &arena, text, strlen(text), "r.yaml", err);
    if (st == SLC_OK) st = slc_node_set(root, &arena, "op.path=\"x y\"", err);
    if (st == SLC_OK) st = slc_node_set(root, &arena, "op.rest.y.z=[1]", err);
    if (st == SLC_OK)
        st =
            slc_params_bind(table, &s, slc_node_get(root, "op"), true, "op", &arena, err);
    if (st == SLC_OK) {
        CHECK(s.p == 0.25 && s.names.n == 2 && s.factor.n == 2, "settings");
        dump = slc_params_dump(table, &s, &arena);
        if (!dump || !slc_node_copy(&arena, dump)) st = slc_fail(err, SLC_ENOMEM, "dump");
    }
    if (st == SLC_OK) slc_node_write(dump, &yaml);
    if (yaml.failed) st = slc_fail(err, SLC_ENOMEM, "write");
    slc_str_free(&yaml);
    slc_arena_free(&arena);
    return st;
}

static slc_status write_json(slc_err *err)
{
    slc_arena arena = {0};
    slc_node *root = NULL;
    json_t *json = NULL, *again = NULL;
    char *line = NULL;
    slc_status st =
        slc_node_parse(&root, &arena, "{a: [1, x, 0.5], b: {}}", 23, "r", err);
    if (st == SLC_OK && !(json = slc_json_from_node(root)))
        st = slc_fail(err, SLC_ENOMEM, "j");
    if (st == SLC_OK && !(line = slc_json_line(json)))
        st = slc_fail(err, SLC_ENOMEM, "line");
    if (st == SLC_OK) st = slc_json_parse(&again, line, strlen(line), "line", err);
    if (st == SLC_OK) CHECK(json_equal(json, again), "%s", line);
    free(line);
    json_decref(json);
    json_decref(again);
    slc_arena_free(&arena);
    return st;
}

static slc_status replace_file(slc_err *err)
{
    return slc_file_replace("/dev/null", "x", 1, err);
}

static void run(void *arg, size_t i)
{
    (void)arg;
    (void)i;
}

static slc_status start_threads(slc_err *err)
{
    slc_pool *pool;
    const slc_status st = slc_pool_start(&pool, 2, run, NULL, NULL, err);
    slc_pool_join(&pool);
    return st;
}

/* jansson may take lost memory for broken text; that is allowed as also. */
static void sweep(const char *what, slc_status (*work)(slc_err *), slc_status also)
{
    slc_err err = {0};
    for (int forever = 0; forever < 2; forever++) {
        for (size_t n = 0;; n++) {
            CHECK(n < 100000, "%s never succeeds", what);
            alloc_fail_at(n, forever);
            const slc_status st = work(&err);
            if (!alloc_fail_stop()) {
                CHECK(st == SLC_OK && n > 0, "%s: %s after %zu", what, err.msg, n);
                break;
            }
            /* A single failure may be made good, as by an arena that asks for less. */
            CHECK(st == SLC_ENOMEM || (st == also && also) || (st == SLC_OK && !forever),
                  "%s: call %zu gives %d %s", what, n, st, err.msg);
        }
    }
}

int main(void)
{
    json_set_alloc_funcs(json_malloc, free);
    sweep("recipe", read_recipe, SLC_OK);
    sweep("json", write_json, SLC_EFORMAT);
    sweep("file", replace_file, SLC_OK);
    sweep("threads", start_threads, SLC_OK);
    return 0;
}
