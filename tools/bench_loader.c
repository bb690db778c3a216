/* bench loader: images a second from the source to finished batches. The first epoch warms caches
 * and is not counted, unless it alone takes longer than the time asked for. */
#include <inttypes.h>
#include <string.h>

#include "base/pool.h"
#include "loader/loader.h"
#include "tools/bench.h"

typedef struct bench_run {
    uint64_t images, epochs; /* counted */
    double seconds;
    double first_seconds; /* until the first batch */
    slc_loader_counters before, after;
} bench_run;

/* One epoch; *images is how many it had. */
static slc_status drain_epoch(slc_loader *loader, uint64_t *images, uint64_t start,
                              double *first, slc_err *err)
{
    const slc_batch *b = NULL;
    bool last = false;
    *images = 0;
    while (!last) {
        const slc_status st = slc_loader_next(loader, &b, err);
        if (st != SLC_OK) return st;
        if (!b) return SLC_OK;
        if (*first == 0) *first = (double)(slc_clock_ns() - start) / 1e9;
        *images += b->n;
        last = b->last;
        slc_loader_release(loader, b);
    }
    return SLC_OK;
}

static slc_status measure(cli_context *cli, const bench_settings *s, slc_loader *loader,
                          uint64_t opened, bench_run *r, slc_err *err)
{
    const double seconds = s->seconds > 0 ? s->seconds : 5;
    uint64_t images = 0;
    slc_status st = drain_epoch(loader, &images, opened, &r->first_seconds, err);
    const double warm = (double)(slc_clock_ns() - opened) / 1e9;

    r->after = slc_loader_count(loader);
    if (st != SLC_OK || warm > seconds) {
        r->images = images, r->epochs = 1, r->seconds = warm;
        return st;
    }
    r->before = r->after;
    const uint64_t start = slc_clock_ns();
    while (st == SLC_OK && r->seconds < seconds && !*cli->stop) {
        st = drain_epoch(loader, &images, opened, &r->first_seconds, err);
        r->images += images;
        r->epochs++;
        r->seconds = (double)(slc_clock_ns() - start) / 1e9;
        slc_log_progress(cli->log, "bench loader", (uint64_t)(r->seconds * 10),
                         (uint64_t)(seconds * 10), (double)r->images / r->seconds);
    }
    r->after = slc_loader_count(loader);
    return st;
}

static slc_status report(const cli_context *cli, const bench_settings *s,
                         const slc_source *source, const slc_loader *loader,
                         const bench_run *r, slc_err *err)
{
    char advice[512];
    const double ms = 1e6 * (double)(r->images ? r->images : 1); /* ns -> ms an image */
    const double rate = (double)r->images / r->seconds;
    const double read = (double)(r->after.read_ns - r->before.read_ns) / ms;
    const double decode = (double)(r->after.decode_ns - r->before.decode_ns) / ms;
    const double augment = (double)(r->after.augment_ns - r->before.augment_ns) / ms;
    const double write = (double)(r->after.write_ns - r->before.write_ns) / ms;

    slc_loader_advice(loader, advice, sizeof(advice));
    if (cli->json)
        return cli_print_json(
            json_pack(
                "{s:i, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:I, s:{s:f, s:f, s:f, "
                "s:f}, s:f, "
                "s:s, s:I, s:I}",
                "schema", 1, "bench", "loader", "source", slc_source_describe(source),
                "simd", slc_isa_name(slc_isa_detect()), "threads",
                (json_int_t)(cli->threads ? cli->threads : slc_pool_cores()), "images",
                (json_int_t)r->images, "seconds", r->seconds, "images_per_second", rate,
                "batch", (json_int_t)s->batch, "ms_per_image", "read", read, "decode",
                decode, "augment", augment, "write", write, "first_batch_seconds",
                r->first_seconds, "advice", advice, "bad", (json_int_t)r->after.bad,
                "peak_rss_bytes", (json_int_t)cli_peak_rss()),
            err);
    printf("%.0f images/s  (%" PRIu64 " images in %.2f s, %" PRIu64 " epochs)\n"
           "ms an image and thread: read %.4f, decode %.4f, augment %.4f, write %.4f\n"
           "first batch after %.3f s\n",
           rate, r->images, r->seconds, r->epochs, read, decode, augment, write,
           r->first_seconds);
    if (*advice) printf("%s\n", advice);
    return SLC_OK;
}

slc_status cli_bench_loader(cli_context *cli, const bench_settings *s, const char *spec,
                            slc_err *err)
{
    slc_source *source = NULL;
    slc_policy *policy = NULL;
    slc_loader *loader = NULL;
    slc_node *list = NULL;
    slc_arena arena = {0};
    bench_run r = {0};
    const uint64_t opened = slc_clock_ns();

    if (!spec)
        return slc_fail(err, SLC_EINVAL,
                        "loader: needs a data source, e.g. sluice bench loader "
                        "~/photos");

    slc_status st = slc_source_open_text(&source, spec, s->split, cli->log, err);
    if (st == SLC_OK)
        st = slc_node_parse(&list, &arena, s->ops, strlen(s->ops), "--ops", err);
    if (st == SLC_OK)
        st = slc_policy_create(&policy, list, "--ops", (slc_images){0}, err);
    if (st == SLC_OK) {
        const slc_dtype type =
            s->type == SLC_U8 && policy && slc_policy_is_normalized(policy)
                ? SLC_F32
                : (slc_dtype)s->type;
        st = slc_loader_open(&loader,
                             &(slc_loader_settings){.source = source,
                                                    .policy = policy,
                                                    .batch = s->batch,
                                                    .threads = cli->threads,
                                                    .type = type,
                                                    .shuffle = true,
                                                    .seed = 1,
                                                    .fast = s->decode == 0,
                                                    .cache = (slc_cache)s->cache,
                                                    .tail = SLC_TAIL_KEEP,
                                                    .on_error = SLC_ON_ERROR_SKIP,
                                                    .log = cli->log},
                             err);
    }
    if (st == SLC_OK) st = measure(cli, s, loader, opened, &r, err);
    if (st == SLC_OK) st = report(cli, s, source, loader, &r, err);
    slc_loader_close(&loader);
    slc_policy_destroy(&policy);
    slc_source_close(&source);
    slc_arena_free(&arena);
    return st;
}
