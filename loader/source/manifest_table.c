/* Chunks in three steps: all are read, and their quotes and lines counted (by any thread);
 * where each chunk's first row begins follows from the quotes before it; then rows are parsed
 * (by any thread) and joined in order. Paths stay in the file's own bytes, moved together. */
#include "loader/source/manifest_table.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/params.h"
#include "base/pool.h"
#include "loader/source/manifest_row.h"
#include "loader/source/splits.h"

enum { CHUNK = 4 << 20, HEAD = 1 << 16, LONGEST_PATH = 4095, MOST_CLASSES = 1 << 20 };

typedef struct chunk {
    uint64_t start, end; /* bytes of the file */
    uint64_t quotes, lines;
    uint64_t row, line;    /* where its first row begins */
    uint64_t first, count; /* its rows in the columns */
    uint64_t text, text_size;
    uint64_t unlabelled; /* the line of its first row without a label, or 0 */
    bool labelled;
    slc_interner labels;
    slc_status st;
    slc_err err;
} chunk;

typedef struct reader {
    slc_manifest *out;
    const slc_manifest_how *how;
    slc_manifest_form form;
    int fd;
    char *bytes; /* of the whole file, and one more */
    uint64_t size, body, body_line;
    chunk *chunks;
    size_t count;
    bool parsing;       /* which of the two steps */
    atomic_size_t next; /* chunk to work on; the order of claims does not matter */
} reader;

static slc_status no_memory(slc_err *err)
{
    return slc_fail(err, SLC_ENOMEM, "out of memory for its rows");
}

static slc_status read_part(const reader *r, uint64_t start, uint64_t end, slc_err *err)
{
    while (start < end) {
        const ssize_t n =
            pread(r->fd, r->bytes + start, (size_t)(end - start), (off_t)start);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return slc_fail_errno(err, SLC_EDATA, "read");
        if (n == 0) return slc_fail(err, SLC_EDATA, "became shorter while it was read");
        start += (uint64_t)n;
    }
    return SLC_OK;
}

static void read_chunk(const reader *r, chunk *c)
{
    c->st = read_part(r, c->start, c->end, &c->err);
    if (c->st != SLC_OK) return;
    uint64_t quotes = 0, lines = 0;
    for (uint64_t i = c->start; i < c->end;
         i++) { /* the compiler makes vectors of this */
        quotes += r->bytes[i] == '"';
        lines += r->bytes[i] == '\n';
    }
    c->quotes = quotes;
    c->lines = lines;
}

static slc_status bad_row(const char *why, uint64_t line, slc_err *err)
{
    return slc_fail(err, SLC_EDATA, "line %llu: %s", (unsigned long long)line, why);
}

/* The fields of one row that are of interest. */
static slc_status split_row(const reader *r, char **at, slc_field_text got[SLC_COLUMNS],
                            uint64_t *line, slc_err *err)
{
    bool last = false;
    size_t n = 0;
    const uint64_t first = *line;
    slc_field_text unused;
    while (!last) {
        const size_t kind = n < r->form.fields ? r->form.kind[n] : SLC_COLUMNS;
        const slc_status st = slc_manifest_field(
            at, r->bytes + r->size, r->form.delimiter,
            kind < SLC_COLUMNS ? &got[kind] : &unused, &last, line, err);
        if (st != SLC_OK) return st;
        n++;
    }
    if (n != r->form.fields)
        return slc_fail(err, SLC_EDATA, "line %llu: %zu fields, the header has %zu",
                        (unsigned long long)first, n, r->form.fields);
    if (got[SLC_COLUMN_PATH].size == 0) return bad_row("the path is empty", first, err);
    if (got[SLC_COLUMN_PATH].size > LONGEST_PATH)
        return bad_row("the path is longer than 4095 bytes", first, err);
    return SLC_OK;
}

static slc_status weight_of(const slc_field_text *field, float *out, uint64_t line,
                            slc_err *err)
{
    char text[64];
    double value = 1;
    if (field->size >= sizeof(text)) return bad_row("the weight is no number", line, err);
    memcpy(text, field->text, field->size);
    text[field->size] = 0;
    if (field->size > 0 && (!slc_parse_real(text, &value) || value < 0 || value > 1e30))
        return bad_row("the weight is no number from 0 to 1e30", line, err);
    *out = (float)value;
    return SLC_OK;
}

