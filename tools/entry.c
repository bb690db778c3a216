#include "tools/entry.h"

#include <stdarg.h>
#include <string.h>

#include "tools/table.h"

static const char *type_name(slc_param_type type)
{
    static const char *const name[] = {
        [SLC_PARAM_BOOL] = "true or false",  [SLC_PARAM_INT] = "whole number",
        [SLC_PARAM_REAL] = "number",         [SLC_PARAM_TEXT] = "text",
        [SLC_PARAM_CHOICE] = "one of",       [SLC_PARAM_REALS] = "numbers",
        [SLC_PARAM_TEXTS] = "list of texts", [SLC_PARAM_NODE] = "see text",
    };
    return name[type];
}

SLC_PRINTF(3, 4) static void add(char *buffer, size_t size, const char *fmt, ...)
{
    const size_t used = strlen(buffer);
    va_list args;
    va_start(args, fmt);
    vsnprintf(buffer + used, size - used, fmt, args);
    va_end(args);
}

static void add_count(const slc_param *p, char *buffer, size_t size)
{
    const size_t lo = p->min_count ? p->min_count : 1,
                 hi = p->max_count ? p->max_count : lo;
    if (lo == hi)
        add(buffer, size, "%zu number%s", lo, lo == 1 ? "" : "s");
    else
        add(buffer, size, "%zu %s %zu numbers", lo, p->one_or_all ? "or" : "to", hi);
}

const char *cli_param_range(const slc_param *p, char *buffer, size_t size)
{
    buffer[0] = 0;
    if (p->type == SLC_PARAM_REALS)
        add_count(p, buffer, size);
    else
        add(buffer, size, "%s", type_name(p->type));
    if (p->type == SLC_PARAM_TEXTS && p->choices) add(buffer, size, " of");
    for (size_t i = 0; p->choices && p->choices[i]; i++)
        add(buffer, size, "%s%s", i ? ", " : " ", p->choices[i]);
    if (p->lo != 0 || p->hi != 0) add(buffer, size, ", %.10g to %.10g", p->lo, p->hi);
    if (p->unit) add(buffer, size, " %s", p->unit);
    return buffer;
}

static const char *initial(const slc_param *p)
{
    return !p->initial ? "required" : *p->initial ? p->initial : "none";
}

void cli_entry_text(const slc_entry *e, FILE *out)
{
    char range[512];
    fprintf(out, "%s: %s\n", e->name, e->summary);
    if (e->source) fprintf(out, "source: %s\n", e->source);
    cli_table t;
    cli_table_begin(&t);
    fprintf(t.cells, "\t\n");
    for (const slc_param *p = e->params; p && p->name; p++)
        fprintf(t.cells, "  %s\t%s (%s; %s%s)\n", p->name, p->help ? p->help : "",
                cli_param_range(p, range, sizeof(range)), p->initial ? "default " : "",
                initial(p));
    cli_table_end(&t, out);
}

/* A table cell must not contain a bare bar. */
static void cell(const char *text, FILE *out)
{
    fputs("| ", out);
    for (; *text; text++) {
        if (*text == '|') fputc('\\', out);
        fputc(*text, out);
    }
    fputc(' ', out);
}

void cli_entry_markdown(const slc_entry *e, FILE *out)
{
    fprintf(out, "### %s\n\n%c%s.", e->name,
            e->summary[0] >= 'a' && e->summary[0] <= 'z' ? e->summary[0] - 32
                                                         : e->summary[0],
            e->summary + 1);
    if (e->source && *e->source) fprintf(out, " Source: %s.", e->source);
    fputs("\n\n", out);
    if (e->params && e->params->name) cli_params_markdown(e->params, out);
}

void cli_params_markdown(const slc_param *table, FILE *out)
{
    char range[512];
    fputs("| key | what | values | default |\n|---|---|---|---|\n", out);
    for (const slc_param *p = table; p->name; p++) {
        cell(p->name, out);
        cell(p->help ? p->help : "", out);
        cell(cli_param_range(p, range, sizeof(range)), out);
        cell(initial(p), out);
        fputs("|\n", out);
    }
    fputc('\n', out);
}

json_t *cli_entry_json(const slc_entry *e)
{
    json_t *const params = json_array();
    char range[512];
    for (const slc_param *p = e->params; p && p->name; p++)
        json_array_append_new(
            params, json_pack("{s:s, s:s?, s:s?, s:s?, s:s}", "name", p->name, "help",
                              p->help, "unit", p->unit, "default", p->initial, "values",
                              cli_param_range(p, range, sizeof(range))));
    return json_pack("{s:s, s:s, s:s?, s:o}", "name", e->name, "summary", e->summary,
                     "source", e->source, "params", params);
}
