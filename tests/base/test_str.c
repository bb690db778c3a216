#include "base/str.h"

#include "base/num.h"
#include "base/params.h"
#include "tests/check.h"

static const char *nth(const void *of, size_t i)
{
    return ((const char *const *)of)[i];
}

static void test_suggests_what_was_meant(void)
{
    static const char *const words[] = {"momentum", "weight_decay", "lr",
                                        "hflip",    "vflip",        "resize",
                                        "rotate",   "blur",         NULL};
    static const struct {
        const char *word, *want;
    } known[] = {
        {"moment", "momentum"},
        {"momentun", "momentum"},
        {"hflp", "hflip"},
        {"hfilp", "hflip"},
        {"HFlip", "hflip"},
        {"weight-decay", "weight_decay"},
        {"weigth_decay", "weight_decay"},
        {"rl", "lr"},
        {"rezise", "resize"},
        {"xyz", NULL},
        {"", NULL},
        {"q", NULL},
        {"entirely else", NULL},
        {"zzzzz", NULL},
    };
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        const char *got = slc_suggest(known[i].word, nth, words);
        const bool same =
            got && known[i].want ? strcmp(got, known[i].want) == 0 : got == known[i].want;
        CHECK(same, "%s: %s, not %s", known[i].word, got ? got : "nothing",
              known[i].want ? known[i].want : "nothing");
    }
    char longest[200];
    memset(longest, 'a', sizeof(longest));
    longest[199] = '\0';
    CHECK(!slc_suggest(longest, nth, words), "a very long word");
    CHECK(!slc_suggest("lr", nth, (const char *const[]){longest, NULL}),
          "long candidate");
}

/* A transposition is one slip, even where two replacements are not near enough. */
static void test_transposition_counts_once(void)
{
    static const char *const one[] = {"abc", NULL};
    CHECK(slc_suggest("acb", nth, one), "swapped neighbours");
    CHECK(slc_suggest("abcd", nth, one) && slc_suggest("ab", nth, one), "one letter");
    CHECK(!slc_suggest("axy", nth, one), "two replaced of three");
    CHECK(!slc_suggest("zbc", nth, (const char *const[]){"zcd", NULL}), "half a swap");
    CHECK(!slc_suggest("cab", nth, one), "two slips in three letters");
}

static void test_text_grows(void)
{
    slc_str s = {0};
    CHECK(!s.text, "empty");
    slc_str_add(&s, "");
    CHECK(s.text && s.size == 0 && !*s.text, "terminated");
    for (int i = 0; i < 1000; i++)
        slc_str_printf(&s, "%d,", i);
    slc_str_add_n(&s, "\0x", 2);
    CHECK(!s.failed && s.size == 3890 + 2 && s.text[s.size] == '\0', "%zu", s.size);
    CHECK(strncmp(s.text, "0,1,2,", 6) == 0 && s.text[s.size - 1] == 'x', "content");
    slc_str_free(&s);
    CHECK(!s.text && s.size == 0, "empty again");
}

static void test_utf8(void)
{
    static const struct {
        const char *text;
        uint32_t code;
        size_t size;
    } known[] = {
        {"a", 'a', 1},
        {"\xc3\xa9", 0xe9, 2},
        {"\xe2\x82\xac", 0x20ac, 3},
        {"\xf0\x9f\x98\x80", 0x1f600, 4},
        {"\xc0\x80", 0xc0, 1},         /* an overlong zero */
        {"\xed\xa0\x80", 0xed, 1},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0xf4, 1}, /* beyond Unicode */
        {"\xe2\x82", 0xe2, 1},         /* cut */
        {"\x80", 0x80, 1},
        {"\xff", 0xff, 1},
    };
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        size_t n;
        const uint32_t c = slc_utf8_next(known[i].text, &n);
        CHECK(c == known[i].code && n == known[i].size, "%zu: %x, %zu bytes", i, c, n);
        CHECK(slc_utf8_is_valid(known[i].text) == (c < 0x80 || n > 1), "%zu", i);
    }
}

