/* The journal: fixed records, appended in the order of samples. A record that a kill cut in two,
 * or whose check is wrong, ends it; what came after is done again. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "loader/prep/prep.h"

static uint64_t check_of(const slc_prep_record *record)
{
    slc_prep_record copy = *record;
    copy.check = 0;
    return slc_hash64(&copy, sizeof(copy), 0x70726570);
}

void slc_prep_record_seal(slc_prep_record *record)
{
    record->check = check_of(record);
}

static bool index_again(slc_prep_journal *j, size_t slots)
{
    uint32_t *slot = calloc(slots, sizeof(*slot));
    if (!slot) return false;
    free(j->slot);
    j->slot = slot;
    j->slots = slots;
    for (size_t i = 0; i < j->count; i++) {
        size_t at = j->at[i].key & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = (uint32_t)i + 1;
    }
    return true;
}

const slc_prep_record *slc_prep_journal_find(const slc_prep_journal *j, uint64_t key)
{
    for (size_t at = key & (j->slots - 1); j->slot[at]; at = (at + 1) & (j->slots - 1))
        if (j->at[j->slot[at] - 1].key == key) return &j->at[j->slot[at] - 1];
    return NULL;
}

/* Keeps a record in memory; a later one of the same sample takes the place of the earlier. */
static bool keep(slc_prep_journal *j, const slc_prep_record *record)
{
    slc_prep_record *old = (slc_prep_record *)slc_prep_journal_find(j, record->key);
    if (old) return *old = *record, true;
    if (j->count == j->room) {
        const size_t room = j->room * 2 + 256;
        slc_prep_record *grown = realloc(j->at, room * sizeof(*grown));
        if (!grown) return false;
        j->at = grown;
        j->room = room;
    }
    if (j->count == UINT32_MAX - 1) return false;
    j->at[j->count++] = *record;
    if (2 * j->count > j->slots) return index_again(j, 2 * j->slots);
    size_t at = record->key & (j->slots - 1);
    while (j->slot[at])
        at = (at + 1) & (j->slots - 1);
    j->slot[at] = (uint32_t)j->count;
    return true;
}

slc_status slc_prep_journal_open(slc_prep_journal *j, const char *path, slc_err *err)
{
    slc_prep_record record;
    long good = 0;
    *j = (slc_prep_journal){0};
    if (!index_again(j, 1024))
        return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
    j->file = fopen(path, "a+be");
    if (!j->file) return slc_fail_errno(err, SLC_EIO, "%s", path);
    rewind(j->file);
    while (fread(&record, sizeof(record), 1, j->file) == 1 &&
           check_of(&record) == record.check) {
        if (!keep(j, &record))
            return slc_fail(err, SLC_ENOMEM, "%s: out of memory", path);
        good = ftell(j->file);
    }
    if (ftruncate(fileno(j->file), good) != 0 || fseek(j->file, 0, SEEK_END) != 0)
        return slc_fail_errno(err, SLC_EIO, "%s", path);
    return SLC_OK;
}

slc_status slc_prep_journal_add(slc_prep_journal *j, const slc_prep_record *record,
                                slc_err *err)
{
    if (!keep(j, record)) return slc_fail(err, SLC_ENOMEM, "journal: out of memory");
    if (fwrite(record, sizeof(*record), 1, j->file) != 1)
        return slc_fail_errno(err, SLC_EIO, "journal: write");
    return SLC_OK;
}

slc_status slc_prep_journal_sync(slc_prep_journal *j, slc_err *err)
{
    if (fflush(j->file) != 0 || fdatasync(fileno(j->file)) != 0)
        return slc_fail_errno(err, SLC_EIO, "journal: write");
    return SLC_OK;
}

void slc_prep_journal_close(slc_prep_journal *j)
{
    if (j->file) fclose(j->file); /* what mattered was flushed and checked */
    free(j->at);
    free(j->slot);
    *j = (slc_prep_journal){0};
}
