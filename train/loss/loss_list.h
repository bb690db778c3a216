/* Every loss, sorted by name. Include with SLC_LOSS(name) defined. */
SLC_LOSS(bce)
SLC_LOSS(cross_entropy)
SLC_LOSS(focal)
SLC_LOSS(jsd)
SLC_LOSS(mse)
