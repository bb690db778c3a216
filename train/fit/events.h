/* Event files as TensorBoard reads them: TFRecord frames around protobuf messages, both
 * written by hand. */
#ifndef TRAIN_FIT_EVENTS_H
#define TRAIN_FIT_EVENTS_H

#include "augment/image.h"
#include "base/err.h"
#include "base/str.h"
#include "train/histogram.h"

/* CRC-32C (Castagnoli), and TensorFlow's masked form of it. */
uint32_t slc_events_crc32c(const void *bytes, size_t n);
uint32_t slc_events_mask(uint32_t crc);

/* Appends one framed event to out. wall is in seconds since 1970. */
void slc_events_begin(slc_str *out, double wall);
/* Says that the run goes on from here: readers forget what they have of this step and later ones. */
void slc_events_restart(slc_str *out, double wall,
                        uint64_t step); /* "brain.Event:2": first in every file */
void slc_events_scalar(slc_str *out, double wall, uint64_t step, const char *tag,
                       double value);
void slc_events_histogram(slc_str *out, double wall, uint64_t step, const char *tag,
                          const slc_histogram *h);
/* png is shape as a file. */
void slc_events_image(slc_str *out, double wall, uint64_t step, const char *tag,
                      const void *png, size_t size, const slc_image *shape);

#endif
