/* The sluice command: finds the subcommand, reads its options, turns its status into an exit
 * code. The only file with process-wide state: what signals leave behind. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/isa.h"
#include "base/json.h"
#include "base/str.h"
#include "tools/cmd.h"
#include "tools/output.h"
#include "tools/term.h"

extern char *openblas_get_corename(void); /* not in every cblas.h */

typedef struct common_settings {
    uint64_t threads;
    bool json, quiet, help;
} common_settings;

#define FIELD(name) CLI_FIELD(common_settings, name)

const cli_opt cli_common_options[] = {
    {0, "threads", FIELD(threads), .lo = 0, .hi = 1024, .value = "N",
     .help = "threads to use (default: all cores)"},
    {0, "json", FIELD(json),
     .help = "print one JSON object on stdout (see docs/json.md)"},
    {'q', "quiet", FIELD(quiet), .help = "no progress, no warnings"},
    {'h', "help", FIELD(help), .help = "print this help"},
    {0},
};

const cli_cmd *const cli_commands[] = {
#define CLI_COMMAND(name) &cli_cmd_##name,
#include "tools/cmd_list.h"
#undef CLI_COMMAND
    NULL,
};

const cli_exit_code cli_exit_codes[] = {
    {0, "done"},
    {1, "done, with findings: inputs that were bad and left out, a check that failed"},
    {2, "usage or recipe"},
    {3, "data or model file"},
    {4, "system"},
    {130, "stopped by a signal, state saved"},
    {0, NULL},
};

static atomic_int stop_asked;

/* The first signal asks; a second one of the same kind ends the process as usual. */
static void on_signal(int number)
{
    atomic_store(&stop_asked, 1);
    signal(number, SIG_DFL);
}

static int exit_code(slc_status st)
{
    static const int code[SLC_STATUS_COUNT] = {
        [SLC_OK] = 0,      [SLC_EINVAL] = 2, [SLC_ENOMEM] = 4, [SLC_EIO] = 4,
        [SLC_EFORMAT] = 3, [SLC_ELIMIT] = 3, [SLC_EDATA] = 3,  [SLC_ESTOP] = 130,
    };
    return code[st];
}

static const char *next_command(const void *of, size_t i)
{
    const cli_cmd *const *list = of;
    return list[i] ? list[i]->name : NULL;
}

const cli_cmd *cli_command_find(const char *name)
{
    for (size_t i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    return NULL;
}

static void print_exit_codes(FILE *out)
{
    fprintf(out, "\nexit codes:\n");
    for (const cli_exit_code *e = cli_exit_codes; e->meaning; e++)
        fprintf(out, "  %-4d %s\n", e->code, e->meaning);
}

static void print_overview(FILE *out)
{
    static const char *const group[CLI_GROUPS] = {"data", "training", "insight", "other"};

    fprintf(out, "usage: sluice COMMAND [options] [arguments]\n"
                 "Carries pictures from disk to a trained classifier.\n");
    for (size_t g = 0; g < CLI_GROUPS; g++) {
        fprintf(out, "\n%s:\n", group[g]);
        for (size_t i = 0; cli_commands[i]; i++)
            if (cli_commands[i]->group == (cli_group)g)
                fprintf(out, "  %-12s %s\n", cli_commands[i]->name,
                        cli_commands[i]->summary);
    }
    fprintf(out, "\nsluice COMMAND --help tells more. Every command takes:\n");
    cli_opt_help(cli_common_options, &(const common_settings){0}, out);
    print_exit_codes(out);
}

/* Help as wide as the terminal it is for. */
static void print_folded(FILE *out, const cli_cmd *cmd)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const memory = open_memstream(&text, &size);
    if (!memory) return;
    if (cmd)
        cli_command_help(cmd, memory);
    else
        print_overview(memory);
    if (fclose(memory) == 0) cli_fold(out, text, cli_columns(out));
    free(text);
}

