/* Manifests: RFC 4180, and the same table for any threads and any size of chunks. */
#include <fcntl.h>

#include "loader/source/manifest_table.h"
#include "tests/loader/build.h"

/* The table of a text, with everything in it as one text. */
static slc_status read_text(const char *text, size_t size, const slc_manifest_how *how,
                            slc_str *out, slc_err *err)
{
    char path[] = "/tmp/slc-manifest-XXXXXX";
    slc_manifest m;
    const int fd = mkstemp(path);
    CHECK(fd >= 0 && unlink(path) == 0 && write(fd, text, size) == (ssize_t)size, "%s",
          path);
    const slc_status st = slc_manifest_read(&m, fd, size, how, err);
    close(fd);
    for (uint64_t i = 0; st == SLC_OK && i < m.count; i++) {
        slc_str_printf(out, "[%s", m.texts + m.path[i]);
        if (m.label)
            slc_str_printf(out, "|%s", slc_interned(&m.labels, (size_t)m.label[i]));
        if (m.weight) slc_str_printf(out, "|%g", (double)m.weight[i]);
        if (m.group) slc_str_printf(out, "|%llx", (unsigned long long)m.group[i]);
        slc_str_add(out, "]");
    }
    if (st == SLC_OK) slc_manifest_free(&m);
    return st;
}

static void check_text(const char *text, const char *split, const char *want)
{
    for (size_t chunk = 1; chunk < 40; chunk++)
        for (size_t threads = 1; threads < 4; threads += 2) {
            slc_str got = {0};
            slc_err err = {0};
            const slc_manifest_how how = {
                .split = split, .chunk = chunk, .threads = threads};
            const slc_status st = read_text(text, strlen(text), &how, &got, &err);
            CHECK(st == SLC_OK, "%s: %s", text, err.msg);
            CHECK(strcmp(got.text ? got.text : "", want) == 0, "%s chunk %zu: %s", text,
                  chunk, got.text);
            slc_str_free(&got);
        }
}

static void check_bad(const char *text, size_t size, slc_status code, const char *words)
{
    for (size_t chunk = 1; chunk < 40; chunk++) {
        slc_str got = {0};
        slc_err err = {0};
        const slc_manifest_how how = {.chunk = chunk, .threads = 1 + chunk % 3};
        const slc_status st = read_text(text, size, &how, &got, &err);
        CHECK(st == code && strstr(err.msg, words),
              "%s chunk %zu: %d \"%s\" lacks \"%s\"", text, chunk, st, err.msg, words);
        CHECK(!strchr(err.msg, '\n') && !strchr(err.msg, '\r'), "%s", err.msg);
    }
}

static void test_rows_are_read_as_rfc_4180_says(void)
{
    check_text("path\na\nb", NULL, "[a][b]");
    check_text("path,label\r\na,x\r\nb,y\r\n", NULL, "[a|x][b|y]");
    check_text("\xef\xbb\xbfLabel , Path\nx,a\n\n\r\ny,b\n", NULL, "[a|x][b|y]");
    check_text("path\tlabel\na,b\tx\n", NULL, "[a,b|x]");
}

static void test_quotes(void)
{
    check_text("path,label\n\"a,1\",\"x "
               "\"\"y\"\"\"\n\"two\nlines\",z\n\"\"\"\",\"\n\n\"\nlast,z",
               NULL, "[a,1|x \"y\"][two\nlines|z][\"|\n\n][last|z]");
    check_text("note,path,label\n\"say \"\"hi\"\", or\nnot\",a,x\r\n,\"b\",x\r\n", NULL,
               "[a|x][b|x]");
    check_text("path,label\na,\nb,\"\"\n", NULL, "[a][b]"); /* nobody has a label */
}

static void test_columns(void)
{
    char want[200];
    const unsigned long long g = slc_hash64("G", 1, 0), own = slc_hash64("b", 1, 0);
    snprintf(want, sizeof(want), "[a|0.5|%llx][b|1|%llx]", g, own);
    check_text("weight,group,path\n0.5,G,a\n,,b\n", NULL, want);
    check_text("path,split\na,train\nb,valid\nc,test\nd,\ne,training\n", "train",
               "[a][e]");
    check_text("path,split\na,train\nb,valid\nc,test\nd,val\n", "val", "[b][d]");
    check_text("path,split\na,train\nb,fold7\n", "fold7", "[b]");
    check_text("path,split\na,train\nb,fold7\n", NULL, "[a][b]");
    check_text("path\na\n", "train", "[a]");
    /* Unlabelled rows of another split do not matter. */
    check_text("path,label,split\na,x,train\nb,,test\n", "train", "[a|x]");
}

