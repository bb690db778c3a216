/* manual: man pages, shell completions and the reference of recipes, made from the same tables
 * that read options and recipes, so that they cannot be out of date. `meson install` puts them in their places. */
#include <ctype.h>
#include <string.h>

#include "config.h"
#include "tools/cmd.h"
#include "tools/reference.h"

/* roff: a leading dot or quote would be a request, a backslash an escape, a hyphen a soft one. */
static void roff(const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
        start = *text == '\n';
    }
}

static void section(const char *title)
{
    printf(".SH %s\n", title);
}

static void man_options(const cli_opt *opt)
{
    for (; opt && opt->name; opt++) {
        printf(".TP\n\\fB");
        if (opt->key) printf("\\-%c\\fR, \\fB", opt->key);
        printf("\\-\\-");
        roff(opt->name);
        printf("\\fR");
        if (opt->value) {
            printf(" \\fI");
            roff(opt->value);
            printf("\\fR");
        }
        putchar('\n');
        roff(opt->help);
        for (int i = 0; opt->type == CLI_CHOICE && opt->choices[i]; i++)
            printf("%s%s", i ? ", " : ": ", opt->choices[i]);
        putchar('\n');
    }
}

static void man_exit_codes(void)
{
    section("EXIT STATUS");
    for (const cli_exit_code *e = cli_exit_codes; e->meaning; e++)
        printf(".TP\n\\fB%d\\fR\n%s\n", e->code, e->meaning);
}

static void man_head(const char *name, const char *summary)
{
    printf(".\\\" Made by sluice manual: do not edit.\n");
    printf(".TH SLUICE%s", *name ? "\\-" : "");
    for (const char *c = name; *c; c++)
        putchar(toupper((unsigned char)*c));
    printf(" 1 \"\" \"Sluice\" \"Sluice\"\n");
    section("NAME");
    printf("sluice%s%s \\- ", *name ? "\\-" : "", name);
    roff(summary);
    putchar('\n');
    section("SYNOPSIS");
}

static void man_command(const cli_cmd *cmd)
{
    man_head(cmd->name, cmd->summary);
    printf("\\fBsluice %s\\fR [\\fIoptions\\fR] ", cmd->name);
    roff(cmd->args);
    putchar('\n');
    if (cmd->details) {
        section("DESCRIPTION");
        printf(".nf\n");
        roff(cmd->details);
        printf("\n.fi\n");
    }
    section("OPTIONS");
    man_options(cmd->options);
    man_options(cli_common_options);
    section("EXAMPLES");
    printf(".nf\n");
    roff(cmd->examples);
    printf("\n.fi\n");
    man_exit_codes();
    section("SEE ALSO");
    printf("\\fBsluice\\fR(1)\n");
}

static void man_all(void)
{
    man_head("", "carry pictures from disk to a trained classifier");
    printf("\\fBsluice\\fR \\fICOMMAND\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n");
    section("COMMANDS");
    for (size_t i = 0; cli_commands[i]; i++) {
        printf(".TP\n\\fBsluice\\-%s\\fR(1)\n", cli_commands[i]->name);
        roff(cli_commands[i]->summary);
        putchar('\n');
    }
    section("OPTIONS OF EVERY COMMAND");
    man_options(cli_common_options);
    section("ENVIRONMENT");
    printf(".TP\n\\fBSLUICE_ISA\\fR\nlargest instruction set to use: c, avx2 or avx512; "
           "if it is set, matrix tiles (AMX) are not used\n");
    printf(".TP\n\\fBSLUICE_CACHE\\fR\nwhere listings and indexes are kept (default "
           "~/.cache/sluice)\n");
    printf(".TP\n\\fBNO_COLOR\\fR\nno colours, even on a terminal\n");
    section("FILES");
    printf(".TP\n\\fB%s\\fR\nrecipes that run as they are; the first lines of each say "
           "how, how long, and what to expect\n",
           SLC_RECIPES);
    man_exit_codes();
}

/* Each option as a shell word list. */
static void words_of(const cli_opt *opt)
{
    for (; opt && opt->name; opt++) {
        if (opt->key) printf(" -%c", opt->key);
        printf(" --%s", opt->name);
    }
}

static void bash(void)
{
    printf("# bash completion of sluice; made by sluice manual bash\n"
           "_sluice() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local words=\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='");
    for (size_t i = 0; cli_commands[i]; i++)
        printf("%s%s", i ? " " : "", cli_commands[i]->name);
    printf("'\n    else\n        case \"${COMP_WORDS[1]} $prev\" in\n");
    for (size_t i = 0; cli_commands[i]; i++)
        for (const cli_opt *o = cli_commands[i]->options; o && o->name; o++) {
            if (o->type != CLI_CHOICE) continue;
            printf("        ");
            if (o->key) printf("'%s -%c'|", cli_commands[i]->name, o->key);
            printf("'%s --%s') words='", cli_commands[i]->name, o->name);
            for (int k = 0; o->choices[k]; k++)
                printf("%s%s", k ? " " : "", o->choices[k]);
            printf("' ;;\n");
        }
    printf("        *) case \"$cur\" in -*) case \"${COMP_WORDS[1]}\" in\n");
    for (size_t i = 0; cli_commands[i]; i++) {
        printf("        %s) words='", cli_commands[i]->name);
        words_of(cli_commands[i]->options);
        words_of(cli_common_options);
        printf("' ;;\n");
    }
    printf("        esac ;; esac ;;\n        esac\n    fi\n"
           "    if [ -n \"$words\" ]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    else\n"
           "        compopt -o default # file names, with their spaces: readline's own\n"
           "    fi\n"
           "}\ncomplete -F _sluice sluice\n");
}

