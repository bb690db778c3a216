"""libsluice's policies through ctypes, for comparison with Pillow and torchvision.

usage: from sluice import Policy; Policy("[{resize: {size: 32}}]", isa="avx2")(array)
LIBSLUICE names the library (default build/libsluice.so)."""
import ctypes as c
import os
import pathlib

import numpy as np

lib = c.CDLL(os.environ.get("LIBSLUICE", str(pathlib.Path(__file__).parents[2] / "build/libsluice.so")))


class Err(c.Structure):
    _fields_ = [("code", c.c_int), ("msg", c.c_char * 496)]


class Image(c.Structure):
    _fields_ = [("px", c.c_void_p), ("w", c.c_size_t), ("h", c.c_size_t), ("channels", c.c_size_t),
                ("stride", c.c_size_t)]


class Arena(c.Structure):
    _fields_ = [("block", c.c_void_p), ("spare", c.c_void_p), ("used", c.c_size_t), ("total", c.c_size_t),
                ("limit", c.c_size_t)]


class Images(c.Structure):
    _fields_ = [("w", c.c_size_t), ("h", c.c_size_t), ("channels", c.c_size_t)]


class Work(c.Structure):
    _fields_ = [("arena", Arena), ("isa", c.c_int), ("decoder", c.c_void_p)]


class Key(c.Structure):
    _fields_ = [("seed", c.c_uint64), ("epoch", c.c_uint64), ("index", c.c_uint64), ("view", c.c_uint32)]


STEP = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p, c.c_char_p, c.POINTER(Image))


class Trace(c.Structure):
    _fields_ = [("step", STEP), ("user", c.c_void_p)]


ISA = {"c": 0, "avx2": 1, "avx512": 2}
lib.slc_isa_detect.restype = c.c_int


class Policy:
    def __init__(self, ops, isa=None, channels=0):
        self.tree, self.work, self.err, self.policy = Arena(), Work(), Err(), c.c_void_p()
        self.work.isa = lib.slc_isa_detect() if isa is None else ISA[isa]
        node = c.c_void_p()
        text = ops.encode()
        self.check(lib.slc_node_parse(c.byref(node), c.byref(self.tree), text, c.c_size_t(len(text)), b"--ops",
                                      c.byref(self.err)))
        self.check(lib.slc_policy_create(c.byref(self.policy), node, b"--ops", Images(0, 0, channels),
                                         c.byref(self.err)))

    def __del__(self):
        lib.slc_policy_destroy(c.byref(self.policy))
        for arena in (self.tree, self.work.arena):
            lib.slc_arena_free(c.byref(arena))

    def check(self, status):
        if status:
            raise ValueError(self.err.msg.decode())

    def run(self, array, seed=1, epoch=0, index=0, drawn=None):
        """The picture as an Image; its pixels live until the next call."""
        h, w = array.shape[:2]
        lib.slc_arena_reset(c.byref(self.work.arena))
        image = Image(array.ctypes.data, w, h, 1 if array.ndim == 2 else 3, array.strides[0])
        out, tail, key = Image(), c.c_void_p(), Key(seed, epoch, index, 0)
        trace = None
        if drawn is not None:
            step = STEP(lambda user, op, text, image: drawn.append((op.decode(), text.decode())))
            trace = c.byref(Trace(step, None))
        self.check(lib.slc_policy_run(self.policy, c.byref(key), None, c.byref(image), c.byref(self.work), trace,
                                      c.byref(out), c.byref(tail), c.byref(self.err)))
        self.tail = tail
        return out

    def __call__(self, array, **key):
        out = self.run(array, **key)
        flat = np.ctypeslib.as_array(c.cast(out.px, c.POINTER(c.c_uint8)), (out.h, out.stride))
        flat = flat[:, :out.w * out.channels].copy()
        return flat if out.channels == 1 else flat.reshape(out.h, out.w, 3)
