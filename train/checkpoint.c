/* safetensors: eight bytes of header length, a JSON header, then the arrays without gaps.
 * A file is checked in full before a byte of it is used. */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"

enum { MAX_HEADER = 100000000, MAX_RANK = 8 };

struct slc_tensors {
    slc_map map;
    json_t *header;  /* names and metadata are borrowed from it */
    slc_blob *blobs; /* in file order */
    size_t count;
    const char *path;
    char *path_copy;
};

static size_t dtype_size(const char *dtype)
{
    static const struct {
        const char *name;
        size_t size;
    } known[] = {{"F32", 4}, {"BF16", 2}, {"F16", 2},  {"F64", 8},     {"I64", 8},
                 {"I32", 4}, {"I16", 2},  {"I8", 1},   {"U64", 8},     {"U32", 4},
                 {"U16", 2}, {"U8", 1},   {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
    for (size_t i = 0; i < SLC_COUNT(known); i++)
        if (strcmp(known[i].name, dtype) == 0) return known[i].size;
    return 0;
}

/* "FILE: what is wrong" */
#define BAD(file, ...) bad((file), err, __VA_ARGS__)
static SLC_PRINTF(3, 4) slc_status
    bad(const slc_tensors *file, slc_err *err, const char *fmt, ...)
{
    va_list args;
    char text[400];
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return slc_fail(err, SLC_EFORMAT, "%s: not a sound safetensors file: %s", file->path,
                    text);
}

static slc_status read_header(slc_tensors *file, size_t *data_at, slc_err *err)
{
    uint64_t size = 0;
    if (file->map.size < 8)
        return BAD(file, "%zu bytes are too few for a header", file->map.size);
    for (size_t i = 0; i < 8; i++)
        size |= (uint64_t)file->map.bytes[i] << (8 * i);
    if (size > MAX_HEADER)
        return BAD(file, "a header of %" PRIu64 " bytes, over the limit of %d", size,
                   MAX_HEADER);
    if (size > file->map.size - 8)
        return BAD(file, "a header of %" PRIu64 " bytes in a file of %zu", size,
                   file->map.size);
    if (size < 2 || file->map.bytes[8] != '{')
        return BAD(file, "the header does not begin with {");
    json_error_t why;
    file->header = json_loadb((const char *)file->map.bytes + 8, (size_t)size,
                              JSON_REJECT_DUPLICATES, &why);
    if (!file->header) return BAD(file, "header: %s", why.text);
    *data_at = 8 + (size_t)size;
    return SLC_OK;
}

static slc_status read_shape(const slc_tensors *file, const json_t *shape, slc_blob *blob,
                             size_t *count, slc_err *err)
{
    *count = 1;
    if (!json_is_array(shape) || json_array_size(shape) > MAX_RANK)
        return BAD(file, "tensor %s has no shape of up to %d sides", blob->name,
                   MAX_RANK);
    blob->rank = json_array_size(shape);
    for (size_t i = 0; i < blob->rank; i++) {
        const json_t *side = json_array_get(shape, i);
        if (!json_is_integer(side) || json_integer_value(side) < 0)
            return BAD(file, "tensor %s has a side that is no whole number", blob->name);
        blob->dim[i] = (size_t)json_integer_value(side);
        if (!slc_mul(*count, blob->dim[i], count))
            return BAD(file, "tensor %s is too large to be true", blob->name);
    }
    return SLC_OK;
}

/* Fills one blob; its data pointer becomes data + its first offset. */
static slc_status read_blob(const slc_tensors *file, const char *name, const json_t *item,
                            const uint8_t *data, size_t room, slc_blob *blob,
                            slc_err *err)
{
    size_t count, size;
    const json_t *offsets = json_object_get(item, "data_offsets");
    *blob = (slc_blob){.name = name,
                       .dtype = json_string_value(json_object_get(item, "dtype"))};
    if (!blob->dtype || dtype_size(blob->dtype) == 0)
        return BAD(file, "tensor %s has the unknown type %s", name,
                   blob->dtype ? blob->dtype : "(none)");
    const slc_status st =
        read_shape(file, json_object_get(item, "shape"), blob, &count, err);
    if (st != SLC_OK) return st;
    if (!slc_mul(count, dtype_size(blob->dtype), &size))
        return BAD(file, "tensor %s is too large to be true", name);
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to) ||
        json_integer_value(from) < 0 || json_integer_value(to) < json_integer_value(from))
        return BAD(file, "tensor %s has no pair of rising data_offsets", name);
    const size_t lo = (size_t)json_integer_value(from),
                 hi = (size_t)json_integer_value(to);
    if (hi > room)
        return BAD(file, "tensor %s ends at byte %zu of %zu: the file is cut short", name,
                   hi, room);
    if (hi - lo != size)
        return BAD(file, "tensor %s has %zu bytes, but its shape and type need %zu", name,
                   hi - lo, size);
    blob->data = data + lo;
    blob->size = size;
    return SLC_OK;
}

