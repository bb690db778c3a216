/* preview: a sheet of what training sees: a batch of a recipe, samples under a list of ops, one
 * sample drawn many times, or one op swept over a range. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "augment/op.h"
#include "tools/cmd.h"
#include "tools/open.h"
#include "tools/pictures.h"
#include "tools/tiles.h"

typedef struct preview_settings {
    const char *output, *split, *ops, *sweep, *table;
    uint64_t count, epoch, batch, draws, columns, seed, index;
    cli_texts sets;
} preview_settings;

#define FIELD(name) CLI_FIELD(preview_settings, name)

static const uint64_t index_none = UINT64_MAX;

static const cli_opt options[] = {
    {'o', "output", FIELD(output), .path = CLI_WRITES_PICTURE, .value = "FILE",
     .help = "the picture to write"},
    {'n', "count", FIELD(count), .lo = 1, .hi = CLI_MOST_TILES, .value = "N",
     .help = "pictures to show"},
    {'e', "epoch", FIELD(epoch), .value = "E", .help = "epoch to look at, from 0"},
    {'b', "batch", FIELD(batch), .value = "B", .help = "batch of that epoch, from 0"},
    {'i', "index", FIELD(index), .lo = 0, .hi = 9e15, .value = "I",
     .help = "show only this sample"},
    {'d', "draws", FIELD(draws), .lo = 1, .hi = CLI_MOST_TILES, .value = "N",
     .help = "draws of every sample shown (with --index or --sweep)"},
    {0, "ops", FIELD(ops), .value = "LIST",
     .help = "ops instead of the recipe's: '[hflip, {rotate: {degrees: 30}}]'"},
    {0, "sweep", FIELD(sweep), .value = "OP.KEY=LO:HI:N",
     .help = "one op with N values of one key, side by side"},
    {0, "table", FIELD(table), .value = "POLICY[:N]",
     .help = "every move of a policy (rows) at N magnitudes (columns; default 6)"},
    {0, "columns", FIELD(columns), .hi = 64, .value = "N",
     .help = "columns of the sheet"},
    {0, "seed", FIELD(seed), .value = "N",
     .help = "seed of the draws where there is no recipe"},
    {'s', "split", FIELD(split), .value = "NAME", .help = "train, val or test"},
    {0, "set", FIELD(sets), .value = "KEY=VALUE", .help = "change a key of the recipe"},
    {0},
};

/* Where pictures come from: a recipe's stream, or a source with a list of ops. */
typedef struct origin {
    cli_stream stream; /* of a recipe */
    slc_source *given;
    slc_policy *policy; /* of --ops */
    slc_arena arena;
    const slc_source *source;
    slc_loader_settings settings;
    bool recipe;
    uint64_t seed;
    uint64_t columns; /* of a table */
    char mixed[96];   /* what mixing drew for the batch */
} origin;

static slc_status make_policy(origin *o, const char *text, const char *what,
                              slc_policy **out, slc_err *err)
{
    slc_node *list = NULL;
    slc_status st = slc_node_parse(&list, &o->arena, text, strlen(text), what, err);
    if (st == SLC_OK) st = slc_policy_create(out, list, what, (slc_images){0}, err);
    return st;
}

static slc_status open_origin(origin *o, const cli_context *cli,
                              const preview_settings *s, const char *text, slc_err *err)
{
    slc_status st;

    o->recipe = cli_is_recipe(text);
    if (o->recipe) {
        st = cli_stream_open(&o->stream, cli, text, &s->sets, s->split, err);
        if (st != SLC_OK) return st;
        o->source = o->stream.source;
        o->settings = o->stream.settings;
        o->seed = (uint64_t)o->stream.recipe.seed;
    } else {
        if (s->sets.n)
            return slc_fail(err, SLC_EINVAL,
                            "--set changes a recipe, and %s is a data source", text);
        st = slc_source_open_text(&o->given, text, s->split, cli->log, err);
        if (st != SLC_OK) return st;
        o->source = o->given;
        o->seed = s->seed;
        o->settings = (slc_loader_settings){.source = o->given,
                                            .seed = s->seed,
                                            .shuffle = true,
                                            .batch = 1,
                                            .ragged_sizes = true,
                                            .log = cli->log};
    }
    if (s->ops) {
        st = make_policy(o, s->ops, "--ops", &o->policy, err);
        o->settings.policy = o->policy;
    }
    o->settings.threads = cli->threads;
    return st;
}

static void close_origin(origin *o)
{
    slc_policy_destroy(&o->policy);
    slc_source_close(&o->given);
    cli_stream_close(&o->stream);
    slc_arena_free(&o->arena);
}

