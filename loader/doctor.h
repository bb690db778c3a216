/* The doctor: one pass over data sets for what makes training go wrong. Reads and decodes every
 * picture on several threads; the report is the same for any number of them, apart from times.
 *
 *     slc_checkup *checkup = NULL;
 *     slc_status st = slc_checkup_run(&checkup, &(slc_checkup_settings){
 *         .sources = sources, .names = names, .count = 2}, &err);
 *     for (uint64_t i = 0; st == SLC_OK && i < checkup->finding_count; i++) ...
 *     slc_checkup_destroy(&checkup);
 */
#ifndef LOADER_DOCTOR_H
#define LOADER_DOCTOR_H

#include <stdatomic.h>

#include "augment/codec.h"
#include "loader/source.h"

typedef enum slc_finding_kind {
    SLC_FINDING_UNREADABLE, /* the bytes cannot be had, or are no picture */
    SLC_FINDING_DAMAGED,    /* truncated or not decodable */
    SLC_FINDING_EXTENSION,  /* named as another format than it is */
    SLC_FINDING_ROTATED,    /* EXIF orientation other than 1 */
    SLC_FINDING_CMYK,
    SLC_FINDING_DEEP, /* 16 bits a channel */
    SLC_FINDING_ALPHA,
    SLC_FINDING_PALETTE,
    SLC_FINDING_ANIMATED,
    SLC_FINDING_SMALL,
    SLC_FINDING_LARGE,
    SLC_FINDING_ASPECT,
    SLC_FINDING_DUPLICATE,     /* the same bytes as an earlier sample */
    SLC_FINDING_NEAR,          /* nearly the same picture as an earlier sample */
    SLC_FINDING_LEAK,          /* either of both, in another split */
    SLC_FINDING_CONFLICT,      /* either of both, with another label */
    SLC_FINDING_EMPTY_CLASS,   /* no samples of a class in a split */
    SLC_FINDING_SIMILAR_NAMES, /* classes that may be one */
    SLC_FINDING_IMBALANCE,     /* the largest class over the smallest */
    SLC_FINDING_SLOW,          /* takes far longer to decode; a hint, as times vary */
    SLC_FINDING_KINDS
} slc_finding_kind;

typedef struct slc_finding_info {
    const char *name;    /* "cmyk" */
    const char *summary; /* "CMYK instead of RGB" */
    bool unclean;        /* such a sample is not clean: it is left out of manifests */
    bool hint;           /* does not count as having found something */
} slc_finding_info;
SLC_API const slc_finding_info *slc_finding_about(slc_finding_kind kind);

typedef struct slc_finding {
    slc_finding_kind kind;
    uint64_t sample;  /* number over all sources; UINT64_MAX: of a class or the whole */
    uint64_t other;   /* the earlier sample of a pair, or UINT64_MAX */
    const char *text; /* one line, without the sample's key */
} slc_finding;

typedef struct slc_checkup_settings {
    const slc_source *const *sources; /* borrowed until destroy */
    const char *const
        *names; /* of the sources: "train", "test"; borrowed; NULL = one, "" */
    size_t count;
    size_t threads;        /* 0 = all cores */
    slc_decode decode;     /* limits, orientation */
    uint64_t least_side;   /* px; smaller is a finding; 0 = 16 */
    double most_pixels;    /* more is a finding; 0 = 50e6 */
    double most_aspect;    /* longer side over shorter; 0 = 5 */
    double most_imbalance; /* largest class over smallest; 0 = 10 */
    int near_bits; /* of 64 that may differ in nearly equal pictures, at most 8; 0 = 4, < 0: do
                      not look for them */
    const slc_log *log;
    const atomic_int *stop; /* not 0: give up with SLC_ESTOP; may be NULL */
} slc_checkup_settings;

typedef struct slc_checkup {
    uint64_t samples, readable;
    uint64_t counts[SLC_FINDING_KINDS];
    uint64_t finding_count;
    const slc_finding *findings; /* by kind, then by sample */
    const uint8_t *unclean;      /* samples of them: 1 = left out of manifests */
    size_t channels;             /* 1 if all pictures are grey, else 3 */
    double mean[3], std[3]; /* of all pixels, in [0, 1]; grey counts in each channel */
    uint64_t least_w, most_w, least_h, most_h;
    double decode_ms;   /* median */
    uint64_t first[17]; /* number of the first sample of each source, and the end */
    size_t source_count;
    const slc_source *const *sources;
    slc_arena arena;
} slc_checkup; /* read only */

enum { SLC_CHECKUP_SOURCES = 16 };

SLC_API SLC_CHECKED slc_status slc_checkup_run(slc_checkup **out,
                                               const slc_checkup_settings *settings,
                                               slc_err *err);
SLC_API void slc_checkup_destroy(slc_checkup **checkup); /* accepts NULL inside */

/* Whether anything but hints was found. */
SLC_API bool slc_checkup_found(const slc_checkup *checkup);

/* Which source a sample is of, and its index there. */
SLC_API size_t slc_checkup_source(const slc_checkup *checkup, uint64_t sample,
                                  uint64_t *index);

#endif
