/* preprocess: from a source to files. */
#include "loader/preprocess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/num.h"
#include "loader/prep/prep_job.h"

enum { WINDOW_PER_THREAD = 8, SETTINGS_BYTES = 1 << 20, TRIES = 32 };

static slc_status check(slc_prep_job *job, slc_err *err)
{
    slc_preprocess_settings *set = &job->set;
    if (!set->source || !set->out || !*set->out)
        return slc_fail(err, SLC_EINVAL, "preprocess: no source or no output folder");
    if (set->world == 0) set->world = 1;
    if (set->rank >= set->world)
        return slc_fail(err, SLC_EINVAL, "rank %llu: there are only %llu, from 0",
                        (unsigned long long)set->rank, (unsigned long long)set->world);
    if (set->threads == 0) set->threads = slc_pool_cores();
    if (set->threads > 256)
        return slc_fail(err, SLC_EINVAL, "threads: %zu, more than 256", set->threads);
    if (set->encoding.settings && !set->format)
        return slc_fail(err, SLC_EINVAL, "encode: settings of a format need one named");
    if (set->format) {
        const slc_status st = slc_encoding_check(set->format, &set->encoding, err);
        if (st != SLC_OK) return st;
    }
    if (set->on_error == SLC_ON_ERROR_SUBSTITUTE)
        return slc_fail(err, SLC_EINVAL, "on_error: preprocess cannot substitute");
    if (set->policy && slc_policy_is_normalized(set->policy))
        return slc_fail(err, SLC_EINVAL,
                        "preprocess: normalised values fit no picture "
                        "format; leave normalize out of the ops");
    job->shards = set->shard_bytes || set->shard_samples;
    return SLC_OK;
}

static slc_status set_up(slc_prep_job *job, slc_err *err)
{
    slc_preprocess_settings *set = &job->set;
    slc_arena arena = {0};
    const slc_node *ops = set->policy ? slc_policy_dump(set->policy, &arena) : NULL;
    const bool none = !set->policy || (ops && ops->count == 0);
    slc_arena_free(&arena);
    job->keep_bytes = none && !set->format && !set->encoding.quality && !set->channels;
    if (!set->policy) {
        const slc_status st =
            slc_policy_create(&job->identity, NULL, "ops", (slc_images){0}, err);
        if (st != SLC_OK) return st;
        set->policy = job->identity;
    }
    job->png = slc_codec_by_extension("x.png");
    job->maker = (slc_maker){.source = set->source,
                             .policy = set->policy,
                             .channels = set->channels,
                             .decode = set->decode};
    const uint64_t n = slc_source_count(set->source);
    if (job->shards) { /* whole stretches, so that shards keep the order */
        job->lo = (uint64_t)((__uint128_t)n * set->rank / set->world);
        job->count = (uint64_t)((__uint128_t)n * (set->rank + 1) / set->world) - job->lo;
        job->step = 1;
    } else {
        job->lo = set->rank;
        job->step = set->world;
        job->count = (n + set->world - 1 - set->rank) / set->world;
    }
    job->threads = set->threads;
    job->window = set->threads * WINDOW_PER_THREAD;
    job->results = calloc(job->window, sizeof(*job->results));
    job->twin = calloc(job->count / 8 + 1, 1);
    if (!job->results || !job->twin)
        return slc_fail(err, SLC_ENOMEM, "preprocess: out of memory");
    return SLC_OK;
}

/* Samples whose stem another one has had before ("a.jpg", "a.png"), over the whole source, so
 * that ranks agree. */
static slc_status find_twins(slc_prep_job *job, slc_err *err)
{
    char stem[SLC_PREP_NAME];
    const uint64_t n = slc_source_count(job->set.source);
    size_t room = 64;
    while (room < 2 * n)
        room *= 2;
    uint64_t *seen = calloc(room, sizeof(*seen));
    if (!seen) return slc_fail(err, SLC_ENOMEM, "preprocess: out of memory");
    for (uint64_t i = 0; i < n; i++) {
        slc_prep_stem(job->set.source, i, job->shards, stem, sizeof(stem));
        const uint64_t hash = slc_hash64(stem, strlen(stem), 7) | 1;
        size_t at = (hash >> 1) & (room - 1);
        while (seen[at] && seen[at] != hash)
            at = (at + 1) & (room - 1);
        const bool mine = i >= job->lo && (i - job->lo) % job->step == 0 &&
                          (i - job->lo) / job->step < job->count;
        const uint64_t p = mine ? (i - job->lo) / job->step : 0;
        if (seen[at] && mine) job->twin[p / 8] |= (uint8_t)(1u << (p % 8));
        seen[at] = hash;
    }
    free(seen);
    return SLC_OK;
}

