#include "base/node.h"

#include "tests/check.h"

static slc_arena arena;
static slc_err err;

static slc_node *parse(const char *text)
{
    slc_node *node;
    const slc_status st =
        slc_node_parse(&node, &arena, text, strlen(text), "r.yaml", &err);
    CHECK(st == SLC_OK, "%s in\n%s", err.msg, text);
    return node;
}

static void check_refused(const char *text, const char *want)
{
    slc_node *node;
    const slc_status st =
        slc_node_parse(&node, &arena, text, strlen(text), "r.yaml", &err);
    CHECK(st == SLC_EINVAL && !node, "status %d for\n%s", st, text);
    CHECK(strcmp(err.msg, want) == 0, "%s\n  not %s", err.msg, want);
}

static void test_reads_kinds_and_lines(void)
{
    const slc_node *root =
        parse("# comment\na: 1\nb: 'x'\nc:\n  - ~\n  - {d: e}\nf:\ng: >-\n  t\n");
    CHECK(root->kind == SLC_NODE_MAP && root->count == 5 && root->line == 2, "root");
    const slc_node *a = slc_node_get(root, "a"), *b = slc_node_get(root, "b");
    CHECK(a->kind == SLC_NODE_SCALAR && !a->quoted && a->line == 2, "line %u", a->line);
    CHECK(strcmp(a->text, "1") == 0 && strcmp(a->origin, "r.yaml") == 0, "%s", a->text);
    CHECK(b->quoted && b->line == 3 && strcmp(b->text, "x") == 0, "%s", b->text);
    const slc_node *c = slc_node_get(root, "c");
    CHECK(c->kind == SLC_NODE_LIST && c->count == 2 && c->line == 4, "line %u", c->line);
    CHECK(c->first->kind == SLC_NODE_NULL && c->first->line == 5, "null");
    CHECK(slc_node_get(c->last, "d")->line == 6, "nested");
    CHECK(slc_node_get(root, "f")->kind == SLC_NODE_NULL, "nothing is null");
    CHECK(slc_node_get(root, "g")->quoted, "a folded text is a text");
    CHECK(!slc_node_get(root, "h") && !slc_node_get(a, "h") && !slc_node_get(NULL, "h"),
          "absent");
    CHECK(parse("")->kind == SLC_NODE_NULL && parse("# only\n")->kind == SLC_NODE_NULL,
          "empty");
}

static void test_refuses_with_line(void)
{
    check_refused("a: 1\nb: 2\na: 3\n", "r.yaml:3: key \"a\" is given twice");
    check_refused("x: {b: 1,\n \"b\": 2}\n", "r.yaml:2: key \"b\" is given twice");
    check_refused(
        "a: &x 1\n",
        "r.yaml:1: anchors and aliases (& and *) are not supported; write the value out");
    check_refused(
        "\na: &x {}\n",
        "r.yaml:2: anchors and aliases (& and *) are not supported; write the value out");
    check_refused(
        "a: &x []\n",
        "r.yaml:1: anchors and aliases (& and *) are not supported; write the value out");
    check_refused(
        "\n- *x\n",
        "r.yaml:2: anchors and aliases (& and *) are not supported; write the value out");
    check_refused(
        "? *x\n: 1\n",
        "r.yaml:1: anchors and aliases (& and *) are not supported; write the value out");
    check_refused("a: !!int 1\n", "r.yaml:1: tags are not supported");
    check_refused("!x a: 1\n", "r.yaml:1: tags are not supported");
    check_refused("!x [a]\n", "r.yaml:1: tags are not supported");
    check_refused("a\n---\nb\n", "r.yaml:2: more than one document");
    check_refused("[a]: 1\n", "r.yaml:1: a key must be a plain text");
    check_refused("\n'': 1\n", "r.yaml:2: empty key");
    check_refused("a: \"\\0\"\n", "r.yaml:1: text with a zero byte");
    check_refused("a: [1\nb: 2\n",
                  "r.yaml:2: a list is not closed: \",\" or \"]\" missing");
    check_refused("a: 1\n\tb: 2\n",
                  "r.yaml:2: found a tab character that violates indentation");
}