static int by_place(const void *a, const void *b)
{
    const slc_blob *x = a, *y = b;
    const uint8_t *p = x->data, *q = y->data;
    if (p != q) return p < q ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

static slc_status check_places(const slc_tensors *file, const uint8_t *data, size_t room,
                               slc_err *err)
{
    size_t end = 0;
    for (size_t i = 0; i < file->count; i++) {
        const slc_blob *b = &file->blobs[i];
        const size_t at = (size_t)((const uint8_t *)b->data - data);
        if (at < end)
            return BAD(file, "tensor %s overlaps %s", b->name, file->blobs[i - 1].name);
        if (at > end)
            return BAD(file, "%zu unused bytes before tensor %s", at - end, b->name);
        end = at + b->size;
    }
    if (end != room)
        return BAD(file, "%zu bytes of data, but the tensors take %zu", room, end);
    return SLC_OK;
}

static slc_status check_meta(const slc_tensors *file, slc_err *err)
{
    const char *key;
    json_t *value, *meta = json_object_get(file->header, "__metadata__");
    if (meta && !json_is_object(meta)) return BAD(file, "__metadata__ is no object");
    json_object_foreach(meta, key, value) if (!json_is_string(value)) return BAD(
        file, "metadata %s is no text", key);
    return SLC_OK;
}

static slc_status read_blobs(slc_tensors *file, slc_err *err)
{
    size_t data_at = 0;
    slc_status st = read_header(file, &data_at, err);
    if (st == SLC_OK) st = check_meta(file, err);
    if (st != SLC_OK) return st;
    const uint8_t *data = file->map.bytes + data_at;
    const size_t room = file->map.size - data_at;
    file->blobs = calloc(json_object_size(file->header) + 1, sizeof(*file->blobs));
    if (!file->blobs) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", file->path);
    const char *name;
    json_t *item;
    json_object_foreach(file->header, name, item)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        st = read_blob(file, name, item, data, room, &file->blobs[file->count], err);
        if (st != SLC_OK) return st;
        file->count++;
    }
    qsort(file->blobs, file->count, sizeof(*file->blobs), by_place);
    return check_places(file, data, room, err);
}

slc_status slc_tensors_open(slc_tensors **out, const char *path, slc_err *err)
{
    slc_tensors *file = calloc(1, sizeof(*file));
    slc_status st;
    *out = NULL;
    if (!file || !(file->path_copy = strdup(path))) {
        free(file);
        return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    }
    file->path = file->path_copy;
    st = slc_map_open(&file->map, path, err);
    if (st == SLC_OK) st = read_blobs(file, err);
    if (st != SLC_OK) {
        slc_tensors_close(&file);
        return st;
    }
    *out = file;
    return SLC_OK;
}

