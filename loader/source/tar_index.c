/* Members become samples as WebDataset defines them: the key is the path up to the first dot
 * of its last part, the rest is the field (in lower case); consecutive members of one key are
 * one sample. Names without a key or a field, and those in double underscores, are left out. */
#include "loader/source/tar_index.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "augment/codec.h"
#include "base/json.h"
#include "loader/source/source_impl.h"
#include "loader/source/tar_walk.h"

enum { MOST_FIELDS = 64, CLS_SIZE = 4096, JSON_SIZE = 1 << 20, LABEL_SIZE = 1024 };

typedef struct builder {
    const slc_tar_fields *fields;
    slc_tar_walk walk;
    slc_str samples, texts;
    char key[SLC_TAR_NAME + 1];
    slc_str seen; /* field names of this key, each with its 0 */
    size_t seen_count;
    slc_tar_sample sample;         /* being put together */
    int image_rank, label_rank;    /* of what was found for this key; 0 = nothing */
    uint64_t label_at, label_size; /* where its label lies in the archive */
    bool label_json;
    uint64_t left_out;
} builder;

/* Splits a member's name; false if it is none of a sample. */
static bool split_name(const char *name, size_t *key_size, const char **field)
{
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    const char *dot = strchr(base, '.');
    if (!dot || dot == base) return false;
    for (const char *part = name; *part; part += strspn(part, "/")) {
        const size_t n = strcspn(part, "/");
        if (n > 4 && memcmp(part, "__", 2) == 0 && memcmp(part + n - 2, "__", 2) == 0)
            return false;
        part += n;
    }
    *key_size = (size_t)(dot - name);
    *field = dot + 1;
    return true;
}

/* How well a field fits as the picture: 0 = not at all. */
static int image_rank(const slc_tar_fields *fields, const char *field)
{
    char path[64];
    if (*fields->image) return strcmp(fields->image, field) == 0 ? 2 : 0;
    if (strlen(field) > 48) return 0;
    snprintf(path, sizeof(path), "x.%s", field);
    if (!slc_codec_by_extension(path)) return 0;
    return strchr(field, '.') ? 1 : 2;
}

static int label_rank(const slc_tar_fields *fields, const char *field)
{
    if (*fields->label) return strcmp(fields->label, field) == 0 ? 2 : 0;
    return strcmp(field, "cls") == 0 ? 2 : strcmp(field, "json") == 0 ? 1 : 0;
}

