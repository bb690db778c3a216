/* doctor: one look over data sets before they cost days of training. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "loader/doctor.h"
#include "tools/cmd.h"

typedef struct doctor_settings {
    const char *manifest;
    uint64_t near, least_side, shown;
    double most_aspect, most_imbalance;
} doctor_settings;

#define FIELD(name) CLI_FIELD(doctor_settings, name)

static const cli_opt options[] = {
    {'w', "write-manifest", FIELD(manifest), .path = CLI_WRITES_FILE, .value = "FILE",
     .help = "write what is clean as a manifest (CSV)"},
    {0, "near", FIELD(near), .hi = 8, .value = "BITS",
     .help = "bits of 64 that may differ in nearly equal pictures; 0: do not look"},
    {0, "min-side", FIELD(least_side), .lo = 1, .hi = 65535, .value = "PX",
     .help = "smaller pictures are a finding"},
    {0, "max-aspect", FIELD(most_aspect), .lo = 1, .hi = 1e5, .value = "RATIO",
     .help = "longer ones are a finding"},
    {0, "max-imbalance", FIELD(most_imbalance), .lo = 1, .hi = 1e9, .value = "RATIO",
     .help = "largest class over smallest"},
    {'n', "list", FIELD(shown), .hi = 1e9, .value = "N",
     .help = "samples to name for each kind of finding"},
    {0},
};

/* What was opened: the splits of one data set, or several data sets. */
typedef struct ward {
    slc_source *sources[SLC_CHECKUP_SOURCES];
    const char *names[SLC_CHECKUP_SOURCES];
    size_t count;
} ward;

static void close_ward(ward *w)
{
    for (size_t i = 0; i < w->count; i++)
        slc_source_close(&w->sources[i]);
    w->count = 0;
}

/* The data set's own splits, each as a source; false if it has none. */
static bool open_splits(ward *w, const char *spec, const slc_log *log)
{
    static const char *const splits[] = {"train", "val", "test"};
    for (size_t i = 0; i < SLC_COUNT(splits); i++) {
        slc_source *s = NULL;
        if (slc_source_open_text(&s, spec, splits[i], log, NULL) != SLC_OK) continue;
        if (!slc_source_has_split(s)) {
            slc_source_close(&s);
            close_ward(w);
            return false;
        }
        w->sources[w->count] = s;
        w->names[w->count++] = splits[i];
    }
    return w->count > 0;
}

static slc_status open_ward(ward *w, int count, char **args, const slc_log *log,
                            slc_err *err)
{
    if (count > SLC_CHECKUP_SOURCES)
        return slc_fail(err, SLC_EINVAL, "doctor: more than %d data sets",
                        SLC_CHECKUP_SOURCES);
    if (count == 1 && open_splits(w, args[0], log)) return SLC_OK;
    for (int i = 0; i < count; i++) {
        const slc_status st =
            slc_source_open_text(&w->sources[w->count], args[i], NULL, log, err);
        if (st != SLC_OK) return st;
        w->names[w->count++] = count == 1 ? "" : args[i];
    }
    return SLC_OK;
}

static void add_csv(slc_str *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n\t")) {
        slc_str_add(out, text);
        return;
    }
    slc_str_add(out, "\"");
    for (; *text; text++)
        slc_str_add_n(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    slc_str_add(out, "\"");
}

static slc_status path_of(const slc_source *s, uint64_t index, char path[PATH_MAX],
                          slc_err *err)
{
    char buffer[PATH_MAX];
    const char *key = slc_source_key(s, index, buffer, sizeof(buffer));
    return realpath(key, path) ? SLC_OK : slc_fail_errno(err, SLC_EDATA, "%s", key);
}

/* Whether a source's samples are files; one that is missing is the doctor's to find. */
static slc_status check_files(const slc_source *s, slc_err *err)
{
    char buffer[PATH_MAX];
    struct stat info;
    const char *key = slc_source_key(s, 0, buffer, sizeof(buffer));
    size_t w, h, channels;
    if (!slc_source_fixed_size(s, &w, &h, &channels) &&
        (stat(key, &info) == 0 || errno != ENOTDIR))
        return SLC_OK;
    return slc_fail(
        err, SLC_EINVAL,
        "--write-manifest: %s is no file of its own; manifests are for folders, "
        "lists and single pictures",
        key);
}

