/* The pass: threads take samples as they come, each sample's chart has its own place, and what
 * is summed is summed in integers. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/num.h"
#include "base/pool.h"
#include "loader/doctor/doctor_impl.h"

enum {
    MAX_THREADS = 64,
    KEEP = 32 << 20 /* bytes of an arena that stay for the next sample */
};

/* How often each channel had each value, and the largest sides. */
typedef struct tally {
    uint64_t pixels[3][256];
    bool colour;
} tally;

typedef struct pass {
    slc_patient *p;
    atomic_uint_fast64_t next, done; /* samples; the order of claims does not matter */
    atomic_bool over;                /* an error that ends the pass, or a stop */
    tally *tallies;                  /* one for each thread */
    slc_status st[MAX_THREADS];
    slc_err err[MAX_THREADS];
} pass;

static const slc_finding_info about[SLC_FINDING_KINDS] = {
    [SLC_FINDING_UNREADABLE] = {"unreadable", "cannot be read as pictures",
                                .unclean = true},
    [SLC_FINDING_DAMAGED] = {"damaged", "truncated or damaged", .unclean = true},
    [SLC_FINDING_EXTENSION] = {"extension", "named as another format than they are"},
    [SLC_FINDING_ROTATED] = {"rotated", "turned or mirrored by EXIF orientation"},
    [SLC_FINDING_CMYK] = {"cmyk", "CMYK instead of RGB"},
    [SLC_FINDING_DEEP] = {"deep", "16 bits a channel, rounded to 8"},
    [SLC_FINDING_ALPHA] = {"alpha", "with transparency, put over the background"},
    [SLC_FINDING_PALETTE] = {"palette", "with a palette"},
    [SLC_FINDING_ANIMATED] = {"animated", "animations, of which the first frame is read"},
    [SLC_FINDING_SMALL] = {"small", "very small"},
    [SLC_FINDING_LARGE] = {"large", "very large"},
    [SLC_FINDING_ASPECT] = {"aspect", "very long and narrow"},
    [SLC_FINDING_DUPLICATE] = {"duplicate", "copies of another sample", .unclean = true},
    [SLC_FINDING_NEAR] = {"near", "nearly the same as another sample"},
    [SLC_FINDING_LEAK] = {"leak", "the same in two splits", .unclean = true},
    [SLC_FINDING_CONFLICT] = {"conflict", "the same with different labels",
                              .unclean = true},
    [SLC_FINDING_EMPTY_CLASS] = {"empty_class", "classes without samples"},
    [SLC_FINDING_SIMILAR_NAMES] = {"similar_names", "classes with nearly the same name"},
    [SLC_FINDING_IMBALANCE] = {"imbalance", "splits with very unequal classes"},
    [SLC_FINDING_SLOW] = {"slow", "far slower to decode than others", .hint = true},
};

const slc_finding_info *slc_finding_about(slc_finding_kind kind)
{
    return &about[kind];
}

size_t slc_checkup_source(const slc_checkup *c, uint64_t sample, uint64_t *index)
{
    size_t k = c->source_count - 1;
    while (k > 0 && c->first[k] > sample)
        k--;
    *index = sample - c->first[k];
    return k;
}

const char *slc_chart_class(const slc_patient *p, uint64_t sample)
{
    uint64_t index;
    const slc_source *s = p->set->sources[slc_checkup_source(p->out, sample, &index)];
    const int32_t label = slc_source_label(s, index);
    return label < 0 ? "" : slc_source_class(s, (size_t)label);
}

slc_status slc_finding_add(slc_patient *p, slc_finding_kind kind, uint64_t sample,
                           uint64_t other, slc_err *err, const char *fmt, ...)
{
    char text[600] = "";
    va_list args;
    va_start(args, fmt);
    if (fmt) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const slc_finding f = {kind, sample, other, slc_arena_text(&p->out->arena, text)};
    slc_str_add_n(&p->findings, &f, sizeof(f));
    if (!f.text || p->findings.failed)
        return slc_fail(err, SLC_ENOMEM, "doctor: out of memory");
    p->out->counts[kind]++;
    if (about[kind].unclean && sample != UINT64_MAX) p->unclean[sample] = 1;
    return SLC_OK;
}

