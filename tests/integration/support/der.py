"""DER by hand, for what no library makes: huge lists, broken ones, answers that contradict themselves."""


def tlv(tag, *parts):
    """One element; long lengths as they come."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + body


def sequence(*parts):
    return tlv(0x30, *parts)


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def octets(data):
    return tlv(0x04, data)


def bits(data):
    return tlv(0x03, b"\0" + data)


def elements(body):
    """The elements that `body` consists of, whole."""
    found, at = [], 0
    while at < len(body):
        size, start = body[at + 1], at + 2
        if size & 0x80:
            start += size & 0x7f
            size = int.from_bytes(body[at + 2:start], "big")
        found.append(body[at:start + size])
        at = start + size
    return found


def content(element):
    """What is in an element."""
    size = element[1]
    return element[2 + (size & 0x7f if size & 0x80 else 0):]


def inside(element):
    return elements(content(element))