static bool is_wanted(const reader *r, const slc_field_text *split)
{
    return !r->form.has[SLC_COLUMN_SPLIT] || !r->how->split ||
           slc_split_is(r->how->split, split->text, split->size);
}

/* Puts a row behind the chunk's others. */
static slc_status keep_row(const reader *r, chunk *c, const slc_field_text *got,
                           int32_t label, uint64_t line, slc_err *err)
{
    slc_manifest *out = r->out;
    const uint64_t i = c->first + c->count;
    const slc_field_text *path = &got[SLC_COLUMN_PATH], *group = &got[SLC_COLUMN_GROUP];
    if (out->label) {
        out->label[i] = label;
        if (label >= 0)
            c->labelled = true;
        else if (!c->unlabelled)
            c->unlabelled = line;
    }
    if (out->weight) {
        const slc_status st =
            weight_of(&got[SLC_COLUMN_WEIGHT], &out->weight[i], line, err);
        if (st != SLC_OK) return st;
    }
    if (out->group) { /* without a group each is its own, as in slc_source_group */
        const slc_field_text *of = group->size ? group : path;
        out->group[i] = slc_hash64(of->text, of->size, 0);
    }
    out->path[i] = c->text + c->text_size;
    char *to = r->bytes + out->path[i]; /* never ahead of what is still to be read */
    memmove(to, path->text, path->size);
    to[path->size] = 0;
    c->text_size += path->size + 1;
    c->count++;
    return SLC_OK;
}

static slc_status parse_chunk(const reader *r, chunk *c, slc_err *err)
{
    char *p = r->bytes + c->row, *stop = r->bytes + c->end, *end = r->bytes + r->size;
    uint64_t line = c->line;
    c->text = c->row;
    while (p < stop) {
        const uint64_t first = line;
        if (*p == '\n' || (*p == '\r' && (p + 1 == end || p[1] == '\n'))) { /* empty */
            p += *p == '\r' && p + 1 < end ? 2 : 1;
            line++;
            continue;
        }
        slc_field_text got[SLC_COLUMNS] = {{0}};
        slc_status st = split_row(r, &p, got, &line, err);
        if (st != SLC_OK) return st;
        line++;
        const slc_field_text *text = &got[SLC_COLUMN_LABEL];
        int32_t label = -1;
        if (text->size > 0 &&
            (label = slc_intern(&c->labels, text->text, text->size)) < 0)
            return no_memory(err);
        if (c->labels.count > MOST_CLASSES)
            return slc_fail(err, SLC_ELIMIT, "more than %d different labels",
                            MOST_CLASSES);
        if (!is_wanted(r, &got[SLC_COLUMN_SPLIT])) continue;
        if ((st = keep_row(r, c, got, label, first, err)) != SLC_OK) return st;
    }
    return SLC_OK;
}

static void run_chunks(void *arg, size_t thread)
{
    (void)thread;
    reader *r = arg;
    for (;;) {
        const size_t k = atomic_fetch_add_explicit(&r->next, 1, memory_order_relaxed);
        if (k >= r->count) return;
        chunk *c = &r->chunks[k];
        if (!r->parsing)
            read_chunk(r, c);
        else if (c->row < c->end)
            c->st = parse_chunk(r, c, &c->err);
    }
}

static void stop_chunks(void *arg)
{
    reader *r = arg;
    atomic_store_explicit(&r->next, r->count, memory_order_relaxed);
}

/* One step over all chunks; the error is that of the first bad chunk. */
static slc_status run_step(reader *r, bool parsing, slc_err *err)
{
    slc_pool *pool = NULL;
    size_t threads = r->how->threads ? r->how->threads : slc_pool_cores();
    if (threads > r->count) threads = r->count;
    r->parsing = parsing;
    atomic_init(&r->next, 0);
    if (threads > 1) {
        const slc_status st =
            slc_pool_start(&pool, threads, run_chunks, stop_chunks, r, err);
        if (st != SLC_OK) return st;
        slc_pool_join(&pool);
    } else {
        run_chunks(r, 0);
    }
    for (size_t k = 0; k < r->count; k++) {
        if (r->chunks[k].st == SLC_OK) continue;
        if (err) *err = r->chunks[k].err;
        return r->chunks[k].st;
    }
    return SLC_OK;
}