void slc_tensors_close(slc_tensors **file)
{
    if (!*file) return;
    json_decref((*file)->header);
    slc_map_close(&(*file)->map);
    free((*file)->blobs);
    free((*file)->path_copy);
    free(*file);
    *file = NULL;
}

size_t slc_tensors_count(const slc_tensors *file)
{
    return file->count;
}

const slc_blob *slc_tensors_at(const slc_tensors *file, size_t i)
{
    return &file->blobs[i];
}

const slc_blob *slc_tensors_find(const slc_tensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->blobs[i].name, name) == 0) return &file->blobs[i];
    return NULL;
}

const char *slc_tensors_path(const slc_tensors *file)
{
    return file->path;
}

const char *slc_tensors_meta(const slc_tensors *file, const char *key)
{
    return json_string_value(
        json_object_get(json_object_get(file->header, "__metadata__"), key));
}

static json_t *describe(const slc_blob *blob, size_t at)
{
    json_t *item = json_object(), *shape = json_array(), *offsets = json_array();
    for (size_t i = 0; i < blob->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)blob->dim[i]));
    json_array_append_new(offsets, json_integer((json_int_t)at));
    json_array_append_new(offsets, json_integer((json_int_t)(at + blob->size)));
    json_object_set_new(item, "dtype", json_string(blob->dtype));
    json_object_set_new(item, "shape", shape);
    json_object_set_new(item, "data_offsets", offsets);
    return item;
}

const char **slc_tensors_meta_with(const slc_tensors *file, slc_arena *arena,
                                   const char *key, const char *value)
{
    json_t *meta = json_object_get(file->header, "__metadata__"), *text;
    const char *name;
    const char **list =
        slc_arena_zero(arena, 2 * json_object_size(meta) + 3, sizeof(*list));
    size_t n = 0;
    if (!list) return NULL;
    json_object_foreach(meta, name, text)
    {
        if (strcmp(name, key) == 0) continue;
        list[n++] = name;
        list[n++] = json_string_value(text);
    }
    list[n++] = key;
    list[n] = value;
    return list;
}

/* The header as text, padded with blanks so that the data begins at a multiple of 8. */
static char *make_header(const slc_blob *blobs, size_t count, const char *const *meta,
                         size_t *size)
{
    json_t *header = json_object();
    size_t at = 0;
    if (meta && meta[0]) {
        json_t *pairs = json_object();
        for (size_t i = 0; meta[i]; i += 2)
            json_object_set_new(pairs, meta[i], json_string(meta[i + 1]));
        json_object_set_new(header, "__metadata__", pairs);
    }
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(header, blobs[i].name, describe(&blobs[i], at));
        at += blobs[i].size;
    }
    char *text = slc_json_line(header), *padded = NULL;
    json_decref(header);
    if (!text) return NULL;
    const size_t length = strlen(text);
    *size = slc_round_up(length, 8);
    padded = realloc(text, *size + 1);
    if (!padded)
        free(text);
    else
        memset(padded + length, ' ', *size - length);
    return padded;
}

slc_status slc_tensors_write(const char *path, const slc_blob *blobs, size_t count,
                             const char *const *meta, slc_err *err)
{
    size_t size = 0;
    uint8_t length[8];
    slc_writer *writer = NULL;
    char *header = make_header(blobs, count, meta, &size);
    if (!header) return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)(size >> (8 * i));
    slc_status st = slc_writer_open(&writer, path, err);
    if (st == SLC_OK) st = slc_writer_add(writer, length, sizeof(length), err);
    if (st == SLC_OK) st = slc_writer_add(writer, header, size, err);
    for (size_t i = 0; st == SLC_OK && i < count; i++)
        st = slc_writer_add(writer, blobs[i].data, blobs[i].size, err);
    if (st == SLC_OK)
        st = slc_writer_commit(&writer, err);
    else
        slc_writer_abandon(&writer);
    free(header);
    return st;
}
