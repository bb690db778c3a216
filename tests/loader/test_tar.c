/* WebDataset shards: what is a sample, what is refused, and the index beside the shard. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "loader/source/braces.h"
#include "tests/loader/build.h"
#include "tests/loader/tar_file.h"

/* A picture's bytes; any of the known formats' beginnings will do for reading. */
static void picture(slc_str *out, unsigned seed)
{
    slc_str_add_n(out, "\x89PNG\r\n\x1a\n\0\0\0", 11);
    const uint8_t px[3] = {(uint8_t)seed, (uint8_t)(seed >> 8), 7};
    slc_str_add_n(out, px, 3);
}

static void add_picture(slc_str *tar, const char *name, unsigned seed)
{
    slc_str px = {0};
    picture(&px, seed);
    tar_add(tar, name, px.text, px.size);
    slc_str_free(&px);
}

/* Sets the time a minute back, so that the index may be kept. */
static void make_old(const char *path)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct timespec then[2] = {{now.tv_sec - 60, 5}, {now.tv_sec - 60, 5}};
    CHECK(utimensat(AT_FDCWD, path, then, 0) == 0, "%s", path);
}

static const char *put(const char *dir, const char *name, slc_str *tar, char spec[700])
{
    write_bytes(dir, name, tar->text, tar->size);
    slc_str_free(tar);
    snprintf(spec, 700, "%s/%s", dir, name);
    make_old(spec);
    return spec;
}

/* count samples in shards of size each, named as the index in the whole. */
static void write_shards(const char *dir, unsigned count, unsigned size)
{
    char name[64], spec[700];
    for (unsigned s = 0; s * size < count; s++) {
        slc_str tar = {0};
        for (unsigned i = s * size; i < count && i < (s + 1) * size; i++) {
            char label[16];
            snprintf(label, sizeof(label), "%u\n", i % 3);
            snprintf(name, sizeof(name), "set/%04u.png", i);
            add_picture(&tar, name, i);
            snprintf(name, sizeof(name), "set/%04u.cls", i);
            tar_add_text(&tar, name, label);
        }
        tar_end(&tar);
        snprintf(name, sizeof(name), "shard-%03u.tar", s);
        put(dir, name, &tar, spec);
    }
}

static unsigned seed_of(const slc_source *s, uint64_t i)
{
    slc_arena arena = {0};
    slc_stored got;
    slc_err err = {0};
    CHECK(slc_source_read(s, i, &arena, &got, &err) == SLC_OK, "%s", err.msg);
    CHECK(got.size == 14 && got.label == slc_source_label(s, i), "%zu bytes", got.size);
    const unsigned seed = got.bytes[11] | (unsigned)got.bytes[12] << 8;
    slc_arena_free(&arena);
    return seed;
}

static void check_shards(const char *spec)
{
    char a[256], b[256];
    slc_source *s = open_source(spec, NULL);
    CHECK(slc_source_count(s) == 20 && slc_source_classes(s) == 3, "%s: %llu of %zu",
          spec, (unsigned long long)slc_source_count(s), slc_source_classes(s));
    for (uint64_t i = 0; i < 20; i++) {
        CHECK(seed_of(s, i) == i && slc_source_label(s, i) == (int32_t)(i % 3), "%llu",
              (unsigned long long)i);
        snprintf(b, sizeof(b), "set/%04u", (unsigned)i);
        CHECK(slc_source_group(s, i) == slc_hash64(b, strlen(b), 0), "group of %s", b);
        const char *key = slc_source_key(s, i, a, sizeof(a));
        CHECK(strstr(key, "/shard-0") && strstr(key, b), "%s", key);
    }
    slc_source_close(&s);
}

static void test_any_shard_size_gives_the_same_samples(const char *dir)
{
    char sub[600], spec[700];
    static const unsigned sizes[] = {1, 6, 20};
    for (size_t k = 0; k < 3; k++) {
        snprintf(sub, sizeof(sub), "%s/by%u", dir, sizes[k]);
        write_shards(sub, 20, sizes[k]);
        snprintf(spec, sizeof(spec), "tar:%s/shard-{000..%03u}.tar", sub, 19 / sizes[k]);
        check_shards(spec);
        check_shards(spec);                      /* now from the index */
        snprintf(spec, sizeof(spec), "%s", sub); /* the folder, found out by looking */
        check_shards(spec);
    }
}

