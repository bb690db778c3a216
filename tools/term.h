/* Where progress goes: a bar with rate and remaining time on a terminal, plain lines otherwise,
 * nothing when quiet. Always stderr; stdout is for results. */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"

typedef struct cli_term {
    bool terminal, colour, quiet;
    bool bad_inputs; /* something that was read was bad: exit code 1 */
    bool bar_shown;
    uint64_t last_ns;              /* when a progress line was last written */
    char last_what[64];            /* of it */
    uint64_t start_ns, start_done; /* of the job that it tells of */
} cli_term;

/* The log writes through *term, which must outlive it. */
slc_log cli_term_open(cli_term *term, bool quiet);
void cli_term_close(cli_term *term); /* wipes the bar; more progress may follow */

/* Columns of the terminal that a stream goes to; 0 if it goes to none. */
size_t cli_columns(FILE *stream);

/* Writes lines; those of more than so many columns are folded between words. What stands in a last
 * column (after two spaces) is folded below itself if that leaves half of the room, else it goes on
 * a line of its own. columns 0: as they are. */
void cli_fold(FILE *out, const char *text, size_t columns);

#endif