/* Everything the output depends on, as text. */
static slc_status describe(const slc_prep_job *job, slc_str *text, slc_err *err)
{
    const slc_preprocess_settings *set = &job->set;
    slc_arena arena = {0};
    slc_sha256 sha;
    uint8_t digest[32];
    char hex[65];
    slc_str_printf(text, "sluice preprocess 1\nformat: %s\nquality: %d\nchannels: %zu\n",
                   set->format ? set->format->entry.name : "own", set->encoding.quality,
                   set->channels);
    slc_str_printf(text, "seed: %llu\nepoch: %llu\nworld: %llu\nbackground: %d %d %d\n",
                   (unsigned long long)set->seed, (unsigned long long)set->epoch,
                   (unsigned long long)set->world, set->decode.background[0],
                   set->decode.background[1], set->decode.background[2]);
    slc_str_printf(
        text, "orientation: %d\ntruncated: %d\nshards: %llu bytes %llu samples\n",
        set->decode.ignore_orientation, set->decode.accept_truncated,
        (unsigned long long)set->shard_bytes, (unsigned long long)set->shard_samples);
    if (job->shards) { /* shards are not mended, only finished */
        slc_source_digest(set->source, digest);
        slc_sha256_begin(&sha);
        slc_sha256_add(&sha, digest, sizeof(digest));
        slc_sha256_hex(&sha, hex);
        slc_str_printf(text, "source: %s\n", hex);
    }
    if (set->encoding.settings) slc_node_write(set->encoding.settings, text);
    slc_node *ops = slc_policy_dump(set->policy, &arena);
    if (ops) slc_node_write(ops, text);
    const bool good = ops && !text->failed;
    slc_arena_free(&arena);
    return good ? SLC_OK : slc_fail(err, SLC_ENOMEM, "preprocess: out of memory");
}

/* Whether the output folder may be written to: new, empty, or made by an earlier run. Anything
 * else might be the very pictures that are read. */
static slc_status check_out(const char *out, slc_err *err)
{
    DIR *const dir = opendir(out);
    const struct dirent *entry;
    char other[NAME_MAX + 1] = "";
    bool ours = false;
    if (!dir) return SLC_OK; /* making it tells why */
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".sluice") == 0) ours = true;
        if (entry->d_name[0] != '.') snprintf(other, sizeof(other), "%s", entry->d_name);
    }
    closedir(dir);
    return ours || !*other
               ? SLC_OK
               : slc_fail(err, SLC_EINVAL,
                          "%s: holds files that preprocess did not make (%s); choose a "
                          "new or empty folder",
                          out, other);
}

/* Claims the output folder for these settings, or finds that it already is. */
static slc_status claim_out(slc_prep_job *job, slc_err *err)
{
    char path[PATH_MAX];
    slc_str text = {0};
    uint8_t *old = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), "%s/.sluice", job->set.out);
    slc_status st = check_out(job->set.out, err);
    if (st == SLC_OK) st = slc_dir_make(path, err);
    if (st == SLC_OK) st = describe(job, &text, err);
    snprintf(path, sizeof(path), "%s/.sluice/settings", job->set.out);
    if (st == SLC_OK && access(path, F_OK) != 0)
        st = slc_file_replace(path, text.text, text.size, err);
    else if (st == SLC_OK)
        st = slc_file_read(&old, &size, path, SETTINGS_BYTES, err);
    if (st == SLC_OK && old && (size != text.size || memcmp(old, text.text, size) != 0))
        st = slc_fail(err, SLC_EINVAL,
                      "%s: was made with other settings or from another data set; choose "
                      "another folder, or remove it",
                      job->set.out);
    free(old);
    slc_str_free(&text);
    snprintf(path, sizeof(path), "%s/.sluice/journal-%llu", job->set.out,
             (unsigned long long)job->set.rank);
    return st == SLC_OK ? slc_prep_journal_open(&job->journal, path, err) : st;
}