/* Text inside single quotes of zsh's _arguments: brackets and colons are its syntax. */
static void zsh_text(const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text)) putchar('\\');
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void zsh_options(const cli_opt *opt)
{
    for (; opt && opt->name; opt++)
        for (int form = opt->key ? 0 : 1; form < 2; form++) {
            printf(" \\\n            '");
            if (opt->type == CLI_TEXTS) putchar('*');
            if (form == 0)
                printf("-%c[", opt->key);
            else
                printf("--%s[", opt->name);
            zsh_text(opt->help);
            putchar(']');
            if (opt->type == CLI_CHOICE) {
                printf(":%s:(", opt->name);
                for (int k = 0; opt->choices[k]; k++)
                    printf("%s%s", k ? " " : "", opt->choices[k]);
                putchar(')');
            } else if (opt->type != CLI_FLAG) {
                printf(":%s:_files", opt->value ? opt->value : "value");
            }
            putchar('\'');
        }
}

static void zsh(void)
{
    printf("#compdef sluice\n# made by sluice manual zsh\n_sluice() {\n"
           "    if (( CURRENT == 2 )); then\n        local -a commands=(");
    for (size_t i = 0; cli_commands[i]; i++) {
        printf("\n            '%s:", cli_commands[i]->name);
        zsh_text(cli_commands[i]->summary);
        putchar('\'');
    }
    printf(")\n        _describe command commands\n        return\n    fi\n"
           "    shift words; (( CURRENT-- ))\n    case $words[1] in\n");
    for (size_t i = 0; cli_commands[i]; i++) {
        printf("        %s) _arguments", cli_commands[i]->name);
        zsh_options(cli_commands[i]->options);
        zsh_options(cli_common_options);
        printf(" \\\n            '*:file:_files' ;;\n");
    }
    printf("    esac\n}\n_sluice \"$@\"\n");
}

static void fish_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') putchar('\\');
        putchar(*text);
    }
}

static void fish_options(const char *command, const cli_opt *opt)
{
    for (; opt && opt->name; opt++) {
        printf("complete -c sluice -n '__fish_seen_subcommand_from %s' -l %s", command,
               opt->name);
        if (opt->key) printf(" -s %c", opt->key);
        if (opt->type != CLI_FLAG) printf(" -r");
        if (opt->type == CLI_CHOICE) {
            printf(" -f -a '");
            for (int k = 0; opt->choices[k]; k++)
                printf("%s%s", k ? " " : "", opt->choices[k]);
            putchar('\'');
        }
        printf(" -d '");
        fish_text(opt->help);
        printf("'\n");
    }
}

static void fish(void)
{
    printf("# fish completion of sluice; made by sluice manual fish\n");
    for (size_t i = 0; cli_commands[i]; i++) {
        printf("complete -c sluice -n __fish_use_subcommand -f -a %s -d '",
               cli_commands[i]->name);
        fish_text(cli_commands[i]->summary);
        printf("'\n");
        fish_options(cli_commands[i]->name, cli_commands[i]->options);
        fish_options(cli_commands[i]->name, cli_common_options);
    }
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } pages[] = {
        {"bash", bash}, {"zsh", zsh}, {"fish", fish}, {"recipes", cli_recipe_reference}};
    (void)cli;
    (void)settings;

    for (size_t i = 0; i < SLC_COUNT(pages); i++)
        if (strcmp(args[0], pages[i].name) == 0) {
            pages[i].print();
            return SLC_OK;
        }
    if (strcmp(args[0], "man") != 0)
        return slc_fail(err, SLC_EINVAL,
                        "\"%s\" is none of man, bash, zsh, fish, recipes", args[0]);
    if (count < 2) {
        man_all();
        return SLC_OK;
    }
    const cli_cmd *const cmd = cli_command_find(args[1]);
    if (!cmd) return slc_fail(err, SLC_EINVAL, "no command is called %s", args[1]);
    man_command(cmd);
    return SLC_OK;
}

const cli_cmd cli_cmd_manual = {
    .name = "manual",
    .group = CLI_OTHER,
    .summary = "print man pages, shell completions, the reference of recipes",
    .args = "man|bash|zsh|fish|recipes [COMMAND]",
    .least = 1,
    .most = 2,
    .examples =
        "  sluice manual man train | man -l -\n"
        "  sluice manual bash > ~/.local/share/bash-completion/completions/sluice\n"
        "  sluice manual recipes > docs/recipes.md",
    .run = run,
};
