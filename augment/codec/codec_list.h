/* Every picture format, in the order their magic is tried. Include with SLC_CODEC(name)
 * defined. */
SLC_CODEC(jpeg)
SLC_CODEC(png)
