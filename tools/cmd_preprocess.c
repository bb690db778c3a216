/* preprocess: pictures in, changed pictures out. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/preprocess.h"
#include "tools/cmd.h"
#include "tools/one_picture.h"
#include "tools/output.h"

typedef struct preprocess_settings {
    const char *ops, *split, *format, *encode, *shards;
    uint64_t seed, epoch, index, view, quality, channels, rank, world;
    int on_error;    /* 0 skip, 1 fail */
    int orientation; /* 0 apply, 1 ignore */
    int truncated;   /* 0 error, 1 accept */
    bool dry_run, overwrite;
} preprocess_settings;

#define FIELD(name) CLI_FIELD(preprocess_settings, name)

static const char *const errors[] = {"skip", "fail", NULL};
static const char *const orientations[] = {"apply", "ignore", NULL};
static const char *const truncations[] = {"error", "accept", NULL};

static const cli_opt options[] = {
    {0, "ops", FIELD(ops), .value = "LIST",
     .help = "what is done to every picture: '[{resize: {size: 256}}]'"},
    {0, "quality", FIELD(quality), .hi = 100, .value = "Q",
     .help = "of JPEG and WebP (default: the format's own)"},
    {0, "encode", FIELD(encode), .value = "MAP",
     .help = "settings of the written format (docs/formats.md): '{subsampling: 444}'"},
    {0, "format", FIELD(format), .value = "NAME",
     .help = "png, jpg or webp (default: that of each file)"},
    {0, "shards", FIELD(shards), .value = "SIZE",
     .help = "write tar shards: 1GB, 200MB, or 5000 samples as 5000"},
    {'s', "split", FIELD(split), .value = "NAME",
     .help = "train, val, test or all, for sources that have splits"},
    {0, "on-error", FIELD(on_error), .choices = errors,
     .help = "what an unreadable picture does"},
    {0, "orientation", FIELD(orientation), .choices = orientations,
     .help = "what EXIF says about it"},
    {0, "truncated", FIELD(truncated), .choices = truncations,
     .help = "what a picture is that ends too early"},
    {'n', "dry-run", FIELD(dry_run),
     .help = "write nothing: say what would be done, from a few samples (a data set)"},
    {0, "overwrite", FIELD(overwrite), .help = "OUT may be IN (one picture)"},
    {0, "rank", FIELD(rank), .hi = 1e6, .value = "R",
     .help = "this machine's number, from 0"},
    {0, "world", FIELD(world), .hi = 1e6, .value = "W",
     .help = "how many machines share the work"},
    {0, "channels", FIELD(channels), .hi = 3, .value = "N",
     .help = "1 or 3 (default: as in the file)"},
    {0, "seed", FIELD(seed), .value = "N", .help = "seed of ops that draw"},
    {'e', "epoch", FIELD(epoch), .value = "E",
     .help = "epoch of the draws (one picture)"},
    {'i', "index", FIELD(index), .value = "I",
     .help = "sample number of the draws (one picture)"},
    {0, "view", FIELD(view), .hi = 9, .value = "N",
     .help = "which view of five_crop or ten_crop (one picture)"},
    {0},
};

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static slc_decode decode_of(const preprocess_settings *s)
{
    return (slc_decode){.ignore_orientation = s->orientation == 1,
                        .accept_truncated = s->truncated == 1};
}

static slc_status read_encode(const preprocess_settings *s, slc_arena *arena,
                              const slc_node **out, slc_err *err)
{
    slc_node *map = NULL;
    if (!s->encode) return SLC_OK;
    const slc_status st =
        slc_node_parse(&map, arena, s->encode, strlen(s->encode), "--encode", err);
    *out = map;
    return st;
}

static slc_status run_one(cli_context *cli, const preprocess_settings *s, char **args,
                          slc_err *err)
{
    slc_decode how = decode_of(s);
    how.channels = (unsigned)s->channels;
    cli_one_picture job = {
        .in = args[0],
        .out = args[1],
        .ops = s->ops,
        .key = {.seed = s->seed,
                .epoch = s->epoch,
                .index = s->index,
                .view = (uint32_t)s->view},
        .encoding = {.quality = (int)s->quality},
        .decode = how,
    };
    size_t w = 0, h = 0;
    slc_arena arena = {0};
    slc_status st = cli_output_check(s->overwrite ? CLI_WRITES_OVER : CLI_WRITES_PICTURE,
                                     args[1], (const char *[]){args[0]}, 1, err);
    if (st == SLC_OK) st = read_encode(s, &arena, &job.encoding.settings, err);
    if (st == SLC_OK) st = cli_one_picture_run(&job, &w, &h, err);
    slc_arena_free(&arena);

    if (st != SLC_OK) return st;
    if (cli->json)
        return cli_print_json(json_pack("{s:i, s:s, s:I, s:I, s:I}", "schema", 1,
                                        "output", args[1], "pictures", (json_int_t)1,
                                        "width", (json_int_t)w, "height", (json_int_t)h),
                              err);
    if (!cli->quiet) printf("%s: %zu x %zu px\n", args[1], w, h);
    return SLC_OK;
}