void cli_command_help(const cli_cmd *cmd, FILE *out)
{
    fprintf(out, "usage: sluice %s [options]%s%s\n\n%s\n", cmd->name,
            *cmd->args ? " " : "", cmd->args, cmd->summary);
    if (cmd->details) fprintf(out, "\n%s\n", cmd->details);
    fprintf(out, "\noptions:\n");
    cli_opt_help(cmd->options, cmd->initial, out);
    cli_opt_help(cli_common_options, &(const common_settings){0}, out);
    fprintf(out, "\nexamples:\n%s\n", cmd->examples);
    print_exit_codes(out);
}

slc_status cli_print_json(json_t *object, slc_err *err)
{
    char *const line = object ? slc_json_line(object) : NULL;
    json_decref(object);
    if (!line) return slc_fail(err, SLC_ENOMEM, "out of memory");
    puts(line);
    free(line);
    return SLC_OK;
}

void cli_show(const cli_context *cli)
{
    cli_term_close(cli->term);
    fflush(stdout);
}

size_t cli_peak_rss(void)
{
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) != 0) return 0;
#ifdef __APPLE__
    return (size_t)use.ru_maxrss;
#else
    return (size_t)use.ru_maxrss * 1024;
#endif
}

/* A reader that has gone (sluice ops | head -1) is nobody to complain to. */
static bool reader_gone(void)
{
    struct pollfd fd = {.fd = STDOUT_FILENO};
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLERR) != 0;
}

static slc_status finish_output(slc_err *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return SLC_OK;
    if (errno == EPIPE || reader_gone()) return SLC_OK;
    if (errno == 0) errno = EIO; /* it failed before the last flush */
    return slc_fail_errno(err, SLC_EIO, "standard output");
}

static slc_status check_count(const cli_cmd *cmd, int count, char **args, slc_err *err)
{
    if (count < cmd->least)
        return slc_fail(err, SLC_EINVAL, "needs %s; \"sluice %s --help\" shows examples",
                        cmd->args, cmd->name);
    for (int i = 0; i < count; i++)
        if (!*args[i])
            return slc_fail(err, SLC_EINVAL, "argument %d is empty; usage: %s", i + 1,
                            cmd->args);
    if (cmd->most >= 0 && count > cmd->most)
        return slc_fail(err, SLC_EINVAL, "does not take the argument \"%s\"%s%s",
                        args[cmd->most], *cmd->args ? "; usage: " : "", cmd->args);
    return SLC_OK;
}

static const char *text_of(const cli_opt *opt, const char *settings)
{
    const char *text = NULL;
    if (opt->type == CLI_TEXT) memcpy(&text, settings + opt->offset, sizeof(text));
    return text;
}

/* What cannot be written is told before the work, not after it. */
static slc_status check_outputs(const cli_opt *options, const char *settings, int count,
                                char **args, slc_err *err)
{
    slc_status st = SLC_OK;
    for (const cli_opt *out = options; out && out->name; out++) {
        const char *const path = out->path > CLI_READS ? text_of(out, settings) : NULL;
        if (!path) continue;
        if (st == SLC_OK)
            st = cli_output_check(out->path, path, (const char *const *)args,
                                  (size_t)count, err);
        for (const cli_opt *in = options; st == SLC_OK && in->name; in++) {
            const char *const input =
                in->path == CLI_READS ? text_of(in, settings) : NULL;
            st = cli_output_check(out->path, path, &input, 1, err);
        }
    }
    return st;
}

static int run_command(const cli_cmd *cmd, int count, char **args)
{
    _Alignas(max_align_t) char settings[CLI_MAX_SETTINGS] = {0};
    common_settings common = {0};
    const cli_opt_set sets[] = {{cmd->options, settings}, {cli_common_options, &common}};
    slc_err err = {0};

    if (cmd->initial) memcpy(settings, cmd->initial, cmd->settings_size);
    slc_status st = cli_opt_parse(sets, SLC_COUNT(sets), &count, args, &err);
    if (st == SLC_OK && common.help) {
        print_folded(stdout, cmd);
        count = 0;
    } else if (st == SLC_OK) {
        st = check_count(cmd, count, args, &err);
        if (st == SLC_OK) st = check_outputs(cmd->options, settings, count, args, &err);
    }

    cli_term term;
    const slc_log log = cli_term_open(&term, common.quiet);
    cli_context cli = {.threads = (size_t)common.threads,
                       .json = common.json,
                       .quiet = common.quiet,
                       .log = &log,
                       .term = &term,
                       .stop = &stop_asked};
    if (st == SLC_OK && !common.help) st = cmd->run(&cli, settings, count, args, &err);
    cli_term_close(&term);

    slc_err out_err = {0};
    if (finish_output(&out_err) != SLC_OK && st == SLC_OK) {
        st = out_err.code;
        err = out_err;
    }
    if (st != SLC_OK) fprintf(stderr, "sluice %s: %s\n", cmd->name, err.msg);
    return st == SLC_OK && (cli.findings || term.bad_inputs) ? 1 : exit_code(st);
}

