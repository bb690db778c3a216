/* The doctor: each planted trouble is found, once, whatever the number of threads. */
#include "loader/doctor.h"
#include "tests/loader/build.h"

/* A picture like write_picture's, but smooth, one level brighter for each slip. */
static void write_smooth(const char *dir, const char *name, unsigned seed, unsigned slip)
{
    slc_arena arena = {0};
    slc_image im;
    slc_str out = {0};
    slc_err err = {0};
    CHECK(slc_image_alloc(&im, &arena, 64, 64, 3, &err) == SLC_OK, "%s", err.msg);
    for (size_t y = 0; y < 64; y++)
        for (size_t x = 0; x < 64; x++)
            for (size_t c = 0; c < 3; c++)
                im.px[y * im.stride + 3 * x + c] =
                    (uint8_t)(seed * 2654435761u >> (x / 8 + y / 16 * 3) % 24 & 127) +
                    (uint8_t)slip;
    CHECK(slc_encode(slc_codec_by_extension(name), NULL, &im, &out, &err) == SLC_OK, "%s",
          err.msg);
    write_bytes(dir, name, out.text, out.size);
    slc_str_free(&out);
    slc_arena_free(&arena);
}

static void copy_file(const char *dir, const char *from, const char *to, size_t cut)
{
    char path[500];
    uint8_t *bytes;
    size_t size;
    slc_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", dir, from);
    CHECK(slc_file_read(&bytes, &size, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
    write_bytes(dir, to, bytes, size - cut);
    free(bytes);
}

static slc_checkup *check_up(const slc_source *const *sources, size_t count,
                             size_t threads)
{
    static const char *const names[] = {"train", "test"};
    slc_checkup *c = NULL;
    slc_err err = {0};
    const slc_status st = slc_checkup_run(
        &c,
        &(slc_checkup_settings){
            .sources = sources, .names = names, .count = count, .threads = threads},
        &err);
    CHECK(st == SLC_OK, "%s", err.msg);
    return c;
}

/* How often a kind was found for a sample whose key holds the word. */
static unsigned found(const slc_checkup *c, slc_finding_kind kind, const char *word)
{
    char key[600];
    unsigned n = 0;
    for (uint64_t i = 0; i < c->finding_count; i++) {
        uint64_t index;
        const slc_finding *f = &c->findings[i];
        const char *text = f->text;
        if (f->kind != kind) continue;
        if (f->sample != UINT64_MAX) {
            const size_t k = slc_checkup_source(c, f->sample, &index);
            text = slc_source_key(c->sources[k], index, key, sizeof(key));
        }
        n += strstr(text, word) != NULL;
    }
    return n;
}

static void make_set(const char *dir)
{
    char name[64];
    for (unsigned i = 0; i < 30; i++) {
        snprintf(name, sizeof(name), "train/%s/%02u.png", i < 24 ? "finch" : "Finch_", i);
        write_smooth(dir, name, i * 77 + 1, 0);
        snprintf(name, sizeof(name), "test/%s/%02u.png", i < 15 ? "finch" : "Finch_", i);
        write_smooth(dir, name, i * 77 + 5000, 0);
    }
    write_smooth(dir, "train/owl/a.png", 4242, 0);
    write_picture(dir, "train/owl/tiny.png", 5, 9, 3);
    write_picture(dir, "train/owl/long.png", 300, 20, 4);
    copy_file(dir, "train/finch/03.png", "train/finch/copy.png", 0);
    copy_file(dir, "train/finch/04.png", "train/owl/other.png", 0);
    copy_file(dir, "train/finch/05.png", "test/finch/leak.png", 0);
    copy_file(dir, "train/finch/06.png", "train/owl/cut.png", 60);
    copy_file(dir, "train/owl/long.png", "train/owl/lies.jpg", 0);
    write_smooth(dir, "train/owl/near.png", 4242, 1);
    write_smooth(dir, "test/finch/shade.png", 7 * 77 + 1, 1);
    write_bytes(dir, "train/owl/page.jpg", "<html>not found</html>", 22);
}

static bool is_clean(const slc_checkup *c, const char *word)
{
    char key[600];
    for (uint64_t i = 0; i < c->samples; i++) {
        uint64_t index;
        const size_t k = slc_checkup_source(c, i, &index);
        if (strstr(slc_source_key(c->sources[k], index, key, sizeof(key)), word))
            return !c->unclean[i];
    }
    CHECK(false, "no sample %s", word);
    return false;
}

/* What a manifest leaves out: copies, leaks, damage, and both sides of a contradiction. */
static void check_clean(const slc_checkup *c)
{
    static const char *const clean[] = {"train/finch/03.png", "train/finch/05.png",
                                        "owl/near.png", "owl/a.png", "owl/tiny.png"};
    static const char *const unclean[] = {"finch/copy.png", "test/finch/leak.png",
                                          "owl/cut.png",    "owl/page.jpg",
                                          "owl/other.png",  "train/finch/04.png"};
    for (size_t i = 0; i < SLC_COUNT(clean); i++)
        CHECK(is_clean(c, clean[i]), "%s", clean[i]);
    for (size_t i = 0; i < SLC_COUNT(unclean); i++)
        CHECK(!is_clean(c, unclean[i]), "%s", unclean[i]);
}

static void check_found(const slc_checkup *c)
{
    static const struct {
        slc_finding_kind kind;
        const char *word;
        unsigned times;
    } want[] = {
        {SLC_FINDING_UNREADABLE, "owl/page.jpg", 1},
        {SLC_FINDING_DAMAGED, "owl/cut.png", 1},
        {SLC_FINDING_EXTENSION, "owl/lies.jpg", 1},
        {SLC_FINDING_SMALL, "owl/tiny.png", 1},
        {SLC_FINDING_ASPECT, "owl/long.png", 1},
        {SLC_FINDING_DUPLICATE, "copy.png", 1},
        {SLC_FINDING_CONFLICT, "owl/other.png", 1},
        {SLC_FINDING_LEAK, "test/finch/leak", 1},
        {SLC_FINDING_NEAR, "owl/near.png", 1},
        {SLC_FINDING_LEAK, "test/finch/shade", 1},
        {SLC_FINDING_LEAK, "", 2},
        {SLC_FINDING_SIMILAR_NAMES, "Finch_", 1},
        {SLC_FINDING_EMPTY_CLASS, "owl", 1},
    };
    for (size_t i = 0; i < SLC_COUNT(want); i++) {
        const unsigned n = found(c, want[i].kind, want[i].word);
        CHECK(n == want[i].times, "%s %s: %u times",
              slc_finding_about(want[i].kind)->name, want[i].word, n);
    }
    CHECK(slc_checkup_found(c), "nothing found");
    check_clean(c);
}

static void test_finds_what_was_planted(const char *dir)
{
    char spec[400];
    snprintf(spec, sizeof(spec), "folder:%s", dir);
    slc_source *train = open_source(spec, "train"), *test = open_source(spec, "test");
    const slc_source *both[] = {train, test};
    slc_checkup *one = check_up(both, 2, 1), *many = check_up(both, 2, 5);
    check_found(one);
    CHECK(one->finding_count - one->counts[SLC_FINDING_SLOW] ==
              many->finding_count - many->counts[SLC_FINDING_SLOW],
          "%llu findings", (unsigned long long)many->finding_count);
    for (uint64_t i = 0;
         i < one->finding_count && one->findings[i].kind != SLC_FINDING_SLOW; i++)
        CHECK(one->findings[i].kind == many->findings[i].kind &&
                  one->findings[i].sample == many->findings[i].sample &&
                  one->findings[i].other == many->findings[i].other &&
                  strcmp(one->findings[i].text, many->findings[i].text) == 0,
              "finding %llu", (unsigned long long)i);
    CHECK(memcmp(one->mean, many->mean, sizeof(one->mean)) == 0 &&
              memcmp(one->std, many->std, sizeof(one->std)) == 0 && one->mean[0] > 0.1,
          "%g", one->mean[0]);
    CHECK(memcmp(one->unclean, many->unclean, one->samples) == 0, "clean ones");
    slc_checkup_destroy(&one);
    slc_checkup_destroy(&many);
    slc_source_close(&train);
    slc_source_close(&test);
}

/* Good pictures of balanced classes: nothing to tell. */
static void test_healthy_data_are_left_alone(const char *dir)
{
    char sub[400], name[32];
    snprintf(sub, sizeof(sub), "%s/healthy", dir);
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "%s/%u.png", i % 2 ? "robin" : "wren", i);
        write_smooth(sub, name, i * 91 + 17, 0);
    }
    slc_source *s = open_source(sub, NULL);
    slc_checkup *c = check_up((const slc_source *[]){s}, 1, 2);
    CHECK(!slc_checkup_found(c) && c->readable == 12, "%s: %s",
          slc_finding_about(c->findings[0].kind)->name, c->findings[0].text);
    slc_checkup_destroy(&c);
    slc_source_close(&s);
}

