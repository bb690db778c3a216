/* Errors: a code for the program, a sentence for the person. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

typedef enum slc_status {
    SLC_OK = 0,
    SLC_EINVAL,  /* the caller asked for something that makes no sense: options, recipe */
    SLC_ENOMEM,  /* memory ran out */
    SLC_EIO,     /* the system refused: open for writing, write, rename, thread */
    SLC_EFORMAT, /* the bytes are not what they claim to be */
    SLC_ELIMIT,  /* well-formed, but over a configured limit */
    SLC_EDATA, /* a data set, model or file to be read is missing, unreadable or unfit */
    SLC_ESTOP, /* asked to stop (a signal); state was saved */
    SLC_STATUS_COUNT
} slc_status;

typedef struct slc_err {
    slc_status code;
    char msg[496]; /* one line, no newline; "" while code is SLC_OK */
} slc_err;

/* Records a failure and returns its code, so that a check fits on one line:
 *     if (w == 0) return slc_fail(err, SLC_EINVAL, "resize: width is 0");
 * err may be NULL; the code alone is then reported. Arguments may point into *err. */
SLC_API SLC_PRINTF(3, 4) slc_status
    slc_fail(slc_err *err, slc_status code, const char *fmt, ...);

/* Same with the given code, and ": " and the text of errno after the message. */
SLC_API SLC_PRINTF(3, 4) slc_status
    slc_fail_errno(slc_err *err, slc_status code, const char *fmt, ...);

/* Puts "context: " in front of a message that is already there; returns its code. */
SLC_API SLC_PRINTF(2, 3) slc_status slc_err_prefix(slc_err *err, const char *fmt, ...);

#endif