static int unknown_command(const char *name)
{
    const char *const near = slc_suggest(name, next_command, cli_commands);
    if (near)
        fprintf(stderr, "sluice: unknown command \"%s\"; did you mean \"%s\"?\n", name,
                near);
    else
        fprintf(stderr, "sluice: unknown command \"%s\"; \"sluice --help\" lists them\n",
                name);
    return exit_code(SLC_EINVAL);
}

static int overview(FILE *out)
{
    slc_err err = {0};
    print_folded(out, NULL);
    if (out == stderr) return exit_code(SLC_EINVAL);
    if (finish_output(&err) != SLC_OK) fprintf(stderr, "sluice: %s\n", err.msg);
    return exit_code(err.code);
}

/* OpenBLAS gives a processor that is younger than itself the kernels of the oldest: a third of
 * the speed. The name of better ones, or NULL. */
static const char *blas_kernels(void)
{
    const slc_isa isa = slc_isa_detect();
    if (getenv("OPENBLAS_CORETYPE") || strcmp(openblas_get_corename(), "Prescott") != 0)
        return NULL;
    return isa == SLC_ISA_AVX512 ? "SkylakeX" : isa == SLC_ISA_AVX2 ? "Haswell" : NULL;
}

/* Threads of OpenMP spin for a millisecond before they sleep: two trainings side by side then
 * run at a fifth of their speed. libgomp and OpenBLAS read their environment before main, so
 * the process begins again, with a wait that costs a training alone nothing. */
static void tune_libraries(char **argv)
{
    char self[4096];
    const bool waits = !getenv("GOMP_SPINCOUNT") && !getenv("OMP_WAIT_POLICY");
    const char *const kernels = blas_kernels();
    if (!waits && !kernels) return;
    const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0 || (waits && setenv("GOMP_SPINCOUNT", "3000", 1) != 0) ||
        (kernels && setenv("OPENBLAS_CORETYPE", kernels, 1) != 0))
        return;
    self[length] = '\0';
    execv(self, argv); /* where that fails, waits stay long and products slow */
}

int main(int argc, char **argv)
{
    signal(SIGPIPE,
           SIG_IGN); /* writing then fails with EPIPE, and state can still be saved */
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);

    /* On a terminal results wait until the progress bar is gone: cli_show(). */
    static char room[1 << 16];
    setvbuf(stdout, room, _IOFBF, sizeof(room));

    const char *name = argc > 1 ? argv[1] : "";
    if (argc < 2) return overview(stderr);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return overview(stdout);
    if (strcmp(name, "--version") == 0) name = "version";
    if (strcmp(name, "help") == 0) {
        if (argc < 3 || strcmp(argv[2], "help") == 0) return overview(stdout);
        const cli_cmd *const about = cli_command_find(argv[2]);
        if (!about) return unknown_command(argv[2]);
        char *asked[] = {(char[]){"--help"}, NULL};
        return run_command(about, 1, asked);
    }
    if (name[0] == '-') {
        fprintf(stderr, "sluice: unknown option %s; the command comes first\n", name);
        return exit_code(SLC_EINVAL);
    }
    const cli_cmd *const cmd = cli_command_find(name);
    if (!cmd) return unknown_command(name);
    if (cmd->group != CLI_DATA) tune_libraries(argv);
    return run_command(cmd, argc - 2, argv + 2);
}
