/* stats: mean and standard deviation of every channel over all pixels, in [0, 1]; class counts;
 * picture sizes. Sums are kept as histograms of the 256 values, so they are exact, and the same
 * for any number of threads. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/whiten.h"
#include "loader/loader.h"
#include "tools/cmd.h"

typedef struct stats_settings {
    const char *split, *zca;
    double zca_eps;
} stats_settings;

static const cli_opt options[] = {
    {'s', "split", CLI_FIELD(stats_settings, split), .value = "NAME",
     .help = "train, val, test or all, for sources that have splits"},
    {0, "zca", CLI_FIELD(stats_settings, zca), .path = CLI_WRITES_FILE, .value = "FILE",
     .help = "also measure ZCA whitening, and write what the op whiten reads"},
    {0, "zca-eps", CLI_FIELD(stats_settings, zca_eps), .value = "EPS",
     .help = "added to every eigenvalue of the covariance"},
    {0},
};

typedef struct sizes {
    uint64_t least, most, sum;
} sizes;

typedef struct tally {
    uint64_t pixels[3][256]; /* how often each channel had each value */
    size_t channels;
    uint64_t images, bad;
    uint64_t *per_class; /* classes */
    sizes w, h;
    size_t distinct; /* 1 while all pictures share one size */
    size_t first_w, first_h;
    slc_whiten *whiten; /* NULL unless asked for */
} tally;

static void add_size(sizes *s, uint64_t value, bool first)
{
    if (first || value < s->least) s->least = value;
    if (value > s->most) s->most = value;
    s->sum += value;
}

/* Four histograms in turn, so that runs of equal pixels do not wait for each other's store. */
static void add_pixels(tally *t, const uint8_t *px, size_t n, size_t channels)
{
    if (channels == 1) {
        uint32_t part[4][256] = {0};
        size_t i = 0;
        for (; i + 4 <= n; i += 4)
            for (size_t k = 0; k < 4; k++)
                part[k][px[i + k]]++;
        for (; i < n; i++)
            part[0][px[i]]++;
        for (size_t v = 0; v < 256; v++)
            t->pixels[0][v] += part[0][v] + part[1][v] + part[2][v] + part[3][v];
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            t->pixels[c][px[3 * i + c]]++;
}

static void add_batch(tally *t, const slc_batch *b, size_t classes)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->real && !b->real[i]) {
            t->bad++;
            continue;
        }
        const size_t size = b->height * b->width;
        add_size(&t->w, b->width, t->images == 0);
        add_size(&t->h, b->height, t->images == 0);
        if (t->images == 0)
            t->first_w = b->width, t->first_h = b->height, t->distinct = 1;
        if (b->width != t->first_w || b->height != t->first_h) t->distinct = 2;
        t->channels = b->channels;
        add_pixels(t, (const uint8_t *)b->data + i * size * b->channels, size,
                   b->channels);
        if (b->label_a[i] >= 0 && (size_t)b->label_a[i] < classes)
            t->per_class[b->label_a[i]]++;
        t->images++;
    }
}

/* The first picture decides the size; the others must share it. */
static slc_status add_whitening(tally *t, const slc_batch *b, slc_err *err)
{
    const size_t stride = b->width * b->channels;
    if (b->real && !b->real[0]) return SLC_OK;
    if (!t->whiten) {
        const slc_status st =
            slc_whiten_create(&t->whiten, b->width, b->height, b->channels, err);
        if (st != SLC_OK) return st;
    }
    const slc_image image = {(uint8_t *)(uintptr_t)b->data, b->width, b->height,
                             b->channels, stride};
    return slc_whiten_add(t->whiten, &image, err);
}

static void moments(const uint64_t hist[256], double *mean, double *std)
{
    uint64_t n = 0, sum = 0, squares = 0;
    for (uint64_t v = 0; v < 256; v++)
        n += hist[v], sum += v * hist[v], squares += v * v * hist[v];
    *mean = n ? (double)sum / (double)n / 255 : 0;
    const double square = n ? (double)squares / (double)n / (255.0 * 255.0) : 0;
    *std = sqrt(fmax(0, square - *mean * *mean));
}

static slc_status print_json(const tally *t, const slc_source *source, slc_err *err)
{
    json_t *const mean = json_array(), *const std = json_array(),
                  *const classes = json_array();
    for (size_t c = 0; c < t->channels; c++) {
        double m, s;
        moments(t->pixels[c], &m, &s);
        json_array_append_new(mean, json_real(m));
        json_array_append_new(std, json_real(s));
    }
    for (size_t i = 0; i < slc_source_classes(source); i++)
        json_array_append_new(classes,
                              json_pack("{s:s, s:I}", "name", slc_source_class(source, i),
                                        "count", (json_int_t)t->per_class[i]));
    const double n = t->images ? (double)t->images : 1;
    return cli_print_json(
        json_pack("{s:i, s:s, s:I, s:I, s:i, s:o, s:o, s:{s:I,s:I,s:f}, s:{s:I,s:I,s:f}, "
                  "s:o, s:I}",
                  "schema", 1, "source", slc_source_describe(source), "images",
                  (json_int_t)t->images, "bad", (json_int_t)t->bad, "channels",
                  (int)t->channels, "mean", mean, "std", std, "width", "min",
                  (json_int_t)t->w.least, "max", (json_int_t)t->w.most, "mean",
                  (double)t->w.sum / n, "height", "min", (json_int_t)t->h.least, "max",
                  (json_int_t)t->h.most, "mean", (double)t->h.sum / n, "classes", classes,
                  "peak_rss_bytes", (json_int_t)cli_peak_rss()),
        err);
}

