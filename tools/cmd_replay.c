/* replay: what training saw of one sample, step by step, with the numbers that were drawn. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "tools/cmd.h"
#include "tools/open.h"
#include "tools/table.h"
#include "tools/tiles.h"

typedef struct replay_settings {
    const char *output, *split;
    uint64_t epoch, index, view;
    bool verify;
    cli_texts sets;
} replay_settings;

#define FIELD(name) CLI_FIELD(replay_settings, name)

static const cli_opt options[] = {
    {'o', "output", FIELD(output), .path = CLI_WRITES_DIR, .value = "DIR",
     .help = "where pictures go (default: none are written)"},
    {'e', "epoch", FIELD(epoch), .value = "E", .help = "epoch, from 0"},
    {'i', "index", FIELD(index), .value = "I",
     .help = "sample, from 0 (as in preview and metrics)"},
    {0, "view", FIELD(view), .hi = 9, .value = "N",
     .help = "which view (five_crop, ten_crop)"},
    {0, "verify", FIELD(verify),
     .help = "find the sample in the stream of that epoch and compare every bit"},
    {'s', "split", FIELD(split), .value = "NAME", .help = "train, val or test"},
    {0, "set", FIELD(sets), .value = "KEY=VALUE", .help = "change a key of the recipe"},
    {0},
};

typedef struct recorder {
    const char *output; /* NULL = no files */
    cli_table table;    /* a row for every step */
    size_t steps;
    json_t *list;
    slc_status status; /* of the first write that failed */
    slc_err err;
} recorder;

/* image: NULL for what is done on the way into the batch. */
static void record(void *user, const char *op, const char *drawn, const slc_image *image)
{
    recorder *const r = user;
    char path[4096] = "", size[32] = "";

    if (r->output && image && r->status == SLC_OK) {
        const int room =
            snprintf(path, sizeof(path), "%s/%02zu-%s.png", r->output, r->steps, op);
        /* A policy's move is called policy/move. */
        for (char *c = path + strlen(r->output) + 1; room > 0 && *c; c++)
            if (*c == '/') *c = '-';
        r->status = cli_image_write(path, image, &r->err);
    }
    if (image) snprintf(size, sizeof(size), "%zux%zu", image->w, image->h);
    fprintf(r->table.cells, "%zu\t%s\t%s\t%s\n", r->steps, op, size, drawn);
    json_array_append_new(r->list,
                          json_pack("{s:s, s:s, s:I, s:I, s:s}", "op", op, "drawn", drawn,
                                    "width", (json_int_t)(image ? image->w : 0), "height",
                                    (json_int_t)(image ? image->h : 0), "picture", path));
    r->steps++;
}

/* Shows image i of a batch as one step more. */
static slc_status record_batch(recorder *r, const char *op, const char *drawn,
                               const slc_batch *b, size_t i, const slc_policy *policy,
                               slc_err *err)
{
    slc_arena arena = {0};
    slc_image image;
    const slc_status st = cli_batch_image(&image, &arena, b, i, policy, err);
    if (st == SLC_OK) record(r, op, drawn, &image);
    slc_arena_free(&arena);
    return st;
}

typedef enum verdict { LEFT_OUT, OTHER, SAME } verdict;

/* What of an epoch's stream is compared with the sample. */
typedef struct found {
    verdict verdict;
    uint64_t number; /* of the batch that holds the sample */
    size_t at;       /* its place there */
} found;

/* Reads the stream of the epoch until the sample comes, and compares every bit. A sampler, or a
 * tail that is dropped, may leave it out. */
static slc_status find(cli_stream *stream, const slc_key *key, const slc_batch *made,
                       found *out, slc_err *err)
{
    slc_loader_settings settings = stream->settings;
    slc_loader *loader = NULL;

    settings.mix = NULL; /* partners would lie over it */
    settings.epoch = key->epoch;
    settings.epochs = key->epoch + 1;
    slc_status st = slc_loader_open(&loader, &settings, err);
    while (st == SLC_OK && out->verdict == LEFT_OUT) {
        const slc_batch *b = NULL;
        st = slc_loader_next(loader, &b, err);
        if (st != SLC_OK || !b) break;
        const size_t bytes = b->height * b->width * b->channels * slc_dtype_size(b->type);
        const bool alike = b->height == made->height && b->width == made->width;
        for (size_t i = 0; i < b->n && out->verdict == LEFT_OUT; i++) {
            if (b->index[i] != key->index || (b->view && b->view[i] != key->view))
                continue;
            const char *const there = (const char *)b->data + i * bytes;
            *out = (found){alike && memcmp(there, made->data, bytes) == 0 ? SAME : OTHER,
                           b->number, i};
        }
        slc_loader_release(loader, b);
    }
    slc_loader_close(&loader);
    return st;
}

/* Shows what mixing makes of the sample that was found. */
static slc_status show_mixed(cli_stream *stream, const slc_key *key, const found *f,
                             recorder *r, slc_err *err)
{
    slc_loader_settings settings = stream->settings;
    const slc_batch *b = NULL;
    slc_loader *loader = NULL;

    settings.epoch = key->epoch;
    settings.epochs = key->epoch + 1;
    settings.position = f->number;
    slc_status st = slc_loader_open(&loader, &settings, err);
    if (st == SLC_OK) st = slc_loader_next(loader, &b, err);
    if (st == SLC_OK && b && b->drawn[0]) {
        char text[256];
        char own[32] = ""; /* lambda, where each sample has another */
        if (!strstr(b->drawn, "lambda="))
            snprintf(own, sizeof(own), " lambda=%.4f", (double)b->lambda[f->at]);
        snprintf(text, sizeof(text), "%s%s partner=%" PRIu64, b->drawn, own,
                 b->index[b->partner[f->at]]);
        st = record_batch(r, "mix", text, b, f->at, settings.policy, err);
    }
    if (b) slc_loader_release(loader, b);
    slc_loader_close(&loader);
    return st;
}

