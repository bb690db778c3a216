/* What every source answers, whatever its kind. */
#include "loader/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "loader/source/source_impl.h"

uint64_t slc_source_count(const slc_source *source)
{
    return source->count;
}

size_t slc_source_classes(const slc_source *source)
{
    return source->classes;
}

const char *slc_source_class(const slc_source *source, size_t label)
{
    return label < source->classes ? source->class_names[label] : "";
}

int32_t slc_source_label(const slc_source *source, uint64_t index)
{
    return source->labels && index < source->count ? source->labels[index] : -1;
}

double slc_source_weight(const slc_source *source, uint64_t index)
{
    return source->weights && index < source->count ? (double)source->weights[index] : 1;
}

uint64_t slc_source_group(const slc_source *source, uint64_t index)
{
    if (source->groups) return source->groups[index];
    char buffer[512];
    const char *name = slc_source_name(source, index, buffer, sizeof(buffer));
    return slc_hash64(name, strlen(name), 0);
}

const char *slc_source_name(const slc_source *source, uint64_t index, char *buffer,
                            size_t size)
{
    return index < source->count ? source->kind->name(source, index, buffer, size) : "";
}

const char *slc_source_key(const slc_source *source, uint64_t index, char *buffer,
                           size_t size)
{
    const char *root = source->root;
    const size_t n = strlen(root);
    if (n + 1 >= size) return slc_source_name(source, index, buffer, size);
    const char *name = slc_source_name(source, index, buffer + n, size - n);
    if (n == 0 || name[0] == '/') return name;
    if (name != buffer + n) snprintf(buffer + n, size - n, "%s", name);
    memcpy(buffer, root, n);
    return buffer;
}

const char *slc_source_describe(const slc_source *source)
{
    return source->describe;
}

bool slc_source_has_split(const slc_source *source)
{
    return source->split_picked;
}

bool slc_source_fixed_size(const slc_source *source, size_t *w, size_t *h,
                           size_t *channels)
{
    if (source->w == 0) return false;
    *w = source->w;
    *h = source->h;
    *channels = source->channels;
    return true;
}

void slc_source_digest(const slc_source *source, uint8_t out[32])
{
    char buffer[512];
    slc_sha256 sha;
    slc_sha256_begin(&sha);
    for (size_t i = 0; i < source->classes; i++)
        slc_sha256_add(&sha, source->class_names[i], strlen(source->class_names[i]) + 1);
    for (uint64_t i = 0; i < source->count; i++) {
        const char *name = slc_source_name(source, i, buffer, sizeof(buffer));
        const uint32_t label = (uint32_t)slc_source_label(source, i);
        const uint8_t bytes[4] = {(uint8_t)label, (uint8_t)(label >> 8),
                                  (uint8_t)(label >> 16), (uint8_t)(label >> 24)};
        slc_sha256_add(&sha, name, strlen(name) + 1);
        slc_sha256_add(&sha, bytes, sizeof(bytes));
    }
    slc_sha256_end(&sha, out);
}

slc_status slc_source_read(const slc_source *source, uint64_t index, slc_arena *arena,
                           slc_stored *out, slc_err *err)
{
    char buffer[512];
    if (index >= source->count)
        return slc_fail(err, SLC_EINVAL, "%s: there is no sample %llu of %llu",
                        source->describe, (unsigned long long)index,
                        (unsigned long long)source->count);
    *out = (slc_stored){.label = slc_source_label(source, index)};
    const slc_status st = source->kind->read(source, index, arena, out, err);
    if (st != SLC_OK)
        slc_err_prefix(err, "%s", slc_source_key(source, index, buffer, sizeof(buffer)));
    return st;
}

void slc_source_hint(const slc_source *source, uint64_t index)
{
    if (source->kind->hint && index < source->count) source->kind->hint(source, index);
}

const char *slc_source_root(slc_source *s, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    return slc_arena_printf(&s->arena, "%.*s%s", (int)n, dir,
                            dir[n - 1] == '/' ? "" : "/");
}
