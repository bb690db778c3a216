/* What is written while a run goes on. Metrics are written whole from the lines in the
 * state; the step log is appended to and cut back to the state's step on resume. */
#include <stdlib.h>
#include <string.h>

#include "train/fit/run.h"

static void csv_value(const json_t *v, slc_str *out)
{
    char *text = v && !json_is_object(v) && !json_is_array(v)
                     ? json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))
                     : NULL;
    if (text && strcmp(text, "null") != 0) slc_str_add(out, text);
    free(text);
}

static slc_status write_csv(run *r, slc_err *err)
{
    static const char *const columns[] = {"epoch",
                                          "step",
                                          "lr",
                                          "train_loss",
                                          "train_top1",
                                          "val_loss",
                                          "val_top1",
                                          "test_loss",
                                          "test_top1",
                                          "grad_norm",
                                          "grad_norm_clipped",
                                          "seconds",
                                          "images_per_second"};
    slc_str text = {0};
    for (size_t c = 0; c < SLC_COUNT(columns); c++)
        slc_str_printf(&text, "%s%s", c ? "," : "", columns[c]);
    slc_str_add(&text, "\n");
    for (size_t i = 0; i < json_array_size(r->lines); i++) {
        for (size_t c = 0; c < SLC_COUNT(columns); c++) {
            if (c) slc_str_add(&text, ",");
            csv_value(json_object_get(json_array_get(r->lines, i), columns[c]), &text);
        }
        slc_str_add(&text, "\n");
    }
    const slc_status st =
        text.failed
            ? slc_fail(err, SLC_ENOMEM, "metrics: out of memory")
            : slc_file_replace(slc_run_path(r, "metrics.csv"), text.text, text.size, err);
    slc_str_free(&text);
    return st;
}

slc_status slc_run_write_metrics(run *r, slc_err *err)
{
    slc_str text = {0};
    for (size_t i = 0; i < json_array_size(r->lines); i++) {
        char *line = slc_json_line(json_array_get(r->lines, i));
        if (line)
            slc_str_printf(&text, "%s\n", line);
        else
            text.failed = true;
        free(line);
    }
    slc_status st = text.failed ? slc_fail(err, SLC_ENOMEM, "metrics: out of memory")
                                : slc_file_replace(slc_run_path(r, "metrics.jsonl"),
                                                   text.text, text.size, err);
    slc_str_free(&text);
    return st == SLC_OK ? write_csv(r, err) : st;
}

static const char *const steps_head = "step,epoch,lr,grad_norm,grad_norm_clipped";

slc_status slc_run_flush_steps(run *r, slc_err *err)
{
    if (r->steps_log.failed) return slc_fail(err, SLC_ENOMEM, "steps.csv: out of memory");
    if (r->steps_log.size == 0) return SLC_OK;
    const slc_status st =
        slc_file_append_line(slc_run_path(r, "steps.csv"), r->steps_log.text, err);
    slc_str_free(&r->steps_log);
    r->steps_log = (slc_str){0};
    return st;
}

/* Length of the part of the log up to and with the state's step. */
static size_t good_part(const char *text, size_t size, uint64_t step)
{
    size_t at = 0;
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        if (!end) break; /* a line that was cut */
        if (at > 0 && strtoull(text + at, NULL, 10) > step) break;
        at = (size_t)(end - text) + 1;
    }
    return at;
}

slc_status slc_run_cut_steps(run *r, slc_err *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *path = slc_run_path(r, "steps.csv");
    if (r->step == 0) {
        const slc_status st = slc_file_replace(path, steps_head, strlen(steps_head), err);
        return st == SLC_OK ? slc_file_append_line(path, "", err) : st;
    }
    slc_status st = slc_file_read(&bytes, &size, path, (size_t)1 << 30, err);
    if (st != SLC_OK) return st;
    st =
        slc_file_replace(path, bytes, good_part((const char *)bytes, size, r->step), err);
    free(bytes);
    return st;
}
