/* Indexes kept between runs, and used only for the very file they were made from.
 *
 *   header as below, samples, texts. Machine byte order: a sidecar that travels to a machine
 *   of the other order has the wrong magic there and is made anew. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/num.h"
#include "loader/source/source_impl.h"
#include "loader/source/tar_index.h"

#define MAGIC UINT64_C(0x7865646e69726174) /* "tarindex" */

enum { VERSION = 1, MOST_SIZE = 1 << 30 };

typedef struct header {
    uint64_t magic, version;
    slc_tar_stamp stamp;
    uint64_t salt; /* of the fields */
    uint64_t count, text_size, left_out, cut;
    uint64_t check; /* hash of all that follows */
} header;

static uint64_t salt_of(const slc_tar_fields *fields)
{
    uint64_t salt = 0;
    const char *const texts[] = {fields->image, fields->label, fields->label_key};
    for (size_t i = 0; i < SLC_COUNT(texts); i++)
        salt = slc_hash64(texts[i], strlen(texts[i]), salt);
    return salt;
}

static bool is_usual(const slc_tar_fields *fields)
{
    return !*fields->image && !*fields->label && strcmp(fields->label_key, "label") == 0;
}

/* Beside the shard. */
static bool place_beside(char out[PATH_MAX], const char *path,
                         const slc_tar_fields *fields)
{
    const int n = is_usual(fields) ? snprintf(out, PATH_MAX, "%s.index", path)
                                   : snprintf(out, PATH_MAX, "%s.%08x.index", path,
                                              (unsigned)salt_of(fields));
    return n > 0 && n < PATH_MAX;
}

/* In the user's cache. */
static bool place_away(char out[PATH_MAX], const char *path, const slc_tar_fields *fields)
{
    const char *dir = getenv("SLUICE_CACHE"), *home = getenv("HOME");
    char *real = realpath(path, NULL);
    if (!real) return false;
    const uint64_t name = slc_hash64(real, strlen(real), salt_of(fields));
    free(real);
    int n = -1;
    if (dir && *dir)
        n = snprintf(out, PATH_MAX, "%s/tar-%016llx", dir, (unsigned long long)name);
    else if (!dir && home && *home)
        n = snprintf(out, PATH_MAX, "%s/.cache/sluice/tar-%016llx", home,
                     (unsigned long long)name);
    return n > 0 && n < PATH_MAX;
}

static bool is_sound(const slc_tar_index *index)
{
    if (index->text_size == 0 || index->texts[0] || index->texts[index->text_size - 1])
        return false;
    for (uint64_t i = 0; i < index->count; i++) {
        const slc_tar_sample *s = &index->samples[i];
        if (s->offset > index->stamp.size || s->size > index->stamp.size - s->offset ||
            s->name >= index->text_size || s->label >= index->text_size)
            return false;
    }
    return true;
}

bool slc_tar_index_parse(slc_tar_index *out, const uint8_t *bytes, size_t size,
                         const slc_tar_stamp *stamp, uint64_t salt)
{
    header h;
    size_t rows, total;
    *out = (slc_tar_index){0};
    if (size < sizeof(h)) return false;
    memcpy(&h, bytes, sizeof(h));
    if (h.magic != MAGIC || h.version != VERSION || h.salt != salt ||
        !slc_tar_stamp_same(&h.stamp, stamp) ||
        !slc_mul(h.count, sizeof(slc_tar_sample), &rows) ||
        !slc_add(rows, h.text_size, &total) || total != size - sizeof(h) ||
        slc_hash64(bytes + sizeof(h), total, 0) != h.check)
        return false;
    out->stamp = h.stamp;
    out->count = h.count;
    out->text_size = h.text_size;
    out->left_out = h.left_out;
    out->cut = h.cut;
    out->samples = malloc(rows + 1);
    out->texts = malloc(h.text_size + 1);
    if (out->samples && out->texts) {
        memcpy(out->samples, bytes + sizeof(h), rows);
        memcpy(out->texts, bytes + sizeof(h) + rows, h.text_size);
        if (is_sound(out)) return true;
    }
    slc_tar_index_free(out);
    return false;
}