/* Samples alone: pictures keep their own sizes. */
static slc_status open_single(slc_loader **out, const origin *o, const slc_policy *policy,
                              slc_err *err)
{
    slc_loader_settings settings = o->settings;
    settings.policy = policy;
    settings.mix = NULL;
    settings.batch = 1;
    settings.ahead = 2;
    settings.threads = 1;
    settings.ragged_sizes = true;
    settings.tail = SLC_TAIL_KEEP;
    settings.type = policy && slc_policy_is_normalized(policy) ? SLC_F32 : SLC_U8;
    return slc_loader_open(out, &settings, err);
}

static slc_status show_batch(origin *o, const preview_settings *s, cli_tiles *tiles,
                             slc_err *err)
{
    const slc_batch *batch = NULL;
    slc_loader *loader = NULL;

    o->settings.epoch = s->epoch;
    o->settings.position = s->batch;
    o->settings.epochs = s->epoch + 1;
    slc_status st = slc_loader_open(&loader, &o->settings, err);
    if (st == SLC_OK && s->batch >= slc_loader_batches(loader))
        st = slc_fail(err, SLC_EINVAL,
                      "--batch: %" PRIu64 " is beyond the %" PRIu64 " of an epoch",
                      s->batch, slc_loader_batches(loader));
    if (st == SLC_OK) st = slc_loader_next(loader, &batch, err);
    if (st == SLC_OK && batch) {
        snprintf(o->mixed, sizeof(o->mixed), "%s", batch->drawn);
        st = cli_tiles_add_batch(tiles, loader, o->source, o->settings.policy, o->seed,
                                 batch, s->count, err);
        slc_loader_release(loader, batch);
    }
    slc_loader_close(&loader);
    return st;
}

static slc_status check_index(const origin *o, uint64_t index, slc_err *err)
{
    if (index < slc_source_count(o->source)) return SLC_OK;
    return slc_fail(err, SLC_EINVAL,
                    "--index: %" PRIu64 " is beyond the %" PRIu64 " samples of %s", index,
                    slc_source_count(o->source), slc_source_describe(o->source));
}

/* count samples spread over the source, or one sample in several epochs. */
static slc_status show_samples(cli_context *cli, origin *o, const preview_settings *s,
                               cli_tiles *tiles, slc_err *err)
{
    const bool one = s->index != index_none;
    const uint64_t total = slc_source_count(o->source);
    const uint64_t n = one ? s->draws : s->count < total ? s->count : total;
    slc_loader *loader = NULL;

    slc_status st = one ? check_index(o, s->index, err) : SLC_OK;
    if (st == SLC_OK) st = open_single(&loader, o, o->settings.policy, err);
    for (uint64_t i = 0; st == SLC_OK && i < n; i++) {
        const slc_key key = {.seed = o->seed,
                             .epoch = s->epoch + (one ? i : 0),
                             .index = one ? s->index : i * total / n};
        char note[40];
        snprintf(note, sizeof(note), "%s %" PRIu64, one ? "epoch" : "index",
                 one ? key.epoch : key.index);
        st = cli_tiles_add_sample(tiles, loader, o->source, o->settings.policy, &key,
                                  note, err);
        if (!one && cli_pictures_skip(cli, (int)n, st, err)) st = SLC_OK;
    }
    if (st == SLC_OK && tiles->count == 0)
        st = slc_fail(err, SLC_EDATA,
                      "%s: none of the %" PRIu64 " pictures looked at can be read",
                      slc_source_describe(o->source), n);
    slc_loader_close(&loader);
    return st;
}

typedef struct sweep {
    const slc_op *op;
    const slc_param *param;
    double lo, hi;
    uint64_t n;
} sweep;

static slc_status read_sweep(const char *text, sweep *out, slc_err *err)
{
    char op[64] = "", key[64] = "";
    unsigned long long n = 0;
    int used = 0;

    if (sscanf(text, "%63[a-z0-9_].%63[a-z0-9_]=%lf:%lf:%llu%n", op, key, &out->lo,
               &out->hi, &n, &used) != 5 ||
        text[used] || n < 1 || n > 64)
        return slc_fail(err, SLC_EINVAL,
                        "--sweep: \"%s\" is not OP.KEY=LO:HI:N with N from 1 to 64",
                        text);
    out->n = n;
    out->op = slc_entry_find((const void *const *)slc_ops, "op", op, NULL, err);
    if (!out->op) return err->code;
    for (const slc_param *p = out->op->entry.params; p && p->name; p++)
        if (strcmp(p->name, key) == 0) out->param = p;
    if (!out->param ||
        (out->param->type != SLC_PARAM_REAL && out->param->type != SLC_PARAM_INT &&
         out->param->type != SLC_PARAM_REALS))
        return slc_fail(err, SLC_EINVAL,
                        "--sweep: op %s has no number called \"%s\"; \"sluice ops "
                        "%s\" lists its keys",
                        op, key, op);
    return SLC_OK;
}

