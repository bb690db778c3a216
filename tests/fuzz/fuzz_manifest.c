/* Manifests: small chunks on two threads give the same table, or the same sentence, as one. The
 * first byte is the size of the chunks. */
#include "loader/source/manifest_table.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_same(const slc_manifest *a, const slc_manifest *b)
{
    CHECK(a->count == b->count && a->text_size == b->text_size, "%llu rows",
          (unsigned long long)a->count);
    CHECK(!a->label == !b->label && !a->weight == !b->weight && !a->group == !b->group,
          "columns");
    for (uint64_t i = 0; i < a->count; i++) {
        CHECK(a->path[i] < a->text_size && strlen(a->texts + a->path[i]) > 0, "path");
        CHECK(a->path[i] == b->path[i] &&
                  strcmp(a->texts + a->path[i], b->texts + b->path[i]) == 0,
              "path %llu", (unsigned long long)i);
        CHECK(!a->label || (a->label[i] == b->label[i] && a->label[i] >= 0 &&
                            (size_t)a->label[i] < a->labels.count),
              "label");
        CHECK(!a->weight || (a->weight[i] == b->weight[i] && a->weight[i] >= 0),
              "weight");
        CHECK(!a->group || a->group[i] == b->group[i], "group");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    slc_manifest one, two;
    slc_err err = {0}, again = {0};
    if (size == 0) return 0;
    const slc_manifest_how whole = {.threads = 1, .split = bytes[0] & 1 ? "train" : NULL};
    slc_manifest_how cut = whole;
    cut.chunk = 1 + bytes[0] / 2;
    const int fd = memory_file(bytes + 1, size - 1);
    const slc_status st = slc_manifest_read(&one, fd, size - 1, &whole, &err);
    const slc_status st2 = slc_manifest_read(&two, fd, size - 1, &cut, &again);
    CHECK(st == st2 && strcmp(err.msg, again.msg) == 0, "\"%s\", \"%s\"", err.msg,
          again.msg);
    if (st == SLC_OK) check_same(&one, &two);
    CHECK(st == SLC_OK || (err.msg[0] && !strchr(err.msg, '\n')), "%s", err.msg);
    slc_manifest_free(&one);
    slc_manifest_free(&two);
    close(fd);
    return 0;
}
