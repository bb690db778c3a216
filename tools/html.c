#include "tools/html.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { MOST_PICTURE = 64 << 20 };

void cli_html_text(slc_str *out, const char *text)
{
    while (text && *text) {
        size_t size = 1;
        const uint32_t code = slc_utf8_next(text, &size);
        switch (*text) {
        case '&': slc_str_add(out, "&amp;"); break;
        case '<': slc_str_add(out, "&lt;"); break;
        case '>': slc_str_add(out, "&gt;"); break;
        case '"': slc_str_add(out, "&quot;"); break;
        case '\'': slc_str_add(out, "&#39;"); break;
        default:
            if ((size == 1 && code >= 0x80) ||
                (code < 0x20 && !strchr("\n\t", (int)code)))
                slc_str_add(out, "?");
            else
                slc_str_add_n(out, text, size);
        }
        text += size;
    }
}

static void add_base64(slc_str *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const uint32_t v = (uint32_t)bytes[i] << 16 |
                           (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                           (i + 2 < size ? bytes[i + 2] : 0);
        const char four[4] = {digits[v >> 18], digits[v >> 12 & 63],
                              i + 1 < size ? digits[v >> 6 & 63] : '=',
                              i + 2 < size ? digits[v & 63] : '='};
        slc_str_add_n(out, four, 4);
    }
}

slc_status cli_html_picture(slc_str *out, const char *path, const char *type,
                            const char *alt, slc_err *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (access(path, F_OK) != 0) return SLC_OK;
    const slc_status st = slc_file_read(&bytes, &size, path, MOST_PICTURE, err);
    if (st != SLC_OK) return st;
    slc_str_printf(out, "<img alt=\"%s\" src=\"data:image/%s;base64,", alt, type);
    add_base64(out, bytes, size);
    slc_str_add(out, "\">\n");
    free(bytes);
    return SLC_OK;
}
