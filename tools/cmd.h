/* Commands: "sluice NAME [options] [arguments]". A command is one file, cmd_NAME.c, that defines
 * cli_cmd_NAME, one line in cmd_list.h, and one in meson.build. */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/log.h"
#include "tools/opt.h"

/* What main() hands to every command. */
typedef struct cli_context {
    size_t threads;         /* --threads; 0 = all cores */
    bool json;              /* --json: stdout gets one JSON object and nothing else */
    bool quiet;             /* --quiet: stderr gets errors and nothing else */
    const slc_log *log;     /* progress and warnings to stderr, silent when quiet; a bad
                             * input that it is told of makes the exit code 1 */
    struct cli_term *term;  /* what log writes to; for cli_show() */
    const atomic_int *stop; /* not 0 after SIGINT or SIGTERM: save the state, SLC_ESTOP */
    bool
        findings; /* a command sets it: done, but exit code 1 (what it looked for is there) */
} cli_context;

typedef enum cli_group {
    CLI_DATA,
    CLI_TRAINING,
    CLI_INSIGHT,
    CLI_OTHER,
    CLI_GROUPS
} cli_group;

typedef struct cli_cmd {
    const char *name;
    cli_group group;
    const char *summary;  /* one lower-case phrase */
    const char *args;     /* what follows the options: "RECIPE", "IMAGE...", "" */
    int least, most;      /* how many arguments; most < 0 = any number */
    const char *details;  /* paragraphs for the help, may be NULL; no trailing newline */
    const char *examples; /* lines of "sluice ...", no trailing newline */
    const cli_opt *options; /* NULL = only the common ones */
    const void *initial;    /* settings before any option, settings_size bytes */
    size_t settings_size;   /* at most CLI_MAX_SETTINGS */
    slc_status (*run)(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err);
} cli_cmd;

enum { CLI_MAX_SETTINGS = 2048 };

/* What the process tells whoever started it; meaning NULL ends the table. */
typedef struct cli_exit_code {
    int code;
    const char *meaning;
} cli_exit_code;
extern const cli_exit_code cli_exit_codes[];

#define CLI_COMMAND(name) extern const cli_cmd cli_cmd_##name;
#include "tools/cmd_list.h"
#undef CLI_COMMAND

extern const cli_cmd
    *const cli_commands[]; /* in the order of cmd_list.h, NULL at the end */
extern const cli_opt cli_common_options[];

const cli_cmd *cli_command_find(const char *name); /* NULL if there is none */
void cli_command_help(const cli_cmd *cmd, FILE *out);

/* Prints the object as one line on stdout and releases it; NULL is SLC_ENOMEM. Main checks that
 * stdout took it. */
SLC_CHECKED slc_status cli_print_json(json_t *object, slc_err *err);

/* Shows what was printed so far, where a progress bar may stand. Without it, stdout shows when a
 * command ends. */
void cli_show(const cli_context *cli);

/* Largest memory this process ever held, in bytes. */
size_t cli_peak_rss(void);

#endif