/* "1GB" and "200MB" are bytes, a bare number counts samples. */
static slc_status read_shards(const char *text, slc_preprocess_settings *out,
                              slc_err *err)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}};
    char *end;
    if (!text) return SLC_OK;

    const double number = strtod(text, &end);
    if (number >= 1 && number < 1e15) {
        if (!*end) {
            out->shard_samples = (uint64_t)number;
            return SLC_OK;
        }
        for (size_t i = 0; i < SLC_COUNT(units); i++)
            if (strcmp(end, units[i].unit) == 0) {
                out->shard_bytes = (uint64_t)(number * units[i].bytes);
                return SLC_OK;
            }
    }
    return slc_fail(err, SLC_EINVAL,
                    "--shards: \"%s\" is neither a size (1GB, 200MB) nor a count", text);
}

static slc_status find_format(const char *name, const slc_codec **out, slc_err *err)
{
    char path[64];
    if (!name) return SLC_OK;
    snprintf(path, sizeof(path), "a.%s", name);
    *out = slc_codec_by_extension(path);
    if (*out && (*out)->encode) return SLC_OK;
    return slc_fail(err, SLC_EINVAL,
                    "--format: \"%s\" cannot be written; png, jpg and webp can", name);
}

static slc_status report_set(cli_context *cli, const char *out,
                             const slc_preprocess_report *r, slc_err *err)
{
    const double seconds = (double)r->ns / 1e9;
    const double rate = seconds > 0 ? (double)r->written / seconds : 0;

    if (cli->json)
        return cli_print_json(
            json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I}", "schema",
                      1, "output", out, "pictures", (json_int_t)r->samples, "written",
                      (json_int_t)r->written, "up_to_date", (json_int_t)r->up_to_date,
                      "bad", (json_int_t)r->bad, "shards", (json_int_t)r->shards,
                      "bytes_in", (json_int_t)r->bytes_in, "bytes_out",
                      (json_int_t)r->bytes_out, "images_per_second", rate,
                      "peak_rss_bytes", (json_int_t)cli_peak_rss()),
            err);
    if (cli->quiet) return SLC_OK;
    printf("%s: %llu written, %llu up to date, %llu bad", out,
           (unsigned long long)r->written, (unsigned long long)r->up_to_date,
           (unsigned long long)r->bad);
    if (r->shards) printf(", %llu shards", (unsigned long long)r->shards);
    printf("; %.1f MB in, %.1f MB out, %.0f images/s\n", (double)r->bytes_in / 1e6,
           (double)r->bytes_out / 1e6, rate);
    return SLC_OK;
}

static slc_status report_plan(const cli_context *cli, const char *out,
                              const slc_preprocess_plan *p, slc_err *err)
{
    if (cli->json)
        return cli_print_json(
            json_pack("{s:i, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "schema",
                      1, "output", out, "dry_run", 1, "pictures", (json_int_t)p->samples,
                      "shards", (json_int_t)p->shards, "tried", (json_int_t)p->tried,
                      "bad", (json_int_t)p->bad, "bytes_in", (json_int_t)p->bytes_in,
                      "bytes_out", (json_int_t)p->bytes_out, "memory_bytes",
                      (json_int_t)p->memory, "seconds", p->seconds),
            err);
    printf("%s: would write %llu pictures", out, (unsigned long long)p->samples);
    if (p->shards) printf(" in about %llu shards", (unsigned long long)p->shards);
    printf("; about %.1f MB in, %.1f MB out, %.0f s, %.0f MB of memory (from %llu "
           "samples, %llu bad)\n",
           (double)p->bytes_in / 1e6, (double)p->bytes_out / 1e6, p->seconds,
           (double)p->memory / 1e6, (unsigned long long)p->tried,
           (unsigned long long)p->bad);
    return SLC_OK;
}

