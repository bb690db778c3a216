/* What the parts of a checkup share. */
#ifndef LOADER_DOCTOR_DOCTOR_IMPL_H
#define LOADER_DOCTOR_DOCTOR_IMPL_H

#include "base/str.h"
#include "loader/doctor.h"

enum { SLC_THUMB_W = 9, SLC_THUMB_H = 8, SLC_THUMB = SLC_THUMB_W * SLC_THUMB_H };

/* All that is kept of a sample. */
typedef struct slc_chart {
    uint64_t content[2]; /* hash of the stored bytes */
    uint64_t dhash; /* bit set: a cell of the thumb is darker than its right neighbour */
    uint32_t w, h;
    uint32_t micros; /* processor time of decoding */
    int32_t label;   /* as in its source */
    uint32_t kinds;  /* bit per slc_finding_kind */
    const char *why; /* malloc'ed text of unreadable, damaged, extension; or NULL */
    uint8_t thumb[SLC_THUMB]; /* grey, mean of each cell */
} slc_chart;

typedef struct slc_patient {
    const slc_checkup_settings *set; /* defaults filled in */
    slc_checkup *out;
    slc_chart *charts;
    uint8_t *unclean;
    slc_str findings; /* slc_finding records */
} slc_patient;

/* Fills the thumb and the hash of a picture. Difference hash: Krawetz (2013). */
void slc_thumb_make(slc_chart *chart, const slc_image *image);

/* Adds a finding; fmt NULL: no text. */
SLC_CHECKED SLC_PRINTF(6, 7) slc_status
    slc_finding_add(slc_patient *p, slc_finding_kind kind, uint64_t sample,
                    uint64_t other, slc_err *err, const char *fmt, ...);

/* The class of a sample as text, or "". */
const char *slc_chart_class(const slc_patient *p, uint64_t sample);

SLC_CHECKED slc_status slc_find_twins(slc_patient *p, slc_err *err);
SLC_CHECKED slc_status slc_find_class_trouble(slc_patient *p, slc_err *err);
SLC_CHECKED slc_status slc_find_slow(slc_patient *p, slc_err *err);

#endif