/* "[{rotate: {degrees: [30, 30], p: 1}}]": the value exactly, and always applied. */
static void sweep_text(const sweep *w, double value, char *out, size_t size)
{
    bool chance = false;
    for (const slc_param *p = w->op->entry.params; p && p->name; p++)
        chance = chance || strcmp(p->name, "p") == 0;
    chance = chance && strcmp(w->param->name, "p") != 0;
    const bool range = w->param->type == SLC_PARAM_REALS && w->param->max_count >= 2;
    char number[64];
    if (range)
        snprintf(number, sizeof(number), "[%.9g, %.9g]", value, value);
    else
        snprintf(number, sizeof(number), "%.9g", value);
    snprintf(out, size, "[{%s: {%s: %s%s}}]", w->op->entry.name, w->param->name, number,
             chance ? ", p: 1" : "");
}

/* Adds one draw of sample --index (default 0) under ops of its own, which title tells. */
static slc_status add_under(origin *o, const preview_settings *s, cli_tiles *tiles,
                            const char *text, const char *what, uint64_t draw,
                            const char *title, slc_err *err)
{
    const uint64_t index = s->index == index_none ? 0 : s->index;
    slc_policy *policy = NULL;
    slc_loader *loader = NULL;

    slc_status st = check_index(o, index, err);
    if (st == SLC_OK) st = make_policy(o, text, what, &policy, err);
    if (st == SLC_OK) st = open_single(&loader, o, policy, err);
    if (st == SLC_OK)
        st = cli_tiles_add_sample(
            tiles, loader, o->source, policy,
            &(slc_key){.seed = o->seed, .epoch = s->epoch + draw, .index = index}, NULL,
            err);
    if (st == SLC_OK)
        tiles->tile[tiles->count - 1].title = slc_arena_text(&tiles->arena, title);
    slc_loader_close(&loader);
    slc_policy_destroy(&policy);
    return st;
}

/* Columns are values, rows are draws. */
static slc_status show_sweep(origin *o, const preview_settings *s, cli_tiles *tiles,
                             slc_err *err)
{
    sweep w = {0};
    slc_status st = read_sweep(s->sweep, &w, err);

    for (uint64_t d = 0; st == SLC_OK && d < s->draws; d++)
        for (uint64_t i = 0; st == SLC_OK && i < w.n; i++) {
            double value =
                w.n > 1 ? w.lo + (w.hi - w.lo) * (double)i / (double)(w.n - 1) : w.lo;
            char text[256], note[96];
            if (w.param->type == SLC_PARAM_INT) value = (double)(int64_t)(value + 0.5);
            sweep_text(&w, value, text, sizeof(text));
            snprintf(note, sizeof(note), "%s %.4g", w.param->name, value);
            st = add_under(o, s, tiles, text, "--sweep", d, note, err);
        }
    return st;
}

static const slc_param *param_of(const slc_op *op, const char *name)
{
    const slc_param *p = op->entry.params;
    while (p && p->name && strcmp(p->name, name) != 0)
        p++;
    return p && p->name ? p : NULL;
}

/* A policy can be shown as a table if it has the keys moves and magnitude. */
static slc_status read_table(const char *text, const slc_op **op, uint64_t *columns,
                             slc_err *err)
{
    char name[64] = "";
    unsigned long long n = 6;
    int used = 0;

    sscanf(text, "%63[a-z0-9_]%n", name, &used);
    if (text[used] == ':') {
        int more = 0;
        sscanf(text + used, ":%llu%n", &n, &more);
        used += more;
    }
    if (!name[0] || text[used] || n < 1 || n > 31)
        return slc_fail(err, SLC_EINVAL,
                        "--table: \"%s\" is not POLICY or POLICY:N with N from 1 to 31",
                        text);
    *columns = n;
    *op = slc_entry_find((const void *const *)slc_ops, "op", name, NULL, err);
    if (!*op) return err->code;
    if (param_of(*op, "moves") && param_of(*op, "magnitude")) return SLC_OK;
    return slc_fail(
        err, SLC_EINVAL,
        "--table: %s has no magnitudes; rand_augment and trivial_augment_wide "
        "have",
        name);
}