static void print_text(const tally *t, const slc_source *source)
{
    double mean[3], std[3];

    printf("%s: %" PRIu64 " images", slc_source_describe(source), t->images);
    if (t->bad) printf(", %" PRIu64 " bad", t->bad);
    if (t->distinct == 1)
        printf(", all %zu x %zu px", t->first_w, t->first_h);
    else
        printf(", %" PRIu64 " to %" PRIu64 " px wide, %" PRIu64 " to %" PRIu64 " px high",
               t->w.least, t->w.most, t->h.least, t->h.most);
    printf(", %zu channel%s\n", t->channels, t->channels == 1 ? "" : "s");
    for (size_t c = 0; c < t->channels; c++)
        moments(t->pixels[c], &mean[c], &std[c]);
    for (size_t k = 0; k < 2; k++) {
        printf("%s", k ? "std " : "mean");
        for (size_t c = 0; c < t->channels; c++)
            printf(" %.4f", k ? std[c] : mean[c]);
        putchar('\n');
    }
    printf("normalize: {mean: [");
    for (size_t c = 0; c < t->channels; c++)
        printf("%s%.4f", c ? ", " : "", mean[c]);
    printf("], std: [");
    for (size_t c = 0; c < t->channels; c++)
        printf("%s%.4f", c ? ", " : "", std[c]);
    printf("]}\n");
    for (size_t i = 0; i < slc_source_classes(source); i++)
        printf("%10" PRIu64 "  %s\n", t->per_class[i], slc_source_class(source, i));
}

static slc_status gather(cli_context *cli, const slc_source *source, tally *t, bool zca,
                         slc_err *err)
{
    const slc_loader_settings settings = {
        .source = source,
        .threads = cli->threads,
        .type = SLC_U8,
        .ragged_sizes = true,
        .batch = 1,
        .ahead = 64,
        .epochs = 1,
        .on_error = SLC_ON_ERROR_SKIP,
        .log = cli->log,
    };
    slc_loader *loader = NULL;
    const slc_batch *batch = NULL;
    const uint64_t start = slc_clock_ns(), total = slc_source_count(source);

    slc_status st = slc_loader_open(&loader, &settings, err);
    for (uint64_t done = 0; st == SLC_OK; done++) {
        st = slc_loader_next(loader, &batch, err);
        if (st != SLC_OK || !batch) break;
        add_batch(t, batch, slc_source_classes(source));
        if (zca) st = add_whitening(t, batch, err);
        slc_loader_release(loader, batch);
        if (done % 256 == 0)
            slc_log_progress(cli->log, "stats", done, total,
                             (double)done * 1e9 / (double)(slc_clock_ns() - start + 1));
        if (*cli->stop) st = slc_fail(err, SLC_ESTOP, "stopped");
    }
    slc_loader_close(&loader);
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const stats_settings *const s = settings;
    const char *const split = strcmp(s->split, "all") == 0 ? NULL : s->split;
    slc_source *source = NULL;
    tally *const t = calloc(1, sizeof(*t));
    (void)count;

    slc_status st = t ? slc_source_open_text(&source, args[0], split, cli->log, err)
                      : slc_fail(err, SLC_ENOMEM, "out of memory");
    if (st != SLC_OK) goto done;
    t->per_class = calloc(slc_source_classes(source) + 1, sizeof(*t->per_class));
    if (!t->per_class) {
        st = slc_fail(err, SLC_ENOMEM, "out of memory");
        goto done;
    }
    st = gather(cli, source, t, s->zca && s->zca[0], err);
    if (st == SLC_OK && t->whiten)
        st = slc_whiten_save(t->whiten, s->zca_eps, s->zca, err);
    if (st == SLC_OK && t->images == 0)
        st = slc_fail(err, SLC_EDATA, "%s: none of its %" PRIu64 " images can be read",
                      slc_source_describe(source), t->bad);
    if (st != SLC_OK) goto done;
    if (cli->json)
        st = print_json(t, source, err);
    else
        print_text(t, source);
done:
    slc_source_close(&source);
    if (t) slc_whiten_destroy(&t->whiten);
    if (t) free(t->per_class);
    free(t);
    return st;
}

const cli_cmd cli_cmd_stats = {
    .name = "stats",
    .group = CLI_DATA,
    .summary = "mean and std of every channel, class counts and sizes of a data set",
    .args = "SOURCE",
    .least = 1,
    .most = 1,
    .details =
        "SOURCE is a folder of class folders, or idx:DIR, tar:SHARDS, cifar:DIR,\n"
        "manifest:FILE. Mean and std are over all pixels of the split, in [0, 1]: what\n"
        "normalize takes. Unreadable pictures are counted and left out (exit code 1);\n"
        "if none can be read, that is an error (exit code 3).",
    .examples =
        "  sluice stats idx:/usr/share/datasets/fashion-mnist\n"
        "  sluice stats ~/photos --json\n"
        "  sluice stats idx:/usr/share/datasets/fashion-mnist --zca zca.safetensors",
    .options = options,
    .initial = &(const stats_settings){.split = "train", .zca = "", .zca_eps = 1e-6},
    .settings_size = sizeof(stats_settings),
    .run = run,
};
