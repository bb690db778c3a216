/* Tables: lines of cells with tabs between them, the first line their heads (only tabs: none).
 *
 *     cli_table t;
 *     cli_table_begin(&t);
 *     fprintf(t.cells, "class\timages\n");
 *     fprintf(t.cells, "%s\t%zu\n", name, n);
 *     cli_table_end(&t, stdout);
 *
 * Columns of numbers stand to the right, of texts to the left, two spaces apart. On a terminal that is
 * too narrow, a last column of text is folded, or each row becomes a paragraph: its first cell, and
 * below it the others, each behind its head. */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stdio.h>

typedef struct cli_table {
    FILE *cells; /* stdout where there is no memory */
    char *text;
    size_t size;
} cli_table;

void cli_table_begin(cli_table *table); /* stays where it is until its end */
void cli_table_text(cli_table *table,
                    const char *text);           /* a cell that may hold anything */
void cli_table_end(cli_table *table, FILE *out); /* prints, unless out is NULL; frees */

/* The same for a terminal of so many columns; 0 is as wide as it takes. */
void cli_table_print(const char *cells, FILE *out, size_t columns);

#endif
