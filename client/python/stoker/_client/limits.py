"""PROTOCOL.md's limits, section 4, and its versions."""

PROTOCOL_VERSION = 1

REQUEST_BYTES_MAX = 4096
HEADER_BYTES_MAX = 1 << 20
NAME_BYTES_MAX = 64  # a stream's, client's or figure's name
TEXT_BYTES_MAX = 512  # any other text
DEPTH_MAX = 6  # containers inside each other, the message's map counted
KEYS_MAX = 64  # of one map
BATCH_MAX = 8192  # samples a batch
SIDE_MAX = 8192  # pixels a side of a served picture
WINDOW_MAX = 64  # requests of one client in flight
TENSORS_MAX = 16  # a batch
FRAMES_MAX = 1 + TENSORS_MAX  # a header, then a frame a tensor
RANK_MAX = 4  # dimensions of a tensor
STREAMS_MAX = 256
PHASES_MAX = 16
FIGURES_MAX = 64
LABELS_MAX = 512
REPLACED_MAX = 256

U32_MAX = (1 << 32) - 1
U64_MAX = (1 << 64) - 1
