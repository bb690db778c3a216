/* Tables: columns that stand under their heads, and paragraphs where the terminal is too narrow. */
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tools/table.h"

static void expect(const char *cells, size_t columns, const char *want)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    CHECK(out, "out of memory");
    cli_table_print(cells, out, columns);
    CHECK(fclose(out) == 0 && strcmp(text, want) == 0, "%zu columns:\n%s-- not\n%s",
          columns, text, want);
    free(text);
}

static void test_numbers_stand_right_and_texts_left(void)
{
    expect("name\tn\nx\t10\nlong name\t-\n\t5\n", 0,
           "name        n\n"
           "x          10\n"
           "long name   -\n"
           "            5\n");
    expect("a\tb\n1x\t2 %\n10\t30 %\n", 0, " a     b\n1x   2 %\n10  30 %\n");
    expect("class\timages\n\xc3\xb6\t1\n", 0, "class  images\n\xc3\xb6           1\n");
}

static void test_no_heads(void)
{
    expect("\t\nflip\tturns over\nx\ty\n", 0, "flip  turns over\nx     y\n");
}

static void test_narrow(void)
{
    const char *const cells = "class\timages\trecall\ncat\t12\t0.5\ndog\t\t0.25\n";
    expect(cells, 21,
           "class  images  recall\ncat        12     0.5\ndog              0.25\n");
    expect(cells, 20, "cat\n  images 12\n  recall 0.5\ndog\n  recall 0.25\n");
    /* A last column of text is folded while that leaves half of the room. */
    expect("\t\nflip\tturns the picture over\n", 20,
           "flip  turns the\n      picture over\n");
    expect("\t\n  flip_wide\tturns over and over\n", 20,
           "  flip_wide\n    turns over and\n    over\n");
}

static void test_odd_cells(void)
{
    expect("", 20, "");
    expect("only\theads\n", 20, "only  heads\n");
    expect("a\n1\t2\t3\n", 0, "a\n1  2  3\n");
    expect("a\n1\t2\t3", 4, "1\n  2\n  3\n");
    cli_table t;
    cli_table_begin(&t);
    cli_table_text(&t, "two\nlines\tand a tab");
    CHECK(fflush(t.cells) == 0 && strcmp(t.text, "two lines and a tab") == 0, "%s",
          t.text);
    cli_table_end(&t, NULL);
}

int main(void)
{
    test_numbers_stand_right_and_texts_left();
    test_no_heads();
    test_narrow();
    test_odd_cells();
    return 0;
}
