/* Runs a fuzz target over every file of the directories given: each corpus, and with it
 * every past crasher, is an ordinary test. */
#include <dirent.h>
#include <stdint.h>

#include "base/file.h"
#include "tests/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t replay(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    CHECK(dir, "%s", folder);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        uint8_t *bytes;
        size_t size;
        slc_err err;
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        fprintf(stderr, "%s\n", path); /* the last line names the culprit */
        CHECK(slc_file_read(&bytes, &size, path, 1 << 26, &err) == SLC_OK, "%s", err.msg);

        /* A block of exactly this size, so that a sanitizer sees one byte too far. */
        uint8_t *exact = malloc(size ? size : 1);
        CHECK(exact, "%zu bytes", size);
        memcpy(exact, bytes, size);
        free(bytes);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    CHECK(count > 0, "no inputs");
    return 0;
}