/* Rows are moves, columns are magnitudes from the first bin of 31 to the last. */
static slc_status show_table(origin *o, const preview_settings *s, cli_tiles *tiles,
                             slc_err *err)
{
    enum { LAST_BIN = 30 };
    const slc_op *op = NULL;
    uint64_t columns = 0;
    slc_status st = read_table(s->table, &op, &columns, err);
    const slc_param *moves = st == SLC_OK ? param_of(op, "moves") : NULL;
    o->columns = columns;

    for (size_t m = 0; moves && moves->choices[m]; m++)
        for (uint64_t i = 0; st == SLC_OK && i < columns; i++) {
            const uint64_t bin =
                columns > 1 ? (LAST_BIN * i + (columns - 1) / 2) / (columns - 1) : 0;
            char text[256], note[96];
            snprintf(text, sizeof(text),
                     "[{%s: {moves: [%s], magnitude: %" PRIu64 "%s}}]", op->entry.name,
                     moves->choices[m], bin,
                     param_of(op, "num_ops") ? ", num_ops: 1" : "");
            snprintf(note, sizeof(note), "%s, magnitude %" PRIu64, moves->choices[m],
                     bin);
            st = add_under(o, s, tiles, text, "--table", 0, note, err);
        }
    return st;
}

static slc_status write_sheet(cli_context *cli, const preview_settings *s,
                              const origin *o, const cli_tiles *tiles, const char *what,
                              slc_err *err)
{
    char title[1024], room[512];
    size_t columns = s->columns;
    const bool one = s->sweep || s->table || s->index != index_none;
    const uint64_t index = s->index == index_none ? 0 : s->index;

    snprintf(title, sizeof(title), "%s%s%s  (%s)", what, o->mixed[0] ? ", " : "",
             o->mixed,
             one ? slc_source_key(o->source, index, room, sizeof(room))
                 : slc_source_describe(o->source));
    if (columns == 0 && s->sweep) columns = tiles->count / s->draws;
    if (columns == 0 && s->table) columns = o->columns;
    slc_status st =
        cli_sheet_write(s->output, tiles->tile, tiles->count,
                        &(cli_sheet){.title = title, .columns = columns}, err);
    if (st != SLC_OK) return st;
    if (cli->json)
        return cli_print_json(json_pack("{s:i, s:s, s:I}", "schema", 1, "output",
                                        s->output, "pictures", (json_int_t)tiles->count),
                              err);
    if (!cli->quiet) printf("%s: %zu pictures\n", s->output, tiles->count);
    return SLC_OK;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const preview_settings *const s = settings;
    cli_tiles *tiles = cli_tiles_create();
    origin o = {0};
    char what[256];
    (void)count;

    slc_status st = tiles ? open_origin(&o, cli, s, args[0], err)
                          : slc_fail(err, SLC_ENOMEM, "out of memory");
    if (st == SLC_OK && s->sweep) {
        snprintf(what, sizeof(what), "%s", s->sweep);
        st = show_sweep(&o, s, tiles, err);
    } else if (st == SLC_OK && s->table) {
        snprintf(what, sizeof(what), "%s", s->table);
        st = show_table(&o, s, tiles, err);
    } else if (st == SLC_OK && o.recipe && s->index == index_none && !s->ops) {
        snprintf(what, sizeof(what), "%s, epoch %" PRIu64 ", batch %" PRIu64, args[0],
                 s->epoch, s->batch);
        st = show_batch(&o, s, tiles, err);
    } else if (st == SLC_OK) {
        snprintf(what, sizeof(what), "%s", s->ops ? s->ops : args[0]);
        st = show_samples(cli, &o, s, tiles, err);
    }
    if (st == SLC_OK) st = write_sheet(cli, s, &o, tiles, what, err);
    close_origin(&o);
    cli_tiles_destroy(&tiles);
    return st;
}

const cli_cmd cli_cmd_preview = {
    .name = "preview",
    .group = CLI_DATA,
    .summary = "show what training sees, as a sheet of captioned pictures",
    .args = "RECIPE|SOURCE",
    .least = 1,
    .most = 1,
    .details = "A recipe shows batch B of epoch E exactly as training gets it, with the "
               "drawn numbers\n"
               "and, where images are mixed, partners, both classes and their weights. A "
               "source\n"
               "(or --ops) shows samples under a list of ops.",
    .examples =
        "  sluice preview recipes/fashion-mnist-demo.yaml -o batch.png --epoch 3\n"
        "  sluice preview ~/photos --ops '[{random_resized_crop: {size: 224}}, hflip]'\n"
        "  sluice preview ~/photos --ops '[trivial_augment_wide]' --index 5 --draws 16\n"
        "  sluice preview ~/photos --sweep rotate.degrees=-90:90:7\n"
        "  sluice preview ~/photos --table trivial_augment_wide:7 --index 5",
    .options = options,
    .initial = &(const preview_settings){.output = "preview.png",
                                         .split = "train",
                                         .count = 32,
                                         .draws = 1,
                                         .seed = 1,
                                         .index = UINT64_MAX},
    .settings_size = sizeof(preview_settings),
    .run = run,
};
