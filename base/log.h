/* What a long job tells while it runs. Libraries hold a pointer to one of these and call it;
 * only the tool knows about terminals. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* BAD_INPUT warns too: something that was read was bad, and is left out or replaced. */
typedef enum slc_level { SLC_DEBUG, SLC_INFO, SLC_WARNING, SLC_BAD_INPUT } slc_level;

typedef struct slc_log {
    void (*line)(void *user, slc_level level, const char *text); /* NULL = silent */
    /* done of total units of what ("epoch 3/10"), at rate units a second. */
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t total,
                     double rate);
    void *user;
} slc_log; /* zero is a silent log. Threads: callbacks come from the caller's thread only. */

SLC_API SLC_PRINTF(3, 4) void slc_log_line(const slc_log *log, slc_level level,
                                           const char *fmt, ...);
SLC_API void slc_log_progress(const slc_log *log, const char *what, uint64_t done,
                              uint64_t total, double rate);

SLC_API uint64_t slc_clock_ns(void); /* monotonic */

#endif