static void test_keys_are_cut_at_the_first_dot(const char *dir)
{
    char spec[700], buffer[300];
    slc_str tar = {0};
    tar_add_text(&tar, "./v1.0/a.txt", "left out");
    add_picture(&tar, "./v1.0/a.x.png",
                1); /* a field of two parts: only if there is no better */
    add_picture(&tar, "./v1.0/a.PNG", 2);
    tar_header(&tar, "./v1.0/sub/", '5', 0, "");
    add_picture(&tar, "v1.0/sub/a.png", 3); /* another key: the folder belongs to it */
    add_picture(&tar, "v1.0/.hidden.png", 4);
    add_picture(&tar, "noext", 5);
    add_picture(&tar, "__meta__/c.png", 6);
    tar_add_text(&tar, "only.cls", "3");
    add_picture(&tar, "b.left.png", 7);
    tar_end(&tar);
    slc_source *s = open_source(put(dir, "keys.tar", &tar, spec), NULL);
    CHECK(slc_source_count(s) == 3, "%llu", (unsigned long long)slc_source_count(s));
    CHECK(slc_source_classes(s) == 0 && slc_source_label(s, 0) == -1, "labels");
    CHECK(seed_of(s, 0) == 2 && seed_of(s, 1) == 3 && seed_of(s, 2) == 7, "%u %u %u",
          seed_of(s, 0), seed_of(s, 1), seed_of(s, 2));
    const char *name = slc_source_name(s, 0, buffer, sizeof(buffer));
    CHECK(strcmp(name, "keys.tar/v1.0/a.PNG") == 0, "%s", name);
    slc_source_close(&s);
}

static slc_source *open_map(const char *yaml)
{
    slc_arena arena = {0};
    slc_node *map;
    slc_source *s = NULL;
    slc_err err = {0};
    CHECK(slc_node_parse(&map, &arena, yaml, strlen(yaml), "test", &err) == SLC_OK, "%s",
          err.msg);
    CHECK(slc_source_open(&s, map, NULL, NULL, &err) == SLC_OK, "%s", err.msg);
    slc_arena_free(&arena);
    return s;
}

static void test_labels_of_all_kinds(const char *dir)
{
    char spec[700], yaml[900];
    slc_str tar = {0};
    add_picture(&tar, "a.png", 1);
    tar_add_text(&tar, "a.json", "{\"label\": \"dog\", \"kind\": 7}");
    tar_add_text(&tar, "b.json", "{\"label\": \"cat\", \"kind\": 2}");
    add_picture(&tar, "b.png", 2);
    tar_end(&tar);
    slc_source *s = open_source(put(dir, "json.tar", &tar, spec), NULL);
    CHECK(slc_source_classes(s) == 2 && strcmp(slc_source_class(s, 0), "cat") == 0 &&
              slc_source_label(s, 0) == 1 && slc_source_label(s, 1) == 0,
          "%s %d", slc_source_class(s, 0), slc_source_label(s, 0));
    slc_source_close(&s);
    snprintf(yaml, sizeof(yaml), "{tar: {path: %s, label_key: kind}}", spec);
    s = open_map(yaml); /* a number is the label itself */
    CHECK(slc_source_classes(s) == 8 && slc_source_label(s, 0) == 7 &&
              slc_source_label(s, 1) == 2,
          "%zu", slc_source_classes(s));
    slc_source_close(&s);
    snprintf(yaml, sizeof(yaml), "{tar: {path: %s, classes: [dog]}}", spec);
    s = open_map(yaml);
    CHECK(slc_source_count(s) == 1 && slc_source_label(s, 0) == 0 && seed_of(s, 0) == 1,
          "%llu", (unsigned long long)slc_source_count(s));
    slc_source_close(&s);

    /* classes.txt beside the shards names numbers, as preprocess writes it. */
    char named[400];
    snprintf(named, sizeof(named), "%s/named", dir);
    add_picture(&tar, "a.png", 1);
    tar_add_text(&tar, "a.cls", "1");
    tar_end(&tar);
    put(named, "a.tar", &tar, spec);
    write_bytes(named, "classes.txt", "owl\nsnow finch\n", 15);
    s = open_source(spec, NULL);
    CHECK(slc_source_classes(s) == 2 && strcmp(slc_source_class(s, 1), "snow finch") == 0,
          "%s", slc_source_class(s, 1));
    slc_source_close(&s);
    write_bytes(named, "classes.txt", "owl\n", 4);
    check_refused(spec, NULL, SLC_EINVAL, "classes.txt", "1 names");

    add_picture(&tar, "a.png", 1);
    tar_add_text(&tar, "a.cls", "1");
    add_picture(&tar, "b.png", 1);
    tar_end(&tar);
    check_refused(put(dir, "half.tar", &tar, spec), NULL, SLC_EDATA, "\"b.png\"",
                  "no label");
    add_picture(&tar, "a.png", 1);
    tar_add_text(&tar, "a.json", "{\"label\": [1]}");
    check_refused(put(dir, "odd.tar", &tar, spec), NULL, SLC_EDATA, "odd.tar",
                  "\"label\"");
}