/* One row for each clean sample; *rows counts them. */
static slc_status write_manifest(const char *file, const ward *w, const slc_checkup *c,
                                 uint64_t *rows, slc_err *err)
{
    char path[PATH_MAX];
    slc_writer *out = NULL;
    slc_str line = {0};
    const bool labelled = slc_source_classes(w->sources[0]) > 0,
               splits = *w->names[0] != 0;
    slc_status st = slc_writer_open(&out, file, err);
    slc_str_printf(&line, "path%s%s\n", labelled ? ",label" : "", splits ? ",split" : "");
    for (uint64_t i = 0; i < c->samples && st == SLC_OK; i++) {
        uint64_t index;
        if (c->unclean[i]) continue;
        const size_t k = slc_checkup_source(c, i, &index);
        const slc_source *s = w->sources[k];
        const int32_t label = slc_source_label(s, index);
        if ((st = path_of(s, index, path, err)) != SLC_OK) break;
        add_csv(&line, path);
        if (labelled) slc_str_add(&line, ",");
        if (labelled && label >= 0) add_csv(&line, slc_source_class(s, (size_t)label));
        if (splits) slc_str_add(&line, ",");
        if (splits) add_csv(&line, w->names[k]);
        slc_str_add(&line, "\n");
        st = line.failed ? slc_fail(err, SLC_ENOMEM, "%s: out of memory", file)
                         : slc_writer_add(out, line.text, line.size, err);
        line.size = 0;
        ++*rows;
    }
    if (st == SLC_OK) st = slc_writer_commit(&out, err);
    slc_writer_abandon(&out);
    slc_str_free(&line);
    return st;
}

static const char *key_of(const slc_checkup *c, uint64_t sample, char *buffer,
                          size_t size)
{
    uint64_t index;
    if (sample == UINT64_MAX) return "";
    const slc_source *s = c->sources[slc_checkup_source(c, sample, &index)];
    return slc_source_key(s, index, buffer, size);
}

static void print_summary(const ward *w, const slc_checkup *c)
{
    for (size_t i = 0; i < w->count; i++)
        printf("%s%s%s: %" PRIu64 " samples, %zu classes\n", w->names[i],
               *w->names[i] ? ": " : "", slc_source_describe(w->sources[i]),
               slc_source_count(w->sources[i]), slc_source_classes(w->sources[i]));
    printf("%" PRIu64 " pictures decoded, %" PRIu64 " to %" PRIu64 " px wide, %" PRIu64
           " to %" PRIu64 " px high, %.2f ms each\n",
           c->readable, c->least_w, c->most_w, c->least_h, c->most_h, c->decode_ms);
    for (size_t k = 0; k < 2; k++) {
        printf("%s", k ? "std " : "mean");
        for (size_t i = 0; i < c->channels; i++)
            printf(" %.4f", k ? c->std[i] : c->mean[i]);
        putchar('\n');
    }
}

static void print_text(const ward *w, const slc_checkup *c, uint64_t shown)
{
    char key[PATH_MAX], other[PATH_MAX];
    print_summary(w, c);
    for (uint64_t i = 0, of = 0; i < c->finding_count; i++, of++) {
        const slc_finding *f = &c->findings[i];
        const slc_finding_info *about = slc_finding_about(f->kind);
        if (i == 0 || f->kind != f[-1].kind) {
            printf("\n%s: %" PRIu64 " %s\n", about->name, c->counts[f->kind],
                   about->summary);
            of = 0;
        }
        if (of == shown) printf("  ... and %" PRIu64 " more\n", c->counts[f->kind] - of);
        if (of >= shown) continue;
        printf("  %s", key_of(c, f->sample, key, sizeof(key)));
        if (f->other != UINT64_MAX)
            printf(" = %s", key_of(c, f->other, other, sizeof(other)));
        const bool both = f->sample != UINT64_MAX && *f->text;
        printf("%s%s\n", both ? ": " : "", f->text);
    }
    if (!slc_checkup_found(c)) printf("nothing found\n");
}

static json_t *finding_json(const slc_checkup *c, const slc_finding *f)
{
    char key[PATH_MAX];
    json_t *one = json_pack("{s:s}", "kind", slc_finding_about(f->kind)->name);
    if (f->sample != UINT64_MAX)
        json_object_set_new(one, "sample",
                            slc_json_text(key_of(c, f->sample, key, sizeof(key))));
    if (f->other != UINT64_MAX)
        json_object_set_new(one, "of",
                            slc_json_text(key_of(c, f->other, key, sizeof(key))));
    if (*f->text) json_object_set_new(one, "text", slc_json_text(f->text));
    return one;
}

