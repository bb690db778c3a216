/* Every way to search, sorted by name. Include with SLC_SEARCH(name) defined. */
SLC_SEARCH(bayes)
SLC_SEARCH(grid)
SLC_SEARCH(quasi)
SLC_SEARCH(random)
SLC_SEARCH(tpe)