/* Long names, as the three formats write them. */
static void test_long_names(const char *dir)
{
    char spec[700], longest[260], buffer[600], record[400];
    memset(longest, 'n', 250);
    memcpy(longest + 120, "/", 1);
    memcpy(longest + 246, ".png", 5);
    slc_str tar = {0}, pax = {0};
    tar_header(&tar, "././@LongLink", 'L', strlen(longest) + 1, ""); /* GNU */
    slc_str_add_n(&tar, longest, 251);
    slc_str_add_n(&tar, (char[261]){0}, 261);
    add_picture(&tar, "nnnn", 1);
    longest[0] = 'p'; /* pax: the length counts itself */
    snprintf(record, sizeof(record), "260 path=%s\n", longest);
    CHECK(strlen(record) == 260, "%zu", strlen(record));
    slc_str_add(&pax, "19 comment=hello x\n");
    slc_str_add(&pax, record);
    slc_str_add(&pax, "11 size=14\n");
    tar_header(&tar, "PaxHeaders/x", 'x', pax.size, "");
    slc_str_add_n(&tar, pax.text, pax.size);
    slc_str_add_n(&tar, (char[512]){0}, 512 - pax.size);
    add_picture(&tar, "pppp", 2);
    add_picture(&tar, "short.png", 3);
    char *h = tar.text + tar.size - 1024; /* ustar: the prefix stands in front */
    strcpy(h + 345, "a/b");
    tar_sum(h);
    add_picture(&tar, "wide.png", 4);
    h = tar.text + tar.size - 1024; /* the size in base 256 */
    memset(h + 124, 0, 12);
    h[124] = (char)0x80;
    h[135] = 14;
    tar_sum(h);
    slc_source *s = open_source(put(dir, "long.tar", &tar, spec), NULL);
    CHECK(slc_source_count(s) == 4, "%llu", (unsigned long long)slc_source_count(s));
    for (unsigned i = 0; i < 4; i++)
        CHECK(seed_of(s, i) == i + 1, "%u", i);
    const char *name = slc_source_name(s, 1, buffer, sizeof(buffer));
    CHECK(strcmp(name + 9, longest) == 0, "%s", name);
    name = slc_source_name(s, 2, buffer, sizeof(buffer));
    CHECK(strcmp(name, "long.tar/a/b/short.png") == 0, "%s", name);
    slc_source_close(&s);
    slc_str_free(&pax);
}

static void test_what_leads_out_is_refused(const char *dir)
{
    char spec[700];
    static const struct {
        const char *name, *word;
        char type;
    } bad[] = {
        {"/etc/a.jpg", "absolute", '0'},
        {"x/../../a.jpg", "..", '0'},
        {"..", "..", '0'},
        {"../", "..", '5'},
        {"a.jpg", "symbolic link", '2'},
        {"a.jpg", "hard link", '1'},
        {"a.jpg", "character", '3'},
        {"a.jpg", "block", '4'},
        {"a.jpg", "pipe", '6'},
        {"a.jpg", "sparse", 'S'},
        {"a.jpg", "unknown", 'Z'},
    };
    for (size_t i = 0; i < SLC_COUNT(bad); i++) {
        slc_str tar = {0};
        add_picture(&tar, "good.png", 1);
        tar_header(&tar, bad[i].name, bad[i].type, 0, "/etc/passwd");
        tar_end(&tar);
        check_refused(put(dir, "bad.tar", &tar, spec), NULL, SLC_EDATA, bad[i].name,
                      bad[i].word);
    }
    slc_str tar = {0};
    tar_header(&tar, "PaxHeaders/x", 'x', 26, "");
    slc_str_add(&tar, "26 GNU.sparse.realsize=99\n");
    slc_str_add_n(&tar, (char[486]){0}, 486);
    add_picture(&tar, "a.png", 1);
    check_refused(put(dir, "bad.tar", &tar, spec), NULL, SLC_EDATA, "bad.tar", "sparse");
}