static void test_limits(void)
{
    char text[400] = "";
    for (int i = 0; i < 64; i++)
        strcat(text, "[");
    for (int i = 0; i < 64; i++)
        strcat(text, "]");
    parse(text);
    memmove(text + 1, text, strlen(text) + 1);
    strcat(text, "]");
    check_refused(text, "r.yaml:1: nested more than 64 levels deep");
    memset(text, 'k', 257);
    strcpy(text + 257, ": 1");
    check_refused(text, "r.yaml:1: key longer than 256 bytes");

    char *many = malloc(2 * 1000001 + 2);
    CHECK(many, "memory");
    for (size_t i = 0; i < 1000001; i++)
        memcpy(many + 2 * i, ",1", 2);
    many[0] = '[';
    strcpy(many + 2 * 1000001 - 1, "]");
    check_refused(many, "r.yaml:1: more than 1000000 nodes");
    free(many);
}

/* 100,000 keys: quadratic duplicate checks would take minutes. */
static void test_large_maps(void)
{
    slc_str text = {0};
    for (int i = 0; i < 100000; i++)
        slc_str_printf(&text, "k%d: 1\n", i);
    CHECK(parse(text.text)->count == 100000, "keys");
    slc_str_add(&text, "k77: 2\n");
    check_refused(text.text, "r.yaml:100001: key \"k77\" is given twice");
    slc_str_free(&text);
}

static void check_set(const char *before, const char *assignment, const char *after)
{
    slc_node *root = parse(before), *want = parse(after);
    const slc_status st = slc_node_set(root, &arena, assignment, &err);
    CHECK(st == SLC_OK, "%s: %s", assignment, err.msg);
    slc_str text = {0};
    slc_node_write(root, &text);
    const char *where = slc_node_diff(root, want, &arena, NULL, NULL);
    CHECK(!where, "%s: %s differs:\n%s", assignment, where, text.text);
    slc_str_free(&text);
    slc_node_add(slc_node_new(&arena, SLC_NODE_LIST),
                 root); /* links still hold together */
}

static void test_set_replaces_and_makes(void)
{
    check_set("a: 1", "a=2", "a: 2");
    check_set("a: 1\nb: 2", "a=[1, {x: y}]", "a: [1, {x: y}]\nb: 2");
    check_set("a: 1", "b.c.d=x", "a: 1\nb: {c: {d: x}}");
    check_set("", "a.b=1", "a: {b: 1}");
    check_set("a:", "a.b=1", "a: {b: 1}");
    check_set("a: 1", "a=", "a: ");
    check_set("a: 1", "a=b=c", "a: b=c");
    check_set("l: [1, 2, 3]", "l.1=9", "l: [1, 9, 3]");
    check_set("l: [1, 2, 3]", "l.2={a: b}", "l: [1, 2, {a: b}]");
    check_set("augment:\n- resize: {size: 3}\n- hflip\n", "augment.0.resize.size=32",
              "augment:\n- resize: {size: 32}\n- hflip\n");
    check_set("augment: [hflip, blur]", "augment.0.hflip.p=1",
              "augment: [{hflip: {p: 1}}, blur]");
}

static void test_set_tells_its_place(void)
{
    slc_node *root = parse("a: 1\n");
    char where[64];
    CHECK(slc_node_set(root, &arena, "optim.lr=0.5", &err) == SLC_OK, "%s", err.msg);
    const slc_node *lr = slc_node_get(slc_node_get(root, "optim"), "lr");
    slc_node_where(lr, where, sizeof(where));
    CHECK(strcmp(where, "--set optim.lr") == 0, "%s", where);
    slc_node_where(slc_node_get(root, "optim"), where, sizeof(where));
    CHECK(strcmp(where, "--set optim.lr") == 0, "made on the way: %s", where);
    slc_node_where(slc_node_get(root, "a"), where, sizeof(where));
    CHECK(strcmp(where, "r.yaml:1") == 0, "%s", where);
    slc_node_where(NULL, where, sizeof(where));
    CHECK(*where == '\0', "%s", where);
}

