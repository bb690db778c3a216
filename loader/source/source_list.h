/* Every kind of source that a text or a recipe can name, in byte order. */
SLC_SOURCE(cifar)
SLC_SOURCE(file)
SLC_SOURCE(folder)
SLC_SOURCE(idx)
SLC_SOURCE(manifest)
SLC_SOURCE(tar)