static void test_what_is_no_tar_is_refused(const char *dir)
{
    char spec[700];
    slc_str tar = {0};
    add_picture(&tar, "a.png", 1);
    add_picture(&tar, "b.png", 2);
    slc_str cut = {0};
    slc_str_add_n(&cut, tar.text, 1024 + 512 + 3);
    check_refused(put(dir, "cut.tar", &cut, spec), NULL, SLC_EDATA, "cut.tar",
                  "truncated");
    slc_str_add_n(&cut, tar.text, 1024 + 300);
    check_refused(put(dir, "cut.tar", &cut, spec), NULL, SLC_EDATA, "cut.tar",
                  "truncated");
    tar.text[1030] ^= 1;
    check_refused(put(dir, "sum.tar", &tar, spec), NULL, SLC_EFORMAT, "sum.tar",
                  "byte 1024");
    slc_str_add_n(&cut, "\x1f\x8b\x08", 3);
    slc_str_add_n(&cut, (char[600]){0}, 600);
    check_refused(put(dir, "gz.tar", &cut, spec), NULL, SLC_EFORMAT, "gz.tar", "gzip");
    slc_str_add_n(&cut, "", 0);
    check_refused(put(dir, "empty.tar", &cut, spec), NULL, SLC_EFORMAT, "empty.tar",
                  "empty");
    for (int i = 0; i < 40; i++)
        slc_str_add(&cut, "<html>not found</html>\n");
    check_refused(put(dir, "html.tar", &cut, spec), NULL, SLC_EFORMAT, "html.tar",
                  "no tar");
    tar_end(&cut);
    check_refused(put(dir, "none.tar", &cut, spec), NULL, SLC_EDATA, "none.tar",
                  "no samples");
    add_picture(&cut, "a.png", 1);
    add_picture(&cut, "a.png", 1);
    check_refused(put(dir, "twice.tar", &cut, spec), NULL, SLC_EDATA, "a.png", "twice");
    check_refused("tar:/nowhere/shard-{0..3}.tar", NULL, SLC_EDATA,
                  "/nowhere/shard-0.tar", "No such file");
}

/* A member of many gigabytes, in a file with a hole: refused by its header. */
static void test_huge_members_are_refused(const char *dir)
{
    char spec[700];
    slc_str tar = {0};
    tar_header(&tar, "a.jpg", '0', (size_t)7 << 30, "");
    put(dir, "huge.tar", &tar, spec);
    check_refused(spec, NULL, SLC_EDATA, "huge.tar", "truncated");
    CHECK(truncate(spec, (off_t)8 << 30) == 0, "%s", spec);
    check_refused(spec, NULL, SLC_ELIMIT, "a.jpg", "refused");
    CHECK(unlink(spec) == 0, "%s", spec);
}

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static void flip_byte(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    CHECK(f && fseek(f, at, SEEK_SET) == 0, "%s", path);
    const int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
}

static void test_the_index_is_kept_and_checked(const char *dir)
{
    char spec[700], index[720], away[1600];
    slc_str tar = {0};
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u.png", i);
        add_picture(&tar, name, i);
    }
    tar_end(&tar);
    put(dir, "kept.tar", &tar, spec);
    snprintf(index, sizeof(index), "%s.index", spec);
    slc_source *s = open_source(spec, NULL);
    slc_source_close(&s);
    CHECK(exists(index), "%s was not written", index);

    /* With the header of the second member gone, only the index knows where it is. */
    flip_byte(spec, 1024);
    make_old(spec);
    utimensat(AT_FDCWD, spec, NULL, 0);
    check_refused(spec, NULL, SLC_EFORMAT, "kept.tar", "byte 1024"); /* another time */
    flip_byte(spec, 1024);
    make_old(spec);
    s = open_source(spec, NULL); /* made anew */
    slc_source_close(&s);
    struct stat info;
    CHECK(stat(spec, &info) == 0, "%s", spec);
    const struct timespec same[2] = {info.st_mtim, info.st_mtim};
    flip_byte(spec, 1024);
    utimensat(AT_FDCWD, spec, same, 0);
    s = open_source(spec, NULL);
    CHECK(seed_of(s, 1) == 1, "from the index");
    slc_source_close(&s);
    flip_byte(index, 200); /* a damaged index is not believed */
    check_refused(spec, NULL, SLC_EFORMAT, "kept.tar", "byte 1024");
    flip_byte(spec, 1024);

    /* Where nothing can be written, the user's cache has it. */
    snprintf(away, sizeof(away), "rm -f '%s'; mkdir '%s'", index, index);
    CHECK(system(away) == 0, "%s", away);
    make_old(spec);
    for (int i = 0; i < 2; i++) {
        s = open_source(spec, NULL);
        CHECK(seed_of(s, 2) == 2, "no index beside it");
        slc_source_close(&s);
        snprintf(away, sizeof(away), "test $(ls '%s/cache' | grep -c '^tar-') = 1", dir);
        CHECK(system(away) == 0, "%s", away);
    }
}

