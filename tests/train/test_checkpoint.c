#include <unistd.h>

#include "base/attr.h"
#include "base/file.h"
#include "tests/check.h"
#include "train/checkpoint.h"

static const char *const path = "test_checkpoint.safetensors";

static void write_raw(const char *header, size_t claimed, size_t data)
{
    uint8_t bytes[4096] = {0};
    slc_err err = {0};
    const size_t n = strlen(header);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)claimed >> (8 * i));
    memcpy(bytes + 8, header, n);
    CHECK(slc_file_replace(path, bytes, 8 + n + data, &err) == SLC_OK, "%s", err.msg);
}

static void refused(const char *says)
{
    slc_tensors *file = NULL;
    slc_err err = {0};
    const slc_status st = slc_tensors_open(&file, path, &err);
    CHECK(st == SLC_EFORMAT && !file && strstr(err.msg, says) && strstr(err.msg, path),
          "%d \"%s\", expected \"%s\"", st, err.msg, says);
}

static void refuse(const char *header, size_t data, const char *says)
{
    write_raw(header, strlen(header), data);
    refused(says);
}

static void test_refuses_unsound_files(void)
{
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
           "cut short");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12,
           "12 bytes of data");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
           "need 12");
    refuse("{\"a\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "F99");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8,
           "whole");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],"
           "\"data_offsets\":[0,8]}}",
           8, "too large");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8,
           "rising");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
           6, "overlaps");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
           12, "unused");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
           8, "duplicate");
    refuse("[]", 0, "begin with {");
    refuse("{\"a\":", 0, "header");
    refuse("{\"__metadata__\":{\"k\":1}}", 0, "no text");
    refuse("{\"a\":7}", 0, "type");
    write_raw("{}", (size_t)200000000, 0);
    refused("limit");
    write_raw("{}", 500, 0);
    refused("header of 500");
}

/* One tensor called a beside eight bytes of data: every rule of the format broken in turn. */
static const struct {
    const char *dtype, *shape, *offsets, *says;
} broken[] = {
    {"\"f32\"", "[2]", "[0,8]", "unknown type f32"},
    {"\"F32 \"", "[2]", "[0,8]", "unknown type"},
    {"\"\"", "[2]", "[0,8]", "unknown type"},
    {"\"C64\"", "[1]", "[0,8]", "unknown type C64"},
    {"32", "[2]", "[0,8]", "unknown type (none)"},
    {"null", "[2]", "[0,8]", "unknown type (none)"},
    {"[\"F32\"]", "[2]", "[0,8]", "unknown type (none)"},
    {"\"F64\"", "[2]", "[0,8]", "need 16"},
    {"\"F16\"", "[2]", "[0,8]", "need 4"},
    {"\"BF16\"", "[3]", "[0,8]", "need 6"},
    {"\"I64\"", "[2]", "[0,8]", "need 16"},
    {"\"U8\"", "[7]", "[0,8]", "need 7"},
    {"\"BOOL\"", "[9]", "[0,8]", "need 9"},
    {"\"F32\"", "[]", "[0,8]", "need 4"},
    {"\"F32\"", "[0]", "[0,8]", "need 0"},
    {"\"F32\"", "[2,0]", "[0,8]", "need 0"},
    {"\"F32\"", "[1]", "[0,8]", "need 4"},
    {"\"F32\"", "[2,2]", "[0,8]", "need 16"},
    {"\"F32\"", "2", "[0,8]", "no shape"},
    {"\"F32\"", "null", "[0,8]", "no shape"},
    {"\"F32\"", "\"2\"", "[0,8]", "no shape"},
    {"\"F32\"", "{}", "[0,8]", "no shape"},
    {"\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]", "no shape of up to 8"},
    {"\"F32\"", "[2.0]", "[0,8]", "whole"},
    {"\"F32\"", "[\"2\"]", "[0,8]", "whole"},
    {"\"F32\"", "[null]", "[0,8]", "whole"},
    {"\"F32\"", "[-1]", "[0,8]", "whole"},
    {"\"F32\"", "[true]", "[0,8]", "whole"},
    {"\"F32\"", "[[2]]", "[0,8]", "whole"},
    {"\"F32\"", "[4611686018427387904]", "[0,8]", "too large"},
    {"\"F32\"", "[9223372036854775807,3]", "[0,8]", "too large"},
    {"\"F32\"", "[99999999999999999999]", "[0,8]", "header"},
    {"\"F32\"", "[2]", "[0]", "data_offsets"},
    {"\"F32\"", "[2]", "[]", "data_offsets"},
    {"\"F32\"", "[2]", "[0,8,8]", "data_offsets"},
    {"\"F32\"", "[2]", "8", "data_offsets"},
    {"\"F32\"", "[2]", "null", "data_offsets"},
    {"\"F32\"", "[2]", "{}", "data_offsets"},
    {"\"F32\"", "[2]", "[0,\"8\"]", "data_offsets"},
    {"\"F32\"", "[2]", "[0,8.0]", "data_offsets"},
    {"\"F32\"", "[2]", "[-8,0]", "rising"},
    {"\"F32\"", "[2]", "[0,-8]", "rising"},
    {"\"F32\"", "[2]", "[8,0]", "rising"},
    {"\"F32\"", "[2]", "[0,9223372036854775807]", "cut short"},
    {"\"F32\"", "[2]", "[9223372036854775799,9223372036854775807]", "cut short"},
    {"\"F32\"", "[2]", "[1,9]", "cut short"},
    {"\"F32\"", "[2]", "[0,9]", "cut short"},
    {"\"F32\"", "[1]", "[4,8]", "4 unused bytes"},
    {"\"F32\"", "[1]", "[0,4]", "8 bytes of data"},
    {"\"F32\"", "[0]", "[0,0]", "8 bytes of data"},
    {"\"F32\"", "[0]", "[8,8]", "8 unused bytes"},
};

