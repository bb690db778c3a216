/* Every picture format, in the order their magic is tried; TGA, which has none, is last.
 * Include config.h before, and this with SLC_CODEC(name) defined. */
SLC_CODEC(jpeg)
SLC_CODEC(png)
#if SLC_HAVE_WEBP
SLC_CODEC(webp)
#endif
SLC_CODEC(gif)
SLC_CODEC(bmp)
SLC_CODEC(pnm)
SLC_CODEC(tga)
