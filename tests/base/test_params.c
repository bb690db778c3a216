#include "base/params.h"

#include "tests/check.h"

typedef struct settings {
    bool on;
    int64_t size;
    double p;
    const char *path;
    int mode;
    slc_reals factor;
    slc_texts names;
    const slc_node *rest;
    slc_reals corner;
    slc_texts kinds;
} settings;

static const char *const modes[] = {"nearest", "bilinear", "bicubic", NULL};

static const slc_param table[] = {
    {"on", SLC_FIELD(settings, on), .initial = "false", .help = "a switch"},
    {"size", SLC_FIELD(settings, size), .lo = 1, .hi = 65535, .help = "side"},
    {"p", SLC_FIELD(settings, p), .lo = 0, .hi = 1, .initial = "0.5", .help = "chance"},
    {"path", SLC_FIELD(settings, path), .initial = "", .help = "a file"},
    {"mode", SLC_FIELD(settings, mode), .choices = modes, .initial = "bilinear",
     .help = "m"},
    {"factor", SLC_FIELD(settings, factor), .hi = 100, .min_count = 1, .max_count = 2,
     .initial = "[0.6, 1.4]", .unit = "ratio", .help = "range"},
    {"names", SLC_FIELD(settings, names), .initial = "[]", .help = "texts"},
    {"rest", SLC_FIELD(settings, rest), .initial = "", .help = "for others"},
    {"corner", SLC_FIELD(settings, corner), .whole = true, .hi = 100, .min_count = 0,
     .max_count = 2, .initial = "0", .help = "whole numbers"},
    {"kinds", SLC_FIELD(settings, kinds), .choices = modes, .initial = "[]",
     .help = "names of a list"},
    {0}};

static slc_status bind(settings *s, const char *yaml, slc_arena *arena, slc_err *err)
{
    slc_node *map;
    *err = (slc_err){0};
    const slc_status st =
        slc_node_parse(&map, arena, yaml, strlen(yaml), "recipe.yaml", err);
    if (st != SLC_OK) return st;
    return slc_params_bind(table, s, map, true, "op x", arena, err);
}

static void test_fills_every_type(void)
{
    slc_arena arena = {0};
    slc_err err;
    settings s;
    CHECK(bind(&s, "{size: 1e3, name: x}", &arena, &err) == SLC_OK, "%s", err.msg);
    CHECK(!s.on && s.size == 1000 && s.p == 0.5 && !s.path && s.mode == 1, "defaults");
    CHECK(s.factor.n == 2 && s.factor.v[0] == 0.6 && s.factor.v[1] == 1.4, "reals");
    CHECK(s.names.n == 0 && !s.rest, "empty lists");

    CHECK(bind(&s,
               "on: Yes\nsize: 32\np: .25\npath: 12\nmode: bicubic\nfactor: 2\n"
               "names: [a, \"1\"]\nrest: {x: 1}\n",
               &arena, &err) == SLC_OK,
          "%s", err.msg);
    CHECK(s.on && s.size == 32 && s.p == 0.25 && strcmp(s.path, "12") == 0, "scalars");
    CHECK(s.mode == 2 && s.factor.n == 1 && s.factor.v[0] == 2, "choice, reals");
    CHECK(s.names.n == 2 && strcmp(s.names.v[1], "1") == 0, "texts");
    CHECK(s.rest && slc_node_get(s.rest, "x"), "node");
    slc_arena_free(&arena);
}

