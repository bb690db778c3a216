/* digest: SHA-256 of the stream of training batches, so that "the same data" is one line to
 * compare: between thread counts, machines, versions. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "tools/cmd.h"
#include "tools/open.h"

typedef struct digest_settings {
    uint64_t epochs, from;
    const char *split;
    cli_texts sets;
    bool each;
} digest_settings;

#define FIELD(name) CLI_FIELD(digest_settings, name)

static const cli_opt options[] = {
    {'e', "epochs", FIELD(epochs), .lo = 1, .hi = 1e6, .value = "N",
     .help = "epochs to read"},
    {0, "from", FIELD(from), .value = "N", .help = "batches of the first epoch to skip"},
    {'s', "split", FIELD(split), .value = "NAME", .help = "train, val or test"},
    {0, "each", FIELD(each), .help = "print every batch's digest too"},
    {0, "set", FIELD(sets), .value = "KEY=VALUE", .help = "change a key of the recipe"},
    {0},
};

/* Everything a consumer can see of a batch. Without mixing, every image is its own label with
 * weight one, so that a recipe with mixing switched off has the digest of one without. */
static void add_batch(slc_sha256 *sha, const slc_batch *b)
{
    const uint64_t head[] = {b->epoch,          b->number,          b->n,
                             b->channels,       b->height,          b->width,
                             (uint64_t)b->type, (uint64_t)b->layout};
    slc_sha256_add(sha, head, sizeof(head));
    slc_sha256_add(sha, b->data,
                   b->n * b->channels * b->height * b->width * slc_dtype_size(b->type));
    for (size_t i = 0; i < b->n; i++) {
        const int32_t labels[] = {b->label_a[i],
                                  b->label_b ? b->label_b[i] : b->label_a[i]};
        const float lambda = b->lambda ? b->lambda[i] : 1.0f;
        const uint32_t more[] = {b->view ? b->view[i] : 0, b->real ? b->real[i] : 1};
        slc_sha256_add(sha, labels, sizeof(labels));
        slc_sha256_add(sha, &lambda, sizeof(lambda));
        slc_sha256_add(sha, &b->index[i], sizeof(b->index[i]));
        slc_sha256_add(sha, more, sizeof(more));
    }
}

typedef struct totals {
    slc_sha256 sha;
    uint64_t batches, images;
    double seconds;
} totals;

static slc_status read_stream(cli_context *cli, const digest_settings *s,
                              const slc_loader_settings *settings, totals *t,
                              slc_err *err)
{
    slc_loader *loader = NULL;
    const uint64_t start = slc_clock_ns();
    slc_status st = slc_loader_open(&loader, settings, err);
    const uint64_t total = st == SLC_OK ? slc_loader_batches(loader) * s->epochs : 0;

    slc_sha256_begin(&t->sha);
    while (st == SLC_OK) {
        const slc_batch *b = NULL;
        st = slc_loader_next(loader, &b, err);
        if (st != SLC_OK || !b) break;
        add_batch(&t->sha, b);
        if (s->each) {
            slc_sha256 one;
            char hex[65];
            slc_sha256_begin(&one);
            add_batch(&one, b);
            slc_sha256_hex(&one, hex);
            if (!cli->json)
                printf("%s  epoch %" PRIu64 " batch %" PRIu64 "\n", hex, b->epoch,
                       b->number);
        }
        t->images += b->n;
        t->batches++;
        slc_loader_release(loader, b);
        t->seconds = (double)(slc_clock_ns() - start) / 1e9;
        slc_log_progress(cli->log, "digest", t->batches, total,
                         (double)t->images / t->seconds);
        if (*cli->stop) st = slc_fail(err, SLC_ESTOP, "stopped");
    }
    slc_loader_close(&loader);
    return st;
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const digest_settings *const s = settings;
    cli_stream stream;
    totals t = {0};
    char hex[65];
    (void)count;

    slc_status st = cli_stream_open(&stream, cli, args[0], &s->sets, s->split, err);
    if (st != SLC_OK) return st;
    stream.settings.epochs = s->epochs;
    stream.settings.position = s->from;
    st = read_stream(cli, s, &stream.settings, &t, err);
    cli_stream_close(&stream);
    if (st != SLC_OK) return st;

    slc_sha256_hex(&t.sha, hex);
    if (!cli->json) {
        printf("%s  %" PRIu64 " epochs, %" PRIu64 " batches, %" PRIu64 " images\n", hex,
               s->epochs, t.batches, t.images);
        return SLC_OK;
    }
    return cli_print_json(json_pack("{s:i, s:s, s:I, s:I, s:I, s:f, s:I}", "schema", 1,
                                    "sha256", hex, "epochs", (json_int_t)s->epochs,
                                    "batches", (json_int_t)t.batches, "images",
                                    (json_int_t)t.images, "images_per_second",
                                    t.seconds > 0 ? (double)t.images / t.seconds : 0,
                                    "peak_rss_bytes", (json_int_t)cli_peak_rss()),
                          err);
}

const cli_cmd cli_cmd_digest = {
    .name = "digest",
    .group = CLI_DATA,
    .summary = "SHA-256 of the stream of batches that a recipe trains on",
    .args = "RECIPE",
    .least = 1,
    .most = 1,
    .details = "The digest covers pictures, labels, mixing weights and indices of every "
               "batch. It is\n"
               "the same for any number of threads, any cache and any prefetch.",
    .examples =
        "  sluice digest recipes/fashion-mnist-demo.yaml --epochs 2 --json\n"
        "  sluice digest recipes/fashion-mnist-demo.yaml --threads 8 --set seed=7",
    .options = options,
    .initial = &(const digest_settings){.epochs = 1, .split = "train"},
    .settings_size = sizeof(digest_settings),
    .run = run,
};
