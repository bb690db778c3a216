/* What a preprocess worker does with one sample. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "loader/prep/prep_job.h"

static void sum_pixels(const slc_image *im, slc_prep_record *r)
{
    r->w = (uint32_t)im->w;
    r->h = (uint32_t)im->h;
    r->channels = (uint32_t)im->channels;
    memset(r->sum, 0, sizeof(r->sum));
    memset(r->square, 0, sizeof(r->square));
    for (size_t y = 0; y < im->h; y++) {
        uint32_t sum[3] = {0};
        uint64_t square[3] = {0};
        const uint8_t *px = im->px + y * im->stride;
        for (size_t x = 0; x < im->w; x++, px += im->channels)
            for (size_t c = 0; c < im->channels; c++) {
                sum[c] += px[c];
                square[c] += (uint32_t)px[c] * px[c];
            }
        for (size_t c = 0; c < im->channels; c++) {
            r->sum[c] += sum[c];
            r->square[c] += square[c];
        }
    }
}

static int64_t changed(const slc_prep_job *job, uint64_t index)
{
    char text[4352];
    struct stat info;
    const char *key = slc_source_key(job->set.source, index, text, sizeof(text));
    if (stat(key, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
    return (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
}

/* The format a sample is written in. */
static const slc_codec *format_of(const slc_prep_job *job, const slc_stored *stored)
{
    if (job->set.format) return job->set.format;
    const slc_codec *own =
        stored->bytes ? slc_codec_of(stored->bytes, stored->size) : NULL;
    if (own && (own->encode || job->keep_bytes)) return own;
    return job->png;
}

static const char *first_word(const char *words, char *buffer, size_t size)
{
    snprintf(buffer, size, "%.*s", (int)strcspn(words, " "), words);
    return buffer;
}

slc_status slc_prep_make(const slc_prep_job *job, uint64_t index, slc_hand *hand,
                         slc_prep_result *out, slc_err *err)
{
    char text[4352];
    slc_stored stored = {0};
    slc_image image;
    const slc_tail *tail;
    slc_arena_reset(&hand->work.arena);
    const slc_key key = {job->set.seed, job->set.epoch, index, 0};
    slc_status st = slc_sample_fetch(&job->maker, index, hand, &stored, err);
    if (st != SLC_OK) return st;
    if ((st = slc_sample_finish(&job->maker, &key, &stored, hand, NULL, &image, &tail,
                                err)) != SLC_OK)
        return st;
    sum_pixels(&image, &out->record);
    const slc_codec *codec = format_of(job, &stored);
    out->extension = codec->extensions;
    out->record.bytes_in =
        stored.bytes ? stored.size
                     : stored.pixels.w * stored.pixels.h * stored.pixels.channels;
    if (job->keep_bytes && stored.bytes)
        slc_str_add_n(&out->bytes, stored.bytes, stored.size);
    else
        st = slc_encode(codec, &job->set.encoding, &image, &out->bytes, err);
    if (st == SLC_OK && out->bytes.failed)
        st = slc_fail(err, SLC_ENOMEM, "out of memory");
    if (st != SLC_OK)
        return slc_err_prefix(err, "%s",
                              slc_source_key(job->set.source, index, text, sizeof(text)));
    out->record.bytes_out = out->bytes.size;
    return SLC_OK;
}

/* Whether an earlier run wrote this sample and nothing has changed since. The extension is in
 * the directory, not in the journal: any known one will do. */
static bool up_to_date(slc_prep_job *job, slc_prep_result *out)
{
    char path[PATH_MAX], word[16];
    struct stat info;
    slc_prep_record old = {0};
    pthread_mutex_lock(&job->lock);
    const slc_prep_record *found = slc_prep_journal_find(&job->journal, out->record.key);
    if (found) old = *found;
    pthread_mutex_unlock(&job->lock);
    if (!found || old.changed != out->record.changed || old.w == 0) return false;
    for (const slc_codec *const *c = slc_codecs; *c; c++) {
        snprintf(path, sizeof(path), "%s/%s.%s", job->set.out, out->stem,
                 first_word((*c)->extensions, word, sizeof(word)));
        if (stat(path, &info) == 0 && (uint64_t)info.st_size == old.bytes_out) {
            old.label = out->record.label; /* classes may have been added */
            out->record = old;
            return true;
        }
    }
    return false;
}

static slc_status one(slc_prep_job *job, uint64_t p, size_t thread, slc_hand *hand,
                      slc_prep_result *out, slc_err *err)
{
    char name[4352], path[PATH_MAX], temp[PATH_MAX], word[16];
    const uint64_t index = slc_prep_index(job, p);
    const char *known = slc_source_name(job->set.source, index, name, sizeof(name));
    out->record = (slc_prep_record){.key = slc_hash64(known, strlen(known), 0),
                                    .changed = changed(job, index),
                                    .label = slc_source_label(job->set.source, index)};
    slc_prep_stem(job->set.source, index, job->shards, out->stem, sizeof(out->stem));
    if (job->twin[p / 8] >> (p % 8) & 1) {
        const size_t n = strlen(out->stem);
        snprintf(out->stem + n, sizeof(out->stem) - n, "-%08llu",
                 (unsigned long long)index);
    }
    if (!job->shards && (out->up_to_date = up_to_date(job, out))) return SLC_OK;
    slc_status st = slc_prep_make(job, index, hand, out, err);
    if (st != SLC_OK || job->shards) return st;
    snprintf(path, sizeof(path), "%s/%s.%s", job->set.out, out->stem,
             first_word(out->extension, word, sizeof(word)));
    snprintf(temp, sizeof(temp), "%s/.sluice/part-%llu-%zu", job->set.out,
             (unsigned long long)job->set.rank, thread);
    return slc_prep_put(path, temp, &out->bytes, err);
}

/* The next sample to make, or false at the end. */
static bool claim(slc_prep_job *job, uint64_t *p)
{
    pthread_mutex_lock(&job->lock);
    *p = job->claimed;
    const bool more = !job->stop && *p < job->count;
    job->claimed += more;
    while (more && !job->stop && *p >= job->taken + job->window)
        pthread_cond_wait(&job->room, &job->lock);
    const bool go = more && !job->stop;
    pthread_mutex_unlock(&job->lock);
    return go;
}

void slc_prep_work(void *arg, size_t i)
{
    slc_prep_job *job = arg;
    slc_hand hand = {0};
    uint64_t p;
    slc_err err = {0};
    const slc_status ready = slc_hand_init(&hand, &err);
    while (claim(job, &p)) {
        slc_prep_result *r = &job->results[p % job->window];
        r->bytes.size = 0;
        r->bytes.failed = false;
        r->up_to_date = false;
        r->err = err;
        r->st = ready == SLC_OK ? one(job, p, i, &hand, r, &r->err) : ready;
        pthread_mutex_lock(&job->lock);
        r->done = true;
        if (p == job->taken) pthread_cond_signal(&job->ready);
        pthread_mutex_unlock(&job->lock);
    }
    slc_hand_free(&hand);
}

void slc_prep_stop(void *arg)
{
    slc_prep_job *job = arg;
    pthread_mutex_lock(&job->lock);
    job->stop = true;
    pthread_cond_broadcast(&job->room);
    pthread_mutex_unlock(&job->lock);
}