static slc_status print_json(const ward *w, const slc_checkup *c, int64_t rows,
                             slc_err *err)
{
    json_t *const sets = json_array(), *const counts = json_object(),
                  *const findings = json_array(), *const mean = json_array(),
                  *const std = json_array();
    for (size_t i = 0; i < w->count; i++)
        json_array_append_new(
            sets, json_pack("{s:s, s:s, s:I, s:I}", "source",
                            slc_source_describe(w->sources[i]), "split", w->names[i],
                            "samples", (json_int_t)slc_source_count(w->sources[i]),
                            "classes", (json_int_t)slc_source_classes(w->sources[i])));
    for (size_t k = 0; k < SLC_FINDING_KINDS; k++)
        json_object_set_new(counts, slc_finding_about((slc_finding_kind)k)->name,
                            json_integer((json_int_t)c->counts[k]));
    for (uint64_t i = 0; i < c->finding_count; i++)
        json_array_append_new(findings, finding_json(c, &c->findings[i]));
    for (size_t i = 0; i < c->channels; i++) {
        json_array_append_new(mean, json_real(c->mean[i]));
        json_array_append_new(std, json_real(c->std[i]));
    }
    json_t *all = json_pack(
        "{s:i, s:o, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:[I,I], s:[I,I], s:f, s:I}",
        "schema", 1, "sources", sets, "samples", (json_int_t)c->samples, "readable",
        (json_int_t)c->readable, "found", slc_checkup_found(c), "counts", counts, "mean",
        mean, "std", std, "findings", findings, "width", (json_int_t)c->least_w,
        (json_int_t)c->most_w, "height", (json_int_t)c->least_h, (json_int_t)c->most_h,
        "decode_ms_median", c->decode_ms, "peak_rss_bytes", (json_int_t)cli_peak_rss());
    if (all && rows >= 0) json_object_set_new(all, "manifest_rows", json_integer(rows));
    return cli_print_json(all, err);
}

static slc_status run(cli_context *cli, const void *settings, int count, char **args,
                      slc_err *err)
{
    const doctor_settings *const s = settings;
    ward w = {0};
    slc_checkup *c = NULL;
    uint64_t rows = 0;
    slc_status st = open_ward(&w, count, args, cli->log, err);
    for (size_t i = 0; st == SLC_OK && s->manifest && i < w.count; i++)
        st = check_files(w.sources[i], err); /* now rather than behind the pass */
    if (st == SLC_OK)
        st = slc_checkup_run(
            &c,
            &(slc_checkup_settings){.sources = (const slc_source *const *)w.sources,
                                    .names = w.names,
                                    .count = w.count,
                                    .threads = cli->threads,
                                    .least_side = s->least_side,
                                    .most_aspect = s->most_aspect,
                                    .most_imbalance = s->most_imbalance,
                                    .near_bits = s->near ? (int)s->near : -1,
                                    .log = cli->log,
                                    .stop = cli->stop},
            err);
    if (st == SLC_OK && s->manifest) st = write_manifest(s->manifest, &w, c, &rows, err);
    if (st == SLC_OK) {
        cli->findings = slc_checkup_found(c);
        if (cli->json) {
            st = print_json(&w, c, s->manifest ? (int64_t)rows : -1, err);
        } else {
            print_text(&w, c, s->shown);
            if (s->manifest)
                printf("\n%s: %" PRIu64 " of %" PRIu64 " samples are clean\n",
                       s->manifest, rows, c->samples);
        }
    }
    slc_checkup_destroy(&c);
    close_ward(&w);
    return st;
}

const cli_cmd cli_cmd_doctor = {
    .name = "doctor",
    .group = CLI_DATA,
    .summary = "look over data sets for damage, duplicates, leaks and odd classes",
    .args = "SOURCE...",
    .least = 1,
    .most = SLC_CHECKUP_SOURCES,
    .details =
        "Reads and decodes every picture once. A data set with splits of its own is "
        "looked\n"
        "over split by split; several data sets count as splits of one. Exit code 1 says "
        "that\n"
        "something was found; slow pictures are only a hint.\n"
        "\n"
        "A manifest of what is clean leaves out samples that are unreadable, damaged, "
        "copies\n"
        "of an earlier sample, the same in two splits (the later one), or the same with\n"
        "different labels (both). It never changes the data set itself.",
    .examples = "  sluice doctor /data/birds\n"
                "  sluice doctor train.csv test.csv --json\n"
                "  sluice doctor /data/birds --write-manifest clean.csv",
    .options = options,
    .initial = &(const doctor_settings){.near = 4,
                                        .least_side = 16,
                                        .shown = 10,
                                        .most_aspect = 5,
                                        .most_imbalance = 10},
    .settings_size = sizeof(doctor_settings),
    .run = run,
};
