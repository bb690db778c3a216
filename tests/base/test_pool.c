#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>

#include "tests/check.h"

typedef struct world {
    atomic_int runs, stop, blocked, flushed; /* counters; relaxed would do */
    atomic_int seen[8];
} world;

static void run(void *arg, size_t i)
{
    world *w = arg;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    w->blocked += sigismember(&mask, SIGINT) && sigismember(&mask, SIGUSR1);
    volatile float tiny = 1e-38f, tenth = 0.1f;
    w->flushed += tiny * tenth == 0;
    w->runs++;
    w->seen[i]++;
}

static void test_each_index_once(void)
{
    world w = {0};
    slc_pool *pool;
    slc_err err;
    CHECK(slc_pool_start(&pool, 8, run, NULL, &w, &err) == SLC_OK, "%s", err.msg);
    slc_pool_join(&pool);
    CHECK(!pool && w.runs == 8 && w.blocked == 8, "%d runs, %d blocked", w.runs,
          w.blocked);
#if defined(__x86_64__) || defined(__aarch64__)
    CHECK(w.flushed == 8, "%d without denormals", w.flushed);
#endif
    for (int i = 0; i < 8; i++)
        CHECK(w.seen[i] == 1, "thread %d ran %d times", i, w.seen[i]);
    slc_pool_join(&pool); /* NULL inside */

    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    CHECK(!sigismember(&mask, SIGINT), "the caller's mask is as before");
    CHECK(slc_pool_start(&pool, 0, run, NULL, &w, &err) == SLC_OK, "%s", err.msg);
    slc_pool_join(&pool);
}

static void run_until_stopped(void *arg, size_t i)
{
    world *w = arg;
    (void)i;
    w->runs++;
    while (!w->stop)
        sched_yield();
    w->runs--;
}

static void stop(void *arg)
{
    ((world *)arg)->stop = 1;
}

/* More threads than the address space can hold stacks for. */
static void test_failure_leaves_no_thread(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rlimit old, small = {512u << 20, 0};
    getrlimit(RLIMIT_AS, &old);
    small.rlim_max = old.rlim_max;
    CHECK(setrlimit(RLIMIT_AS, &small) == 0, "limit");
    world w = {0};
    slc_pool *pool;
    slc_err err = {0};
    const slc_status st = slc_pool_start(&pool, 2000, run_until_stopped, stop, &w, &err);
    setrlimit(RLIMIT_AS, &old);
    CHECK(st == SLC_EIO && !pool, "status %d", st);
    CHECK(w.stop && w.runs == 0, "%d threads are still running", w.runs);
    CHECK(strstr(err.msg, "of 2000"), "%s", err.msg);
#else
    (void)run_until_stopped;
    (void)stop;
#endif
}

int main(void)
{
    test_each_index_once();
    test_failure_leaves_no_thread();
    CHECK(slc_pool_cores() >= 1, "cores");
    slc_pool *pool = NULL;
    CHECK(slc_pool_start(&pool, SIZE_MAX / 2, run, NULL, NULL, NULL) == SLC_EINVAL &&
              !pool,
          "absurd count");
    return 0;
}