/* One file of each unusual kind among usual ones: named as that kind, and as no other. */
static void test_kinds_of_files(const char *dir, const char *fixtures)
{
    static const struct {
        const char *name;
        slc_finding_kind kind;
    } files[] = {
        {"cmyk.jpg", SLC_FINDING_CMYK},        {"ycck.jpg", SLC_FINDING_CMYK},
        {"rgb16.png", SLC_FINDING_DEEP},       {"exif6.jpg", SLC_FINDING_ROTATED},
        {"exif6.png", SLC_FINDING_ROTATED},    {"rgba8.png", SLC_FINDING_ALPHA},
        {"alpha.tga", SLC_FINDING_ALPHA},      {"alpha_lossy.webp", SLC_FINDING_ALPHA},
        {"palette8.png", SLC_FINDING_PALETTE}, {"animated.gif", SLC_FINDING_ANIMATED},
    };
    char sub[400], name[64], path[500];
    snprintf(sub, sizeof(sub), "%s/kinds", dir);
    for (size_t i = 0; i < SLC_COUNT(files); i++) {
        uint8_t *bytes;
        size_t size;
        slc_err err = {0};
        snprintf(path, sizeof(path), "%s/%s", fixtures, files[i].name);
        CHECK(slc_file_read(&bytes, &size, path, 1 << 20, &err) == SLC_OK, "%s", err.msg);
        snprintf(name, sizeof(name), "odd/%s", files[i].name);
        write_bytes(sub, name, bytes, size);
        free(bytes);
    }
    write_smooth(sub, "odd/plain.jpg", 99, 0);
    slc_source *s = open_source(sub, NULL);
    slc_checkup *c = check_up((const slc_source *[]){s}, 1, 2);
    for (size_t i = 0; i < SLC_COUNT(files); i++)
        for (int k = SLC_FINDING_EXTENSION; k <= SLC_FINDING_ANIMATED; k++) {
            const bool both = k == SLC_FINDING_PALETTE && strstr(files[i].name, ".gif");
            const unsigned n = found(c, (slc_finding_kind)k, files[i].name);
            CHECK(n == (both || (int)files[i].kind == k), "%s: %s %u times",
                  files[i].name, slc_finding_about((slc_finding_kind)k)->name, n);
        }
    for (int k = 0; k <= SLC_FINDING_ANIMATED; k++)
        CHECK(found(c, (slc_finding_kind)k, "plain.jpg") == 0, "plain.jpg");
    slc_checkup_destroy(&c);
    slc_source_close(&s);
}