static void test_set_refuses(void)
{
    static const struct {
        const char *assignment, *want;
    } bad[] = {
        {"a", "--set a: no \"=\" (write key.path=value)"},
        {"=1", "--set : not a key path (write key.path=value)"},
        {"a..b=1", "--set a..b: not a key path (write key.path=value)"},
        {".a=1", "--set .a: not a key path (write key.path=value)"},
        {"a.=1", "--set a.: not a key path (write key.path=value)"},
        {"a.b=1", "--set a.b: a is \"1\", not a map"},
        {"l.7=1", "--set l.7: l has 2 entries, \"7\" is not one"},
        {"l.x=1", "--set l.x: l has 2 entries, \"x\" is not one"},
        {"l.-1=1", "--set l.-1: l has 2 entries, \"-1\" is not one"},
        {"m.k.z=1", "--set m.k.z: m.k is \"v\", not a map"},
        {"a=[1", "--set a: a list is not closed: \",\" or \"]\" missing"},
        {"a=&x 1",
         "--set a: anchors and aliases (& and *) are not supported; write the value out"},
    };
    for (size_t i = 0; i < SLC_COUNT(bad); i++) {
        slc_node *root = parse("a: 1\nl: [1, 2]\nm: {k: v}\n"),
                 *same = parse("a: 1\nl: [1, 2]\nm: {k: v}\n");
        CHECK(slc_node_set(root, &arena, bad[i].assignment, &err) == SLC_EINVAL, "%s",
              bad[i].assignment);
        CHECK(strcmp(err.msg, bad[i].want) == 0, "%s\n  not %s", err.msg, bad[i].want);
        CHECK(!slc_node_diff(root, same, &arena, NULL, NULL), "%s changed the tree",
              bad[i].assignment);
    }
    char deep[300] = "a";
    for (int i = 0; i < 70; i++)
        strcat(deep, ".a");
    strcat(deep, "=1");
    CHECK(slc_node_set(parse(""), &arena, deep, &err) == SLC_EINVAL, "70 levels");
}

static void check_round_trip(const slc_node *node)
{
    slc_str text = {0};
    slc_node_write(node, &text);
    const slc_node *again = parse(text.text);
    const char *where = slc_node_diff(node, again, &arena, NULL, NULL);
    CHECK(!where, "%s differs in\n%s", where, text.text);
    slc_str_free(&text);
}

/* clang-format off */
/* Every text that YAML could take for something else, as value, key and list entry. */
static const char *const odd[] = {
    "a:?b", "a ? b", "a? b", "null", "~", "true", "1", "-", "---", "...", "- a", "--- a", "? a", "a: b", "a:",
    ":a", "a #b", "#a", "a#b", " a", "a ", "a\nb", "\n", "a\tb", "[a", "a]", "{",
    "a, b", "&a", "*a", "!a", "|", ">", "'a", "\"a\"", "%a", "@a", "`a", "\\", "a\\b",
    "\x01", "\x7f", "\xc2\x85", "\xe2\x80\xa8",
    "\xef\xbb\xbfx", "\xc3\xa9",
    "\xf0\x9f\x98\x80", "\xc2\x9f", "=", "<<", "http://a.b/c?d=e#f", "C:\\x", "0x1F",
    "1e3", "a  b", "it's", "-1", "--x", "\xef\xbf\xbe", "?", "?x", ":", "::", "a:b",
    ",", "%",
};
/* clang-format on */

static void test_write_round_trip(void)
{
    static const char *const trees[] = {
        "1",
        "",
        "[]",
        "{}",
        "[[]]",
        "[[1, 2], [[3]]]",
        "a: {}\nb: []\nc:\nd: ''",
        "- a: 1\n  b: [x, y]\n- - - 1\n    - {c: d}\n- {}\n- ~\n",
        "a:\n  b:\n    - c: [1, 2, 3]\n      d: |\n        two\n        lines\n"};
    for (size_t i = 0; i < SLC_COUNT(trees); i++)
        check_round_trip(parse(trees[i]));

    slc_node *list = slc_node_new(&arena, SLC_NODE_LIST);
    slc_node *map = slc_node_new(&arena, SLC_NODE_MAP);
    for (size_t i = 0; i < SLC_COUNT(odd); i++) {
        slc_node *both = slc_node_new(&arena, SLC_NODE_LIST);
        slc_node_add(both, slc_node_scalar(&arena, odd[i]));
        slc_node_add(list, slc_node_scalar(&arena, odd[i]));
        slc_node_put(map, &arena, odd[i], slc_node_scalar(&arena, odd[i]));
        check_round_trip(slc_node_scalar(&arena, odd[i]));
        check_round_trip(both);
        slc_node_put(map, &arena, slc_arena_printf(&arena, "list %zu", i), both);
    }
    check_round_trip(list);
    check_round_trip(map);
    char longest[3000];
    memset(longest, 'x', sizeof(longest));
    longest[2999] = '\0';
    slc_node_put(map, &arena, "long", slc_node_scalar(&arena, longest));
    slc_node_add(list, slc_node_scalar(&arena, longest));
    check_round_trip(map);
    check_round_trip(list);
    check_round_trip(slc_node_scalar(&arena, longest));
}

