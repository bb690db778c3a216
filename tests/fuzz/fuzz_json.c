/* JSON: what is accepted is written as one line that reads back as the same value. */
#include "base/json.h"

#include "tests/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    json_t *json, *again;
    slc_err err = {0};
    if (slc_json_parse(&json, bytes, size, "fuzz.json", &err) != SLC_OK) {
        CHECK(err.msg[0], "a reason");
        return 0;
    }
    char *line = slc_json_line(json);
    CHECK(line && !strchr(line, '\n'), "%s", line ? line : "nothing");
    const slc_status st = slc_json_parse(&again, line, strlen(line), "line", &err);
    CHECK(st == SLC_OK && json_equal(json, again), "%s\n%s", err.msg, line);
    free(line);
    json_decref(json);
    json_decref(again);
    return 0;
}
