#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void slc_log_line(const slc_log *log, slc_level level, const char *fmt, ...)
{
    if (!log || !log->line) return;

    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    log->line(log->user, level, text);
}

void slc_log_progress(const slc_log *log, const char *what, uint64_t done, uint64_t total,
                      double rate)
{
    if (log && log->progress) log->progress(log->user, what, done, total, rate);
}

uint64_t slc_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