static bool load(slc_tar_index *out, const char *place, const slc_tar_stamp *stamp,
                 uint64_t salt)
{
    uint8_t *bytes;
    size_t size;
    if (slc_file_read(&bytes, &size, place, MOST_SIZE, NULL) != SLC_OK) return false;
    const bool good = slc_tar_index_parse(out, bytes, size, stamp, salt);
    free(bytes);
    return good;
}

static bool save(const slc_tar_index *index, const char *place, uint64_t salt)
{
    slc_str body = {0};
    slc_writer *w = NULL;
    slc_str_add_n(&body, index->samples, index->count * sizeof(*index->samples));
    slc_str_add_n(&body, index->texts, index->text_size);
    const header h = {.magic = MAGIC,
                      .version = VERSION,
                      .stamp = index->stamp,
                      .salt = salt,
                      .count = index->count,
                      .text_size = index->text_size,
                      .left_out = index->left_out,
                      .cut = index->cut,
                      .check = body.failed ? 0 : slc_hash64(body.text, body.size, 0)};
    const bool good = !body.failed && slc_writer_open(&w, place, NULL) == SLC_OK &&
                      slc_writer_add(w, &h, sizeof(h), NULL) == SLC_OK &&
                      slc_writer_add(w, body.text, body.size, NULL) == SLC_OK &&
                      slc_writer_commit(&w, NULL) == SLC_OK;
    if (!good) slc_writer_abandon(&w);
    slc_str_free(&body);
    return good;
}

/* A file that changed this very moment may change again without another time: clocks of file
 * systems tick every few ms, those without fractions of a second every one or two seconds. */
static bool is_settled(const slc_tar_stamp *stamp)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const double age = (double)(now.tv_sec - stamp->seconds) +
                       (double)(now.tv_nsec - stamp->nanoseconds) * 1e-9;
    return age < 0 || age > (stamp->nanoseconds ? 0.05 : 2.0);
}

/* Failures are of no consequence: the next run walks again. */
static void keep(const slc_tar_index *index, const char *path,
                 const slc_tar_fields *fields)
{
    char place[PATH_MAX];
    const uint64_t salt = salt_of(fields);
    if (!is_settled(&index->stamp)) return;
    if (place_beside(place, path, fields) && save(index, place, salt)) return;
    if (!place_away(place, path, fields)) return;
    char *slash = strrchr(place, '/');
    *slash = 0;
    if (slc_dir_make(place, NULL) != SLC_OK) return;
    *slash = '/';
    (void)!save(index, place, salt);
}

slc_status slc_tar_index_open(slc_tar_index *out, const char *path,
                              const slc_tar_fields *fields, slc_err *err)
{
    char place[PATH_MAX];
    struct stat info;
    slc_status st = SLC_OK;
    const uint64_t salt = salt_of(fields);
    *out = (slc_tar_index){0};
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return slc_fail_errno(err, SLC_EDATA, "%s", path);
    if (fstat(fd, &info) != 0) {
        st = slc_fail_errno(err, SLC_EDATA, "%s", path);
    } else if (!S_ISREG(info.st_mode)) {
        st = slc_fail(err, SLC_EDATA, "%s: is not a regular file", path);
    } else {
        const slc_tar_stamp stamp = slc_tar_stamp_of(&info);
        const bool found =
            (place_beside(place, path, fields) && load(out, place, &stamp, salt)) ||
            (place_away(place, path, fields) && load(out, place, &stamp, salt));
        if (!found) {
            st = slc_tar_index_build(out, fd, &info, fields, err);
            if (st == SLC_OK)
                keep(out, path, fields);
            else
                slc_err_prefix(err, "%s", path);
        }
    }
    close(fd);
    return st;
}