/* A folder inside the one that is read would be read as a class of it the next time. */
static slc_status check_apart(const char *in, const char *out, slc_err *err)
{
    char from[PATH_MAX], to[PATH_MAX], path[PATH_MAX];
    if (strncmp(in, "folder:", 7) == 0) in += 7;
    snprintf(path, sizeof(path), "%s", out);
    /* What is not there yet will stand in the nearest folder that is. */
    while (!realpath(path, to)) {
        char *const slash = strrchr(path, '/');
        if (slash == path || (!slash && strcmp(path, ".") == 0)) return SLC_OK;
        snprintf(slash ? slash : path, 2, "%s", slash ? "" : ".");
    }
    if (!realpath(in, from)) return SLC_OK; /* opening it tells why */
    const size_t n = strlen(from);
    if (strncmp(from, to, n) != 0 || (to[n] && to[n] != '/')) return SLC_OK;
    return slc_fail(err, SLC_EINVAL,
                    "%s: lies in the folder that is read; choose one outside of it", out);
}

static slc_status run_set(cli_context *cli, const preprocess_settings *s, char **args,
                          slc_err *err)
{
    slc_preprocess_settings settings = {.out = args[1],
                                        .encoding = {.quality = (int)s->quality},
                                        .channels = s->channels,
                                        .seed = s->seed,
                                        .epoch = s->epoch,
                                        .threads = cli->threads,
                                        .rank = s->rank,
                                        .world = s->world,
                                        .on_error = s->on_error ? SLC_ON_ERROR_FAIL
                                                                : SLC_ON_ERROR_SKIP,
                                        .decode = decode_of(s),
                                        .stop = cli->stop,
                                        .log = cli->log};
    const char *const split = strcmp(s->split, "all") == 0 ? NULL : s->split;
    slc_preprocess_report report = {0};
    slc_preprocess_plan plan;
    slc_source *source = NULL;
    slc_policy *policy = NULL;
    slc_node *list = NULL;
    slc_arena arena = {0};

    slc_status st = check_apart(args[0], args[1], err);
    if (st == SLC_OK) st = read_shards(s->shards, &settings, err);
    if (st == SLC_OK) st = find_format(s->format, &settings.format, err);
    if (st == SLC_OK) st = read_encode(s, &arena, &settings.encoding.settings, err);
    if (st == SLC_OK)
        st = slc_node_parse(&list, &arena, s->ops, strlen(s->ops), "--ops", err);
    if (st == SLC_OK && (list->kind != SLC_NODE_LIST || list->count))
        st = slc_policy_create(&policy, list, "--ops", (slc_images){0}, err);
    if (st == SLC_OK) st = slc_source_open_text(&source, args[0], split, cli->log, err);
    settings.source = source;
    settings.policy = policy;
    if (st == SLC_OK && s->dry_run) {
        st = slc_preprocess_try(&settings, &plan, err);
        if (st == SLC_OK) st = report_plan(cli, args[1], &plan, err);
    } else if (st == SLC_OK) {
        st = slc_preprocess_run(&settings, &report, err);
        if (st == SLC_OK) st = report_set(cli, args[1], &report, err);
    }
    slc_source_close(&source);
    slc_policy_destroy(&policy);
    slc_arena_free(&arena);
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const preprocess_settings *const s = settings;
    (void)count;

    if (s->channels == 2)
        return slc_fail(err, SLC_EINVAL, "--channels: 2 is neither 1 nor 3");
    if (is_file(args[0]) && s->dry_run)
        return slc_fail(err, SLC_EINVAL, "--dry-run: %s is one picture, not a data set",
                        args[0]);
    if (is_file(args[0])) return run_one(cli, s, args, err);
    return run_set(cli, s, args, err);
}

const cli_cmd cli_cmd_preprocess = {
    .name = "preprocess",
    .group = CLI_DATA,
    .summary = "write changed pictures: one file, or a whole data set",
    .args = "IN OUT",
    .least = 2,
    .most = 2,
    .details =
        "Pictures are decoded exactly (no scaling while decoding). OUT's "
        "extension says the\n"
        "format of one picture. A data set (folder, idx:DIR, tar:SHARDS...) becomes the "
        "same\n"
        "tree, or tar shards; killed at any moment, the same command does the rest.",
    .examples =
        "  sluice preprocess ~/photos small --ops '[{resize: {size: 256}}]'\n"
        "  sluice preprocess ~/photos packed --shards 1GB --format jpg --quality 90\n"
        "  sluice preprocess ~/photos packed --shards 1GB --dry-run\n"
        "  sluice preprocess in.png out.png --ops '[{rotate: {degrees: [30, 30]}}]'",
    .options = options,
    .initial = &(const preprocess_settings){.ops = "[]", .split = "all", .seed = 1},
    .settings_size = sizeof(preprocess_settings),
    .run = run,
};
