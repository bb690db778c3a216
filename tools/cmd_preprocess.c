/* preprocess: pictures in, changed pictures out. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/cmd.h"
#include "tools/one_picture.h"

typedef struct preprocess_settings {
    const char *ops;
    uint64_t seed, epoch, index, view, quality, channels;
} preprocess_settings;

#define FIELD(name) CLI_FIELD(preprocess_settings, name)

static const cli_opt options[] = {
    {0, "ops", FIELD(ops), .value = "LIST",
     .help = "what is done to every picture: '[{resize: {size: 256}}]'"},
    {0, "quality", FIELD(quality), .hi = 100, .value = "Q",
     .help = "of JPEG and WebP (default: the format's own)"},
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

static slc_status run_one(cli_context *cli, const preprocess_settings *s, char **args,
                          slc_err *err)
{
    const cli_one_picture job = {
        .in = args[0],
        .out = args[1],
        .ops = s->ops,
        .key = {.seed = s->seed,
                .epoch = s->epoch,
                .index = s->index,
                .view = (uint32_t)s->view},
        .quality = (int)s->quality,
        .channels = s->channels,
    };
    size_t w = 0, h = 0;
    const slc_status st = cli_one_picture_run(&job, &w, &h, err);

    if (st != SLC_OK) return st;
    if (cli->json)
        return cli_print_json(json_pack("{s:i, s:s, s:I, s:I, s:I}", "schema", 1,
                                        "output", args[1], "pictures", (json_int_t)1,
                                        "width", (json_int_t)w, "height", (json_int_t)h),
                              err);
    if (!cli->quiet) printf("%s: %zu x %zu px\n", args[1], w, h);
    return SLC_OK;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const preprocess_settings *const s = settings;
    (void)count;

    if (s->channels == 2)
        return slc_fail(err, SLC_EINVAL, "--channels: 2 is neither 1 nor 3");
    if (is_file(args[0])) return run_one(cli, s, args, err);
    if (access(args[0], R_OK) != 0) return slc_fail_errno(err, SLC_EDATA, "%s", args[0]);
    return slc_fail(err, SLC_EDATA, "%s: is not a picture file", args[0]);
}

const cli_cmd cli_cmd_preprocess = {
    .name = "preprocess",
    .group = CLI_DATA,
    .summary = "write changed pictures: one file, or a whole data set",
    .args = "IN OUT",
    .least = 2,
    .most = 2,
    .details = "Pictures are decoded exactly (no scaling while decoding). OUT's "
               "extension says the\n"
               "format of one picture.",
    .examples =
        "  sluice preprocess in.png out.png --ops '[{rotate: {degrees: [30, 30]}}]'",
    .options = options,
    .initial = &(const preprocess_settings){.ops = "[]", .seed = 1},
    .settings_size = sizeof(preprocess_settings),
    .run = run,
};
