/* Threads: the only place that starts them, apart from OpenMP inside compute loops. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/err.h"

/* A set of threads that each run one function once. */
typedef struct slc_pool slc_pool;

/* Starts count threads; thread i runs run(arg, i) with denormals off and all signals
 * blocked. On failure no thread is left running if run returns when told to by stop(arg). */
SLC_API SLC_CHECKED slc_status slc_pool_start(slc_pool **out, size_t count,
                                              void (*run)(void *arg, size_t i),
                                              void (*stop)(void *arg), void *arg,
                                              slc_err *err);
SLC_API void slc_pool_join(slc_pool **pool); /* waits for all; accepts NULL inside */

/* Cores this process may run on; at least 1. */
SLC_API size_t slc_pool_cores(void);

#endif
