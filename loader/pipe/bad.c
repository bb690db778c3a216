/* Bad samples: noted by workers, told in stream order by the consumer. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "loader/pipe/ring.h"

enum { LIST_BYTES = 1 << 30 };

void slc_bad_note(slc_slot *slot, size_t at, uint64_t index, bool substituted,
                  bool listed, const slc_err *why)
{
    pthread_mutex_lock(&slot->bad_lock);
    if (slot->bad_count == slot->bad_room) {
        const size_t room = slot->bad_room * 2 + 8;
        slc_bad *grown = realloc(slot->bad, room * sizeof(*grown));
        if (grown) {
            slot->bad = grown;
            slot->bad_room = room;
        }
    }
    if (slot->bad_count < slot->bad_room)
        slot->bad[slot->bad_count++] = (slc_bad){.at = at,
                                                 .index = index,
                                                 .substituted = substituted,
                                                 .listed = listed,
                                                 .code = why->code,
                                                 .msg = strdup(why->msg)};
    pthread_mutex_unlock(&slot->bad_lock);
}

void slc_bad_clear(slc_slot *slot)
{
    for (size_t i = 0; i < slot->bad_count; i++)
        free(slot->bad[i].msg);
    slot->bad_count = 0;
}

/* A table of the keys in the list, to be looked up once for every sample of the source. */
typedef struct key_set {
    uint64_t *hash;
    size_t room; /* a power of two; 0 = free place */
} key_set;

static void key_add(const key_set *set, uint64_t hash)
{
    size_t i = hash & (set->room - 1);
    while (set->hash[i] && set->hash[i] != hash)
        i = (i + 1) & (set->room - 1);
    set->hash[i] = hash;
}

static bool key_has(const key_set *set, uint64_t hash)
{
    size_t i = hash & (set->room - 1);
    while (set->hash[i] && set->hash[i] != hash)
        i = (i + 1) & (set->room - 1);
    return set->hash[i] == hash;
}

static uint64_t key_hash(const char *key)
{
    const uint64_t hash = slc_hash64(key, strlen(key), 0);
    return hash ? hash : 1;
}

/* Of the key as the list holds it. */
static uint64_t listed_hash(const char *key)
{
    if (slc_utf8_is_valid(key)) return key_hash(key);
    json_t *text = slc_json_text(key);
    const uint64_t hash = key_hash(text ? json_string_value(text) : key);
    json_decref(text);
    return hash;
}

static slc_status read_line(const key_set *set, const char *line, size_t size,
                            const char *path, size_t number, slc_err *err)
{
    json_error_t why;
    json_t *object = json_loadb(line, size, 0, &why);
    const char *key = json_string_value(json_object_get(object, "path"));
    if (key) key_add(set, key_hash(key));
    json_decref(object);
    if (key) return SLC_OK;
    return slc_fail(
        err, SLC_EFORMAT,
        "%s:%zu: is no line of a quarantine list (a JSON object with \"path\")", path,
        number);
}

static slc_status mark(slc_loader *l, const key_set *set, slc_err *err)
{
    char text[4352];
    const uint64_t count = slc_source_count(l->set.source);
    l->quarantined = calloc(count / 8 + 1, 1);
    if (!l->quarantined) return slc_fail(err, SLC_ENOMEM, "quarantine: out of memory");
    for (uint64_t i = 0; i < count; i++)
        if (key_has(set,
                    listed_hash(slc_source_key(l->set.source, i, text, sizeof(text)))))
            l->quarantined[i / 8] |= (uint8_t)(1u << (i % 8));
    return SLC_OK;
}

