#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Takes over text as the message: one line, and nothing in it that steers a terminal, since
 * file names and recipe texts end up here. */
static void set_message(slc_err *err, slc_status code, const char *text)
{
    size_t n = 0;
    for (; text[n] && n + 1 < sizeof(err->msg); n++) {
        const unsigned char c = (unsigned char)text[n];
        err->msg[n] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    /* A cut must not leave half a UTF-8 character. */
    if (text[n])
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    err->msg[n] = '\0';
    err->code = code;
}

slc_status slc_fail(slc_err *err, slc_status code, const char *fmt, ...)
{
    if (!err) return code;

    char text[sizeof(err->msg) + 8]; /* arguments may point into err->msg */
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    set_message(err, code, text);
    return code;
}

slc_status slc_fail_errno(slc_err *err, slc_status code, const char *fmt, ...)
{
    const int why = errno;
    if (!err) return code;

    char text[2 * sizeof(err->msg)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text) / 2, fmt, args);
    va_end(args);

    /* The reason matters more than the end of a long path. */
    const char *reason = strerror(why);
    const size_t most = sizeof(err->msg) - strlen(reason) - sizeof(": ");
    const size_t used = strlen(text) < most ? strlen(text) : most;
    snprintf(text + used, sizeof(text) - used, ": %s", reason);
    set_message(err, code, text);
    return code;
}

slc_status slc_err_prefix(slc_err *err, const char *fmt, ...)
{
    if (!err) return SLC_EINVAL;

    char text[2 * sizeof(err->msg)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text) / 2, fmt, args);
    va_end(args);

    const size_t used = strlen(text);
    snprintf(text + used, sizeof(text) - used, ": %s", err->msg);
    set_message(err, err->code, text);
    return err->code;
}