/* The byte behind the first line break of the chunk that is not in quotes; c->end if none. */
static void find_row(const reader *r, chunk *c, bool in_quotes, uint64_t line)
{
    uint64_t i = c->start;
    c->line = line;
    if (i > r->body && !in_quotes && r->bytes[i - 1] == '\n') {
        c->row = i;
        return;
    }
    for (; i < c->end; i++) {
        if (r->bytes[i] == '"') in_quotes = !in_quotes;
        if (r->bytes[i] != '\n') continue;
        c->line++;
        if (in_quotes) continue;
        c->row = i + 1;
        return;
    }
    c->row = c->end; /* no row begins here */
}

/* Where the chunks' rows begin, and room for them; the columns are as long as there may be
 * rows, memory that is not touched costs nothing. */
static slc_status place_rows(reader *r, slc_err *err)
{
    slc_manifest *out = r->out;
    uint64_t quotes = 0, line = r->body_line, rows = 0;
    for (size_t k = 0; k < r->count; k++) {
        chunk *c = &r->chunks[k];
        if (k == 0)
            c->row = c->start, c->line = line;
        else
            find_row(r, c, quotes % 2 != 0, line);
        c->first = rows;
        rows += c->lines + 1;
        quotes += c->quotes;
        line += c->lines;
    }
    out->path = malloc(rows * sizeof(*out->path));
    if (!out->path) return no_memory(err);
    if (r->form.has[SLC_COLUMN_LABEL]) out->label = malloc(rows * sizeof(*out->label));
    if (r->form.has[SLC_COLUMN_WEIGHT]) out->weight = malloc(rows * sizeof(*out->weight));
    if (r->form.has[SLC_COLUMN_GROUP]) out->group = malloc(rows * sizeof(*out->group));
    const bool good = (out->label || !r->form.has[SLC_COLUMN_LABEL]) &&
                      (out->weight || !r->form.has[SLC_COLUMN_WEIGHT]) &&
                      (out->group || !r->form.has[SLC_COLUMN_GROUP]);
    return good ? SLC_OK : no_memory(err);
}

/* The chunk's labels get the numbers that all chunks share. */
static slc_status join_labels(reader *r, chunk *c, int32_t *label, slc_err *err)
{
    slc_interner *all = &r->out->labels;
    int32_t *number = malloc((c->labels.count + 1) * sizeof(*number));
    if (!number) return no_memory(err);
    for (size_t i = 0; i < c->labels.count; i++) {
        const char *text = slc_interned(&c->labels, i);
        number[i] = slc_intern(all, text, strlen(text));
        if (number[i] < 0) {
            free(number);
            return no_memory(err);
        }
    }
    for (uint64_t i = 0; i < c->count; i++)
        if (label[i] >= 0) label[i] = number[label[i]];
    free(number);
    slc_interner_free(&c->labels);
    if (all->count <= MOST_CLASSES) return SLC_OK;
    return slc_fail(err, SLC_ELIMIT, "more than %d different labels", MOST_CLASSES);
}

/* All chunks' rows and texts, one behind the other. */
static slc_status join(reader *r, slc_err *err)
{
    slc_manifest *out = r->out;
    bool labelled = false;
    uint64_t unlabelled = 0;
    for (size_t k = 0; k < r->count; k++) {
        chunk *c = &r->chunks[k];
        const uint64_t from = c->first, to = out->count, n = c->count;
        const uint64_t shift = c->text - out->text_size;
        memmove(r->bytes + out->text_size, r->bytes + c->text, c->text_size);
        for (uint64_t i = 0; i < n; i++)
            out->path[to + i] = out->path[from + i] - shift;
        if (out->label)
            memmove(out->label + to, out->label + from, n * sizeof(*out->label));
        if (out->weight)
            memmove(out->weight + to, out->weight + from, n * sizeof(*out->weight));
        if (out->group)
            memmove(out->group + to, out->group + from, n * sizeof(*out->group));
        if (out->label) {
            const slc_status st = join_labels(r, c, out->label + to, err);
            if (st != SLC_OK) return st;
        }
        labelled |= c->labelled;
        if (!unlabelled) unlabelled = c->unlabelled;
        out->text_size += c->text_size;
        out->count += n;
    }
    if (labelled && unlabelled)
        return bad_row("has no label, others have", unlabelled, err);
    if (!labelled) {
        free(out->label);
        out->label = NULL;
    }
    return SLC_OK;
}

