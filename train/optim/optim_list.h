/* Every optimizer, sorted by name. Include with SLC_OPTIM(name) defined. */
SLC_OPTIM(adagrad)
SLC_OPTIM(adam)
SLC_OPTIM(adamw)
SLC_OPTIM(lamb)
SLC_OPTIM(lion)
SLC_OPTIM(nadam)
SLC_OPTIM(rmsprop)
SLC_OPTIM(sgd)
