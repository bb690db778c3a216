/* Where progress goes: a bar with rate and remaining time on a terminal, plain lines otherwise,
 * nothing when quiet. Always stderr; stdout is for results. */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

typedef struct cli_term {
    bool terminal, colour;
    bool bar_shown;
    size_t columns;
    uint64_t last_ns;              /* when a progress line was last written */
    char last_what[64];            /* of it */
    uint64_t start_ns, start_done; /* of the job that it tells of */
} cli_term;

/* The log writes through *term, which must outlive it. */
slc_log cli_term_open(cli_term *term, bool quiet);
void cli_term_close(cli_term *term); /* wipes the bar */

#endif
