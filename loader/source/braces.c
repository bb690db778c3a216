#include "loader/source/braces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { LONGEST = 4095, DEEPEST = 16 };

typedef struct expansion {
    const char *pattern;
    slc_arena *arena;
    slc_texts *out;
    size_t room;
    slc_err *err;
} expansion;

static slc_status expand(expansion *x, const char *done, const char *rest, size_t depth);

static slc_status emit(expansion *x, const char *text)
{
    slc_texts *out = x->out;
    if (out->n == SLC_BRACES_MOST)
        return slc_fail(x->err, SLC_EINVAL, "\"%.200s\": names more than %d files",
                        x->pattern, SLC_BRACES_MOST);
    if (out->n == x->room) {
        const size_t room = x->room ? x->room * 2 : 16;
        const char **grown = slc_arena_zero(x->arena, room, sizeof(*grown));
        if (!grown) return slc_fail(x->err, SLC_ENOMEM, "out of memory");
        if (out->n) memcpy(grown, out->v, out->n * sizeof(*grown));
        out->v = grown;
        x->room = room;
    }
    out->v[out->n] = slc_arena_text(x->arena, text);
    return out->v[out->n++] ? SLC_OK : slc_fail(x->err, SLC_ENOMEM, "out of memory");
}

/* done + n bytes of middle, then what follows the brace. */
static slc_status go_on(expansion *x, const char *done, const char *middle, size_t n,
                        const char *rest, size_t depth)
{
    char text[LONGEST + 1];
    const int size = snprintf(text, sizeof(text), "%s%.*s", done, (int)n, middle);
    if (size < 0 || size > LONGEST)
        return slc_fail(x->err, SLC_EINVAL, "\"%.200s\": gives names over %d bytes",
                        x->pattern, LONGEST);
    return expand(x, text, rest, depth);
}

static bool digits(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9') return false;
    return n > 0 && n <= 18;
}

/* {000..099} */
static slc_status expand_range(expansion *x, const char *done, const char *body,
                               size_t size, size_t depth)
{
    const char *dots = strstr(body, "..");
    const size_t lo_size = (size_t)(dots - body), hi_size = size - lo_size - 2;
    if (!digits(body, lo_size) || !digits(dots + 2, hi_size))
        return slc_fail(x->err, SLC_EINVAL, "\"%.200s\": {%.*s} is no range of numbers",
                        x->pattern, (int)size, body);
    const long long lo = strtoll(body, NULL, 10), hi = strtoll(dots + 2, NULL, 10);
    const long long step = lo <= hi ? 1 : -1;
    const bool padded = body[0] == '0' || dots[2] == '0';
    const int width = padded ? (int)(lo_size > hi_size ? lo_size : hi_size) : 1;
    for (long long i = lo;; i += step) {
        char text[24];
        const int n = snprintf(text, sizeof(text), "%0*lld", width, i);
        const slc_status st = go_on(x, done, text, (size_t)n, body + size + 1, depth);
        if (st != SLC_OK || i == hi) return st;
    }
}

/* {a,b,c} */
static slc_status expand_list(expansion *x, const char *done, const char *body,
                              size_t size, size_t depth)
{
    for (size_t at = 0; at <= size;) {
        const char *comma = memchr(body + at, ',', size - at);
        const size_t n = comma ? (size_t)(comma - body) - at : size - at;
        const slc_status st = go_on(x, done, body + at, n, body + size + 1, depth);
        if (st != SLC_OK) return st;
        at += n + 1;
    }
    return SLC_OK;
}

static slc_status expand(expansion *x, const char *done, const char *rest, size_t depth)
{
    const char *brace = strchr(rest, '{');
    if (!brace) {
        char text[LONGEST + 1];
        const int n = snprintf(text, sizeof(text), "%s%s", done, rest);
        if (n < 0 || n > LONGEST)
            return slc_fail(x->err, SLC_EINVAL, "\"%.200s\": gives names over %d bytes",
                            x->pattern, LONGEST);
        return emit(x, text);
    }
    const char *end = strpbrk(brace + 1, "{}");
    if (!end || *end == '{' || depth == DEEPEST)
        return slc_fail(x->err, SLC_EINVAL, "\"%.200s\": %s", x->pattern,
                        depth == DEEPEST ? "has too many braces"
                        : end            ? "has a brace inside a brace"
                                         : "has a brace that is not closed");
    char before[LONGEST + 1];
    const int n =
        snprintf(before, sizeof(before), "%s%.*s", done, (int)(brace - rest), rest);
    if (n < 0 || n > LONGEST)
        return slc_fail(x->err, SLC_EINVAL, "\"%.200s\": gives names over %d bytes",
                        x->pattern, LONGEST);
    const char *body = brace + 1;
    const size_t size = (size_t)(end - body);
    const char *dots = strstr(body, "..");
    if (!memchr(body, ',', size) && dots && dots < end)
        return expand_range(x, before, body, size, depth + 1);
    return expand_list(x, before, body, size, depth + 1);
}

slc_status slc_braces_expand(slc_texts *out, slc_arena *arena, const char *pattern,
                             slc_err *err)
{
    *out = (slc_texts){0};
    expansion x = {.pattern = pattern, .arena = arena, .out = out, .err = err};
    const char *p = pattern;
    for (;;) {
        const char *join = strstr(p, "::");
        const char *one = join ? slc_arena_text_n(arena, p, (size_t)(join - p)) : p;
        if (!one) return slc_fail(err, SLC_ENOMEM, "out of memory");
        const slc_status st = expand(&x, "", one, 0);
        if (st != SLC_OK || !join) return st;
        p = join + 2;
    }
}
