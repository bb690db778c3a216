/* Every op, sorted by name. Include with SLC_OP(name) defined. */
SLC_OP(hflip)
SLC_OP(invert)
