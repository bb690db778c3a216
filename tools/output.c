#include "tools/output.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "augment/codec.h"
#include "tools/plot.h"

static slc_status check_extension(cli_path what, const char *path, slc_err *err)
{
    if (what == CLI_WRITES_PLOT) return cli_plot_check(path, err);
    if (what != CLI_WRITES_PICTURE) return SLC_OK;
    const char *const name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const slc_codec *const codec = slc_codec_by_extension(path);
    if (!strrchr(name, '.') || (codec && codec->encode)) return SLC_OK;
    return slc_fail(err, SLC_EINVAL,
                    "%s: no picture format of that extension can be written; .png, "
                    ".jpg and .webp can",
                    path);
}

/* The directory that path is in; up to the nearest one that exists if it will be made. */
static slc_status check_place(const char *path, bool made, slc_err *err)
{
    char folder[PATH_MAX];
    struct stat info;
    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return slc_fail(err, SLC_EINVAL, "%.100s...: is too long for a path", path);
    do {
        char *const slash = strrchr(folder, '/');
        snprintf(slash == folder ? folder + 1
                 : slash         ? slash
                                 : folder,
                 2, "%s", slash ? "" : ".");
    } while (made && stat(folder, &info) != 0 && strcmp(folder, ".") != 0 &&
             strcmp(folder, "/") != 0);
    if (stat(folder, &info) != 0)
        return slc_fail(err, SLC_EIO, "%s: there is no directory %s; make it first", path,
                        folder);
    if (!S_ISDIR(info.st_mode))
        return slc_fail(err, SLC_EIO, "%s: %s is no directory", path, folder);
    if (access(folder, W_OK | X_OK) != 0)
        return slc_fail_errno(err, SLC_EIO, "%s: nothing can be written into %s", path,
                              folder);
    return SLC_OK;
}

/* "idx:DIR" without what stands before its colon. */
static const char *path_of(const char *input)
{
    const char *const colon = strchr(input, ':');
    for (const char *c = input; colon && c < colon; c++)
        if (!isalpha((unsigned char)*c)) return input;
    return colon ? colon + 1 : input;
}

static bool is_run(const char *folder)
{
    char recipe[PATH_MAX + 16];
    snprintf(recipe, sizeof(recipe), "%s/recipe.yaml", folder);
    return access(recipe, F_OK) == 0;
}

/* A file that exists, at full (resolved), must not be what is read. */
static slc_status check_input(const char *path, const char *full, const char *input,
                              slc_err *err)
{
    char from[PATH_MAX];
    if (!realpath(path_of(input), from)) return SLC_OK; /* opening it tells why */
    const size_t n = strlen(from);
    if (strcmp(full, from) == 0)
        return slc_fail(err, SLC_EINVAL,
                        "%s: is what this command reads, and would be lost; choose "
                        "another name",
                        path);
    if (strncmp(full, from, n) == 0 && full[n] == '/' && !is_run(from))
        return slc_fail(err, SLC_EINVAL,
                        "%s: lies in the folder that is read, and would be lost; choose "
                        "another name",
                        path);
    return SLC_OK;
}

static slc_status check_file(cli_path what, const char *path, const struct stat *info,
                             const char *const *inputs, size_t count, slc_err *err)
{
    char full[PATH_MAX];
    slc_status st = SLC_OK;
    if (S_ISDIR(info->st_mode))
        return slc_fail(err, SLC_EINVAL, "%s: is a directory; name a file in it", path);
    if (!S_ISREG(info->st_mode))
        return slc_fail(err, SLC_EINVAL,
                        "%s: is no regular file, and would be replaced by one", path);
    if (what == CLI_WRITES_OVER || !realpath(path, full)) return SLC_OK;
    for (size_t i = 0; st == SLC_OK && i < count; i++)
        if (inputs[i]) st = check_input(path, full, inputs[i], err);
    return st;
}

slc_status cli_output_check(cli_path what, const char *path, const char *const *inputs,
                            size_t count, slc_err *err)
{
    struct stat info;
    const bool dir = what == CLI_WRITES_DIR;
    const bool exists = stat(path, &info) == 0;
    if (dir && exists) {
        if (!S_ISDIR(info.st_mode))
            return slc_fail(err, SLC_EINVAL, "%s: is a file; name a directory", path);
        if (access(path, W_OK | X_OK) != 0)
            return slc_fail_errno(err, SLC_EIO, "%s: nothing can be written into it",
                                  path);
        return SLC_OK;
    }
    slc_status st = exists ? check_file(what, path, &info, inputs, count, err) : SLC_OK;
    if (st == SLC_OK) st = check_place(path, dir, err);
    return st == SLC_OK ? check_extension(what, path, err) : st;
}
