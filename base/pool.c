#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/isa.h"
#include "base/num.h"

struct job {
    const slc_pool *pool;
    size_t index;
    pthread_t thread;
};

struct slc_pool {
    void (*run)(void *arg, size_t i);
    void *arg;
    size_t count; /* of threads that run */
    struct job job[];
};

static void *thread_main(void *arg)
{
    const struct job *job = arg;
    slc_isa_flush_denormals();
    job->pool->run(job->pool->arg, job->index);
    return NULL;
}

slc_status slc_pool_start(slc_pool **out, size_t count, void (*run)(void *arg, size_t i),
                          void (*stop)(void *arg), void *arg, slc_err *err)
{
    size_t size;
    *out = NULL;
    if (!slc_mul(count, sizeof(struct job), &size) ||
        !slc_add(size, sizeof(slc_pool), &size))
        return slc_fail(err, SLC_EINVAL, "%zu threads are too many", count);
    slc_pool *pool = calloc(1, size);
    if (!pool) return slc_fail(err, SLC_ENOMEM, "threads: out of memory");
    pool->run = run;
    pool->arg = arg;

    /* A new thread inherits the mask; signals are the main thread's business. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = 0;
    for (size_t i = 0; i < count && why == 0; i++) {
        pool->job[i].pool = pool;
        pool->job[i].index = i;
        why = pthread_create(&pool->job[i].thread, NULL, thread_main, &pool->job[i]);
        if (why == 0) pool->count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (why != 0) {
        const size_t started = pool->count;
        if (stop) stop(arg);
        slc_pool_join(&pool);
        errno = why;
        return slc_fail_errno(err, SLC_EIO, "cannot start thread %zu of %zu", started + 1,
                              count);
    }
    *out = pool;
    return SLC_OK;
}

void slc_pool_join(slc_pool **pool)
{
    if (!*pool) return;
    for (size_t i = 0; i < (*pool)->count; i++)
        pthread_join((*pool)->job[i].thread, NULL);
    free(*pool);
    *pool = NULL;
}

size_t slc_pool_cores(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}
