#ifndef TOOLS_SHAPES_H
#define TOOLS_SHAPES_H

#include "base/err.h"

/* Draws small PNG files of four classes of shapes into dir/train/CLASS and dir/test/CLASS; the same
 * files every time. */
SLC_CHECKED slc_status cli_shapes_write(const char *dir, slc_err *err);

#endif