static slc_status classes_file(const slc_prep_job *job, slc_err *err)
{
    char path[PATH_MAX];
    slc_str text = {0};
    const size_t classes = slc_source_classes(job->set.source);
    if (!job->shards || classes == 0) return SLC_OK;
    for (size_t c = 0; c < classes; c++) {
        const size_t start = text.size;
        slc_str_printf(&text, "%s\n", slc_source_class(job->set.source, c));
        for (size_t i = start; !text.failed && i + 1 < text.size; i++)
            if ((unsigned char)text.text[i] < ' ') text.text[i] = '_'; /* one a line */
    }
    snprintf(path, sizeof(path), "%s/.sluice/classes.txt", job->set.out);
    slc_status st = text.failed ? slc_fail(err, SLC_ENOMEM, "out of memory")
                                : slc_file_replace(path, text.text, text.size, err);
    if (st == SLC_OK) st = slc_prep_stand(job->set.out, "classes.txt", err);
    slc_str_free(&text);
    return st;
}

/* One result, in order. */
static slc_status take(slc_prep_job *job, slc_prep_result *r, slc_err *err)
{
    slc_preprocess_report *report = job->report;
    if (r->st != SLC_OK) {
        const bool system = r->st == SLC_EIO || r->st == SLC_ENOMEM;
        if (job->set.on_error == SLC_ON_ERROR_FAIL || system)
            return slc_fail(err, r->st, "%s", r->err.msg);
        report->bad++;
        slc_log_line(job->set.log, SLC_BAD_INPUT, "%s (skipped)", r->err.msg);
        r->record.w = r->record.h = 0;
        r->record.bytes_out = 0;
    } else if (r->up_to_date) {
        report->up_to_date++;
        return SLC_OK;
    } else {
        report->written++;
        report->bytes_in += r->record.bytes_in;
        report->bytes_out += r->record.bytes_out;
    }
    slc_prep_record_seal(&r->record);
    if (job->shards) return slc_prep_shard_add(job, r, err);
    if (r->st != SLC_OK) return SLC_OK;
    pthread_mutex_lock(&job->lock);
    const slc_status st = slc_prep_journal_add(&job->journal, &r->record, err);
    pthread_mutex_unlock(&job->lock);
    return st;
}

static slc_status take_all(slc_prep_job *job, slc_err *err)
{
    slc_status st = SLC_OK;
    const uint64_t begun = slc_clock_ns(), first = job->taken;
    for (uint64_t p = first; st == SLC_OK && p < job->count; p++) {
        slc_prep_result *r = &job->results[p % job->window];
        if (job->set.stop && atomic_load_explicit(job->set.stop, memory_order_relaxed))
            return slc_fail(
                err, SLC_ESTOP,
                "stopped after %llu of %llu pictures; the same call does the rest",
                (unsigned long long)p, (unsigned long long)job->count);
        pthread_mutex_lock(&job->lock);
        while (!r->done)
            pthread_cond_wait(&job->ready, &job->lock);
        pthread_mutex_unlock(&job->lock);
        st = take(job, r, err);
        pthread_mutex_lock(&job->lock);
        r->done = false;
        job->taken = p + 1;
        pthread_cond_broadcast(&job->room);
        pthread_mutex_unlock(&job->lock);
        const double seconds = (double)(slc_clock_ns() - begun) * 1e-9;
        slc_log_progress(job->set.log, "preprocess", p + 1, job->count,
                         (double)(p + 1 - first) / (seconds + 1e-9));
    }
    return st;
}

/* The journal holds what earlier runs saw too; only what is still in the source counts. */
static slc_status statistics(slc_prep_job *job, slc_err *err)
{
    char name[4352];
    size_t n = 0;
    const slc_prep_record **list = malloc((job->count + 1) * sizeof(*list));
    if (!list) return slc_fail(err, SLC_ENOMEM, "statistics: out of memory");
    for (uint64_t p = 0; p < job->count; p++) {
        const char *known =
            slc_source_name(job->set.source, slc_prep_index(job, p), name, sizeof(name));
        const slc_prep_record *r =
            slc_prep_journal_find(&job->journal, slc_hash64(known, strlen(known), 0));
        if (r && r->w > 0) list[n++] = r;
    }
    const slc_status st = slc_prep_statistics(&job->set, list, n, err);
    free(list);
    return st;
}

/* All that was written reaches the disk before it is called done. */
static slc_status sync_out(const slc_prep_job *job, slc_err *err)
{
    slc_status st = SLC_OK;
    const int fd = open(job->set.out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) != 0) st = slc_fail_errno(err, SLC_EIO, "%s", job->set.out);
    if (fd >= 0) close(fd);
    return st;
}

static void tear_down(slc_prep_job *job)
{
    if (job->pool) slc_prep_stop(job);
    slc_pool_join(&job->pool);
    slc_writer_abandon(&job->writer);
    slc_prep_journal_close(&job->journal);
    for (size_t i = 0; job->results && i < job->window; i++)
        slc_str_free(&job->results[i].bytes);
    free(job->results);
    free(job->twin);
    free(job->waiting);
    slc_policy_destroy(&job->identity);
    pthread_cond_destroy(&job->room);
    pthread_cond_destroy(&job->ready);
    pthread_mutex_destroy(&job->lock);
}