static void mark(slc_chart *c, slc_finding_kind kind)
{
    c->kinds |= UINT32_C(1) << kind;
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void hash_stored(slc_chart *c, const slc_stored *stored)
{
    for (uint64_t k = 0; k < 2; k++) {
        uint64_t h = k;
        if (stored->bytes) h = slc_hash64(stored->bytes, stored->size, h);
        for (size_t y = 0; !stored->bytes && y < stored->pixels.h; y++)
            h = slc_hash64(stored->pixels.px + y * stored->pixels.stride,
                           stored->pixels.w * stored->pixels.channels, h);
        c->content[k] = h;
    }
}

static void add_pixels(tally *t, const slc_image *im)
{
    t->colour |= im->channels == 3;
    for (size_t y = 0; y < im->h; y++) {
        const uint8_t *row = im->px + y * im->stride;
        for (size_t i = 0; im->channels == 1 && i < im->w; i++)
            for (size_t c = 0; c < 3; c++)
                t->pixels[c][row[i]]++;
        for (size_t i = 0; im->channels == 3 && i < 3 * im->w; i += 3)
            for (size_t c = 0; c < 3; c++)
                t->pixels[c][row[i + c]]++;
    }
}

/* What the header tells. */
static void look_at_info(const slc_checkup_settings *set, slc_chart *c,
                         const slc_image_info *info)
{
    const double w = (double)info->w, h = (double)info->h;
    const slc_finding_kind kinds[] = {
        SLC_FINDING_ROTATED, SLC_FINDING_CMYK,    SLC_FINDING_DEEP,
        SLC_FINDING_ALPHA,   SLC_FINDING_PALETTE, SLC_FINDING_ANIMATED,
        SLC_FINDING_SMALL,   SLC_FINDING_LARGE,   SLC_FINDING_ASPECT};
    const bool is[] = {info->orientation > 1,
                       info->cmyk,
                       info->bits > 8,
                       info->alpha,
                       info->palette,
                       info->animated,
                       info->w < set->least_side ||
                           info->h<set->least_side, w * h> set->most_pixels,
                       fmax(w, h) > set->most_aspect * fmin(w, h)};
    for (size_t i = 0; i < SLC_COUNT(kinds); i++)
        if (is[i]) mark(c, kinds[i]);
}

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "doctor: out of memory");
}

static slc_status note(slc_chart *c, slc_finding_kind kind, const char *why, slc_err *err)
{
    mark(c, kind);
    if (c->why) return SLC_OK;
    c->why = strdup(why);
    return c->why ? SLC_OK : no_memory(err);
}

typedef struct hand {
    slc_decoder *decoder;
    slc_arena arena;
    tally *tally;
} hand;

static slc_status decode(const slc_checkup_settings *set, hand *h, slc_chart *c,
                         const slc_stored *stored, const char *name, slc_err *err)
{
    slc_err why = {0};
    slc_image im = stored->pixels;
    slc_image_info info = {.w = im.w, .h = im.h, .orientation = 1};
    const slc_codec *claimed = slc_codec_by_extension(name);
    const uint64_t start = cpu_ns();
    slc_status st = SLC_OK;
    if (stored->bytes) {
        st = slc_decode_info(h->decoder, stored->bytes, stored->size, &set->decode, &info,
                             &why);
        if (st == SLC_OK)
            st = slc_decode_image(h->decoder, stored->bytes, stored->size, &set->decode,
                                  &h->arena, &im, &why);
        const slc_codec *real = slc_codec_of(stored->bytes, stored->size);
        if (claimed && real && claimed != real) {
            char text[64];
            snprintf(text, sizeof(text), "is %s", real->entry.name);
            const slc_status noted = note(c, SLC_FINDING_EXTENSION, text, err);
            if (noted != SLC_OK) return noted;
        }
    }
    if (st == SLC_ENOMEM) return slc_fail(err, st, "%s", why.msg);
    if (st != SLC_OK) {
        free((char *)c->why);
        c->why = NULL;
        return note(c, SLC_FINDING_DAMAGED, why.msg, err);
    }
    c->micros = (uint32_t)slc_min((cpu_ns() - start) / 1000, UINT32_MAX);
    c->w = (uint32_t)im.w;
    c->h = (uint32_t)im.h;
    look_at_info(set, c, &info);
    add_pixels(h->tally, &im);
    slc_thumb_make(c, &im);
    return SLC_OK;
}

/* One sample's chart. Fails only if memory does. */
static slc_status look_at(const slc_patient *p, uint64_t sample, hand *h, slc_err *err)
{
    char buffer[512];
    uint64_t index;
    slc_err why = {0};
    slc_stored stored;
    slc_chart *c = &p->charts[sample];
    const slc_source *s = p->set->sources[slc_checkup_source(p->out, sample, &index)];
    c->label = slc_source_label(s, index);
    const slc_status st = slc_source_read(s, index, &h->arena, &stored, &why);
    if (st == SLC_ENOMEM) return slc_fail(err, st, "%s", why.msg);
    if (st != SLC_OK) {
        const char *key = slc_source_key(s, index, buffer, sizeof(buffer));
        const size_t n = strlen(key);
        const bool named = strncmp(why.msg, key, n) == 0 && why.msg[n] == ':';
        return note(c, SLC_FINDING_UNREADABLE, why.msg + (named ? n + 2 : 0), err);
    }
    hash_stored(c, &stored);
    const char *name = slc_source_name(s, index, buffer, sizeof(buffer));
    return decode(p->set, h, c, &stored, name, err);
}

