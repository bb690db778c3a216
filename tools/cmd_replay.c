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
    {'o', "output", FIELD(output), .value = "DIR",
     .help = "where pictures go (default: none are written)"},
    {'e', "epoch", FIELD(epoch), .value = "E", .help = "epoch, from 0"},
    {'i', "index", FIELD(index), .value = "I",
     .help = "sample, from 0 (as in preview and metrics)"},
    {0, "view", FIELD(view), .hi = 9, .value = "N",
     .help = "which view (five_crop, ten_crop)"},
    {0, "verify", FIELD(verify),
     .help = "find the sample in the stream of that epoch and compare every pixel"},
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

static void record(void *user, const char *op, const char *drawn, const slc_image *image)
{
    recorder *const r = user;
    char path[4096] = "";

    if (r->output && image && r->status == SLC_OK) {
        const int room =
            snprintf(path, sizeof(path), "%s/%02zu-%s.png", r->output, r->steps, op);
        /* A policy's move is called policy/move. */
        for (char *c = path + strlen(r->output) + 1; room > 0 && *c; c++)
            if (*c == '/') *c = '-';
        r->status = cli_image_write(path, image, &r->err);
    }
    fprintf(r->table.cells, "%zu\t%s\t%zux%zu\t%s\n", r->steps, op, image ? image->w : 0,
            image ? image->h : 0, drawn ? drawn : "");
    json_array_append_new(r->list,
                          json_pack("{s:s, s:s, s:I, s:I, s:s}", "op", op, "drawn",
                                    drawn ? drawn : "", "width",
                                    (json_int_t)(image ? image->w : 0), "height",
                                    (json_int_t)(image ? image->h : 0), "picture", path));
    r->steps++;
}

typedef enum verdict { LEFT_OUT, OTHER, SAME } verdict;

/* Reads the stream of the epoch until the sample comes, and compares. A sampler, or a tail that
 * is dropped, may leave it out. */
static slc_status verify(cli_stream *stream, const slc_key *key, const slc_image *image,
                         verdict *out, slc_err *err)
{
    slc_loader_settings settings = stream->settings;
    slc_loader *loader = NULL;

    settings.mix = NULL; /* partners would lie over it */
    settings.epoch = key->epoch;
    settings.epochs = key->epoch + 1;
    slc_status st = slc_loader_open(&loader, &settings, err);
    while (st == SLC_OK && *out == LEFT_OUT) {
        const slc_batch *b = NULL;
        st = slc_loader_next(loader, &b, err);
        if (st != SLC_OK || !b) break;
        for (size_t i = 0; i < b->n && *out == LEFT_OUT; i++)
            if (b->index[i] == key->index && (!b->view || b->view[i] == key->view))
                *out = cli_batch_holds(b, i, settings.policy, image) ? SAME : OTHER;
        slc_loader_release(loader, b);
    }
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

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const replay_settings *const s = settings;
    slc_work work = {.isa = slc_isa_detect()};
    recorder r = {.output = s->output, .list = json_array()};
    slc_loader *loader = NULL;
    cli_stream stream;
    slc_image image;
    verdict v = LEFT_OUT;
    char room[512];
    (void)count;

    slc_status st = cli_stream_open(&stream, cli, args[0], &s->sets, s->split, err);
    if (st != SLC_OK) goto done;
    const slc_key key = {(uint64_t)stream.recipe.seed, s->epoch, s->index,
                         (uint32_t)s->view};
    if (s->index >= slc_source_count(stream.source)) {
        st = slc_fail(err, SLC_EINVAL,
                      "--index: %" PRIu64 " is beyond the %" PRIu64 " samples of %s",
                      s->index, slc_source_count(stream.source),
                      slc_source_describe(stream.source));
        goto close;
    }
    if (s->output) st = slc_dir_make(s->output, err);
    if (st == SLC_OK) st = slc_loader_open(&loader, &stream.settings, err);
    if (st == SLC_OK && !cli->json)
        printf("%s\n", slc_source_key(stream.source, s->index, room, sizeof(room)));
    cli_table_begin(&r.table);
    fprintf(r.table.cells, "\t\t\t\n");
    if (st == SLC_OK)
        st = slc_loader_sample(loader, &key, &work,
                               &(slc_trace){.step = record, .user = &r}, &image, err);
    cli_table_end(&r.table, st == SLC_OK && !cli->json ? stdout : NULL);
    if (st == SLC_OK && r.status != SLC_OK) {
        st = r.status;
        *err = r.err;
    }
    slc_loader_close(&loader);
    if (st == SLC_OK && s->verify) st = verify(&stream, &key, &image, &v, err);
    if (st == SLC_OK) st = report(cli, s, &stream, &r, v, err);
close:
    cli_stream_close(&stream);
done:
    slc_arena_free(&work.arena);
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
               "(DIR/NN-op.png). Mixing with partners is shown by preview.",
    .examples =
        "  sluice replay recipes/fashion-mnist-demo.yaml --epoch 3 --index 17 -o steps\n"
        "  sluice replay runs/demo --epoch 0 --index 5 --verify",
    .options = options,
    .initial = &(const replay_settings){.split = "train"},
    .settings_size = sizeof(replay_settings),
    .run = run,
};
