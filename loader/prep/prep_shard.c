/* Tar shards as WebDataset reads them: KEY.jpg and KEY.cls side by side, shards filled in the
 * order of samples until the next would be too much. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/prep/prep_job.h"

static void shard_name(const slc_prep_job *job, uint64_t shard, char name[64])
{
    if (job->set.world > 1)
        snprintf(name, 64, "shard-%03llu-%06llu.tar", (unsigned long long)job->set.rank,
                 (unsigned long long)shard);
    else
        snprintf(name, 64, "shard-%06llu.tar", (unsigned long long)shard);
}

void slc_prep_shard_sweep(const slc_prep_job *job)
{
    char path[PATH_MAX], mine[32];
    snprintf(path, sizeof(path), "%s/.sluice", job->set.out);
    if (job->set.world > 1)
        snprintf(mine, sizeof(mine), "shard-%03llu-", (unsigned long long)job->set.rank);
    else
        snprintf(mine, sizeof(mine), "shard-");
    DIR *dir = opendir(path);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (strncmp(e->d_name, mine, strlen(mine)) == 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir) closedir(dir);
}

static uint64_t taken_by(const slc_prep_record *r)
{
    if (r->w == 0) return 0; /* bad: left out */
    return slc_prep_tar_size(r->bytes_out) + (r->label >= 0 ? slc_prep_tar_size(1) : 0);
}

/* Whether a sample goes into a new shard, given what the open one holds. */
static bool begins_shard(const slc_prep_job *job, const slc_prep_record *r, uint64_t size,
                         uint64_t count)
{
    enum { END = 1024 };
    if (count == 0) return false;
    return (job->set.shard_samples && count >= job->set.shard_samples) ||
           (job->set.shard_bytes && size + taken_by(r) + END > job->set.shard_bytes);
}

slc_status slc_prep_shard_close(slc_prep_job *job, slc_err *err)
{
    char name[64];
    slc_status st = SLC_OK;
    if (job->writer) {
        st = slc_prep_tar_end(job->writer, err);
        if (st == SLC_OK) st = slc_writer_commit(&job->writer, err);
        shard_name(job, job->shard, name);
        if (st == SLC_OK) st = slc_prep_stand(job->set.out, name, err);
        if (st != SLC_OK) return st;
        job->shard++;
        job->report->shards++;
    }
    for (size_t i = 0; st == SLC_OK && i < job->waiting_count; i++)
        st = slc_prep_journal_add(&job->journal, &job->waiting[i], err);
    if (st == SLC_OK && job->waiting_count)
        st = slc_prep_journal_sync(&job->journal, err);
    job->waiting_count = 0;
    job->shard_size = job->shard_count = 0;
    return st;
}

static slc_status remember(slc_prep_job *job, const slc_prep_record *record, slc_err *err)
{
    if (job->waiting_count == job->waiting_room) {
        const size_t room = job->waiting_room * 2 + 256;
        slc_prep_record *grown = realloc(job->waiting, room * sizeof(*grown));
        if (!grown) return slc_fail(err, SLC_ENOMEM, "shards: out of memory");
        job->waiting = grown;
        job->waiting_room = room;
    }
    job->waiting[job->waiting_count++] = *record;
    return SLC_OK;
}

static slc_status add_members(slc_prep_job *job, const slc_prep_result *r, slc_err *err)
{
    char name[SLC_PREP_NAME + 16], label[16];
    const char *stem = r->stem;
    char plain[32];
    snprintf(name, sizeof(name), "%s.%.*s", stem, (int)strcspn(r->extension, " "),
             r->extension);
    if (!slc_prep_tar_fits(name)) { /* too long for a header: the key's hash instead */
        snprintf(plain, sizeof(plain), "%016llx", (unsigned long long)r->record.key);
        stem = plain;
        snprintf(name, sizeof(name), "%s.%.*s", stem, (int)strcspn(r->extension, " "),
                 r->extension);
    }
    slc_status st =
        slc_prep_tar_add(job->writer, name, r->bytes.text, r->bytes.size, err);
    if (st != SLC_OK || r->record.label < 0) return st;
    snprintf(name, sizeof(name), "%s.cls", stem);
    snprintf(label, sizeof(label), "%d", r->record.label);
    return slc_prep_tar_add(job->writer, name, label, strlen(label), err);
}

slc_status slc_prep_shard_add(slc_prep_job *job, const slc_prep_result *r, slc_err *err)
{
    char path[PATH_MAX], name[64];
    slc_status st = SLC_OK;
    if (begins_shard(job, &r->record, job->shard_size, job->shard_count))
        st = slc_prep_shard_close(job, err);
    if (st == SLC_OK && r->record.w > 0) {
        if (!job->writer) {
            shard_name(job, job->shard, name);
            snprintf(path, sizeof(path), "%s/.sluice/%s", job->set.out, name);
            st = slc_writer_open(&job->writer, path, err);
        }
        if (st == SLC_OK) st = add_members(job, r, err);
        job->shard_size += taken_by(&r->record);
        job->shard_count++;
    }
    return st == SLC_OK ? remember(job, &r->record, err) : st;
}

/* Packs again, in thought, what the journal says earlier runs have packed. Returns how many
 * samples stand in whole shards that are still there. */
uint64_t slc_prep_shard_resume(slc_prep_job *job)
{
    char path[PATH_MAX], name[64];
    struct stat info;
    uint64_t size = 0, count = 0, p = 0, whole = 0;
    for (; p <= job->count && p <= job->journal.count; p++) {
        const bool end = p == job->count || p == job->journal.count;
        const slc_prep_record *r = end ? NULL : &job->journal.at[p];
        if (count > 0 && (end || begins_shard(job, r, size, count))) {
            shard_name(job, job->shard, name);
            snprintf(path, sizeof(path), "%s/%s", job->set.out, name);
            if (stat(path, &info) != 0 || (uint64_t)info.st_size != size + 1024) break;
            job->shard++;
            whole = p;
            size = count = 0;
        }
        if (end) break;
        size += taken_by(r);
        count += r->w > 0;
    }
    return whole;
}
