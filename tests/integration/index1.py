"""An index read from its format alone, daemon/index/FORMAT.md, and a JPEG's scan read from the
standard, T.81, so that our C is held against both."""

import struct
from dataclasses import dataclass, field

import xxhash

ENTRIES, FOREIGN, CRAMPED, CORRUPT = range(4)
TABLES, SAMPLE = 1, 2


def xxh3(data, seed=0):
    return xxhash.xxh3_64_intdigest(data, seed)


@dataclass
class Sample:
    path: bytes
    bytes: int
    mtime_ns: int
    checksum: int
    tables: object
    scan_offset: int
    scan_len: int
    height: int
    width: int
    restart_interval: int
    step: int
    columns: int
    contents: int
    components: int
    h: int
    v: int
    orientation: int
    entries: list = field(default_factory=list)  # (position, [DC of each component])

    @property
    def mcu_columns(self):
        return -(-self.width // (8 * self.h))

    @property
    def mcu_rows(self):
        return -(-self.height // (8 * self.v))


class Bits:
    """Numbers of few bits, lowest bit first."""

    def __init__(self, data):
        self.number = int.from_bytes(data, "little")
        self.at = 0

    def take(self, bits):
        self.at += bits
        return self.number >> (self.at - bits) & ((1 << bits) - 1)

    def take_signed(self, bits):
        number = self.take(bits)
        return number - (1 << bits) if bits and number >> (bits - 1) else number


def read_entries(sample, data):
    """The entry points, and how many bytes they take."""
    count = sample.mcu_rows * sample.columns
    widths = data[: 1 + sample.components]
    bits = Bits(data[len(widths) :])
    position, entries = 0, [(0, [0] * sample.components)]
    for _ in range(count - 1):
        position += bits.take(widths[0]) + 1
        entries.append((position, [bits.take_signed(width) for width in widths[1:]]))
    return entries, len(widths) + -(-bits.at // 8)


def read_sample(record, tables):
    numbers = struct.unpack_from("<QqQQQIIIIII", record, 16)
    contents, components, h, v, orientation, zero, path_len = struct.unpack_from("<6BH", record, 80)
    end = 88 + path_len
    sample = Sample(record[88:end], *numbers, contents, components, h, v, orientation)
    assert zero == 0
    if contents == ENTRIES:
        sample.tables = tables[sample.tables]
        sample.entries, taken = read_entries(sample, record[end:])
        end += taken
    assert len(record) - end < 8 and not any(record[end:])
    return sample


def read_tables(record):
    """For each component its quantisation table, DC and AC codes; codes are (counts, symbols)."""
    numbers, counts, at = record[16:25], record[25:28], 28
    kinds = [[], [], []]
    for _ in range(counts[0]):
        width = record[at]
        kinds[0].append(list(struct.unpack_from(f"<64{' BH'[width]}", record, at + 1)))
        at += 1 + 64 * width
    for kind in (1, 2):
        for _ in range(counts[kind]):
            lengths = record[at : at + 16]
            kinds[kind].append((list(lengths), list(record[at + 16 : at + 16 + sum(lengths)])))
            at += 16 + sum(lengths)
    assert len(record) - at < 8 and not any(record[at:])

    def table(kind, component):
        number = numbers[3 * kind + component]
        return None if number == 255 else kinds[kind][number]

    return [tuple(table(kind, component) for kind in range(3)) for component in range(3)]


def read_places(data):
    """(offset, len, whether a sample, whether with entry points) of every record."""
    end, records, samples, with_entries, checksum = struct.unpack("<5Q", data[-48:-8])
    assert data[-8:] == b"STKINEND" and checksum == xxh3(data[-48:-16])
    places, at = [], end
    while len(places) < records:
        count = min(4096, records - len(places))
        block = data[at : at + 16 * count]
        assert struct.unpack_from("<Q", data, at + 16 * count)[0] == xxh3(block)
        places += struct.iter_unpack("<QQ", block)
        at += 16 * count + 8
    assert at == len(data) - 48
    keys = [key for key, _ in places]
    assert keys == sorted(set(keys))
    assert samples == sum(what >> 14 & 1 for _, what in places)
    assert with_entries == sum(what >> 15 & 1 for _, what in places)
    return [(key, (what >> 16) * 8, (what & 0x3FFF) * 8, what >> 14 & 1) for key, what in places]


def read(data):
    """The samples of an index, by path."""
    assert data[:16] == b"STKINDEX" + struct.pack("<Q", 1)
    assert struct.unpack_from("<Q", data, 16)[0] == xxh3(data[:16])
    records, tables, samples = [], {}, {}
    for key, offset, length, is_sample in read_places(data):
        record = data[offset : offset + length]
        checksum, kind, its_length = struct.unpack_from("<QII", record)
        assert (checksum, its_length) == (xxh3(record[8:]), length)
        assert kind == (SAMPLE if is_sample else TABLES)
        if kind == TABLES:
            assert key == xxh3(record[16:])
            tables[key] = read_tables(record)
        else:
            records.append((key, record))
    for key, record in records:
        sample = read_sample(record, tables)
        assert key == xxh3(sample.path, 1)
        samples[sample.path.decode()] = sample
    return samples


ZIGZAG = sorted(
    range(64), key=lambda i: (i // 8 + i % 8, i % 8 if (i // 8 + i % 8) % 2 == 0 else i // 8)
)


def read_header(data):
    """What a JPEG's segments say up to its scan, as read_tables and Sample have it."""
    quant, codes, at, interval = {}, {}, 2, 0
    while True:
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        part, at = data[at + 4 : at + 2 + length], at + 2 + length
        if marker == 0xDB:
            while part:
                wide = part[0] >> 4
                values = struct.unpack_from(">64" + ("H" if wide else "B"), part, 1)
                table = [0] * 64
                for place, value in zip(ZIGZAG, values):
                    table[place] = value
                quant[part[0] & 15] = table
                part = part[1 + 64 * (1 + wide) :]
        elif marker == 0xC4:
            while part:
                count = sum(part[1:17])
                codes[part[0]] = (list(part[1:17]), list(part[17 : 17 + count]))
                part = part[17 + count :]
        elif marker == 0xDD:
            interval = struct.unpack(">H", part)[0]
        elif marker in (0xC0, 0xC1):
            frame = part
        elif marker == 0xDA:
            break
    components = []
    for c in range(frame[5]):
        number, sampling, table = frame[6 + 3 * c : 9 + 3 * c]
        chosen = next(part[2 + 2 * i] for i in range(part[0]) if part[1 + 2 * i] == number)
        tables = (quant[table], codes[chosen >> 4], codes[16 | chosen & 15])
        components.append((sampling >> 4, sampling & 15, tables))
    return components, interval, at


class Scan:
    """A scan, bit by bit, and where each of its bits stands."""

    def __init__(self, data, offset):
        self.data, self.offset = data, offset
        self.place = 0  # bits from the scan's beginning, as an index counts them

    def bit(self):
        at = self.offset + self.place // 8
        bit = self.data[at] >> (7 - self.place % 8) & 1
        self.place += 1
        if self.place % 8 == 0 and self.data[at] == 0xFF:
            self.place += 8  # the zero behind it
        return bit

    def restart(self):
        self.place = -(-self.place // 8) * 8 + 16

    def number(self, bits):
        value = 0
        for _ in range(bits):
            value = 2 * value + self.bit()
        return value

    def symbol(self, tree):
        code, length = 0, 0
        while (length, code) not in tree:
            code, length = 2 * code + self.bit(), length + 1
        return tree[length, code]

    def value(self, size):
        number = self.number(size)
        return number if size == 0 or number >> (size - 1) else number - (1 << size) + 1


def tree_of(codes):
    """T.81, annex C."""
    tree, code, symbols = {}, 0, iter(codes[1])
    for length, count in enumerate(codes[0], 1):
        for _ in range(count):
            tree[length, code] = next(symbols)
            code += 1
        code *= 2
    return tree


def pass_block(scan, dc_tree, ac_tree):
    """The difference of a block's DC coefficient."""
    difference = scan.value(scan.symbol(dc_tree))
    k = 1
    while k < 64:
        symbol = scan.symbol(ac_tree)
        if symbol == 0:
            break
        k += (symbol >> 4) + 1
        scan.number(symbol & 15)
    return difference


def mcu_places(data, mcus):
    """(position, DCs) before each MCU of a scan, and the bytes of it."""
    components, interval, offset = read_header(data)
    blocks = []
    for c, (h, v, (_, dc, ac)) in enumerate(components):
        count = h * v if len(components) > 1 else 1
        blocks += [(c, tree_of(dc), tree_of(ac))] * count
    scan, dcs, places = Scan(data, offset), [0] * len(components), []
    for mcu in range(mcus):
        if interval and mcu and mcu % interval == 0:
            scan.restart()
            dcs = [0] * len(components)
        places.append((scan.place, list(dcs)))
        for c, dc_tree, ac_tree in blocks:
            dcs[c] += pass_block(scan, dc_tree, ac_tree)
    return places, -(-scan.place // 8)