static void test_every_rule_has_its_sentence(void)
{
    for (size_t i = 0; i < SLC_COUNT(broken); i++) {
        char header[300];
        snprintf(header, sizeof(header),
                 "{\"a\":{\"dtype\":%s,\"shape\":%s,\"data_offsets\":%s}}",
                 broken[i].dtype, broken[i].shape, broken[i].offsets);
        refuse(header, 8, broken[i].says);
    }
}

static void test_writes_what_it_reads(void)
{
    static const float w[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
    static const uint8_t b[3] = {1, 2, 3};
    const slc_blob blobs[] = {
        {"b", "U8", 1, {3}, b, 3},
        {"layer.weight", "F32", 2, {2, 3}, w, sizeof(w)},
        {"scalar", "F32", 0, {0}, w, 4},
        {"empty", "F32", 1, {0}, w, 0},
    };
    const char *const meta[] = {"recipe", "a: \"1\"\nb: ü\n", "kind", "test", NULL};
    uint8_t *first, *second;
    size_t n1, n2;
    slc_err err = {0};
    slc_tensors *file;
    CHECK(slc_tensors_write(path, blobs, SLC_COUNT(blobs), meta, &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_file_read(&first, &n1, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_tensors_open(&file, path, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_tensors_count(file) == 4, "%zu", slc_tensors_count(file));
    const slc_blob *got = slc_tensors_find(file, "layer.weight");
    CHECK(got && got->rank == 2 && got->dim[1] == 3 && !memcmp(got->data, w, sizeof(w)),
          "layer.weight");
    CHECK(strcmp(slc_tensors_meta(file, "recipe"), meta[1]) == 0, "metadata");
    CHECK(!slc_tensors_meta(file, "none") && !slc_tensors_find(file, "none"), "absent");
    CHECK(slc_tensors_write(path, blobs, SLC_COUNT(blobs), meta, &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_file_read(&second, &n2, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
    CHECK(n1 == n2 && memcmp(first, second, n1) == 0, "the same content, the same bytes");
    slc_tensors_close(&file);
    free(first);
    free(second);
}

/* A file cut anywhere is refused, never read past its end. */
static void test_every_truncation_is_refused(void)
{
    static const float w[6] = {0};
    const slc_blob blob = {"w", "F32", 2, {2, 3}, w, sizeof(w)};
    const char *const meta[] = {"k", "v", NULL};
    uint8_t *bytes;
    size_t size;
    slc_err err = {0};
    CHECK(slc_tensors_write(path, &blob, 1, meta, &err) == SLC_OK, "%s", err.msg);
    CHECK(slc_file_read(&bytes, &size, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
    for (size_t n = 0; n < size; n++) {
        slc_tensors *file = NULL;
        CHECK(slc_file_replace(path, bytes, n, &err) == SLC_OK, "%s", err.msg);
        CHECK(slc_tensors_open(&file, path, &err) == SLC_EFORMAT && !file,
              "%zu of %zu bytes", n, size);
    }
    free(bytes);
}

/* timm's names of the nets that it calls otherwise. */
static void test_knows_timms_names(void)
{
    static const char *const names[][2] = {
        {"features.0.0.weight", "conv_stem.weight"},
        {"features.1.conv.1.weight", "blocks.0.0.conv_pw.weight"},
        {"features.2.conv.0.0.weight", "blocks.1.0.conv_pw.weight"},
        {"features.3.conv.1.1.running_mean", "blocks.1.1.bn2.running_mean"},
        {"features.4.conv.2.weight", "blocks.2.0.conv_pwl.weight"},
        {"features.13.conv.1.0.weight", "blocks.4.2.conv_dw.weight"},
        {"features.17.conv.3.bias", "blocks.6.0.bn3.bias"},
        {"features.18.1.weight", "bn2.weight"},
        {"classifier.1.bias", "classifier.bias"},
        {"classifier.6.weight", "head.fc.weight"},
        {"features.0.weight", NULL},
        {"features.28.bias", NULL},
        {"layer1.0.conv1.weight", NULL}};
    char name[128];
    for (size_t i = 0; i < SLC_COUNT(names); i++) {
        const bool known = slc_timm_name(names[i][0], name, sizeof(name));
        CHECK(known == (names[i][1] != NULL), "%s", names[i][0]);
        CHECK(!known || strcmp(name, names[i][1]) == 0, "%s: %s", names[i][0], name);
    }
}

int main(void)
{
    test_knows_timms_names();
    test_refuses_unsound_files();
    test_every_rule_has_its_sentence();
    test_writes_what_it_reads();
    test_every_truncation_is_refused();
    unlink(path);
    return 0;
}