static slc_status report(cli_context *cli, const replay_settings *s,
                         const cli_stream *stream, recorder *r, verdict v, slc_err *err)
{
    char room[512];
    const char *const key = slc_source_key(stream->source, s->index, room, sizeof(room));

    if (s->verify && v == OTHER)
        return slc_fail(err, SLC_EDATA,
                        "%s: the stream of epoch %" PRIu64 " does not hold this "
                        "picture",
                        key, s->epoch);
    if (s->verify && v == LEFT_OUT) cli->findings = true;
    if (!cli->json) {
        if (s->verify)
            printf(v == SAME ? "the stream of epoch %" PRIu64
                               " holds exactly this picture\n"
                             : "epoch %" PRIu64 " leaves this sample out: there is "
                               "nothing to compare with\n",
                   s->epoch);
        return SLC_OK;
    }
    json_t *const object =
        json_pack("{s:i, s:s, s:I, s:I, s:O}", "schema", 1, "sample", key, "epoch",
                  (json_int_t)s->epoch, "index", (json_int_t)s->index, "steps", r->list);
    if (object && s->verify) json_object_set_new(object, "same", json_boolean(v == SAME));
    return cli_print_json(object, err);
}

/* The sample step by step, then as it lies in a batch: *made, its values from the arena. */
static slc_status replay(cli_stream *stream, const slc_key *key, recorder *r,
                         slc_arena *arena, slc_batch *made, slc_err *err)
{
    slc_work work = {.isa = slc_isa_detect()};
    slc_loader *loader = NULL;
    const slc_tail *tail;
    slc_image image;

    slc_status st = slc_loader_open(&loader, &stream->settings, err);
    if (st == SLC_OK)
        st =
            slc_loader_sample(loader, key, &work, &(slc_trace){.step = record, .user = r},
                              &image, &tail, err);
    if (st == SLC_OK)
        st = cli_batch_of_one(made, arena, &image, tail, stream->settings.type,
                              slc_loader_layout(loader), err);
    if (st == SLC_OK)
        st = record_batch(r, "batch", "", made, 0, stream->settings.policy, err);
    slc_loader_close(&loader);
    slc_arena_free(&work.arena);
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const replay_settings *const s = settings;
    recorder r = {.output = s->output, .list = json_array()};
    slc_arena arena = {0};
    cli_stream stream;
    found f = {0};
    slc_batch made = {0};
    char room[512];
    (void)count;

    slc_status st = cli_stream_open(&stream, cli, args[0], &s->sets, s->split, err);
    if (st != SLC_OK) goto done;
    const slc_key key = {(uint64_t)stream.recipe.seed, s->epoch, s->index,
                         (uint32_t)s->view};
    if (s->index >= slc_source_count(stream.source))
        st = slc_fail(err, SLC_EINVAL,
                      "--index: %" PRIu64 " is beyond the %" PRIu64 " samples of %s",
                      s->index, slc_source_count(stream.source),
                      slc_source_describe(stream.source));
    if (st == SLC_OK && s->output) st = slc_dir_make(s->output, err);
    if (st == SLC_OK && !cli->json)
        printf("%s\n", slc_source_key(stream.source, s->index, room, sizeof(room)));
    cli_table_begin(&r.table);
    fprintf(r.table.cells, "\t\t\t\n");
    if (st == SLC_OK) st = replay(&stream, &key, &r, &arena, &made, err);
    if (st == SLC_OK && s->verify) st = find(&stream, &key, &made, &f, err);
    if (st == SLC_OK && f.verdict == SAME && stream.settings.mix)
        st = show_mixed(&stream, &key, &f, &r, err);
    cli_table_end(&r.table, st == SLC_OK && !cli->json ? stdout : NULL);
    if (st == SLC_OK && r.status != SLC_OK) {
        st = r.status;
        *err = r.err;
    }
    if (st == SLC_OK) st = report(cli, s, &stream, &r, f.verdict, err);
    cli_stream_close(&stream);
done:
    slc_arena_free(&arena);
    json_decref(r.list);
    return st;
}

const cli_cmd cli_cmd_replay = {
    .name = "replay",
    .group = CLI_DATA,
    .summary = "repeat what training saw of one sample, step by step",
    .args = "RECIPE",
    .least = 1,
    .most = 1,
    .details = "Prints every step with the numbers that were drawn, and writes the "
               "picture after it\n"
               "(DIR/NN-op.png). What normalize and ops after it do shows in the last "
               "one, \"batch\",\n"
               "which training gets; with --verify also what mixing with a partner makes "
               "of it.",
    .examples =
        "  sluice replay recipes/fashion-mnist-demo.yaml --epoch 3 --index 17 -o steps\n"
        "  sluice replay runs/demo --epoch 0 --index 5 --verify",
    .options = options,
    .initial = &(const replay_settings){.split = "train"},
    .settings_size = sizeof(replay_settings),
    .run = run,
};
