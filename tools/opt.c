#include "tools/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/params.h"
#include "base/str.h"

typedef struct found {
    const cli_opt *opt; /* NULL = no such option */
    void *field;
} found;

static found find(const cli_opt_set *sets, size_t count, char key, const char *name,
                  size_t length)
{
    for (size_t s = 0; s < count; s++)
        for (const cli_opt *o = sets[s].table; o && o->name; o++)
            if (name ? strncmp(o->name, name, length) == 0 && !o->name[length]
                     : o->key == key)
                return (found){o, (char *)sets[s].settings + o->offset};
    return (found){0};
}

/* All long names of all sets, for suggestions. */
typedef struct name_list {
    const cli_opt_set *sets;
    size_t count;
} name_list;

static const char *next_name(const void *of, size_t i)
{
    const name_list *list = of;
    for (size_t s = 0; s < list->count; s++)
        for (const cli_opt *o = list->sets[s].table; o && o->name; o++)
            if (i-- == 0) return o->name;
    return NULL;
}

static slc_status unknown(const cli_opt_set *sets, size_t count, const char *arg,
                          slc_err *err)
{
    char name[64];
    const name_list list = {sets, count};
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 1 + (arg[1] == '-'), "="),
             arg + 1 + (arg[1] == '-'));
    const char *const near = slc_suggest(name, next_name, &list);
    return near ? slc_fail(err, SLC_EINVAL, "unknown option %s; did you mean --%s?", arg,
                           near)
                : slc_fail(err, SLC_EINVAL, "unknown option %s; --help lists them%s", arg,
                           find(sets, count, 0, "set", 3).opt
                               ? ", and --set KEY=VALUE changes a key of the recipe"
                               : "");
}

static const char *next_choice(const void *of, size_t i)
{
    const char *const *choices = of;
    return choices[i];
}

static slc_status store_choice(const cli_opt *opt, const char *text, int *field,
                               slc_err *err)
{
    char names[160] = "";
    for (int i = 0; opt->choices[i]; i++) {
        if (strcmp(opt->choices[i], text) == 0) {
            *field = i;
            return SLC_OK;
        }
        const size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
                 opt->choices[i]);
    }
    const char *const near = slc_suggest(text, next_choice, opt->choices);
    return near ? slc_fail(err, SLC_EINVAL, "--%s: unknown \"%s\"; did you mean %s?",
                           opt->name, text, near)
                : slc_fail(err, SLC_EINVAL, "--%s: \"%s\" is not one of %s", opt->name,
                           text, names);
}

static slc_status store_number(const cli_opt *opt, const char *text, void *field,
                               slc_err *err)
{
    double number = 0;
    int64_t whole = 0;
    const bool is_whole = opt->type == CLI_WHOLE;
    const bool good =
        is_whole ? slc_parse_int(text, &whole) : slc_parse_real(text, &number);

    if (!good)
        return slc_fail(err, SLC_EINVAL, "--%s: \"%s\" is not a %snumber", opt->name,
                        text, is_whole ? "whole " : "");
    if (is_whole) number = (double)whole;
    if (is_whole && whole < 0)
        return slc_fail(err, SLC_EINVAL, "--%s: %s is negative", opt->name, text);
    if ((opt->lo != 0 || opt->hi != 0) && !(number >= opt->lo && number <= opt->hi))
        return slc_fail(err, SLC_EINVAL, "--%s: %s is not between %.10g and %.10g",
                        opt->name, text, opt->lo, opt->hi);
    if (is_whole)
        *(uint64_t *)field = (uint64_t)whole;
    else
        *(double *)field = number;
    return SLC_OK;
}

/* Stores text in the option's field, or says what is wrong with it. */
static slc_status store(const cli_opt *opt, const char *text, void *field, slc_err *err)
{
    cli_texts *const texts = field;

    switch (opt->type) {
    case CLI_FLAG: *(bool *)field = true; return SLC_OK;
    case CLI_TEXT: *(const char **)field = text; return SLC_OK;
    case CLI_TEXTS:
        if (texts->n == CLI_MAX_TEXTS)
            return slc_fail(err, SLC_EINVAL, "--%s: given more than %d times", opt->name,
                            (int)CLI_MAX_TEXTS);
        texts->v[texts->n++] = text;
        return SLC_OK;
    case CLI_WHOLE:
    case CLI_REAL: return store_number(opt, text, field, err);
    case CLI_CHOICE: return store_choice(opt, text, field, err);
    }
    return SLC_OK;
}