static void test_write_is_readable(void)
{
    slc_str text = {0};
    const char *want =
        "seed: 1\ndata:\n  train: a/b\n  scale: [0.08, 1]\naugment:\n"
        "  - resize:\n      size: 32\n  - hflip\nnone: null\nname: \"a: b\"\n";
    slc_node_write(parse(want), &text);
    CHECK(strcmp(text.text, want) == 0, "%s", text.text);
    slc_str_free(&text);
}

static bool skip_b(const void *of, const char *path)
{
    return strcmp(path, of) == 0;
}

static void check_diff(const char *a, const char *b, const char *skip, const char *want)
{
    const char *got =
        slc_node_diff(parse(a), parse(b), &arena, skip ? skip_b : NULL, skip);
    const bool same = got && want ? strcmp(got, want) == 0 : got == want;
    CHECK(same, "%s\n%s\n%s, not %s", a, b, got ? got : "equal", want ? want : "equal");
}

static void test_diff(void)
{
    check_diff("{a: 1, b: {c: 2}}", "{b: {c: 2}, a: 1}", NULL, NULL);
    check_diff("{a: 1, b: {c: 2}}", "{b: {c: 3}, a: 1}", NULL, "b.c");
    check_diff("{a: 1, b: {c: 2}}", "{b: {c: 3}, a: 1}", "b", NULL);
    check_diff("{a: 1}", "{a: 1, z: 2}", NULL, "z");
    check_diff("{a: 1, z: 2}", "{a: 1}", NULL, "z");
    check_diff("{a: [1, 2]}", "{a: [1, 3]}", NULL, "a.1");
    check_diff("{a: [1, 2]}", "{a: [1, 2, 3]}", NULL, "a.2");
    check_diff("{a: [1, 2]}", "{a: {b: c}}", NULL, "a");
    check_diff("{a: 0.5}", "{a: 5e-1}", NULL, NULL);
    check_diff("{a: 0.5}", "{a: '5e-1'}", NULL, "a");
    check_diff("1", "2", NULL, "");
}

static void test_copy_is_deep(void)
{
    slc_node *a = parse("{a: [1, {b: 'c'}], d: }");
    slc_arena other = {0};
    slc_node *b = slc_node_copy(&other, a);
    CHECK(!slc_node_diff(a, b, &arena, NULL, NULL), "equal");
    CHECK(b->first->last->first->quoted && b->first->line == 1 &&
              b->first->origin != a->origin,
          "all of it");
    CHECK(slc_node_set(b, &other, "a.0=2", &err) == SLC_OK, "%s", err.msg);
    CHECK(strcmp(slc_node_diff(a, b, &arena, NULL, NULL), "a.0") == 0, "independent");
    slc_arena_free(&other);
}

static void test_made_in_code(void)
{
    slc_node *map = slc_node_new(&arena, SLC_NODE_MAP);
    slc_node_put(map, &arena, "a", slc_node_scalar(&arena, "1"));
    slc_node_put(map, &arena, "b", slc_node_scalar(&arena, "2"));
    slc_node_put(map, &arena, "a", slc_node_scalar(&arena, "3"));
    slc_node_put(map, &arena, "b", slc_node_scalar(&arena, "4"));
    slc_node_put(map, &arena, "c", slc_node_scalar(&arena, "5"));
    CHECK(map->count == 3 &&
              !slc_node_diff(map, parse("{a: 3, b: 4, c: 5}"), &arena, NULL, NULL),
          "put replaces in place");
    CHECK(!slc_node_put(NULL, &arena, "a", map) &&
              !slc_node_put(map, &arena, "a", NULL) && !slc_node_add(NULL, map) &&
              !slc_node_add(map, NULL) && !slc_node_copy(&arena, NULL),
          "NULL is passed on");
}

static void test_read_names_the_file(void)
{
    slc_node *node;
    CHECK(slc_node_read(&node, &arena, "/no/such.yaml", &err) == SLC_EDATA, "missing");
    CHECK(strncmp(err.msg, "/no/such.yaml: ", 15) == 0, "%s", err.msg);
}

int main(void)
{
    test_reads_kinds_and_lines();
    test_refuses_with_line();
    test_limits();
    test_large_maps();
    test_set_replaces_and_makes();
    test_set_tells_its_place();
    test_set_refuses();
    test_write_round_trip();
    test_write_is_readable();
    test_diff();
    test_copy_is_deep();
    test_made_in_code();
    test_read_names_the_file();
    slc_arena_free(&arena);
    return 0;
}
