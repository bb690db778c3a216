#include "augment/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "augment/whiten.h"
#include "base/log.h"

slc_status slc_bench_picture(slc_image *out, slc_arena *arena, size_t w, size_t h,
                             size_t channels, slc_err *err)
{
    const slc_status status = slc_image_alloc(out, arena, w, h, channels, err);
    if (status) return status;
    slc_rng rng = slc_rng_at(1, 0, 0, 0);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            for (size_t c = 0; c < channels; c++) {
                const double wave = 128 + 90 * sin((double)(x * (c + 1)) * 0.021) *
                                              cos((double)(y * (3 - c)) * 0.017);
                out->px[y * out->stride + x * channels + c] =
                    (uint8_t)(wave + (double)slc_rng_below(&rng, 30));
            }
    return SLC_OK;
}

typedef struct bench {
    slc_policy *policy;
    slc_image picture;
    slc_work work;
    float *slot; /* of tail ops, else NULL */
    uint64_t index;
    char path[32]; /* of a file made for the op, or "" */
} bench;

static slc_status once(bench *b, slc_err *err)
{
    const slc_key key = {.seed = 1, .index = b->index++};
    const slc_tail *tail = NULL;
    slc_image out;
    slc_arena_reset(&b->work.arena);
    slc_status status = slc_policy_run(b->policy, &key, NULL, &b->picture, &b->work, NULL,
                                       &out, &tail, err);
    if (!status && b->slot)
        status = slc_tail_write(tail, &out, SLC_F32, SLC_NCHW, b->work.isa, b->slot, err);
    return status;
}

/* Runs for at least the given time; the rate in *rate. */
static slc_status part(bench *b, double seconds, uint64_t *runs, double *rate,
                       slc_err *err)
{
    const uint64_t start = slc_clock_ns();
    uint64_t n = 0, now;
    do {
        const slc_status status = once(b, err);
        if (status) return status;
        n++;
        now = slc_clock_ns();
    } while ((double)(now - start) < seconds * 1e9);
    *runs += n;
    *rate = (double)n / ((double)(now - start) * 1e-9);
    return SLC_OK;
}

/* An op that reads what was measured on a data set (whiten) gets it measured on parts of the
 * picture, of at most WHITEN px. */
enum { WHITEN = 16 };

static bool needs_file(const slc_op *op)
{
    const slc_param *p = op->entry.params;
    while (p && p->name && strcmp(p->name, "file") != 0)
        p++;
    return p && p->name && !p->initial;
}

static slc_status measure(const slc_image *picture, size_t side, const char *path,
                          slc_err *err)
{
    slc_whiten *z = NULL;
    slc_status status = slc_whiten_create(&z, side, side, 3, err);
    for (size_t y = 0; !status && y + side <= picture->h; y += side)
        for (size_t x = 0; !status && x + side <= picture->w; x += side) {
            const slc_image part = slc_image_part(picture, (slc_rect){x, y, side, side});
            status = slc_whiten_add(z, &part, err);
        }
    if (!status) status = slc_whiten_save(z, 1e-3, path, err);
    slc_whiten_destroy(&z);
    return status;
}

/* Leaves the picture as a part that suits the file, and the settings in text. */
static slc_status use_file(bench *b, slc_bench *out, char *text, size_t size,
                           slc_err *err)
{
    char path[] = "/tmp/sluice-bench-XXXXXX";
    const size_t side = out->w < WHITEN ? out->w : WHITEN;
    const int fd = mkstemp(path);
    if (fd < 0) return slc_fail(err, SLC_EIO, "bench: %s cannot be made", path);
    close(fd);
    snprintf(text, size, "[{%s: {file: %s}}]", out->op, path);
    const slc_status status = measure(&b->picture, side, path, err);
    b->picture = slc_image_part(&b->picture, (slc_rect){0, 0, side, side});
    out->settings = "{file: (statistics of 16 x 16 px)}";
    out->w = out->h = side;
    snprintf(b->path, sizeof(b->path), "%s", path);
    return status;
}

static slc_status prepare(bench *b, const slc_op *op, size_t side, slc_arena *arena,
                          slc_bench *out, slc_err *err)
{
    char text[512];
    slc_node *list = NULL;
    const bool more = op->resample != NULL;
    out->op = op->entry.name;
    out->settings = op->example ? op->example : "{}";
    out->w = more ? side * 9 / 4 : side;
    out->h = more ? side * 5 / 3 : side;
    snprintf(text, sizeof(text), "[{%s: %s}]", op->entry.name, out->settings);
    slc_status status = slc_bench_picture(&b->picture, arena, out->w, out->h, 3, err);
    if (!status && needs_file(op)) status = use_file(b, out, text, sizeof(text), err);
    if (!status) status = slc_node_parse(&list, arena, text, strlen(text), "bench", err);
    if (!status)
        status = slc_policy_create(&b->policy, list, "bench", (slc_images){.channels = 3},
                                   err);
    if (!status) status = slc_decoder_create(&b->work.decoder, err);
    if (b->path[0]) remove(b->path);
    if (status || !op->tail || op->area) return status;
    b->slot = slc_arena_alloc(arena, out->w * out->h * 3 * sizeof(float));
    return b->slot ? SLC_OK : slc_fail(err, SLC_ENOMEM, "bench: no memory");
}

slc_status slc_bench_op(const slc_op *op, size_t side, double seconds, slc_isa isa,
                        slc_bench *out, slc_err *err)
{
    enum { PARTS = 5 };
    bench b = {.work = {.isa = isa}};
    slc_arena arena = {0};
    double rate = 0;

    *out = (slc_bench){0};
    slc_status status = prepare(&b, op, side, &arena, out, err);
    if (!status) status = part(&b, seconds / 20, &out->runs, &rate, err); /* warm up */
    out->runs = 0;
    for (int i = 0; i < PARTS && !status; i++) {
        status = part(&b, seconds / PARTS, &out->runs, &rate, err);
        if (rate > out->images_per_second) out->images_per_second = rate;
    }
    slc_policy_destroy(&b.policy);
    slc_decoder_destroy(&b.work.decoder);
    slc_arena_free(&b.work.arena);
    slc_arena_free(&arena);
    return status;
}
