/* Sheets: pictures on a grid with captions under them, as one PNG file. Without cairo the
 * same grid is written without its texts. */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include "augment/image.h"

typedef struct cli_tile {
    slc_image image;     /* any size; 1 or 3 channels; borrowed */
    const char *title;   /* in bold, or NULL */
    const char *caption; /* wrapped to the tile's width; '\n' starts a line; or NULL */
} cli_tile;

typedef struct cli_sheet {
    const char *title; /* above the grid, or NULL */
    size_t columns;    /* 0 = about as many as rows, at most 8 */
    size_t least; /* tiles smaller than this are enlarged by a whole factor; 0 = 132 px */
    size_t most;  /* larger ones are shrunk; 0 = 256 px */
} cli_sheet;

/* Draws count >= 1 tiles and replaces the file. Errors: SLC_EINVAL, SLC_ELIMIT, SLC_ENOMEM, SLC_EIO. */
SLC_CHECKED slc_status cli_sheet_write(const char *path, const cli_tile *tiles,
                                       size_t count, const cli_sheet *sheet,
                                       slc_err *err);

/* Encodes by the path's extension (PNG if it has none) and replaces the file. Errors: SLC_EINVAL
 * (an extension that cannot be written), SLC_ENOMEM, SLC_EIO. */
SLC_CHECKED slc_status cli_image_write(const char *path, const slc_image *image,
                                       slc_err *err);

#endif
