/* Numbers as text: decimal only, the same in every locale. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/params.h"

enum { LONGEST = 400 }; /* no double needs more; anything longer is not meant as one */

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* [+-] digits [. digits] [e [+-] digits], with a digit before or after the point. strtod
 * would also take blanks, hexadecimal, "inf" and "nan". */
static bool is_decimal(const char *p)
{
    p += *p == '+' || *p == '-';
    const size_t whole = digits(p);
    size_t fraction = 0;
    p += whole;
    if (*p == '.') {
        fraction = digits(++p);
        p += fraction;
    }
    if (whole + fraction == 0) return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        if (digits(p) == 0) return false;
        p += digits(p);
    }
    return *p == '\0';
}

bool slc_parse_real(const char *text, double *out)
{
    char copy[LONGEST];
    const size_t size = strlen(text);
    if (size >= sizeof(copy) || !is_decimal(text)) return false;

    /* strtod expects the point of the program's locale. */
    memcpy(copy, text, size + 1);
    char *point = strchr(copy, '.');
    if (point) *point = *localeconv()->decimal_point;
    char *end;
    const double value = strtod(copy, &end);
    if (*end != '\0' || !isfinite(value)) return false;
    *out = value;
    return true;
}

bool slc_parse_int(const char *text, int64_t *out)
{
    const char *number = text + (*text == '+' || *text == '-');
    if (*number != '\0' && number[digits(number)] == '\0') {
        int64_t value = 0;
        for (; *number; number++) {
            const int digit = *text == '-' ? -(*number - '0') : *number - '0';
            if (__builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, digit, &value))
                return false;
        }
        *out = value;
        return true;
    }
    double real;
    if (!slc_parse_real(text, &real) || real != floor(real)) return false;
    if (real < -0x1p63 || real >= 0x1p63) return false;
    *out = (int64_t)real;
    return true;
}

/* "1e-05" to "1e-5", "1e+20" to "1e20". */
static void tidy_exponent(char *text)
{
    char *to = strchr(text, 'e');
    if (!to) return;
    const char *from = ++to;
    if (*from == '-') to++;
    from += *from == '-' || *from == '+';
    from += strspn(from, "0");
    memmove(to, from, strlen(from) + 1);
}

void slc_format_real(double value, char *buffer, size_t size)
{
    char text[48];
    if (isfinite(value) && value == floor(value) && fabs(value) < 1e15) {
        snprintf(text, sizeof(text), "%.0f", value);
    } else {
        for (int precision = 1; precision <= 17; precision++) {
            snprintf(text, sizeof(text), "%.*g", precision, value);
            if (strtod(text, NULL) == value) break;
        }
        char *point = strchr(text, *localeconv()->decimal_point);
        if (point) *point = '.';
        tidy_exponent(text);
    }
    snprintf(buffer, size, "%s", text);
}
