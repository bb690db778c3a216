#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

/* Makes room for n more bytes and a terminator. */
static bool grow(slc_str *s, size_t n)
{
    size_t need;
    if (s->failed) return false;
    if (!slc_add(s->size, n, &need) || !slc_add(need, 1, &need)) {
        s->failed = true;
        return false;
    }
    if (need <= s->room) return true;

    size_t room = slc_max(need, 64);
    if (s->room <= SIZE_MAX / 2) room = slc_max(room, s->room * 2);
    char *text = realloc(s->text, room);
    if (!text) {
        s->failed = true;
        return false;
    }
    s->text = text;
    s->room = room;
    return true;
}

void slc_str_add_n(slc_str *s, const void *bytes, size_t n)
{
    if (!grow(s, n)) return;
    if (n > 0) memcpy(s->text + s->size, bytes, n);
    s->size += n;
    s->text[s->size] = '\0';
}

void slc_str_add(slc_str *s, const char *text)
{
    slc_str_add_n(s, text, strlen(text));
}

void slc_str_printf(slc_str *s, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0) {
        s->failed = true;
    } else if (grow(s, (size_t)n)) {
        vsnprintf(s->text + s->size, (size_t)n + 1, fmt, again);
        s->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void slc_str_free(slc_str *s)
{
    free(s->text);
    *s = (slc_str){0};
}

uint32_t slc_utf8_next(const char *text, size_t *size)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)text;
    const size_t n = p[0] < 0x80             ? 1
                     : (p[0] & 0xe0) == 0xc0 ? 2
                     : (p[0] & 0xf0) == 0xe0 ? 3
                     : (p[0] & 0xf8) == 0xf0 ? 4
                                             : 0;
    *size = 1;
    if (n < 2) return p[0];
    uint32_t c = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return p[0];
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return p[0];
    *size = n;
    return c;
}

bool slc_utf8_is_valid(const char *text)
{
    for (size_t n; *text; text += n)
        if (slc_utf8_next(text, &n) >= 0x80 && n == 1) return false;
    return true;
}

enum { LONGEST_WORD = 63 };

/* Case, and the choice of - or _, are not what a misspelling is about. */
static int fold(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A' + 'a';
    return c == '-' ? '_' : c;
}

/* Optimal string alignment distance: insert, delete, replace and swap neighbours cost 1. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[3][LONGEST_WORD + 1];
    for (size_t j = 0; j <= nb; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *now = row[i % 3];
        const size_t *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const int x = fold(a[i - 1]), y = fold(b[j - 1]);
            size_t best = last[j - 1] + (x != y);
            best = slc_min(best, slc_min(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == fold(b[j - 2]) && fold(a[i - 2]) == y)
                best = slc_min(best, before[j - 2] + 1);
            now[j] = best;
        }
    }
    return row[na % 3][nb];
}

const char *slc_suggest(const char *word, const char *(*next)(const void *of, size_t i),
                        const void *of)
{
    const char *best = NULL;
    const size_t size = strlen(word);
    if (size == 0 || size > LONGEST_WORD) return NULL;

    /* One slip in a short word, one more for every four letters; but a word of which
     * nothing is left was not misspelt. */
    size_t nearest = slc_min(1 + size / 4, size - 1) + 1;
    const char *candidate;
    for (size_t i = 0; (candidate = next(of, i)) != NULL; i++) {
        const size_t n = strlen(candidate);
        if (n > LONGEST_WORD) continue;
        const size_t distance = edit_distance(word, size, candidate, n);
        if (distance < nearest) {
            nearest = distance;
            best = candidate;
        }
    }
    return best;
}
