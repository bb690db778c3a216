/* The training stream (random_resized_crop 224, hflip, normalize) against libjpeg-turbo alone
 * decoding the same regions of the same files on as many threads. Epochs in turns, five times; wall
 * and CPU time, medians. bare: from memory; bare + read: opens and reads each file too, as the
 * stream does.
 *     bench_crops FOLDER [THREADS]      (77 = nothing to do) */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>

#include "base/pool.h"
#include "loader/loader.h"
#include "tests/check.h"

enum { ROUNDS = 5, EPOCHS = 4, SEED = 1 };

static const char ops[] =
    "[{random_resized_crop: {size: 224}}, hflip, {normalize: {mean: "
    "[0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}]";

typedef struct took {
    double wall, cpu;
} took;

static took now(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (took){(double)slc_clock_ns() * 1e-9,
                  (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                      1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)};
}

typedef struct job {
    const slc_source *source;
    const slc_policy *policy;
    slc_stored *photos; /* all of them, in memory */
    bool reads;
    uint64_t first; /* epoch */
    atomic_ullong next;
} job;

static void read_again(const char *path, uint8_t *to, size_t size)
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && fstat(fd, &info) == 0 && read(fd, to, size) == (ssize_t)size, "%s",
          path);
    close(fd);
}

static void decode_bare(struct jpeg_decompress_struct *c, const uint8_t *bytes,
                        size_t size, const job *j, const slc_key *key, uint8_t *pixels)
{
    jpeg_mem_src(c, bytes, size);
    jpeg_read_header(c, TRUE);
    const slc_rect r =
        slc_policy_plan(j->policy, key, c->image_width, c->image_height).region;
    c->out_color_space = JCS_RGB;
    jpeg_start_decompress(c);
    JDIMENSION x = (JDIMENSION)r.x, w = (JDIMENSION)r.w;
    jpeg_crop_scanline(c, &x, &w);
    jpeg_skip_scanlines(c, (JDIMENSION)r.y);
    const size_t stride = (size_t)c->output_width * 3;
    for (size_t y = 0; y < r.h; y++) {
        JSAMPROW row = pixels + y * stride;
        jpeg_read_scanlines(c, &row, 1);
    }
    jpeg_abort_decompress(c);
}

static void *work(void *user)
{
    enum { PIXELS = 64 << 20, FILE_BYTES = 32 << 20 };
    job *j = user;
    char path[4096];
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    uint8_t *pixels = malloc(PIXELS), *file = malloc(FILE_BYTES);
    const uint64_t count = slc_source_count(j->source);
    CHECK(pixels && file, "memory");
    c.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&c);
    for (uint64_t i; (i = atomic_fetch_add(&j->next, 1)) < count * EPOCHS;) {
        const slc_stored *p = &j->photos[i % count];
        const slc_key key = {
            .seed = SEED, .epoch = j->first + i / count, .index = i % count};
        CHECK(p->size <= FILE_BYTES, "%zu bytes", p->size);
        if (j->reads)
            read_again(slc_source_key(j->source, key.index, path, sizeof(path)), file,
                       p->size);
        decode_bare(&c, j->reads ? file : p->bytes, p->size, j, &key, pixels);
    }
    jpeg_destroy_decompress(&c);
    free(pixels);
    free(file);
    return NULL;
}

static took run_bare(job *j, uint64_t epoch, bool reads, size_t threads)
{
    pthread_t thread[64];
    const took begin = now();
    j->reads = reads;
    j->first = epoch;
    atomic_store(&j->next, 0);
    for (size_t i = 0; i < threads; i++)
        CHECK(pthread_create(&thread[i], NULL, work, j) == 0, "thread");
    for (size_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    const took end = now();
    return (took){end.wall - begin.wall, end.cpu - begin.cpu};
}

static took run_ours(const job *j, uint64_t epoch, size_t threads)
{
    slc_loader *loader = NULL;
    slc_err err = {0};
    const slc_batch *b = NULL;
    const took begin = now();
    CHECK(slc_loader_open(&loader,
                          &(slc_loader_settings){.source = j->source,
                                                 .policy = j->policy,
                                                 .batch = 64,
                                                 .threads = threads,
                                                 .type = SLC_F32,
                                                 .shuffle = true,
                                                 .seed = SEED,
                                                 .epoch = epoch,
                                                 .epochs = epoch + EPOCHS,
                                                 .fast = true},
                          &err) == SLC_OK,
          "%s", err.msg);
    while (slc_loader_next(loader, &b, &err) == SLC_OK && b)
        slc_loader_release(loader, b);
    CHECK(!err.msg[0], "%s", err.msg);
    slc_loader_close(&loader);
    const took end = now();
    return (took){end.wall - begin.wall, end.cpu - begin.cpu};
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const took *t, bool cpu)
{
    double v[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++)
        v[i] = cpu ? t[i].cpu : t[i].wall;
    qsort(v, ROUNDS, sizeof(*v), by_size);
    return v[ROUNDS / 2];
}

static void load_photos(job *j, slc_arena *arena)
{
    slc_err err = {0};
    const uint64_t count = slc_source_count(j->source);
    j->photos = calloc(count, sizeof(*j->photos));
    CHECK(j->photos, "memory");
    for (uint64_t i = 0; i < count; i++)
        CHECK(slc_source_read(j->source, i, arena, &j->photos[i], &err) == SLC_OK, "%s",
              err.msg);
}

int main(int argc, char **argv)
{
    enum { BARE, READS, OURS, KINDS };
    static const char *const names[] = {"bare", "bare + read", "sluice"};
    took t[KINDS][ROUNDS];
    slc_source *source = NULL;
    slc_policy *policy = NULL;
    slc_node *list;
    slc_arena arena = {0};
    slc_err err = {0};
    const int threads = argc > 2 ? atoi(argv[2]) : 2;
    if (argc < 2 || threads < 1 || threads > 64 || access(argv[1], R_OK) != 0) return 77;
    CHECK(
        slc_source_open_text(&source, argv[1], "train", NULL, &err) == SLC_OK &&
            slc_node_parse(&list, &arena, ops, sizeof(ops) - 1, "ops", &err) == SLC_OK &&
            slc_policy_create(&policy, list, "ops", (slc_images){.channels = 3}, &err) ==
                SLC_OK,
        "%s", err.msg);
    job j = {.source = source, .policy = policy};
    load_photos(&j, &arena);
    for (size_t i = 0; i < ROUNDS; i++) {
        const uint64_t epoch = i * EPOCHS;
        t[BARE][i] = run_bare(&j, epoch, false, (size_t)threads);
        t[OURS][i] = run_ours(&j, epoch, (size_t)threads);
        t[READS][i] = run_bare(&j, epoch, true, (size_t)threads);
    }
    const double n = (double)slc_source_count(source) * EPOCHS;
    for (size_t k = 0; k < KINDS; k++)
        printf("%-12s %7.0f images/s  %6.3f ms CPU an image  sluice is %.3f x (CPU %.3f "
               "x)\n",
               names[k], n / median(t[k], false), 1e3 * median(t[k], true) / n,
               median(t[k], false) / median(t[OURS], false),
               median(t[k], true) / median(t[OURS], true));
    slc_policy_destroy(&policy);
    slc_source_close(&source);
    slc_arena_free(&arena);
    free(j.photos);
    return 0;
}
