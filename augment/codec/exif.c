/* The one EXIF tag that changes how a picture looks (EXIF 2.32, 4.6.2 and table 4). */
#include "augment/codec/frame.h"

enum { ORIENTATION = 0x0112, ENTRY_SIZE = 12 };
enum { TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4 };

static uint32_t get(const uint8_t *p, size_t n, bool big)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint32_t)p[i] << 8 * (big ? n - 1 - i : i);
    return v;
}

static unsigned value_of(const uint8_t *entry, bool big)
{
    const uint32_t type = get(entry + 2, 2, big);
    const size_t size = type == TYPE_BYTE ? 1 : type == TYPE_SHORT ? 2 : 4;
    if (type != TYPE_BYTE && type != TYPE_SHORT && type != TYPE_LONG) return 1;
    const uint32_t v = get(entry + 8, size, big);
    return v >= 1 && v <= 8 ? v : 1;
}

unsigned slc_exif_orientation(const uint8_t *tiff, size_t size)
{
    if (size < 8) return 1;
    const bool big = tiff[0] == 'M' && tiff[1] == 'M';
    if (!big && !(tiff[0] == 'I' && tiff[1] == 'I')) return 1;
    if (get(tiff + 2, 2, big) != 42) return 1;

    const size_t at = get(tiff + 4, 4, big);
    if (at > size - 2) return 1;
    const size_t count = get(tiff + at, 2, big);
    for (size_t i = 0; i < count; i++) {
        const size_t entry = at + 2 + i * ENTRY_SIZE;
        if (entry + ENTRY_SIZE > size) return 1;
        if (get(tiff + entry, 2, big) == ORIENTATION) return value_of(tiff + entry, big);
    }
    return 1;
}
