/* docs/recipes.md: every key of a recipe, from the tables that read them. */
#ifndef TOOLS_REFERENCE_H
#define TOOLS_REFERENCE_H

void cli_recipe_reference(void); /* Markdown on stdout */

#endif
