/* How long a source takes to open, and what it keeps in memory for a sample beyond its path.
 * usage: bench_source SPEC; without one a manifest of 10 million rows is made in $TMPDIR. */
#include <unistd.h>

#include "loader/source.h"
#include "tests/check.h"

enum { ROWS = 10000000 };

static void write_manifest(const char *path)
{
    FILE *f = fopen(path, "w");
    CHECK(f, "%s", path);
    fputs("path,label\n", f);
    for (int i = 0; i < ROWS; i++) {
        const int class = (int)(i * 7919LL % 1000) * 9973 + 1440764;
        fprintf(f, "train/n%08d/n%08d_%08d.JPEG,n%08d\n", class, class, i, class);
    }
    CHECK(fclose(f) == 0, "%s", path);
}

/* A line of /proc/self/status, in bytes. */
static double memory(const char *key)
{
    char line[200];
    double value = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            value = 1024.0 * atof(line + strlen(key));
    if (f) fclose(f);
    return value;
}

int main(int argc, char **argv)
{
    char path[300] = "", spec[400], buffer[600];
    const char *tmp = getenv("TMPDIR");
    slc_source *s = NULL;
    slc_err err = {0};
    if (argc < 2) {
        snprintf(path, sizeof(path), "%s/bench-source-%ld.csv", tmp ? tmp : "/tmp",
                 (long)getpid());
        write_manifest(path);
    }
    snprintf(spec, sizeof(spec), "%s%s", argc < 2 ? "manifest:" : "",
             argc < 2 ? path : argv[1]);
    const double before = memory("VmRSS:");
    const uint64_t start = slc_clock_ns();
    const slc_status st = slc_source_open_text(&s, spec, NULL, NULL, &err);
    const double seconds = (double)(slc_clock_ns() - start) / 1e9;
    if (*path) unlink(path);
    CHECK(st == SLC_OK, "%s", err.msg);
    const double after = memory("VmRSS:"), peak = memory("VmHWM:");
    const uint64_t n = slc_source_count(s);
    double text = 0;
    for (uint64_t i = 0; i < n; i++)
        text += (double)strlen(slc_source_name(s, i, buffer, sizeof(buffer)));
    printf("%.2f s, %llu samples of %zu classes, path bytes %.0f MB, beyond them %.1f "
           "bytes a "
           "sample (%.1f while opening)\n",
           seconds, (unsigned long long)n, slc_source_classes(s), text / 1e6,
           (after - before - text) / (double)n, (peak - before - text) / (double)n);
    slc_source_close(&s);
    return 0;
}