static void run_pass(void *arg, size_t thread)
{
    pass *all = arg;
    hand h = {.tally = &all->tallies[thread]};
    slc_status st = slc_decoder_create(&h.decoder, &all->err[thread]);
    while (st == SLC_OK && !atomic_load_explicit(&all->over, memory_order_relaxed)) {
        const uint64_t i = atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed);
        if (i >= all->p->out->samples) break;
        st = look_at(all->p, i, &h, &all->err[thread]);
        if (h.arena.total > KEEP)
            slc_arena_free(&h.arena);
        else
            slc_arena_reset(&h.arena);
        atomic_fetch_add_explicit(&all->done, 1, memory_order_relaxed);
    }
    if (st != SLC_OK) atomic_store_explicit(&all->over, true, memory_order_relaxed);
    all->st[thread] = st;
    slc_arena_free(&h.arena);
    slc_decoder_destroy(&h.decoder);
}

static void stop_pass(void *arg)
{
    pass *all = arg;
    atomic_store_explicit(&all->over, true, memory_order_relaxed);
}

/* Tells how far the threads are, and looks for a stop, until they have finished. */
static bool watch(pass *all, const slc_checkup_settings *set)
{
    const uint64_t start = slc_clock_ns(), total = all->p->out->samples;
    useconds_t nap = 200;
    for (;;) {
        const uint64_t done = atomic_load_explicit(&all->done, memory_order_relaxed);
        if (done >= total || atomic_load_explicit(&all->over, memory_order_relaxed))
            return false;
        if (set->stop && *set->stop) {
            stop_pass(all);
            return true;
        }
        slc_log_progress(set->log, "doctor", done, total,
                         (double)done * 1e9 / (double)(slc_clock_ns() - start + 1));
        usleep(nap);
        if (nap < 20000) nap *= 2;
    }
}

static void add_tallies(slc_checkup *out, const tally *t, size_t threads)
{
    bool colour = false;
    for (size_t k = 0; k < threads; k++)
        colour |= t[k].colour;
    out->channels = colour ? 3 : 1;
    for (size_t c = 0; c < out->channels; c++) {
        uint64_t n = 0, sum = 0, squares = 0;
        for (uint64_t v = 0; v < 256; v++) {
            uint64_t count = 0;
            for (size_t k = 0; k < threads; k++)
                count += t[k].pixels[c][v];
            n += count, sum += v * count, squares += v * v * count;
        }
        out->mean[c] = n ? (double)sum / (double)n / 255 : 0;
        out->std[c] = n ? sqrt(fmax(0, (double)squares / (double)n / 65025 -
                                           out->mean[c] * out->mean[c]))
                        : 0;
    }
}

static slc_status make_charts(slc_patient *p, slc_err *err)
{
    slc_status st;
    slc_pool *pool = NULL;
    bool stopped = false;
    size_t threads = p->set->threads ? p->set->threads : slc_pool_cores();
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (threads > p->out->samples) threads = (size_t)p->out->samples;
    pass *all = calloc(1, sizeof(*all));
    tally *tallies = calloc(threads + 1, sizeof(*tallies));
    if (!all || !tallies) {
        st = no_memory(err);
        goto done;
    }
    all->p = p;
    all->tallies = tallies;
    st = slc_pool_start(&pool, threads, run_pass, stop_pass, all, err);
    if (st != SLC_OK) goto done;
    stopped = watch(all, p->set);
    slc_pool_join(&pool);
    for (size_t k = 0; k < threads && st == SLC_OK; k++)
        if ((st = all->st[k]) != SLC_OK && err) *err = all->err[k];
    if (st == SLC_OK && stopped) st = slc_fail(err, SLC_ESTOP, "stopped");
    add_tallies(p->out, tallies, threads);
done:
    free(tallies);
    free(all);
    return st;
}