static void test_a_changed_shard_is_a_sample_error(const char *dir)
{
    char spec[700];
    slc_stored got;
    slc_arena arena = {0};
    slc_err err = {0};
    slc_str tar = {0};
    add_picture(&tar, "a.png", 1);
    tar_add_text(&tar, "b.png", "<html>not found");
    tar_end(&tar);
    slc_source *s = open_source(put(dir, "change.tar", &tar, spec), NULL);
    CHECK(slc_source_read(s, 1, &arena, &got, &err) == SLC_EFORMAT, "%s", err.msg);
    CHECK(strstr(err.msg, "/change.tar/b.png: ") && strstr(err.msg, "HTML"), "%s",
          err.msg);
    add_picture(&tar, "b.png", 1);
    add_picture(&tar, "a.png", 1);
    put(dir, "change.tar", &tar, spec);
    CHECK(slc_source_read(s, 0, &arena, &got, &err) == SLC_EDATA, "%s", err.msg);
    CHECK(strstr(err.msg, "changed"), "%s", err.msg);
    CHECK(unlink(spec) == 0, "%s", spec);
    CHECK(slc_source_read(s, 0, &arena, &got, &err) == SLC_EDATA, "%s", err.msg);
    CHECK(strstr(err.msg, "No such file"), "%s", err.msg);
    slc_source_close(&s);
    slc_arena_free(&arena);
}

static void check_braces(const char *pattern, const char *joined)
{
    slc_arena arena = {0};
    slc_texts out;
    slc_err err = {0};
    slc_str text = {0};
    const slc_status st = slc_braces_expand(&out, &arena, pattern, &err);
    CHECK((st == SLC_OK) == (joined != NULL), "%s: %s", pattern, err.msg);
    for (size_t i = 0; joined && i < out.n; i++)
        slc_str_printf(&text, "%s%s", i ? " " : "", out.v[i]);
    CHECK(!joined || strcmp(text.text, joined) == 0, "%s: %s", pattern, text.text);
    CHECK(joined || strstr(err.msg, pattern), "%s", err.msg);
    slc_str_free(&text);
    slc_arena_free(&arena);
}

static void test_braces(void)
{
    check_braces("a", "a");
    check_braces("a{08..11}.tar", "a08.tar a09.tar a10.tar a11.tar");
    check_braces("a{8..11}", "a8 a9 a10 a11");
    check_braces("{2..0}", "2 1 0");
    check_braces("{a,b}-{0..1}", "a-0 a-1 b-0 b-1");
    check_braces("{x,}y", "xy y");
    check_braces("{x}y", "xy");
    check_braces("a{0..1}::b", "a0 a1 b");
    check_braces("a{0..", NULL);
    check_braces("a{0..x}", NULL);
    check_braces("{a,{b,c}}", NULL);
    check_braces("{0..99999999999}", NULL);
    check_braces("{000..999}{000..999}", NULL);
}

int main(void)
{
    char dir[300], cache[320];
    make_dir(dir, sizeof(dir));
    snprintf(cache, sizeof(cache), "%s/cache", dir);
    setenv("SLUICE_CACHE", cache, 1);
    test_any_shard_size_gives_the_same_samples(dir);
    test_keys_are_cut_at_the_first_dot(dir);
    test_labels_of_all_kinds(dir);
    test_long_names(dir);
    test_what_leads_out_is_refused(dir);
    test_what_is_no_tar_is_refused(dir);
    test_huge_members_are_refused(dir);
    test_the_index_is_kept_and_checked(dir);
    test_a_changed_shard_is_a_sample_error(dir);
    test_braces();
    drop_dir(dir);
    return 0;
}
