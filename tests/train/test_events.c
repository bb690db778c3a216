#include "tests/check.h"
#include "train/fit/events.h"

/* RFC 3720, B.4, and the check value of "123456789". */
static void test_checksums(void)
{
    uint8_t bytes[32] = {0};
    CHECK(slc_events_crc32c("123456789", 9) == 0xe3069283u, "%08x",
          slc_events_crc32c("123456789", 9));
    CHECK(slc_events_crc32c(bytes, 32) == 0x8a9136aau, "%08x",
          slc_events_crc32c(bytes, 32));
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    CHECK(slc_events_crc32c(bytes, 32) == 0x46dd794eu, "%08x",
          slc_events_crc32c(bytes, 32));
}

/* Bytes as TensorFlow's own writer makes them for Event(wall_time=1.5, step=300, summary=
 * Summary(value=[Value(tag="a", simple_value=0.5)])): length, crc, protobuf, crc. */
static void test_scalar_bytes(void)
{
    static const uint8_t event[] = {
        0x09, 0,    0,    0,    0,   0,    0, 0xf8, 0x3f, /* 1: 1.5 */
        0x10, 0xac, 0x02,                                 /* 2: 300 */
        0x2a, 0x0a,                                       /* 5: summary */
        0x0a, 0x08, 0x0a, 0x01, 'a', 0x15, 0, 0,    0,    0x3f};
    slc_str out = {0};
    slc_events_scalar(&out, 1.5, 300, "a", 0.5);
    CHECK(out.size == 16 + sizeof(event), "%zu bytes", out.size);
    CHECK((uint8_t)out.text[0] == sizeof(event), "length");
    CHECK(memcmp(out.text + 12, event, sizeof(event)) == 0, "the message differs");
    uint32_t crc;
    memcpy(&crc, out.text + 12 + sizeof(event), 4);
    CHECK(crc == slc_events_mask(slc_events_crc32c(event, sizeof(event))), "checksum");
    slc_str_free(&out);
}

/* Event(wall_time=1.5, step=301, session_log=SessionLog(status=START)). */
static void test_restart_bytes(void)
{
    static const uint8_t event[] = {0x09, 0,    0,    0,    0,    0,    0,    0xf8,
                                    0x3f, 0x10, 0xad, 0x02, 0x3a, 0x02, 0x08, 0x01};
    slc_str out = {0};
    slc_events_restart(&out, 1.5, 301);
    CHECK(out.size == 16 + sizeof(event) &&
              memcmp(out.text + 12, event, sizeof(event)) == 0,
          "the message differs");
    slc_str_free(&out);
}

static void test_histogram(void)
{
    float v[100];
    for (int i = 0; i < 100; i++)
        v[i] = (float)i;
    const slc_histogram h = slc_histogram_of(v, 100);
    uint64_t total = 0;
    for (int i = 0; i < SLC_HISTOGRAM_BINS; i++)
        total += h.count[i];
    CHECK(total == 100 && h.lo == 0 && h.hi == 99 && h.mean == 49.5, "%g", h.mean);
    CHECK(fabs(h.std - 28.866070047722118) < 1e-9, "%.17g", h.std);
    CHECK(slc_histogram_of(v, 0).n == 0, "empty");
    /* Moved by a hundredth, by a tenth, not at all, from nothing. */
    const float before[] = {1, -2, 3, 0}, after[] = {1.01f, -2.2f, 3, 1};
    const slc_histogram u = slc_histogram_of_update(after, before, 4);
    CHECK(u.n == 2 && fabs(u.lo + 2) < 1e-5 && fabs(u.hi + 1) < 1e-5, "%zu: %g to %g",
          u.n, u.lo, u.hi);
    CHECK(slc_histogram_of_update(before, before, 4).n == 0, "nothing moved");
}

int main(void)
{
    test_checksums();
    test_scalar_bytes();
    test_restart_bytes();
    test_histogram();
    return 0;
}