slc_status slc_quarantine_read(slc_loader *l, slc_err *err)
{
    slc_map map;
    slc_status st = SLC_OK;
    key_set set = {.room = 64};
    size_t lines = 0, number = 0;
    struct stat info;
    if (stat(l->set.quarantine, &info) == 0 && !S_ISREG(info.st_mode))
        return slc_fail(err, SLC_EINVAL, "quarantine: %s is not a regular file",
                        l->set.quarantine);
    /* The first run makes the list; one that cannot be made is found out now, not later. */
    FILE *file = fopen(l->set.quarantine, "ae");
    if (!file) return slc_fail_errno(err, SLC_EIO, "%s", l->set.quarantine);
    fclose(file);
    if ((st = slc_map_open(&map, l->set.quarantine, err)) != SLC_OK) return st;
    for (size_t i = 0; i < map.size; i++)
        lines += map.bytes[i] == '\n';
    while (set.room < 2 * lines + 2)
        set.room *= 2;
    set.hash = lines ? calloc(set.room, sizeof(*set.hash)) : NULL;
    if (lines && !set.hash) st = slc_fail(err, SLC_ENOMEM, "quarantine: out of memory");
    for (size_t at = 0; st == SLC_OK && at < map.size;) {
        const char *line = (const char *)map.bytes + at;
        const char *end = memchr(line, '\n', map.size - at);
        if (!end) break; /* cut off while it was written */
        if (end > line)
            st = read_line(&set, line, (size_t)(end - line), l->set.quarantine, ++number,
                           err);
        at += (size_t)(end - line) + 1;
    }
    if (st == SLC_OK && lines) st = mark(l, &set, err);
    l->told = calloc(slc_source_count(l->set.source) / 8 + 1, 1);
    if (st == SLC_OK && !l->told)
        st = slc_fail(err, SLC_ENOMEM, "quarantine: out of memory");
    free(set.hash);
    slc_map_close(&map);
    return st;
}

static bool has_bit(const uint8_t *bits, uint64_t index)
{
    return bits[index / 8] >> (index % 8) & 1;
}

bool slc_quarantine_has(const slc_loader *l, uint64_t index)
{
    return l->quarantined && has_bit(l->quarantined, index);
}

static const char *action_of(const slc_loader *l, const slc_bad *bad)
{
    if (bad->substituted) return "substitute";
    return l->set.on_error == SLC_ON_ERROR_SKIP ? "skip" : "fail";
}

static slc_status write_line(slc_loader *l, const slc_bad *bad, slc_err *err)
{
    char text[4352];
    const char *key = slc_source_key(l->set.source, bad->index, text, sizeof(text));
    json_t *object =
        json_pack("{s:o, s:I, s:o, s:s}", "path", slc_json_text(key), "index",
                  (json_int_t)bad->index, "message",
                  slc_json_text(bad->msg ? bad->msg : ""), "action", action_of(l, bad));
    char *line = object ? slc_json_line(object) : NULL;
    json_decref(object);
    if (!line) return slc_fail(err, SLC_ENOMEM, "quarantine: cannot write %s", key);
    const slc_status st = slc_file_append_line(l->set.quarantine, line, err);
    free(line);
    return st;
}

/* Whether so many bad samples are too many. */
static bool too_many(const slc_loader *l)
{
    const double most = l->set.max_errors;
    if (most <= 0) return false;
    const double limit =
        most < 1 ? most * (double)slc_sampler_positions(l->sampler) : most;
    return (double)l->bad_in_epoch > limit;
}

static slc_status report_one(slc_loader *l, const slc_bad *bad, slc_err *err)
{
    const bool handled = bad->substituted || l->set.on_error == SLC_ON_ERROR_SKIP;
    const char *msg = bad->msg ? bad->msg : "a sample could not be read";
    l->bad++;
    l->bad_in_epoch++;
    l->substituted += bad->substituted;
    if (l->set.quarantine && !bad->listed && !has_bit(l->told, bad->index)) {
        const slc_status st = write_line(l, bad, err);
        if (st != SLC_OK) return st;
        l->told[bad->index / 8] |= (uint8_t)(1u << (bad->index % 8));
    }
    /* Without memory there is no substitute's fault. */
    if (!handled || bad->code == SLC_ENOMEM) return slc_fail(err, bad->code, "%s", msg);
    if (!bad->listed)
        slc_log_line(l->set.log, SLC_BAD_INPUT, "%s (%s)", msg,
                     bad->substituted ? "substituted" : "skipped");
    if (too_many(l))
        return slc_fail(err, SLC_EDATA,
                        "%llu bad samples in this epoch are more than max_errors allows "
                        "(%g); the last: %s",
                        (unsigned long long)l->bad_in_epoch, l->set.max_errors, msg);
    return SLC_OK;
}

slc_status slc_bad_report(slc_loader *l, slc_slot *slot, slc_err *err)
{
    if (slot->batch.number == 0) l->bad_in_epoch = 0;
    for (size_t i = 0; i < slot->bad_count; i++) {
        const slc_status st = report_one(l, &slot->bad[i], err);
        if (st != SLC_OK) return st;
    }
    return SLC_OK;
}