/* Twelve of one class and one of another; one picture over the limit of pixels, which also
 * takes its time. */
static void test_what_stands_out(const char *dir)
{
    char sub[400], name[32];
    slc_checkup *c = NULL;
    slc_err err = {0};
    snprintf(sub, sizeof(sub), "%s/odd_one", dir);
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "many/%u.png", i);
        write_smooth(sub, name, i * 91 + 17, 0);
    }
    write_picture(sub, "one/vast.png", 3000, 2500, 3);
    slc_source *s = open_source(sub, NULL);
    const slc_source *const sources[] = {s}; /* the checkup borrows the list */
    CHECK(slc_checkup_run(
              &c,
              &(slc_checkup_settings){
                  .sources = sources, .count = 1, .threads = 2, .most_pixels = 7e6},
              &err) == SLC_OK,
          "%s", err.msg);
    CHECK(found(c, SLC_FINDING_LARGE, "vast.png") == 1 &&
              c->counts[SLC_FINDING_LARGE] == 1,
          "large");
    CHECK(c->counts[SLC_FINDING_IMBALANCE] == 1 &&
              found(c, SLC_FINDING_IMBALANCE, "12 samples of \"many\", 1 of \"one\"") ==
                  1,
          "imbalance");
    CHECK(found(c, SLC_FINDING_SLOW, "vast.png") == 1, "slow");
    slc_checkup_destroy(&c);
    slc_source_close(&s);
}

int main(int argc, char **argv)
{
    char dir[300];
    CHECK(argc == 2, "usage: test_doctor FIXTURES");
    make_dir(dir, sizeof(dir));
    test_healthy_data_are_left_alone(dir);
    test_kinds_of_files(dir, argv[1]);
    test_what_stands_out(dir);
    char set[320];
    snprintf(set, sizeof(set), "%s/set", dir);
    make_set(set);
    test_finds_what_was_planted(set);
    drop_dir(dir);
    return 0;
}