static void test_mistakes_name_their_line(void)
{
    static const struct {
        const char *text, *words;
        slc_status code;
    } bad[] = {
        {"file,label\na,b\n",
         "line 1: the header has no column \"path\", only \"file\", \"label\"",
         SLC_EFORMAT},
        {"", "no column \"path\"", SLC_EFORMAT},
        {"path,path\n", "line 1: two columns \"path\"", SLC_EFORMAT},
        {"path,label\na,x\n\nb\n", "line 4: 1 fields, the header has 2", SLC_EDATA},
        {"path,label\na,x\n\"b\nc\",x,y\n", "line 3: 3 fields", SLC_EDATA},
        {"path,label\n\"a\nb\",x\n,y\n", "line 4: the path is empty", SLC_EDATA},
        {"path,label\na,x\nb\"c,x\n", "line 3: a quote inside", SLC_EFORMAT},
        {"path,label\na,x\n\"b\"c,x\n", "line 3: text behind", SLC_EFORMAT},
        {"path,label\na,x\nb,\"x\nd,e\nf,g", "line 3: a quote is not closed",
         SLC_EFORMAT},
        {"path,label\na,x\nb,\nc,x\n", "line 3: has no label, others have", SLC_EDATA},
        {"path,weight\na,1\nb,-1\n", "line 3: the weight is no number", SLC_EDATA},
        {"path,weight\na,nan\n", "line 2: the weight is no number", SLC_EDATA},
    };
    for (size_t i = 0; i < SLC_COUNT(bad); i++)
        check_bad(bad[i].text, strlen(bad[i].text), bad[i].code, bad[i].words);
    check_bad("path\na\0b\n", 9, SLC_EFORMAT, "line 2: a zero byte");
}

/* Many rows: threads, labels of many chunks, line numbers far down. */
static void test_large(void)
{
    slc_str text = {0}, one = {0}, other = {0};
    slc_err err = {0};
    slc_str_add(&text, "path,label,weight\n");
    for (unsigned i = 0; i < 20000; i++)
        slc_str_printf(&text, "%sdir/%u.jpg%s,class%u,%u\n", i % 7 ? "" : "\"",
                       i * 2654435761u, i % 7 ? "" : "\"", i * i % 311, i % 5);
    CHECK(read_text(text.text, text.size, &(slc_manifest_how){.threads = 1}, &one,
                    &err) == SLC_OK,
          "%s", err.msg);
    CHECK(read_text(text.text, text.size,
                    &(slc_manifest_how){.threads = 3, .chunk = 1000}, &other,
                    &err) == SLC_OK,
          "%s", err.msg);
    CHECK(one.size > 400000 && strcmp(one.text, other.text) == 0, "%zu", one.size);
    slc_str_add(&text, "a\n");
    other.size = 0;
    CHECK(read_text(text.text, text.size,
                    &(slc_manifest_how){.threads = 3, .chunk = 1000}, &other,
                    &err) == SLC_EDATA,
          "%s", err.msg);
    CHECK(strstr(err.msg, "line 20002:"), "%s", err.msg);
    slc_str_free(&text);
    slc_str_free(&one);
    slc_str_free(&other);
}

static void test_source(const char *dir)
{
    char spec[500], text[900], buffer[700];
    slc_arena arena = {0};
    slc_stored got;
    slc_err err = {0};
    write_picture(dir, "pictures/a.png", 5, 4, 1);
    write_picture(dir, "b.png", 6, 4, 2);
    const int n = snprintf(text, sizeof(text),
                           "path,label,split,weight\npictures/a.png,10,train,2\n"
                           "%s/b.png,9,test,3\nmissing.png,9,train,1\n",
                           dir);
    write_bytes(dir, "list.csv", text, (size_t)n);
    snprintf(spec, sizeof(spec), "%s/list.csv", dir);
    slc_source *s = open_source(spec, NULL);
    CHECK(slc_source_count(s) == 3 && slc_source_classes(s) == 2, "%zu",
          slc_source_classes(s));
    CHECK(strcmp(slc_source_class(s, 0), "9") == 0 && slc_source_label(s, 0) == 1 &&
              slc_source_weight(s, 1) == 3,
          "%s", slc_source_class(s, 0));
    for (uint64_t i = 0; i < 2; i++) {
        CHECK(slc_source_read(s, i, &arena, &got, &err) == SLC_OK, "%s", err.msg);
        CHECK(got.size > 20 && memcmp(got.bytes + 1, "PNG", 3) == 0, "%zu", got.size);
    }
    const char *key = slc_source_key(s, 0, buffer, sizeof(buffer));
    snprintf(text, sizeof(text), "%s/pictures/a.png", dir);
    CHECK(strcmp(key, text) == 0, "%s", key);
    key = slc_source_key(s, 1, buffer, sizeof(buffer));
    snprintf(text, sizeof(text), "%s/b.png", dir);
    CHECK(strcmp(key, text) == 0, "%s", key);
    CHECK(slc_source_read(s, 2, &arena, &got, &err) == SLC_EDATA &&
              strstr(err.msg, "/missing.png: "),
          "%s", err.msg);
    slc_source_close(&s);
    s = open_source(spec, "test"); /* classes are those of the whole list */
    CHECK(slc_source_count(s) == 1 && slc_source_classes(s) == 2 &&
              slc_source_label(s, 0) == 0 && slc_source_has_split(s),
          "%d", slc_source_label(s, 0));
    slc_source_close(&s);
    check_refused(spec, "val", SLC_EDATA, "list.csv", "split \"val\"");
    slc_arena_free(&arena);
}

int main(void)
{
    char dir[300];
    make_dir(dir, sizeof(dir));
    test_rows_are_read_as_rfc_4180_says();
    test_quotes();
    test_columns();
    test_mistakes_name_their_line();
    test_large();
    test_source(dir);
    drop_dir(dir);
    return 0;
}
