#include "tools/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A bar is redrawn at most ten times a second, a log gets at most a line in ten seconds. */
static const uint64_t bar_ns = 100000000, line_ns = 10000000000;

size_t cli_columns(FILE *stream)
{
    struct winsize size;
    if (!isatty(fileno(stream))) return 0;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 80;
    return size.ws_col;
}

/* Where the text of a line begins, after "  -o, --output FILE  " or plain spaces. */
static size_t text_column(const char *line, size_t size)
{
    size_t column = strspn(line, " ");
    for (size_t i = column; i + 2 < size; i++)
        if (line[i] == ' ' && line[i + 1] == ' ' && line[i + 2] != ' ') column = i + 2;
    return column;
}

/* The size without spaces at the end. */
static size_t trimmed(const char *line, size_t size)
{
    while (size > 0 && line[size - 1] == ' ')
        size--;
    return size;
}

static void fold_line(FILE *out, const char *line, size_t size, size_t columns)
{
    const size_t own = strspn(line, " "), text = text_column(line, size);
    const bool beside = text <= columns / 2;
    const size_t indent = beside ? text : own + 4 <= columns / 2 ? own + 4 : 0;
    size_t room = columns;
    if (size > columns && !beside && text > own) { /* the right column goes below */
        fold_line(out, line, trimmed(line, text), columns);
        fprintf(out, "\n%*s", (int)indent, "");
        line += text;
        size -= text;
        room -= indent;
    }
    while (size > room) {
        size_t cut = room;
        while (cut > 0 && line[cut] != ' ')
            cut--;
        if (cut == 0 || strspn(line, " ") >= cut) /* a word wider than the room */
            for (cut = room; cut < size && line[cut] != ' ';)
                cut++;
        fwrite(line, 1, trimmed(line, cut), out);
        while (cut < size && line[cut] == ' ')
            cut++;
        line += cut;
        size -= cut;
        if (size == 0) break;
        fprintf(out, "\n%*s", (int)indent, "");
        room = columns - indent;
    }
    fwrite(line, 1, size, out);
}

void cli_fold(FILE *out, const char *text, size_t columns)
{
    while (*text) {
        const size_t size = strcspn(text, "\n");
        fold_line(out, text, size, columns ? columns : SIZE_MAX);
        text += size;
        if (*text == '\n') fputc(*text++, out);
    }
}

static void wipe(cli_term *term)
{
    if (term->bar_shown) fputs("\r\033[K", stderr);
    term->bar_shown = false;
}

static void line(void *user, slc_level level, const char *text)
{
    cli_term *const term = user;
    if (level == SLC_BAD_INPUT) term->bad_inputs = true;
    if (level == SLC_DEBUG || term->quiet) return;
    wipe(term);
    if (level >= SLC_WARNING)
        fprintf(stderr, "%swarning:%s %s\n", term->colour ? "\033[33m" : "",
                term->colour ? "\033[0m" : "", text);
    else
        fprintf(stderr, "%s\n", text);
}

/* "1:05", "2:03:10"; "?" when nothing is known yet. Counted from what was done since the job began:
 * the rate that is shown may be in another unit (images, while steps are counted). */
static void format_left(char *out, size_t size, const cli_term *term, uint64_t now,
                        uint64_t done, uint64_t total)
{
    if (done <= term->start_done || done > total) {
        snprintf(out, size, "?");
        return;
    }
    const double each =
        (double)(now - term->start_ns) / 1e9 / (double)(done - term->start_done);
    const uint64_t s = (uint64_t)(each * (double)(total - done) + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60,
                 s % 60);
    else
        snprintf(out, size, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
}

static void progress(void *user, const char *what, uint64_t done, uint64_t total,
                     double rate)
{
    cli_term *const term = user;
    const uint64_t now = slc_clock_ns();
    const uint64_t pause = term->terminal ? bar_ns : line_ns;
    char left[32], text[256], bar[32] = "", speed[32] = "";

    /* A log gets the first word of a job after its first pause, not before. */
    if (strncmp(term->last_what, what, sizeof(term->last_what) - 1) != 0) {
        snprintf(term->last_what, sizeof(term->last_what), "%s", what);
        if (!term->terminal) term->last_ns = now;
        term->start_ns = now;
        term->start_done = done;
    }
    if (now - term->last_ns < pause) return;
    term->last_ns = now;

    format_left(left, sizeof(left), term, now, done, total);
    const unsigned percent = total ? (unsigned)(100 * done / total) : 0;
    if (!term->terminal) {
        if (rate > 0) snprintf(speed, sizeof(speed), ", %.3g/s", rate);
        fprintf(stderr, "%s: %" PRIu64 "/%" PRIu64 " (%u%%)%s, %s left\n", what, done,
                total, percent, speed, left);
        return;
    }
    const size_t columns = cli_columns(stderr);
    if (columns >= 70) {
        char cells[21];
        memset(cells, '-', 20);
        memset(cells, '#', percent >= 100 ? 20 : percent / 5);
        cells[20] = 0;
        snprintf(bar, sizeof(bar), "[%s] ", cells);
    }
    if (rate > 0 && columns >= 40) snprintf(speed, sizeof(speed), " %.3g/s", rate);
    snprintf(text, sizeof(text), "%s %s%u%%%s %s left", what, bar, percent, speed, left);
    fprintf(stderr, "\r%.*s\033[K", columns ? (int)(columns - 1) : 60, text);
    fflush(stderr);
    term->bar_shown = true;
}

slc_log cli_term_open(cli_term *term, bool quiet)
{
    const char *const no_colour = getenv("NO_COLOR"), *const kind = getenv("TERM");

    memset(term, 0, sizeof(*term));
    term->terminal = isatty(STDERR_FILENO) && !(kind && strcmp(kind, "dumb") == 0);
    term->colour = term->terminal && !(no_colour && *no_colour);
    term->quiet = quiet;
    return (slc_log){.line = line, .progress = quiet ? NULL : progress, .user = term};
}

void cli_term_close(cli_term *term)
{
    wipe(term);
}
