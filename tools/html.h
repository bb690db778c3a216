/* HTML: texts escaped, files as data URIs. */
#ifndef TOOLS_HTML_H
#define TOOLS_HTML_H

#include "base/err.h"
#include "base/str.h"

/* Adds text with & < > " ' escaped, and what is not UTF-8 as '?'; NULL adds nothing. */
void cli_html_text(slc_str *out, const char *text);

/* Adds <img> with the file's bytes inside; a file that is not there adds nothing. type: "png" or
 * "svg+xml". */
SLC_CHECKED slc_status cli_html_picture(slc_str *out, const char *path, const char *type,
                                        const char *alt, slc_err *err);

#endif