/* The charts' own marks become findings. */
static slc_status tell_marks(slc_patient *p, slc_err *err)
{
    slc_status st = SLC_OK;
    slc_checkup *out = p->out;
    for (uint64_t i = 0; i < out->samples && st == SLC_OK; i++) {
        const slc_chart *c = &p->charts[i];
        for (unsigned k = 0; k < SLC_FINDING_KINDS && c->kinds >> k && st == SLC_OK;
             k++) {
            const slc_finding_kind kind = (slc_finding_kind)k;
            const bool size = kind == SLC_FINDING_SMALL || kind == SLC_FINDING_LARGE ||
                              kind == SLC_FINDING_ASPECT;
            if (!(c->kinds >> k & 1)) continue;
            if (size)
                st = slc_finding_add(p, kind, i, UINT64_MAX, err, "%u x %u px", c->w,
                                     c->h);
            else
                st = slc_finding_add(p, kind, i, UINT64_MAX, err, "%s",
                                     k <= SLC_FINDING_EXTENSION && c->why ? c->why : "");
        }
        if (c->w == 0) continue;
        const bool first = out->readable++ == 0;
        if (first || c->w < out->least_w) out->least_w = c->w;
        if (first || c->h < out->least_h) out->least_h = c->h;
        if (c->w > out->most_w) out->most_w = c->w;
        if (c->h > out->most_h) out->most_h = c->h;
    }
    return st;
}

static int by_kind(const void *a, const void *b)
{
    const slc_finding *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->sample != y->sample) return x->sample < y->sample ? -1 : 1;
    if (x->other != y->other) return x->other < y->other ? -1 : 1;
    return strcmp(x->text, y->text);
}

static slc_checkup_settings with_defaults(const slc_checkup_settings *given)
{
    slc_checkup_settings set = *given;
    if (set.least_side == 0) set.least_side = 16;
    if (set.most_pixels <= 0) set.most_pixels = 50e6;
    if (set.most_aspect <= 0) set.most_aspect = 5;
    if (set.most_imbalance <= 0) set.most_imbalance = 10;
    if (set.near_bits == 0) set.near_bits = 4;
    if (set.near_bits > 8) set.near_bits = 8;
    return set;
}

static slc_status begin(slc_patient *p, slc_checkup *out, const slc_checkup_settings *set,
                        slc_err *err)
{
    if (set->count == 0 || set->count > SLC_CHECKUP_SOURCES)
        return slc_fail(err, SLC_EINVAL, "doctor: %zu sources instead of 1 to %d",
                        set->count, SLC_CHECKUP_SOURCES);
    out->sources = set->sources;
    out->source_count = set->count;
    for (size_t i = 0; i < set->count; i++) {
        out->first[i] = out->samples;
        out->samples += slc_source_count(set->sources[i]);
    }
    out->first[set->count] = out->samples;
    p->set = set;
    p->out = out;
    p->charts = calloc((size_t)out->samples + 1, sizeof(*p->charts));
    p->unclean = slc_arena_zero(&out->arena, (size_t)out->samples + 1, 1);
    out->unclean = p->unclean;
    return p->charts && p->unclean ? SLC_OK : no_memory(err);
}

slc_status slc_checkup_run(slc_checkup **out, const slc_checkup_settings *settings,
                           slc_err *err)
{
    *out = NULL;
    slc_patient p = {0};
    const slc_checkup_settings set = with_defaults(settings);
    slc_checkup *c = calloc(1, sizeof(*c));
    if (!c) return no_memory(err);
    slc_status st = begin(&p, c, &set, err);
    if (st == SLC_OK) st = make_charts(&p, err);
    if (st == SLC_OK) st = tell_marks(&p, err);
    if (st == SLC_OK) st = slc_find_twins(&p, err);
    if (st == SLC_OK) st = slc_find_class_trouble(&p, err);
    if (st == SLC_OK) st = slc_find_slow(&p, err);
    if (st == SLC_OK) {
        c->finding_count = p.findings.size / sizeof(slc_finding);
        if (c->finding_count)
            qsort(p.findings.text, c->finding_count, sizeof(slc_finding), by_kind);
        slc_finding *copy =
            slc_arena_zero(&c->arena, c->finding_count + 1, sizeof(*copy));
        if (copy && c->finding_count) memcpy(copy, p.findings.text, p.findings.size);
        c->findings = copy;
        if (!copy) st = no_memory(err);
    }
    for (uint64_t i = 0; p.charts && i < c->samples; i++)
        free((char *)p.charts[i].why);
    free(p.charts);
    slc_str_free(&p.findings);
    if (st == SLC_OK)
        *out = c;
    else
        slc_checkup_destroy(&c);
    return st;
}

void slc_checkup_destroy(slc_checkup **checkup)
{
    if (!*checkup) return;
    slc_arena_free(&(*checkup)->arena);
    free(*checkup);
    *checkup = NULL;
}

bool slc_checkup_found(const slc_checkup *c)
{
    for (size_t k = 0; k < SLC_FINDING_KINDS; k++)
        if (c->counts[k] > 0 && !about[k].hint) return true;
    return false;
}
