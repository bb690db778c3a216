/* Small data sets made on the spot. */
#ifndef TESTS_LOADER_BUILD_H
#define TESTS_LOADER_BUILD_H

#include <sys/stat.h>
#include <unistd.h>

#include "augment/codec.h"
#include "base/file.h"
#include "base/hash.h"
#include "loader/loader.h"
#include "tests/check.h"

/* A fresh directory under $TMPDIR or /tmp; removed by drop_dir. */
static inline const char *make_dir(char *buffer, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(buffer, size, "%s/slc-loader-XXXXXX", tmp ? tmp : "/tmp");
    CHECK(mkdtemp(buffer), "%s", buffer);
    return buffer;
}

static inline void drop_dir(const char *dir)
{
    char command[1200];
    snprintf(command, sizeof(command), "chmod -R u+rwx '%s'; rm -rf '%s'", dir, dir);
    CHECK(system(command) == 0, "%s", command);
}

static inline void write_bytes(const char *dir, const char *name, const void *bytes,
                               size_t size)
{
    char path[1200];
    slc_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    CHECK(slc_dir_make(path, &err) == SLC_OK, "%s", err.msg);
    *slash = '/';
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, size, f) == size, "%s", path);
    fclose(f);
}

/* A picture whose pixels are a function of seed. */
static inline void write_picture(const char *dir, const char *name, size_t w, size_t h,
                                 unsigned seed)
{
    slc_arena arena = {0};
    slc_image im;
    slc_str out = {0};
    slc_err err = {0};
    CHECK(slc_image_alloc(&im, &arena, w, h, 3, &err) == SLC_OK, "%s", err.msg);
    for (size_t y = 0; y < h; y++)
        for (size_t i = 0; i < 3 * w; i++)
            im.px[y * im.stride + i] =
                (uint8_t)(seed * 37 + i * (1 + seed % 3) + y * 2 + (i * y >> 4));
    const slc_codec *codec = slc_codec_by_extension(name);
    CHECK(codec && slc_encode(codec, NULL, &im, &out, &err) == SLC_OK, "%s: %s", name,
          err.msg);
    write_bytes(dir, name, out.text, out.size);
    slc_str_free(&out);
    slc_arena_free(&arena);
}

/* count pictures of classes a, b, c. */
static inline void write_tree(const char *dir, size_t count)
{
    char name[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%c/%s%03u.%s", "abc"[i % 3],
                 i % 5 == 4 ? "deep/" : "", i, i % 4 == 3 ? "png" : "jpg");
        write_picture(dir, name, 40 + i % 7, 36 + i % 5, i);
    }
}

static inline void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24), p[1] = (uint8_t)(v >> 16), p[2] = (uint8_t)(v >> 8),
    p[3] = (uint8_t)v;
}

/* n pictures of 28 x 28 px with labels i % 10. */
static inline void write_idx(const char *dir, const char *stem, uint32_t n)
{
    char name[64];
    uint8_t *images = malloc(16 + (size_t)n * 784), *labels = malloc(8 + n);
    CHECK(images && labels, "memory");
    put32(images, 0x803), put32(images + 4, n), put32(images + 8, 28),
        put32(images + 12, 28);
    put32(labels, 0x801), put32(labels + 4, n);
    for (uint32_t i = 0; i < n; i++) {
        labels[8 + i] = (uint8_t)(i % 10);
        for (uint32_t k = 0; k < 784; k++)
            images[16 + i * 784 + k] = (uint8_t)(i * 7 + k * 3 + (k * i >> 5));
    }
    snprintf(name, sizeof(name), "%s-images-idx3-ubyte", stem);
    write_bytes(dir, name, images, 16 + (size_t)n * 784);
    snprintf(name, sizeof(name), "%s-labels-idx1-ubyte", stem);
    write_bytes(dir, name, labels, 8 + n);
    free(images);
    free(labels);
}

static inline slc_source *open_source(const char *spec, const char *split)
{
    slc_source *s = NULL;
    slc_err err = {0};
    CHECK(slc_source_open_text(&s, spec, split, NULL, &err) == SLC_OK, "%s", err.msg);
    return s;
}

/* Opening must fail with code and a sentence that holds all of the words. */
static inline void check_refused(const char *spec, const char *split, slc_status code,
                                 const char *word, const char *word2)
{
    slc_source *s = NULL;
    slc_err err = {0};
    const slc_status st = slc_source_open_text(&s, spec, split, NULL, &err);
    CHECK(st == code && !s, "%s: status %d instead of %d (%s)", spec, st, code, err.msg);
    CHECK(strstr(err.msg, word) && strstr(err.msg, word2), "\"%s\" lacks \"%s\", \"%s\"",
          err.msg, word, word2);
    CHECK(!strchr(err.msg, '\n'), "%s", err.msg);
}

static inline slc_policy *make_policy(const char *yaml)
{
    slc_arena arena = {0};
    slc_node *list;
    slc_policy *policy = NULL;
    slc_err err = {0};
    CHECK(slc_node_parse(&list, &arena, yaml, strlen(yaml), "test", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_policy_create(&policy, list, "augment", (slc_images){0}, &err) == SLC_OK,
          "%s", err.msg);
    slc_arena_free(&arena);
    return policy;
}

static inline slc_loader *open_loader(const slc_loader_settings *set)
{
    slc_loader *l = NULL;
    slc_err err = {0};
    CHECK(slc_loader_open(&l, set, &err) == SLC_OK, "%s", err.msg);
    return l;
}

/* Adds everything in a batch to a hash. */
static inline void hash_batch(slc_sha256 *sha, const slc_batch *b)
{
    const size_t size =
        b->n * b->height * b->width * b->channels * slc_dtype_size(b->type);
    slc_sha256_add(sha, b->data, size);
    slc_sha256_add(sha, b->label_a, b->n * sizeof(*b->label_a));
    slc_sha256_add(sha, b->index, b->n * sizeof(*b->index));
    slc_sha256_add(sha, b->view, b->n * sizeof(*b->view));
    slc_sha256_add(sha, b->real, b->n);
    slc_sha256_add(sha, &b->epoch, sizeof(b->epoch));
    slc_sha256_add(sha, &b->number, sizeof(b->number));
    if (b->label_b) {
        slc_sha256_add(sha, b->label_b, b->n * sizeof(*b->label_b));
        slc_sha256_add(sha, b->lambda, b->n * sizeof(*b->lambda));
        slc_sha256_add(sha, b->partner, b->n * sizeof(*b->partner));
    }
    slc_sha256_add(sha, b->drawn, strlen(b->drawn));
}

/* The hash of the stream, from batch skip of it on; returns the number of batches hashed. */
static inline uint64_t stream_hash(const slc_loader_settings *set, uint64_t skip,
                                   char hex[65])
{
    slc_loader *l = open_loader(set);
    slc_err err = {0};
    const slc_batch *b;
    uint64_t n = 0;
    slc_sha256 sha;
    slc_sha256_begin(&sha);
    for (;;) {
        const slc_status st = slc_loader_next(l, &b, &err);
        CHECK(st == SLC_OK, "%s", err.msg);
        if (!b) break;
        if (n++ >= skip) hash_batch(&sha, b);
        slc_loader_release(l, b);
    }
    slc_loader_close(&l);
    slc_sha256_hex(&sha, hex);
    return n;
}

#endif
