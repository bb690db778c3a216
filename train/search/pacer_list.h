/* Every pacer, sorted by name. Include with SLC_PACER(name) defined. */
SLC_PACER(asha)
SLC_PACER(median)
SLC_PACER(none)
