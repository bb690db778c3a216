/* CIFAR: planes become pixels, file names become splits, odd files sentences. */
#include "tests/loader/build.h"

enum { PLANE = 1024 };

/* count records with label bytes label, label + 1...; plane values tell where they come from. */
static void write_records(const char *dir, const char *name, size_t label_bytes,
                          unsigned count, unsigned label)
{
    const size_t record = label_bytes + 3 * PLANE;
    uint8_t *bytes = calloc(count + 1, record);
    CHECK(bytes, "memory");
    for (unsigned i = 0; i < count; i++) {
        uint8_t *r = bytes + i * record;
        r[0] = (uint8_t)(label_bytes == 2 ? (label + i) % 20 : label + i);
        if (label_bytes == 2) r[1] = (uint8_t)(label + i);
        for (size_t k = 0; k < 3 * PLANE; k++)
            r[label_bytes + k] = (uint8_t)(i + k / PLANE * 80 + k % 32 + k % PLANE / 32);
    }
    write_bytes(dir, name, bytes, count * record);
    free(bytes);
}

static void check_pixels(const slc_source *s, uint64_t index, unsigned i)
{
    slc_arena arena = {0};
    slc_stored got;
    slc_err err = {0};
    CHECK(slc_source_read(s, index, &arena, &got, &err) == SLC_OK, "%s", err.msg);
    CHECK(got.pixels.w == 32 && got.pixels.h == 32 && got.pixels.channels == 3, "%zu",
          got.pixels.w);
    for (size_t y = 0; y < 32; y++)
        for (size_t x = 0; x < 32; x++)
            for (size_t c = 0; c < 3; c++) {
                const uint8_t v = got.pixels.px[y * got.pixels.stride + 3 * x + c];
                CHECK(v == (uint8_t)(i + c * 80 + x + y), "(%zu, %zu) %zu: %u", x, y, c,
                      v);
            }
    slc_arena_free(&arena);
}

static void test_cifar10(const char *root)
{
    char dir[400], buffer[500];
    size_t w, h, channels;
    snprintf(dir, sizeof(dir), "%s/ten", root);
    write_records(dir, "data_batch_1.bin", 1, 4, 0);
    write_records(dir, "data_batch_3.bin", 1, 3, 5);
    write_records(dir, "test_batch.bin", 1, 2, 8);
    slc_source *s = open_source(dir, NULL); /* found out by looking */
    CHECK(slc_source_count(s) == 9 && slc_source_classes(s) == 10, "%llu",
          (unsigned long long)slc_source_count(s));
    CHECK(strcmp(slc_source_class(s, 3), "3") == 0, "%s", slc_source_class(s, 3));
    check_pixels(s, 5, 1);
    const char *key = slc_source_key(s, 5, buffer, sizeof(buffer));
    CHECK(strstr(key, "/ten/data_batch_3.bin#1"), "%s", key);
    CHECK(slc_source_label(s, 5) == 6 && slc_source_label(s, 8) == 9, "labels");
    CHECK(slc_source_fixed_size(s, &w, &h, &channels) && w == 32 && channels == 3,
          "size");
    slc_source_close(&s);

    const char *names = "plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    write_bytes(dir, "batches.meta.txt", names, strlen(names));
    s = open_source(dir, "test");
    CHECK(slc_source_count(s) == 2 && slc_source_has_split(s), "%llu",
          (unsigned long long)slc_source_count(s));
    CHECK(slc_source_label(s, 0) == 8 && strcmp(slc_source_class(s, 8), "ship") == 0,
          "%s", slc_source_class(s, 8));
    slc_source_close(&s);
    s = open_source(dir, "train");
    CHECK(slc_source_count(s) == 7, "%llu", (unsigned long long)slc_source_count(s));
    slc_source_close(&s);
    check_refused(dir, "val", SLC_EDATA, "ten", "\"val\"");

    write_bytes(dir, "batches.meta.txt", "plane\ncar\n", 10);
    check_refused(dir, "test", SLC_EDATA, "batches.meta.txt", "2 names");
    write_records(dir, "test_batch.bin", 1, 2, 9);
    check_refused(dir, "test", SLC_EDATA, "test_batch.bin", "record 1 has label 10");
    write_bytes(dir, "test_batch.bin", names, 20);
    check_refused(dir, "test", SLC_EDATA, "test_batch.bin", "truncated");
    write_bytes(dir, "test_batch.bin", names, 0);
    check_refused(dir, "test", SLC_EDATA, "test_batch.bin", "0 bytes");
}

static void test_cifar100(const char *root)
{
    char dir[400], yaml[600];
    slc_arena arena = {0};
    slc_node *map;
    slc_err err = {0};
    snprintf(dir, sizeof(dir), "%s/hundred", root);
    write_records(dir, "train.bin", 2, 3, 38);
    slc_source *s = open_source(dir, "train");
    CHECK(slc_source_classes(s) == 100 && slc_source_label(s, 2) == 40, "%d",
          slc_source_label(s, 2));
    check_pixels(s, 2, 2);
    slc_source_close(&s);
    snprintf(yaml, sizeof(yaml), "{cifar: {path: %s, labels: coarse}}", dir);
    CHECK(slc_node_parse(&map, &arena, yaml, strlen(yaml), "test", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_source_open(&s, map, NULL, NULL, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_source_classes(s) == 20 && slc_source_label(s, 0) == 18 &&
              slc_source_label(s, 2) == 0,
          "%d", slc_source_label(s, 2));
    slc_source_close(&s);
    slc_arena_free(&arena);
    snprintf(yaml, sizeof(yaml), "cifar:%s/none", root);
    check_refused(yaml, NULL, SLC_EDATA, "/none", "holds no CIFAR files");
}

int main(void)
{
    char dir[300];
    make_dir(dir, sizeof(dir));
    test_cifar10(dir);
    test_cifar100(dir);
    drop_dir(dir);
    return 0;
}