static slc_status read_label(const builder *b, uint8_t *to, slc_err *err)
{
    size_t have = 0;
    while (have < b->label_size) {
        const ssize_t n = pread(b->walk.fd, to + have, (size_t)b->label_size - have,
                                (off_t)(b->label_at + have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return n < 0 ? slc_fail_errno(err, SLC_EDATA, "read")
                         : slc_fail(err, SLC_EDATA, "is truncated");
        have += (size_t)n;
    }
    return SLC_OK;
}

static slc_status json_label(const builder *b, const char *text, size_t size,
                             slc_str *out, slc_err *err)
{
    json_t *json = NULL;
    const slc_status st = slc_json_parse(&json, text, size, "label", err);
    if (st != SLC_OK) return st;
    const json_t *value =
        json_is_object(json) ? json_object_get(json, b->fields->label_key) : NULL;
    if (json_is_integer(value))
        slc_str_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        slc_str_add_n(out, json_string_value(value), json_string_length(value));
    const bool odd = value && !json_is_integer(value) && !json_is_string(value);
    json_decref(json);
    if (odd)
        return slc_fail(err, SLC_EDATA, "\"%s\" is neither a whole number nor a text",
                        b->fields->label_key);
    return SLC_OK;
}

/* The label's text, without white space around it, into the texts. */
static slc_status keep_label(builder *b, const char *text, size_t size, slc_err *err)
{
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    while (size > 0 && isspace((unsigned char)*text))
        text++, size--;
    if (size > LABEL_SIZE)
        return slc_fail(err, SLC_ELIMIT, "a label of %zu bytes, more than %d", size,
                        LABEL_SIZE);
    if (size > 0 && memchr(text, 0, size))
        return slc_fail(err, SLC_EDATA, "a label with a zero byte");
    if (size == 0) return SLC_OK;
    b->sample.label = b->texts.size;
    slc_str_add_n(&b->texts, text, size);
    slc_str_add_n(&b->texts, "", 1);
    return SLC_OK;
}

static slc_status take_label(builder *b, slc_err *err)
{
    const int most = b->label_json ? JSON_SIZE : CLS_SIZE;
    if (b->label_size > (uint64_t)most)
        return slc_fail(err, SLC_ELIMIT, "a label file of %llu bytes, more than %d",
                        (unsigned long long)b->label_size, most);
    slc_str found = {0};
    uint8_t *bytes = malloc((size_t)b->label_size + 1);
    slc_status st =
        bytes ? read_label(b, bytes, err) : slc_fail(err, SLC_ENOMEM, "out of memory");
    if (st == SLC_OK && b->label_json) {
        st = json_label(b, (const char *)bytes, (size_t)b->label_size, &found, err);
        if (st == SLC_OK) st = keep_label(b, found.text, found.size, err);
    } else if (st == SLC_OK) {
        st = keep_label(b, (const char *)bytes, (size_t)b->label_size, err);
    }
    slc_str_free(&found);
    free(bytes);
    return st;
}

/* The sample of the current key is complete. */
static slc_status finish_sample(builder *b, slc_err *err)
{
    slc_status st = SLC_OK;
    if (b->image_rank > 0) {
        if (b->label_rank > 0 && (st = take_label(b, err)) != SLC_OK)
            return slc_err_prefix(err, "label of \"%.200s\"", b->key);
        slc_str_add_n(&b->samples, &b->sample, sizeof(b->sample));
    } else if (b->seen_count > 0) {
        b->left_out++;
    }
    b->sample = (slc_tar_sample){0};
    b->image_rank = b->label_rank = 0;
    b->seen.size = b->seen_count = 0;
    return st;
}

/* Whether the field is new for this key. */
static bool note_field(builder *b, const char *field)
{
    for (size_t at = 0; at < b->seen.size; at += strlen(b->seen.text + at) + 1)
        if (strcmp(b->seen.text + at, field) == 0) return false;
    slc_str_add_n(&b->seen, field, strlen(field) + 1);
    b->seen_count++;
    return true;
}

static void take_image(builder *b, int rank)
{
    b->image_rank = rank;
    b->sample.offset = b->walk.offset;
    b->sample.size = b->walk.size;
    b->sample.name = b->texts.size;
    slc_str_add_n(&b->texts, b->walk.name, strlen(b->walk.name) + 1);
}

static slc_status take_member(builder *b, slc_err *err)
{
    size_t key_size;
    const char *given;
    char field[SLC_TAR_NAME + 1];
    const char *name = b->walk.name;
    if (!split_name(name, &key_size, &given)) return SLC_OK;
    if (strlen(b->key) != key_size || memcmp(b->key, name, key_size) != 0) {
        const slc_status st = finish_sample(b, err);
        if (st != SLC_OK) return st;
        memcpy(b->key, name, key_size);
        b->key[key_size] = 0;
    }
    size_t n = 0;
    for (; given[n]; n++)
        field[n] = (char)tolower((unsigned char)given[n]);
    field[n] = 0;
    if (!note_field(b, field))
        return slc_fail(err, SLC_EDATA, "holds \"%.200s\" twice", name);
    if (b->seen_count > MOST_FIELDS)
        return slc_fail(err, SLC_ELIMIT,
                        "holds more than %d files for the key \"%.200s\"", MOST_FIELDS,
                        b->key);
    const int image = image_rank(b->fields, field), label = label_rank(b->fields, field);
    if (image > b->image_rank) take_image(b, image);
    if (label > b->label_rank) {
        b->label_rank = label;
        b->label_at = b->walk.offset;
        b->label_size = b->walk.size;
        b->label_json = n >= 4 && strcmp(field + n - 4, "json") == 0;
    }
    return SLC_OK;
}

slc_tar_stamp slc_tar_stamp_of(const struct stat *info)
{
    return (slc_tar_stamp){(uint64_t)info->st_size, info->st_mtim.tv_sec,
                           info->st_mtim.tv_nsec};
}

bool slc_tar_stamp_same(const slc_tar_stamp *a, const slc_tar_stamp *b)
{
    return a->size == b->size && a->seconds == b->seconds &&
           a->nanoseconds == b->nanoseconds;
}

slc_status slc_tar_index_build(slc_tar_index *out, int fd, const struct stat *info,
                               const slc_tar_fields *fields, slc_err *err)
{
    slc_status st = SLC_OK;
    bool more = true;
    *out = (slc_tar_index){.stamp = slc_tar_stamp_of(info)};
    builder *b = calloc(1, sizeof(*b));
    if (!b) return slc_fail(err, SLC_ENOMEM, "out of memory for its index");
    b->fields = fields;
    slc_tar_begin(&b->walk, fd, (uint64_t)info->st_size);
    slc_str_add_n(&b->texts, "", 1);
    while ((st = slc_tar_next(&b->walk, &more, err)) == SLC_OK && more)
        if ((st = take_member(b, err)) != SLC_OK) break;
    if (st == SLC_OK) st = finish_sample(b, err);
    if (st == SLC_OK && (b->samples.failed || b->texts.failed || b->seen.failed))
        st = slc_fail(err, SLC_ENOMEM, "out of memory for its index");
    if (st == SLC_OK) {
        out->count = b->samples.size / sizeof(slc_tar_sample);
        out->text_size = b->texts.size;
        out->left_out = b->left_out;
        out->cut = !b->walk.ended;
        out->samples = (void *)b->samples.text;
        out->texts = b->texts.text;
        b->samples = b->texts = (slc_str){0};
    }
    slc_str_free(&b->samples);
    slc_str_free(&b->texts);
    slc_str_free(&b->seen);
    free(b);
    return st;
}

void slc_tar_index_free(slc_tar_index *index)
{
    free(index->samples);
    free(index->texts);
    *index = (slc_tar_index){0};
}