static void test_names_place_and_reason(void)
{
    static const struct {
        const char *yaml, *want;
    } bad[] = {
        {"size: 1\nfactro: 2",
         "recipe.yaml:2: op x: unknown key \"factro\"; did you mean \"factor\"?"},
        {"size: 1\nzzzzz: 2", "recipe.yaml:2: op x: unknown key \"zzzzz\", not on, size, "
                              "p, path, mode, factor, names, rest, corner or kinds"},
        {"p: 1", "recipe.yaml:1: op x: size is missing"},
        {"size: 0", "recipe.yaml:1: op x: size is 0, not within 1 to 65535"},
        {"\n\nsize: 1.5", "recipe.yaml:3: op x: size is \"1.5\", not a whole number"},
        {"size: \"3\"",
         "recipe.yaml:1: op x: size is \"3\" (a text), not a whole number"},
        {"size: 1\np: often", "recipe.yaml:2: op x: p is \"often\", not a number"},
        {"size: 1\np: .nan", "recipe.yaml:2: op x: p is \".nan\", not a number"},
        {"size: 1\np: nan", "recipe.yaml:2: op x: p is \"nan\", not a number"},
        {"size: 1\np: 1e999", "recipe.yaml:2: op x: p is \"1e999\", not a number"},
        {"size: 1\np: 0x1", "recipe.yaml:2: op x: p is \"0x1\", not a number"},
        {"size: 1\np:", "recipe.yaml:2: op x: p is empty, not a number"},
        {"size: 1\np: 1.5", "recipe.yaml:2: op x: p is 1.5, not within 0 to 1"},
        {"size: 1\non: 'true'",
         "recipe.yaml:2: op x: on is \"true\" (a text), not true or false"},
        {"size: 1\nfactor: []", "recipe.yaml:2: op x: factor has 0 numbers, not 1 to 2"},
        {"size: 1\non: 1", "recipe.yaml:2: op x: on is \"1\", not true or false"},
        {"size: 1\nmode: bilinaer", "recipe.yaml:2: op x: mode is \"bilinaer\", not "
                                    "nearest, bilinear or bicubic; did "
                                    "you mean \"bilinear\"?"},
        {"size: 1\nfactor: [1,2,3]",
         "recipe.yaml:2: op x: factor has 3 numbers, not 1 to 2"},
        {"size: 1\nfactor: [1,\n x]",
         "recipe.yaml:3: op x: factor is \"x\", not a number"},
        {"size: 1\npath: [a]", "recipe.yaml:2: op x: path is a list, not a text"},
        {"size: 1\nnames: [a, {b: c}]",
         "recipe.yaml:2: op x: names is a map, not a list of texts"},
        {"size: 1\ncorner: [3, 2.5]",
         "recipe.yaml:2: op x: corner is \"2.5\", not a whole number"},
        {"size: 1\nkinds: [nearest, cubic]",
         "recipe.yaml:2: op x: kinds is \"cubic\", not nearest, bilinear or bicubic; did "
         "you mean \"bicubic\"?"},
        {"1.5", "recipe.yaml:1: op x: is a single value, not a map of settings"},
        {"[size, 1]", "recipe.yaml:1: op x: is a list, not a map of settings"},
    };
    slc_arena arena = {0};
    for (size_t i = 0; i < SLC_COUNT(bad); i++) {
        slc_err err;
        settings s;
        const slc_status st = bind(&s, bad[i].yaml, &arena, &err);
        CHECK(st == SLC_EINVAL && strcmp(err.msg, bad[i].want) == 0, "%s\n  not %s",
              err.msg, bad[i].want);
    }
    slc_arena_free(&arena);
}

/* What was written by dump binds to the same bits, through YAML text. */
static void test_dump_and_bind_round_trip(void)
{
    static const char *const name[] = {"null", "", "1", "a b", "true"};
    const settings many[] = {
        {.size = 1, .factor = {1, {0.1}}},
        {.on = true,
         .size = 65535,
         .p = 1.0 / 3,
         .path = "~",
         .mode = 2,
         .factor = {2, {1e-300, 99.99999999999999}},
         .names = {5, (const char **)(uintptr_t)name}},
        {.size = 7, .path = "", .factor = {1, {5e-324}}},
        {.size = 7, .path = "1.50", .factor = {1, {100}}},
    };
    slc_arena arena = {0};
    for (size_t i = 0; i < SLC_COUNT(many); i++) {
        const settings *a = &many[i];
        settings b;
        slc_err err = {0};
        slc_str text = {0};
        slc_node *map;
        slc_node_write(slc_params_dump(table, a, &arena), &text);
        slc_status st = slc_node_parse(&map, &arena, text.text, text.size, "dump", &err);
        if (st == SLC_OK) st = slc_params_bind(table, &b, map, false, "op", &arena, &err);
        CHECK(st == SLC_OK, "%s in\n%s", err.msg, text.text);
        const slc_node *path = slc_node_get(map, "path");
        CHECK(i != 3 || path->quoted, "a text that reads as a number keeps its quotes");
        CHECK(map->count == SLC_COUNT(table) - 1 && strcmp(map->first->key, "on") == 0,
              "all keys");
        CHECK(a->on == b.on && a->size == b.size && a->mode == b.mode, "%s", text.text);
        CHECK(memcmp(&a->p, &b.p, sizeof(b.p)) == 0, "%s", text.text);
        CHECK(a->factor.n == b.factor.n &&
                  memcmp(a->factor.v, b.factor.v, sizeof(b.factor.v)) == 0,
              "%s", text.text);
        CHECK(a->path ? b.path && strcmp(a->path, b.path) == 0 : !b.path, "%s",
              text.text);
        CHECK(a->names.n == b.names.n && !b.rest, "%s", text.text);
        for (size_t k = 0; k < b.names.n; k++)
            CHECK(strcmp(a->names.v[k], b.names.v[k]) == 0, "%s", text.text);
        slc_str_free(&text);
    }
    slc_arena_free(&arena);
}

