#include "base/json.h"

#include "base/file.h"

#include <unistd.h>

#include "tests/check.h"

static void check_line(const char *text, const char *want)
{
    json_t *json;
    slc_err err = {0};
    CHECK(slc_json_parse(&json, text, strlen(text), "x", &err) == SLC_OK, "%s", err.msg);
    char *line = slc_json_line(json);
    CHECK(line && strcmp(line, want) == 0, "%s, not %s", line ? line : "nothing", want);
    free(line);
    json_decref(json);
}

static void test_one_line_in_order(void)
{
    check_line("{\"b\": 1,\n \"a\": [1, 2.5, \"x\\ny\"], \"\": {}}",
               "{\"b\":1,\"a\":[1,2.5,\"x\\ny\"],\"\":{}}");
    check_line("[0.1, 1e22, 5e-324, -0.0, 3.0, 100000000000000000000.0]",
               "[0.1,1e22,5e-324,-0.0,3.0,1e20]");
    check_line("\"text\"", "\"text\"");
    check_line("[true,false,null,[],[[]]]", "[true,false,null,[],[[]]]");
    CHECK(!slc_json_line(NULL), "nothing from nothing");
}

static void test_files(void)
{
    char path[] = "/tmp/sluice-json-XXXXXX";
    const int fd = mkstemp(path);
    slc_err err = {0};
    CHECK(fd >= 0, "%s", path);
    close(fd);
    json_t *json =
               json_pack("{s:i, s:[f,f], s:{s:[{}]}}", "a", 1, "b", 0.1, 2.0, "c", "d"),
           *again;
    CHECK(slc_json_write(json, path, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_json_read(&again, path, 1000, &err) == SLC_OK, "%s", err.msg);
    CHECK(json_equal(json, again), "the same");
    json_decref(json);
    json_decref(again);

    CHECK(slc_json_read(&again, path, 5, &err) == SLC_ELIMIT && !again, "over the limit");
    CHECK(slc_file_replace(path, "{\n\"a\": 1,\n}", 11, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_json_read(&again, path, 1000, &err) == SLC_EFORMAT && !again, "broken");
    CHECK(slc_json_parse(&again, "{\"a\":1,\"a\":2}", 13, "x", NULL) == SLC_EFORMAT,
          "twice");
    char want[64];
    snprintf(want, sizeof(want), "%s:3: ", path);
    CHECK(strncmp(err.msg, want, strlen(want)) == 0, "%s", err.msg);
    unlink(path);
    CHECK(slc_json_read(&again, path, 1000, &err) == SLC_EDATA && !again, "missing");
    CHECK(slc_json_write(NULL, path, &err) == SLC_ENOMEM, "NULL is lost memory");
}

static void test_from_node(void)
{
    slc_arena arena = {0};
    slc_node *node;
    slc_err err;
    const char *yaml = "{a: 1, b: 0.5, c: '1', d: true, e: no, f: [x, ~], g: 1e3, h: {}, "
                       "i: 99999999999999999999}";
    CHECK(slc_node_parse(&node, &arena, yaml, strlen(yaml), "x", &err) == SLC_OK, "%s",
          err.msg);
    slc_node_put(node, &arena, "j", slc_node_scalar(&arena, "caf\xe9")); /* Latin-1 */
    json_t *json = slc_json_from_node(node);
    char *line = slc_json_line(json);
    CHECK(strcmp(
              line,
              "{\"a\":1,\"b\":0.5,\"c\":\"1\",\"d\":true,\"e\":\"no\",\"f\":[\"x\",null],"
              "\"g\":1000.0,\"h\":{},\"i\":1e20,\"j\":\"caf\xc3\xa9\"}") == 0,
          "%s", line);
    free(line);
    json_decref(json);
    slc_arena_free(&arena);
}

int main(void)
{
    test_one_line_in_order();
    test_files();
    test_from_node();
    return 0;
}
