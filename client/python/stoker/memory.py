"""Memory for large batches: see keep_memory."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h's


def keep_memory() -> bool:
    """Let this process keep the memory of a batch for the next one; whether malloc is glibc's.

    glibc's malloc gives a block of more than 32 MiB (256 pictures of 224 x 224 as u8, 64 as f32)
    back to the system at once, and the kernel maps and clears every page of the next one.  This
    sets malloc for the whole process, as stk_keep_memory does: one arena, blocks of up to 1 GiB
    from the heap, up to 2 GiB of free memory kept.  So it is the program's to decide: call it
    before connect.  A program that cannot says the same in its environment: MALLOC_ARENA_MAX=1
    MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=2147483647.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # A thread's own arena holds blocks of up to 64 MiB and maps what is larger, so libzmq's thread
    # must share the main one.
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
    return True
