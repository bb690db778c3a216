/* Classes that are empty, or that may be one under two names, or of very different sizes. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "loader/doctor/doctor_impl.h"

enum {
    MOST_COMPARED = 5000,
    SHORTEST = 4 /* letters of names that a typing error may part */
};

/* Small letters and digits only. */
static void bare(char *out, size_t size, const char *name)
{
    size_t n = 0;
    for (; *name && n + 1 < size; name++)
        if (isalnum((unsigned char)*name) || (unsigned char)*name >= 0x80)
            out[n++] = (char)tolower((unsigned char)*name);
    out[n] = 0;
}

/* One letter typed wrong, left out, doubled or swapped with its neighbour; other digits are no
 * mistake ("class1", "class2"). */
static bool one_slip(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    if (n > m) return one_slip(b, a);
    if (n < SHORTEST || m - n > 1) return false;
    size_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    if (isdigit((unsigned char)b[i]) || (i < n && isdigit((unsigned char)a[i])))
        return false;
    if (m > n) return strcmp(a + i, b + i + 1) == 0;
    return strcmp(a + i + 1, b + i + 1) == 0 ||
           (i + 1 < n && a[i] == b[i + 1] && a[i + 1] == b[i] &&
            strcmp(a + i + 2, b + i + 2) == 0);
}

static bool has_class(const slc_source *s, const char *name)
{
    for (size_t i = 0; i < slc_source_classes(s); i++)
        if (strcmp(slc_source_class(s, i), name) == 0) return true;
    return false;
}

/* Pairs that the first source has too were told with it. */
static bool is_told(const slc_patient *p, const slc_source *s, size_t i, size_t k)
{
    const slc_source *first = p->set->sources[0];
    return s != first && has_class(first, slc_source_class(s, i)) &&
           has_class(first, slc_source_class(s, k));
}

static slc_status similar_names(slc_patient *p, const slc_source *s, slc_err *err)
{
    const size_t n = slc_source_classes(s);
    char a[256], b[256];
    slc_status st = SLC_OK;
    for (size_t i = 0; i < n && n <= MOST_COMPARED && st == SLC_OK; i++) {
        bare(a, sizeof(a), slc_source_class(s, i));
        for (size_t k = i + 1; k < n && st == SLC_OK; k++) {
            bare(b, sizeof(b), slc_source_class(s, k));
            if (((*a && strcmp(a, b) == 0) || one_slip(a, b)) && !is_told(p, s, i, k))
                st = slc_finding_add(p, SLC_FINDING_SIMILAR_NAMES, UINT64_MAX, UINT64_MAX,
                                     err, "\"%s\" and \"%s\" may be one class",
                                     slc_source_class(s, i), slc_source_class(s, k));
        }
    }
    return st;
}

static const char *place(const slc_patient *p, size_t source)
{
    return p->set->names && *p->set->names[source] ? p->set->names[source]
                                                   : "the data set";
}

static slc_status count_classes(slc_patient *p, size_t source, slc_err *err)
{
    const slc_source *s = p->set->sources[source];
    const size_t n = slc_source_classes(s);
    uint64_t *counts = calloc(n + 1, sizeof(*counts));
    if (!counts) return slc_fail(err, SLC_ENOMEM, "doctor: out of memory");
    for (uint64_t i = p->out->first[source]; i < p->out->first[source + 1]; i++)
        if (p->charts[i].label >= 0 && (size_t)p->charts[i].label < n)
            counts[p->charts[i].label]++;
    slc_status st = SLC_OK;
    size_t least = n, most = 0;
    for (size_t k = 0; k < n && st == SLC_OK; k++) {
        if (counts[k] == 0)
            st = slc_finding_add(p, SLC_FINDING_EMPTY_CLASS, UINT64_MAX, UINT64_MAX, err,
                                 "\"%s\" has no samples in %s", slc_source_class(s, k),
                                 place(p, source));
        else if (least == n || counts[k] < counts[least])
            least = k;
        if (counts[k] > counts[most]) most = k;
    }
    if (st == SLC_OK && least < n &&
        (double)counts[most] > p->set->most_imbalance * (double)counts[least])
        st = slc_finding_add(p, SLC_FINDING_IMBALANCE, UINT64_MAX, UINT64_MAX, err,
                             "%s: %llu samples of \"%s\", %llu of \"%s\"",
                             place(p, source), (unsigned long long)counts[most],
                             slc_source_class(s, most), (unsigned long long)counts[least],
                             slc_source_class(s, least));
    free(counts);
    return st;
}

static bool same_classes(const slc_source *a, const slc_source *b)
{
    if (slc_source_classes(a) != slc_source_classes(b)) return false;
    for (size_t i = 0; i < slc_source_classes(a); i++)
        if (strcmp(slc_source_class(a, i), slc_source_class(b, i)) != 0) return false;
    return true;
}

/* Classes of the first source that a later one does not have at all. */
static slc_status missing_classes(slc_patient *p, size_t source, slc_err *err)
{
    const slc_source *a = p->set->sources[0], *b = p->set->sources[source];
    slc_status st = SLC_OK;
    if (slc_source_classes(b) == 0 || same_classes(a, b)) return SLC_OK;
    for (size_t i = 0; i < slc_source_classes(a) && st == SLC_OK; i++) {
        if (!has_class(b, slc_source_class(a, i)))
            st = slc_finding_add(p, SLC_FINDING_EMPTY_CLASS, UINT64_MAX, UINT64_MAX, err,
                                 "\"%s\" is not in %s", slc_source_class(a, i),
                                 place(p, source));
    }
    return st;
}

slc_status slc_find_class_trouble(slc_patient *p, slc_err *err)
{
    slc_status st = SLC_OK;
    for (size_t i = 0; i < p->set->count && st == SLC_OK; i++) {
        if (i == 0 || !same_classes(p->set->sources[0], p->set->sources[i]))
            st = similar_names(p, p->set->sources[i], err);
        if (st == SLC_OK) st = count_classes(p, i, err);
        if (st == SLC_OK && i > 0) st = missing_classes(p, i, err);
    }
    return st;
}