static void test_set_is_the_place(void)
{
    slc_arena arena = {0};
    slc_err err;
    settings s;
    slc_node *map;
    CHECK(slc_node_parse(&map, &arena, "size: 1", 7, "r.yaml", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_node_set(map, &arena, "p=2", &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_params_bind(table, &s, map, false, "optim", &arena, &err) == SLC_EINVAL,
          "2");
    CHECK(strcmp(err.msg, "--set p: optim: p is 2, not within 0 to 1") == 0, "%s",
          err.msg);
    CHECK(slc_params_bind(table, &s, NULL, false, "optim", &arena, &err) == SLC_EINVAL,
          "none");
    CHECK(strcmp(err.msg, "optim: size is missing") == 0, "%s", err.msg);
    CHECK(slc_params_bind(NULL, NULL, map, false, "op", &arena, &err) == SLC_EINVAL,
          "no table");
    CHECK(slc_params_bind(NULL, NULL, NULL, false, "op", &arena, &err) == SLC_OK, "%s",
          err.msg);
    slc_arena_free(&arena);
}

static void test_name_is_skipped_only_if_asked(void)
{
    slc_arena arena = {0};
    slc_err err;
    settings s;
    slc_node *map;
    CHECK(slc_node_parse(&map, &arena, "{name: sgd, size: 1}", 20, "r", &err) == SLC_OK,
          "%s", err.msg);
    CHECK(slc_params_bind(table, &s, map, true, "optim", &arena, &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_params_bind(table, &s, map, false, "optim", &arena, &err) == SLC_EINVAL,
          "name");
    CHECK(strcmp(err.msg, "r:1: optim: unknown key \"name\"; did you mean \"names\"?") ==
              0,
          "%s", err.msg);
    slc_arena_free(&arena);
}

static void test_entries_are_found(void)
{
    static const struct op {
        slc_entry entry;
        int more;
    } hflip = {{.name = "hflip"}, 1}, vflip = {{.name = "vflip"}, 2};
    static const void *const list[] = {&hflip, &vflip, NULL};
    const slc_node at = {.origin = "recipe.yaml", .line = 7};
    slc_err err;
    CHECK(slc_entry_find(list, "op", "vflip", NULL, &err) == &vflip, "vflip");
    CHECK(!slc_entry_find(list, "op", "hflp", &at, &err) && err.code == SLC_EINVAL,
          "hflp");
    CHECK(strcmp(err.msg,
                 "recipe.yaml:7: unknown op \"hflp\"; did you mean \"hflip\"?") == 0,
          "%s", err.msg);
    CHECK(!slc_entry_find(list, "op", "zoom", NULL, &err), "zoom");
    CHECK(strcmp(err.msg, "unknown op \"zoom\"") == 0, "%s", err.msg);
}

int main(void)
{
    test_fills_every_type();
    test_names_place_and_reason();
    test_dump_and_bind_round_trip();
    test_set_is_the_place();
    test_name_is_skipped_only_if_asked();
    test_entries_are_found();
    return 0;
}