/* Gives back what the columns did not need. */
static void shrink(slc_manifest *out)
{
    const size_t n = out->count ? out->count : 1;
    void *p;
    if ((p = realloc(out->texts, out->text_size + 1))) out->texts = p;
    if ((p = realloc(out->path, n * sizeof(*out->path)))) out->path = p;
    if (out->label && (p = realloc(out->label, n * sizeof(*out->label)))) out->label = p;
    if (out->weight && (p = realloc(out->weight, n * sizeof(*out->weight))))
        out->weight = p;
    if (out->group && (p = realloc(out->group, n * sizeof(*out->group)))) out->group = p;
}

/* The header, from the first bytes; before memory is taken for the rest. */
static slc_status read_header(reader *r, slc_err *err)
{
    const size_t size = r->size < HEAD ? (size_t)r->size : HEAD;
    char *head = malloc(HEAD);
    if (!head) return no_memory(err);
    r->bytes = head;
    slc_status st = read_part(r, 0, size, err);
    r->bytes = NULL;
    char *at = head, *end = head + size;
    if (size >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) at += 3;
    r->body_line = 1;
    if (st == SLC_OK)
        st = slc_manifest_header(&r->form, r->how->delimiter, &at, end, &r->body_line,
                                 err);
    if (st == SLC_OK && at == end && size < r->size)
        st =
            slc_fail(err, SLC_ELIMIT, "line 1: the header is longer than %d bytes", HEAD);
    r->body = (uint64_t)(at - head);
    free(head);
    return st;
}

static slc_status cut_chunks(reader *r, slc_err *err)
{
    const size_t step = r->how->chunk ? r->how->chunk : CHUNK;
    r->count = (size_t)((r->size - r->body + step - 1) / step);
    r->chunks = calloc(r->count + 1, sizeof(*r->chunks));
    r->bytes = r->out->texts = r->size < SIZE_MAX ? malloc((size_t)r->size + 1) : NULL;
    if (!r->chunks || !r->bytes) return no_memory(err);
    r->bytes[r->size] = 0;
    if (r->body > 0) r->bytes[r->body - 1] = '\n';
    for (size_t k = 0; k < r->count; k++) {
        r->chunks[k].start = r->body + k * step;
        r->chunks[k].end = k + 1 < r->count ? r->body + (k + 1) * step : r->size;
    }
    return SLC_OK;
}

slc_status slc_manifest_read(slc_manifest *out, int fd, uint64_t size,
                             const slc_manifest_how *how, slc_err *err)
{
    *out = (slc_manifest){0};
    reader r = {.out = out, .how = how, .fd = fd, .size = size};
    slc_status st = read_header(&r, err);
    if (st != SLC_OK) return st;
    out->has_split = r.form.has[SLC_COLUMN_SPLIT];
    if ((st = cut_chunks(&r, err)) == SLC_OK &&
        (st = run_step(&r, false, err)) == SLC_OK &&
        (st = place_rows(&r, err)) == SLC_OK && (st = run_step(&r, true, err)) == SLC_OK)
        st = join(&r, err);
    for (size_t k = 0; r.chunks && k < r.count; k++)
        slc_interner_free(&r.chunks[k].labels);
    free(r.chunks);
    if (st == SLC_OK)
        shrink(out);
    else
        slc_manifest_free(out);
    return st;
}

void slc_manifest_free(slc_manifest *m)
{
    free(m->texts);
    free(m->path);
    free(m->label);
    free(m->weight);
    free(m->group);
    slc_interner_free(&m->labels);
    *m = (slc_manifest){0};
}

bool slc_manifest_looks(const char *head, size_t size)
{
    char copy[512];
    uint64_t line = 1;
    slc_manifest_form form;
    if (size > sizeof(copy)) size = sizeof(copy);
    const size_t mark = size >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    memcpy(copy, head + mark, size - mark);
    char *at = copy;
    return slc_manifest_header(&form, 0, &at, copy + size - mark, &line, NULL) == SLC_OK;
}
