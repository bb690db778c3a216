#include "base/err.h"

#include <errno.h>

#include "base/isa.h"
#include "base/log.h"
#include "tests/check.h"

static void test_records_and_returns(void)
{
    slc_err err = {0};
    CHECK(slc_fail(&err, SLC_ELIMIT, "%d of %s", 3, "x") == SLC_ELIMIT, "code");
    CHECK(err.code == SLC_ELIMIT && strcmp(err.msg, "3 of x") == 0, "%s", err.msg);
    CHECK(slc_fail(NULL, SLC_EIO, "nobody listens") == SLC_EIO, "no err");
    errno = ENOENT;
    CHECK(slc_fail_errno(&err, SLC_EDATA, "%s", "file") == SLC_EDATA, "code");
    CHECK(strcmp(err.msg, "file: No such file or directory") == 0, "%s", err.msg);
    CHECK(slc_fail_errno(NULL, SLC_EDATA, "nobody") == SLC_EDATA, "no err");
    CHECK(slc_err_prefix(&err, "epoch %d", 2) == SLC_EDATA, "code");
    CHECK(strcmp(err.msg, "epoch 2: file: No such file or directory") == 0, "%s",
          err.msg);
}

static void test_arguments_may_point_into_it(void)
{
    slc_err err = {0};
    slc_fail(&err, SLC_EIO, "inner");
    slc_fail(&err, SLC_EINVAL, "outer (%s)", err.msg);
    CHECK(strcmp(err.msg, "outer (inner)") == 0, "%s", err.msg);
}

/* One line, whatever the file is called, and no half characters when it is cut. */
static void test_message_is_one_clean_line(void)
{
    slc_err err = {0};
    char text[2000];
    slc_fail(&err, SLC_EIO, "a\nb\033[31m\tc\x7f");
    CHECK(strcmp(err.msg, "a b [31m c ") == 0, "%s", err.msg);
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        slc_fail(&err, SLC_EIO, "%s", text);
        const size_t n = strlen(err.msg);
        CHECK(n >= sizeof(err.msg) - 3 && n < sizeof(err.msg) && (n - shift) % 3 == 0,
              "%zu", n);
    }
    errno = EACCES;
    slc_fail_errno(&err, SLC_EIO, "%s", text);
    CHECK(strstr(err.msg, ": Permission denied"), "the reason outlives a long path: %s",
          err.msg);
}

static void count_line(void *user, slc_level level, const char *text)
{
    if (level == SLC_WARNING && strcmp(text, "7 x") == 0) ++*(int *)user;
}

static void count_progress(void *user, const char *what, uint64_t done, uint64_t total,
                           double rate)
{
    if (strcmp(what, "w") == 0 && done == 1 && total == 2 && rate == 3) ++*(int *)user;
}

static void test_log_calls_whoever_listens(void)
{
    int seen = 0;
    slc_log_line(NULL, SLC_INFO, "nobody");
    slc_log_line(&(slc_log){0}, SLC_INFO, "nobody");
    slc_log_progress(&(slc_log){0}, "w", 1, 2, 3);
    const slc_log log = {count_line, count_progress, &seen};
    slc_log_line(&log, SLC_WARNING, "%d %s", 7, "x");
    slc_log_progress(&log, "w", 1, 2, 3);
    CHECK(seen == 2, "%d", seen);
    const uint64_t then = slc_clock_ns();
    CHECK(slc_clock_ns() >= then && then > 0, "monotonic");
}

static void test_isa_is_capped_by_the_environment(void)
{
    unsetenv("SLUICE_ISA");
    const slc_isa best = slc_isa_detect();
    for (int i = 0; i < SLC_ISA_COUNT; i++) {
        setenv("SLUICE_ISA", slc_isa_name((slc_isa)i), 1);
        const slc_isa got = slc_isa_detect();
        CHECK(got == (i < (int)best ? (slc_isa)i : best), "%s gives %s",
              slc_isa_name((slc_isa)i), slc_isa_name(got));
        CHECK(!slc_isa_tiles(), "tiles beyond %s", slc_isa_name((slc_isa)i));
    }
    setenv("SLUICE_ISA", "mmx", 1);
    CHECK(slc_isa_detect() == best, "unknown names change nothing");
    unsetenv("SLUICE_ISA");
}

static void test_denormals_are_flushed(void)
{
#if defined(__x86_64__)
    volatile float tiny = 1e-38f, tenth = 0.1f;
    CHECK(tiny * tenth != 0, "denormals to begin with");
    slc_isa_flush_denormals();
    CHECK(tiny * tenth == 0, "flushed results");
    volatile float denormal = 1e-39f, big = 1e30f;
    CHECK(denormal * big == 0, "flushed operands");
#endif
}

int main(void)
{
    test_records_and_returns();
    test_arguments_may_point_into_it();
    test_message_is_one_clean_line();
    test_log_calls_whoever_listens();
    test_isa_is_capped_by_the_environment();
    test_denormals_are_flushed();
    return 0;
}
