/* Formats: tensorflow/core/util/event.proto, framework/summary.proto, lib/io/record_writer. */
#include "train/fit/events.h"

#include <string.h>

uint32_t slc_events_crc32c(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

uint32_t slc_events_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void add_varint(slc_str *s, uint64_t v)
{
    uint8_t byte[10];
    size_t n = 0;
    do {
        byte[n] = (uint8_t)(v & 127);
        v >>= 7;
        if (v) byte[n] |= 128;
        n++;
    } while (v);
    slc_str_add_n(s, byte, n);
}

enum { VARINT = 0, DOUBLE = 1, BYTES = 2, FLOAT = 5 };

static void add_key(slc_str *s, unsigned field, unsigned type)
{
    add_varint(s, field << 3 | type);
}

/* Little-endian, as the wire wants; bytes of a float or double through an integer. */
static void add_fixed(slc_str *s, uint64_t bits, size_t n)
{
    uint8_t byte[8];
    for (size_t i = 0; i < n; i++)
        byte[i] = (uint8_t)(bits >> (8 * i));
    slc_str_add_n(s, byte, n);
}

static void add_double(slc_str *s, unsigned field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    add_key(s, field, DOUBLE);
    add_fixed(s, bits, 8);
}

static void add_float(slc_str *s, unsigned field, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    add_key(s, field, FLOAT);
    add_fixed(s, bits, 4);
}

static void add_bytes(slc_str *s, unsigned field, const void *bytes, size_t n)
{
    add_key(s, field, BYTES);
    add_varint(s, n);
    slc_str_add_n(s, bytes, n);
}

static void add_message(slc_str *s, unsigned field, slc_str *inner)
{
    add_bytes(s, field, inner->text ? inner->text : "", inner->size);
    s->failed |= inner->failed;
    slc_str_free(inner);
    *inner = (slc_str){0};
}

/* length, its checksum, the event, its checksum */
static void frame(slc_str *out, slc_str *event)
{
    slc_str length = {0};
    add_fixed(&length, event->size, 8);
    slc_str_add_n(out, length.text, 8);
    add_fixed(out, slc_events_mask(slc_events_crc32c(length.text, 8)), 4);
    slc_str_add_n(out, event->text, event->size);
    add_fixed(out, slc_events_mask(slc_events_crc32c(event->text, event->size)), 4);
    out->failed |= event->failed || length.failed;
    slc_str_free(&length);
    slc_str_free(event);
}

void slc_events_begin(slc_str *out, double wall)
{
    slc_str event = {0};
    add_double(&event, 1, wall);
    add_bytes(&event, 3, "brain.Event:2", 13);
    frame(out, &event);
}

/* Event{1: wall, 2: step, 7: SessionLog{1: START}} */
void slc_events_restart(slc_str *out, double wall, uint64_t step)
{
    slc_str event = {0}, session = {0};
    add_key(&session, 1, VARINT);
    add_varint(&session, 1);
    add_double(&event, 1, wall);
    add_key(&event, 2, VARINT);
    add_varint(&event, step);
    add_message(&event, 7, &session);
    frame(out, &event);
}

/* Event{1: wall, 2: step, 5: Summary{1: Value{1: tag, ...}}} */
static void add_value(slc_str *out, double wall, uint64_t step, slc_str *value)
{
    slc_str summary = {0}, event = {0};
    add_message(&summary, 1, value);
    add_double(&event, 1, wall);
    add_key(&event, 2, VARINT);
    add_varint(&event, step);
    add_message(&event, 5, &summary);
    frame(out, &event);
}

void slc_events_scalar(slc_str *out, double wall, uint64_t step, const char *tag,
                       double value)
{
    slc_str v = {0};
    add_bytes(&v, 1, tag, strlen(tag));
    add_float(&v, 2, (float)value);
    add_value(out, wall, step, &v);
}

static void add_packed(slc_str *s, unsigned field, const double *v, size_t n)
{
    add_key(s, field, BYTES);
    add_varint(s, 8 * n);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i], sizeof(bits));
        add_fixed(s, bits, 8);
    }
}

void slc_events_histogram(slc_str *out, double wall, uint64_t step, const char *tag,
                          const slc_histogram *h)
{
    double edge[SLC_HISTOGRAM_BINS], count[SLC_HISTOGRAM_BINS];
    slc_str v = {0}, histo = {0};
    for (size_t i = 0; i < SLC_HISTOGRAM_BINS; i++) {
        edge[i] = h->lo + (h->hi - h->lo) * (double)(i + 1) / SLC_HISTOGRAM_BINS;
        count[i] = (double)h->count[i];
    }
    add_double(&histo, 1, h->lo);
    add_double(&histo, 2, h->hi);
    add_double(&histo, 3, (double)h->n);
    add_double(&histo, 4, h->mean * (double)h->n);
    add_double(&histo, 5, h->norm * h->norm);
    add_packed(&histo, 6, edge, SLC_HISTOGRAM_BINS);
    add_packed(&histo, 7, count, SLC_HISTOGRAM_BINS);
    add_bytes(&v, 1, tag, strlen(tag));
    add_message(&v, 5, &histo);
    add_value(out, wall, step, &v);
}

void slc_events_image(slc_str *out, double wall, uint64_t step, const char *tag,
                      const void *png, size_t size, const slc_image *shape)
{
    slc_str v = {0}, image = {0};
    add_key(&image, 1, VARINT);
    add_varint(&image, shape->h);
    add_key(&image, 2, VARINT);
    add_varint(&image, shape->w);
    add_key(&image, 3, VARINT);
    add_varint(&image, shape->channels);
    add_bytes(&image, 4, png, size);
    add_bytes(&v, 1, tag, strlen(tag));
    add_message(&v, 4, &image);
    add_value(out, wall, step, &v);
}
