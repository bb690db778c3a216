#include "tools/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tools/term.h"

enum { MOST_COLUMNS = 80, GAP = 2 };

typedef struct column {
    size_t width; /* of the widest cell */
    bool text;    /* some cell is no number */
} column;

typedef struct cell {
    const char *text;
    size_t size, width; /* bytes; characters */
} cell;

/* Takes a cell and what ends it off the text; *last: it ended a line. */
static cell take_cell(const char **text, bool *last)
{
    cell c = {.text = *text, .size = strcspn(*text, "\t\n")};
    for (size_t i = 0; i < c.size; i++)
        c.width += ((unsigned char)c.text[i] & 0xc0) != 0x80;
    *text += c.size;
    *last = **text != '\t';
    if (**text) ++*text;
    return c;
}

/* "-" stands for a number that there is not. */
static bool is_number(const cell *c)
{
    return c->size == 0 || (c->size == 1 && *c->text == '-') ||
           (strspn(c->text, "+-.") < c->size &&
            strchr("0123456789", c->text[strspn(c->text, "+-.")]));
}

/* Returns the number of columns. */
static size_t measure(const char *cells, column all[MOST_COLUMNS])
{
    size_t most = 0;
    for (bool head = true; *cells; head = false) {
        bool last = false;
        for (size_t i = 0; !last; i++) {
            const cell c = take_cell(&cells, &last);
            if (i >= MOST_COLUMNS) continue;
            if (i >= most) most = i + 1;
            if (c.width > all[i].width) all[i].width = c.width;
            if (!head && !is_number(&c)) all[i].text = true;
        }
    }
    return most;
}

static size_t width_of(const column *all, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += all[i].width + (i ? GAP : 0);
    return sum;
}

static void print_lines(const char *cells, const column *all, size_t n, FILE *out)
{
    while (*cells) {
        bool last = false;
        size_t owed = 0; /* spaces, so that no line ends in them */
        for (size_t i = 0; !last; i++) {
            const cell c = take_cell(&cells, &last);
            const size_t room =
                i < n && all[i].width > c.width ? all[i].width - c.width : 0;
            const bool right = i < n && !all[i].text;
            if (c.size) {
                fprintf(out, "%*s%.*s", (int)(owed + (right ? room : 0)), "", (int)c.size,
                        c.text);
                owed = right ? GAP : room + GAP;
            } else {
                owed += room + GAP;
            }
        }
        fputc('\n', out);
    }
}

static void print_paragraphs(const char *heads, const char *cells, FILE *out)
{
    while (*cells) {
        const char *head = heads;
        const int indent = (int)strspn(cells, " ") + 2;
        bool last = false, no_head = false;
        for (size_t i = 0; !last; i++) {
            const cell c = take_cell(&cells, &last);
            const cell h = no_head ? (cell){.text = ""} : take_cell(&head, &no_head);
            if (i == 0)
                fprintf(out, "%.*s\n", (int)c.size, c.text);
            else if (c.size)
                fprintf(out, "%*s%.*s%s%.*s\n", indent, "", (int)h.size, h.text,
                        h.size ? " " : "", (int)c.size, c.text);
        }
    }
}

void cli_table_print(const char *cells, FILE *out, size_t columns)
{
    column all[MOST_COLUMNS] = {0};
    const size_t n = measure(cells, all);
    const char *rows = cells + strcspn(cells, "\n");
    const bool headed = strspn(cells, "\t") < (size_t)(rows - cells);
    char *text = NULL;
    size_t size = 0;
    if (*rows) rows++;

    FILE *const memory = columns ? open_memstream(&text, &size) : NULL;
    FILE *const to = memory ? memory : out;
    const bool folds =
        n > 0 && all[n - 1].text && width_of(all, n - 1) + GAP <= columns / 2;
    if (!memory || folds || width_of(all, n) <= columns)
        print_lines(headed ? cells : rows, all, n, to);
    else
        print_paragraphs(cells, rows, to);
    if (memory && fclose(memory) == 0) cli_fold(out, text, columns);
    free(text);
}

void cli_table_begin(cli_table *t)
{
    *t = (cli_table){0};
    t->cells = open_memstream(&t->text, &t->size);
    if (!t->cells) t->cells = stdout;
}

void cli_table_text(cli_table *t, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' ? ' ' : *text, t->cells);
}

void cli_table_end(cli_table *t, FILE *out)
{
    if (t->cells != stdout && fclose(t->cells) == 0 && out)
        cli_table_print(t->text, out, cli_columns(out));
    free(t->text);
    *t = (cli_table){0};
}