static void test_checked_arithmetic(void)
{
    size_t out = 7;
    CHECK(slc_mul(6, 7, &out) && out == 42, "%zu", out);
    CHECK(!slc_mul(SIZE_MAX, 2, &out) && out == 42, "untouched");
    CHECK(!slc_mul(SIZE_MAX / 2 + 1, 2, &out) && slc_mul(SIZE_MAX / 2, 2, &out),
          "the edge");
    CHECK(slc_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX, "%zu", out);
    CHECK(!slc_add(SIZE_MAX, 1, &out) && out == SIZE_MAX, "untouched");
    CHECK(slc_mul3(2, 3, 5, &out) && out == 30, "%zu", out);
    CHECK(!slc_mul3(SIZE_MAX / 2, 3, 0, &out) && out == 30, "first product");
    CHECK(!slc_mul3(1 << 16, (size_t)1 << 40, 1 << 16, &out), "second product");
    CHECK(slc_round_up(0, 64) == 0 && slc_round_up(1, 64) == 64 &&
              slc_round_up(64, 64) == 64,
          "round up");
    CHECK(slc_min(1, 2) == 1 && slc_max(1, 2) == 2, "min, max");
}

static void test_numbers_round_trip(void)
{
    static const struct {
        double value;
        const char *want;
    } known[] = {{0, "0"},
                 {-0.0, "-0"},
                 {1, "1"},
                 {0.1, "0.1"},
                 {1000, "1000"},
                 {1e-5, "1e-5"},
                 {1e20, "1e20"},
                 {-2.5, "-2.5"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e308"},
                 {123456789012345678.0, "1.2345678901234568e17"}};
    for (size_t i = 0; i < SLC_COUNT(known); i++) {
        char text[48];
        double back;
        slc_format_real(known[i].value, text, sizeof(text));
        CHECK(strcmp(text, known[i].want) == 0, "%s, not %s", text, known[i].want);
        CHECK(slc_parse_real(text, &back) && memcmp(&back, &known[i].value, 8) == 0, "%s",
              text);
    }
}

static void test_numbers_whole_or_nothing(void)
{
    static const char *const good[] = {"1",  "+1",  "-1.5", ".5",
                                       "5.", "1e3", "1E-3", "007"};
    static const char *const bad[] = {
        "",    " 1",  "1 ",  "1x",  "0x1",   "nan",    "inf",      ".", "e5",   "1e",
        "1e+", "--1", "1_0", "1,5", "1e999", "-1e999", "infinity", "+", "1.2.3"};
    double real;
    int64_t whole;
    for (size_t i = 0; i < SLC_COUNT(good); i++)
        CHECK(slc_parse_real(good[i], &real), "%s", good[i]);
    for (size_t i = 0; i < SLC_COUNT(bad); i++)
        CHECK(!slc_parse_real(bad[i], &real) && !slc_parse_int(bad[i], &whole), "%s",
              bad[i]);
    CHECK(slc_parse_int("1e3", &whole) && whole == 1000, "1e3");
    CHECK(slc_parse_int("4.0", &whole) && whole == 4, "4.0");
    CHECK(!slc_parse_int("1.5", &whole), "1.5");
    CHECK(slc_parse_int("9223372036854775807", &whole) && whole == INT64_MAX, "largest");
    CHECK(slc_parse_int("-9223372036854775808", &whole) && whole == INT64_MIN,
          "smallest");
    CHECK(!slc_parse_int("9223372036854775808", &whole), "one more");
    CHECK(!slc_parse_int("9.223372036854775808e18", &whole), "2^63");
    CHECK(!slc_parse_int("1e19", &whole) && !slc_parse_int("-1e19", &whole), "1e19");
    char zeros[500];
    memset(zeros, '0', sizeof(zeros));
    zeros[499] = '\0';
    CHECK(!slc_parse_real(zeros, &real), "500 digits");
}

int main(void)
{
    test_suggests_what_was_meant();
    test_transposition_counts_once();
    test_text_grows();
    test_utf8();
    test_checked_arithmetic();
    test_numbers_round_trip();
    test_numbers_whole_or_nothing();
    return 0;
}
