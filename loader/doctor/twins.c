/* Equal and nearly equal pictures. Equal ones meet when sorted by their content's hash. Of two
 * 64-bit hashes that differ in at most b bits, one of b + 1 blocks is equal: nearly equal
 * ones meet when sorted by each block in turn; their thumbs must agree too, because hashes
 * of plain pictures often do. */
#include <stdlib.h>
#include <string.h>

#include "loader/doctor/doctor_impl.h"

enum { THUMB_DIFFERENCE = 6 /* mean levels of grey that re-encoding may change */ };

typedef struct entry {
    uint64_t key[2];
    uint64_t sample;
} entry;

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    for (size_t i = 0; i < 2; i++)
        if (x->key[i] != y->key[i]) return x->key[i] < y->key[i] ? -1 : 1;
    return x->sample < y->sample ? -1 : x->sample > y->sample;
}

static bool is_readable(const slc_chart *c)
{
    return !(c->kinds >> SLC_FINDING_UNREADABLE & 1);
}

/* A finding for the pair, and what it means if the two are of different splits or labels. */
static slc_status report(slc_patient *p, uint64_t earlier, uint64_t later, int bits,
                         slc_err *err)
{
    uint64_t index;
    const slc_checkup *c = p->out;
    const slc_finding_kind kind = bits < 0 ? SLC_FINDING_DUPLICATE : SLC_FINDING_NEAR;
    const char *how = bits < 0 ? "the same bytes" : "nearly the same picture";
    slc_status st = bits < 0 ? slc_finding_add(p, kind, later, earlier, err, NULL)
                             : slc_finding_add(p, kind, later, earlier, err,
                                               "%d of 64 bits differ", bits);
    if (st != SLC_OK) return st;
    const size_t a = slc_checkup_source(c, earlier, &index),
                 b = slc_checkup_source(c, later, &index);
    if (a != b && p->set->names)
        st = slc_finding_add(p, SLC_FINDING_LEAK, later, earlier, err,
                             "%s in %s and in %s", how, p->set->names[a],
                             p->set->names[b]);
    const char *one = slc_chart_class(p, earlier), *two = slc_chart_class(p, later);
    if (st == SLC_OK && *one && *two && strcmp(one, two) != 0) {
        p->unclean[earlier] = 1; /* nobody knows which of the two is right */
        st = slc_finding_add(p, SLC_FINDING_CONFLICT, later, earlier, err,
                             "%s as \"%s\" and as \"%s\"", how, one, two);
    }
    return st;
}

static slc_status find_equal(slc_patient *p, entry *list, uint64_t count, slc_err *err)
{
    for (uint64_t i = 0; i < count; i++) {
        const slc_chart *c = &p->charts[list[i].sample];
        memcpy(list[i].key, c->content, sizeof(c->content));
    }
    qsort(list, count, sizeof(*list), by_key);
    for (uint64_t i = 1, first = 0; i < count; i++) {
        if (memcmp(list[i].key, list[first].key, sizeof(list[i].key)) != 0) {
            first = i;
            continue;
        }
        const slc_status st = report(p, list[first].sample, list[i].sample, -1, err);
        if (st != SLC_OK) return st;
    }
    return SLC_OK;
}

static int differing_bits(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a ^ b);
}

static bool thumbs_agree(const slc_chart *a, const slc_chart *b)
{
    int sum = 0;
    for (size_t i = 0; i < SLC_THUMB; i++)
        sum += abs(a->thumb[i] - b->thumb[i]);
    return sum <= THUMB_DIFFERENCE * SLC_THUMB;
}

/* Remembers for each of a block's pictures the earliest one that it nearly equals. */
static void pair_up(const slc_patient *p, const entry *list, uint64_t count,
                    uint64_t *nearest)
{
    for (uint64_t i = 1; i < count; i++)
        for (uint64_t k = 0; k < i; k++) {
            const uint64_t a = list[k].sample, b = list[i].sample;
            const slc_chart *x = &p->charts[a], *y = &p->charts[b];
            if (a >= nearest[b]) break; /* samples of a block are in order */
            if (differing_bits(x->dhash, y->dhash) > p->set->near_bits ||
                !thumbs_agree(x, y))
                continue;
            nearest[b] = a;
            break;
        }
}

static slc_status find_near(slc_patient *p, entry *list, uint64_t count, slc_err *err)
{
    slc_status st = SLC_OK;
    const unsigned blocks = (unsigned)p->set->near_bits + 1;
    uint64_t *nearest = malloc((p->out->samples + 1) * sizeof(*nearest));
    if (!nearest) return slc_fail(err, SLC_ENOMEM, "doctor: out of memory");
    memset(nearest, 0xff, p->out->samples * sizeof(*nearest));
    for (unsigned b = 0; b < blocks; b++) {
        const unsigned lo = 64 * b / blocks, bits = 64 * (b + 1) / blocks - lo;
        const uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
        for (uint64_t i = 0; i < count; i++) {
            list[i].key[0] = p->charts[list[i].sample].dhash >> lo & mask;
            list[i].key[1] = 0;
        }
        qsort(list, count, sizeof(*list), by_key);
        for (uint64_t i = 0, end; i < count; i = end) {
            for (end = i + 1; end < count && list[end].key[0] == list[i].key[0];)
                end++;
            pair_up(p, list + i, end - i, nearest);
        }
    }
    for (uint64_t s = 0; s < p->out->samples && st == SLC_OK; s++)
        if (nearest[s] != UINT64_MAX)
            st = report(p, nearest[s], s,
                        differing_bits(p->charts[s].dhash, p->charts[nearest[s]].dhash),
                        err);
    free(nearest);
    return st;
}

slc_status slc_find_twins(slc_patient *p, slc_err *err)
{
    uint64_t count = 0, kept = 0;
    entry *list = malloc((p->out->samples + 1) * sizeof(*list));
    if (!list) return slc_fail(err, SLC_ENOMEM, "doctor: out of memory");
    for (uint64_t i = 0; i < p->out->samples; i++)
        if (is_readable(&p->charts[i])) list[count++].sample = i;
    slc_status st = find_equal(p, list, count, err);
    /* Copies need no second mention, and what was not decoded has no thumb. */
    for (uint64_t i = 0; i < count; i++) {
        const bool copy = i > 0 && memcmp(list[i].key, list[i - 1].key, 16) == 0;
        if (!copy && p->charts[list[i].sample].w > 0) list[kept++] = list[i];
    }
    if (st == SLC_OK && p->set->near_bits > 0) st = find_near(p, list, kept, err);
    free(list);
    return st;
}