slc_status slc_preprocess_run(const slc_preprocess_settings *settings,
                              slc_preprocess_report *report, slc_err *err)
{
    const uint64_t begun = slc_clock_ns();
    slc_prep_job job = {.set = *settings, .report = report};
    *report = (slc_preprocess_report){0};
    pthread_mutex_init(&job.lock, NULL);
    pthread_cond_init(&job.room, NULL);
    pthread_cond_init(&job.ready, NULL);
    slc_status st = check(&job, err);
    if (st == SLC_OK) st = set_up(&job, err);
    if (st == SLC_OK) st = find_twins(&job, err);
    if (st == SLC_OK) st = claim_out(&job, err);
    if (st != SLC_OK) goto done;
    report->samples = job.count;
    if (job.shards) {
        slc_prep_shard_sweep(&job);
        job.taken = job.claimed = report->up_to_date = slc_prep_shard_resume(&job);
        report->shards = job.shard;
    }
    st = slc_pool_start(&job.pool, job.threads, slc_prep_work, slc_prep_stop, &job, err);
    if (st == SLC_OK) st = take_all(&job, err);
    slc_prep_stop(&job);
    slc_pool_join(&job.pool);
    if (st == SLC_OK) st = slc_prep_shard_close(&job, err);
    if (st == SLC_OK) st = sync_out(&job, err);
    if (st == SLC_OK) st = slc_prep_journal_sync(&job.journal, err);
    if (st == SLC_OK) st = statistics(&job, err);
    if (st == SLC_OK) st = classes_file(&job, err);
done:
    tear_down(&job);
    report->ns = slc_clock_ns() - begun;
    return st;
}

/* From the sums of the samples tried to all of them. */
static void extrapolate(const slc_prep_job *job, uint64_t ns, size_t arena,
                        size_t encoded, slc_preprocess_plan *plan)
{
    const uint64_t good = plan->tried - plan->bad;
    const double share = good ? (double)job->count / (double)good : 0;
    plan->samples = job->count;
    plan->bytes_in = (uint64_t)((double)plan->bytes_in * share);
    plan->bytes_out = (uint64_t)((double)plan->bytes_out * share);
    plan->seconds = 1e-9 * (double)ns * share / (double)job->threads;
    plan->memory = job->threads * arena +
                   job->window * (encoded + sizeof(*job->results)) +
                   job->count * (sizeof(slc_prep_record) + 2 * sizeof(uint64_t));
    if (job->set.shard_bytes)
        plan->shards = plan->bytes_out / job->set.shard_bytes + (job->count > 0);
    else if (job->set.shard_samples)
        plan->shards = (job->count + job->set.shard_samples - 1) / job->set.shard_samples;
}

slc_status slc_preprocess_try(const slc_preprocess_settings *settings,
                              slc_preprocess_plan *plan, slc_err *err)
{
    slc_prep_job job = {.set = *settings};
    slc_prep_result made = {0};
    slc_hand hand = {0};
    size_t arena = 0, encoded = 0;
    *plan = (slc_preprocess_plan){0};
    slc_status st = check(&job, err);
    if (st == SLC_OK) st = set_up(&job, err);
    if (st == SLC_OK) st = slc_hand_init(&hand, err);
    if (st != SLC_OK) goto done;
    plan->tried = slc_min(job.count, TRIES);
    const uint64_t begun = slc_clock_ns();
    for (uint64_t i = 0; i < plan->tried; i++) {
        slc_err why = {0};
        const uint64_t p = i * job.count / plan->tried;
        made.bytes.size = 0;
        if (slc_prep_make(&job, slc_prep_index(&job, p), &hand, &made, &why) != SLC_OK) {
            slc_log_line(job.set.log, SLC_BAD_INPUT, "%s", why.msg);
            plan->bad++;
            continue;
        }
        plan->bytes_in += made.record.bytes_in;
        plan->bytes_out += made.record.bytes_out;
        arena = slc_max(arena, hand.work.arena.total);
        encoded = slc_max(encoded, made.bytes.size);
    }
    extrapolate(&job, slc_clock_ns() - begun, arena, encoded, plan);
done:
    slc_hand_free(&hand);
    slc_str_free(&made.bytes);
    free(job.results);
    free(job.twin);
    slc_policy_destroy(&job.identity);
    return st;
}