/* Reads the option at args[*i], and its value if that is the next argument. */
static slc_status take_option(const cli_opt_set *sets, size_t count, int *i, char **args,
                              slc_err *err)
{
    const char *const arg = args[*i];
    const char *value;
    found f;

    if (arg[1] == '-') {
        const size_t length = strcspn(arg + 2, "=");
        f = find(sets, count, 0, arg + 2, length);
        value = arg[2 + length] ? arg + 2 + length + 1 : NULL;
    } else {
        f = find(sets, count, arg[1], NULL, 0);
        value = arg[2] ? arg + 2 : NULL;
    }
    if (!f.opt || (arg[1] != '-' && f.opt->type == CLI_FLAG && value))
        return unknown(sets, count, arg, err);

    if (f.opt->type == CLI_FLAG && value)
        return slc_fail(err, SLC_EINVAL, "--%s takes no value", f.opt->name);
    if (f.opt->type != CLI_FLAG && !value && !(value = args[++*i]))
        return slc_fail(err, SLC_EINVAL, "--%s needs a value (%s)", f.opt->name,
                        f.opt->value ? f.opt->value : "VALUE");
    if (value && !*value)
        return slc_fail(err, SLC_EINVAL, "--%s is empty (%s)", f.opt->name,
                        f.opt->value ? f.opt->value : "VALUE");
    return store(f.opt, value, f.field, err);
}

slc_status cli_opt_parse(const cli_opt_set *sets, size_t count_sets, int *count,
                         char **args, slc_err *err)
{
    int kept = 0, i = 0;

    for (; i < *count; i++) {
        if (args[i][0] != '-' || !args[i][1]) { /* "-" alone is a file name */
            args[kept++] = args[i];
            continue;
        }
        if (strcmp(args[i], "--") == 0) {
            i++;
            break;
        }
        const slc_status st = take_option(sets, count_sets, &i, args, err);
        if (st != SLC_OK) return st;
    }
    while (i < *count)
        args[kept++] = args[i++];
    args[kept] = NULL;
    *count = kept;
    return SLC_OK;
}

static void print_default(const cli_opt *opt, const void *field, FILE *out)
{
    const char *text;

    switch (opt->type) {
    case CLI_FLAG:
    case CLI_TEXTS: break;
    case CLI_TEXT:
        text = *(const char *const *)field;
        if (text && *text) fprintf(out, " (default %s)", text);
        break;
    case CLI_WHOLE:
        if (*(const uint64_t *)field && *(const uint64_t *)field != UINT64_MAX)
            fprintf(out, " (default %llu)", (unsigned long long)*(const uint64_t *)field);
        break;
    case CLI_REAL:
        if (*(const double *)field != 0)
            fprintf(out, " (default %.10g)", *(const double *)field);
        break;
    case CLI_CHOICE:
        fprintf(out, ": ");
        for (int i = 0; opt->choices[i]; i++)
            fprintf(out, "%s%s", i ? ", " : "", opt->choices[i]);
        fprintf(out, " (default %s)", opt->choices[*(const int *)field]);
        break;
    }
}

void cli_opt_help(const cli_opt *table, const void *settings, FILE *out)
{
    for (; table && table->name; table++) {
        char key[8] = "    ", left[48];
        if (table->key) snprintf(key, sizeof(key), "-%c, ", table->key);
        snprintf(left, sizeof(left), "%s--%s%s%s", key, table->name,
                 table->type == CLI_FLAG ? "" : " ",
                 table->type == CLI_FLAG ? "" : (table->value ? table->value : "NAME"));
        fprintf(out, "  %-26s %s", left, table->help);
        if (table->type == CLI_TEXTS) fprintf(out, " (may be repeated)");
        print_default(table, (const char *)settings + table->offset, out);
        fputc('\n', out);
    }
}
