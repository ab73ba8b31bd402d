#include "proxy/data/proxy_protocol.hpp"

#include "tests/data/loopback.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace ftpsgate;
using namespace std::string_literals;
using data::connection_ends;
using data::proxy_header_reader;
using data::proxy_version;
using status = data::proxy_header_reader::status;
using test::address;

namespace {

connection_ends ends(char const* source, std::uint16_t source_port, char const* destination,
                     std::uint16_t destination_port) {
    return {{address(source), source_port}, {address(destination), destination_port}};
}

std::string const signature = "\r\n\r\n\0\r\nQUIT\n"s;
std::string const ipv4_ends = "\xC0\x00\x02\x07\xC6\x33\x64\x01\x12\x34\x00\x15"s;  // 192.0.2.7:4660, 198.51.100.1:21

std::string binary(int command, int family, std::string const& rest) {
    std::string header = signature;
    header += static_cast<char>(command);
    header += static_cast<char>(family);
    header += static_cast<char>(rest.size() >> 8);
    header += static_cast<char>(rest.size() & 0xFF);
    return header + rest;
}

struct reading {
    status now = status::incomplete;
    std::size_t taken = 0;
    std::optional<connection_ends> ends;
};

// In two portions, as a network may cut it.
reading read(std::string const& text, std::size_t cut = std::string::npos) {
    proxy_header_reader reader;
    reading all;
    for (auto const& portion : {text.substr(0, cut), cut < text.size() ? text.substr(cut) : std::string()}) {
        if (all.now != status::incomplete) break;
        auto const step = reader.feed(portion);
        all.now = step.now;
        all.taken += step.taken;
    }
    CHECK(reader.fault().empty() == (all.now != status::malformed));
    all.ends = reader.ends();
    return all;
}

void check_at_every_cut(std::string const& header, std::optional<connection_ends> const& expected) {
    for (auto const* behind : {"", "\r\n", "USER x\r\n", "\x16\x03\x01"}) {
        for (std::size_t cut = 0; cut <= header.size(); ++cut) {
            auto const all = read(header + behind, cut);
            CHECK(all.now == status::complete);
            CHECK(all.taken == header.size());
            CHECK(all.ends == expected);
        }
    }
    for (std::size_t part = 0; part < header.size(); ++part) {
        auto const cut_off = read(header.substr(0, part));
        CHECK(cut_off.now == status::incomplete);
        CHECK(cut_off.taken == part);
        CHECK_FALSE(cut_off.ends);
    }
}

}  // namespace

TEST_CASE("proxy_protocol: a header is found whole, however it is cut, and nothing behind it is taken",
          "[data][proxy_protocol]") {
    auto const client = ends("192.0.2.7", 4660, "198.51.100.1", 21);
    SECTION("version 1, IPv4") {
        check_at_every_cut("PROXY TCP4 192.0.2.7 198.51.100.1 4660 21\r\n", client);
    }
    SECTION("version 1, IPv6") {
        check_at_every_cut("PROXY TCP6 2001:db8::7 2001:DB8::1 65535 990\r\n",
                           ends("2001:db8::7", 65535, "2001:db8::1", 990));
    }
    SECTION("version 1, the longest there is") {
        std::string line =
            "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
        REQUIRE(line.size() == proxy_header_reader::longest_line);
        check_at_every_cut(line, std::nullopt);
    }
    SECTION("version 1, UNKNOWN alone") {
        check_at_every_cut("PROXY UNKNOWN\r\n", std::nullopt);
    }
    SECTION("version 2, IPv4") {
        check_at_every_cut(binary(0x21, 0x11, ipv4_ends), client);
    }
    SECTION("version 2, IPv4 and TLVs that nobody here knows") {
        check_at_every_cut(binary(0x21, 0x11, ipv4_ends + "\x02\x00\x03"s + "ftp" + "\x04\x00\x00"s), client);
    }
    SECTION("version 2, IPv6") {
        std::string const addresses = "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x07" + "\x20\x01\x0D\xB8"s +
                                      std::string(11, '\0') + "\x01" + "\x12\x34\x03\xDE";
        check_at_every_cut(binary(0x21, 0x21, addresses), ends("2001:db8::7", 4660, "2001:db8::1", 990));
    }
    SECTION("version 2, LOCAL, whatever stands in it") {
        check_at_every_cut(binary(0x20, 0x00, ""), std::nullopt);
        check_at_every_cut(binary(0x20, 0x11, "\x01\x02\x03"), std::nullopt);
    }
    SECTION("version 2, of no TCP client") {
        check_at_every_cut(binary(0x21, 0x00, "\xFF\xFF\xFF\xFF"), std::nullopt);
        check_at_every_cut(binary(0x21, 0x12, ipv4_ends), std::nullopt);
        check_at_every_cut(binary(0x21, 0x31, std::string(216, 's')), std::nullopt);
    }
}

TEST_CASE("proxy_protocol: what is not as it should be is malformed", "[data][proxy_protocol]") {
    auto const [what, header] = GENERATE(table<char const*, std::string>({
        {"nothing of the kind", "USER anonymous\r\n"},
        {"TLS", "\x16\x03\x01"},
        {"another word", "PROXX TCP4 192.0.2.7 198.51.100.1 1 2\r\n"},
        {"lower case", "proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n"},
        {"no family", "PROXY \r\n"},
        {"an unknown family", "PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n"},
        {"two spaces", "PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n"},
        {"an address of the other family", "PROXY TCP4 ::1 198.51.100.1 1 2\r\n"},
        {"a shortened address", "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n"},
        {"an address with zeros in front", "PROXY TCP4 192.0.2.007 198.51.100.1 1 2\r\n"},
        {"a zone", "PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n"},
        {"a name", "PROXY TCP4 client.example 198.51.100.1 1 2\r\n"},
        {"a port too large", "PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n"},
        {"a port with a sign", "PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n"},
        {"a port with zeros in front", "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n"},
        {"a port missing", "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"},
        {"something behind the ports", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n"},
        {"a bare LF", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"},
        {"a line one byte too long", "PROXY UNKNOWN " + std::string(94, 'x') + "\r\n"},
        {"a signature with a flaw", "\r\n\r\n\0\r\nQUIX\n"s},
        {"version 1 in binary", binary(0x11, 0x11, ipv4_ends)},
        {"an unknown command", binary(0x22, 0x11, ipv4_ends)},
        {"an unknown family in binary", binary(0x21, 0x41, ipv4_ends)},
        {"an unknown transport", binary(0x21, 0x13, ipv4_ends)},
        {"addresses cut off", binary(0x21, 0x11, ipv4_ends.substr(1))},
        {"IPv6 addresses cut off", binary(0x21, 0x21, ipv4_ends)},
        {"a TLV cut off", binary(0x21, 0x11, ipv4_ends + "\x04\x00")},
        {"a TLV longer than the header", binary(0x21, 0x11, ipv4_ends + "\x04\x00\x02x"s)},
        {"more than anybody sends", binary(0x21, 0x11, std::string(proxy_header_reader::longest_rest + 1, '\0'))},
    }));
    INFO(what);
    for (std::size_t cut = 0; cut <= header.size(); ++cut)
        CHECK(read(header, cut).now == status::malformed);
}

TEST_CASE("proxy_protocol: no header makes the gate hold more than its limit", "[data][proxy_protocol]") {
    CHECK(read("PROXY UNKNOWN " + std::string(100'000, 'x')).taken == proxy_header_reader::longest_line);
    auto const longest = binary(0x20, 0x00, std::string(proxy_header_reader::longest_rest, '\0'));
    CHECK(read(longest).now == status::complete);
}

TEST_CASE("proxy_protocol: a checksum must be right where there is one", "[data][proxy_protocol]") {
    // CRC32C of the header with zeros in place of the checksum, worked out by another implementation.
    auto const with = [](std::string const& checksum) {
        return binary(0x21, 0x11, ipv4_ends + "\x03\x00\x04"s + checksum);
    };
    auto const right = with("\xBE\x00\x36\xC0"s);
    CHECK(read(right).now == status::complete);
    std::size_t const type = 16 + ipv4_ends.size();  // of the TLV: another one is no checksum
    for (std::size_t at = 16; at < right.size(); ++at) {
        if (at == type) continue;
        auto wrong = right;
        wrong[at] = static_cast<char>(wrong[at] ^ 0x10);
        INFO(at);
        CHECK(read(wrong).now == status::malformed);
    }
    CHECK(read(binary(0x21, 0x11, ipv4_ends + "\x03\x00\x03\x00\x00\x00"s)).now == status::malformed);
}

TEST_CASE("proxy_protocol: what is written is read as it was meant", "[data][proxy_protocol]") {
    auto const version = GENERATE(proxy_version::v1, proxy_version::v2);
    auto const meant = GENERATE(ends("192.0.2.7", 4660, "198.51.100.1", 21), ends("::1", 1, "2001:db8::1", 65535));
    check_at_every_cut(data::format_proxy_header(version, meant), meant);
    check_at_every_cut(data::format_local_proxy_header(version), std::nullopt);
}

TEST_CASE("proxy_protocol: spelling of what is written", "[data][proxy_protocol]") {
    auto const client = ends("192.0.2.7", 4660, "198.51.100.1", 21);
    CHECK(data::format_proxy_header(proxy_version::v1, client) == "PROXY TCP4 192.0.2.7 198.51.100.1 4660 21\r\n");
    CHECK(data::format_proxy_header(proxy_version::v2, client) == binary(0x21, 0x11, ipv4_ends));
    CHECK(data::format_local_proxy_header(proxy_version::v1) == "PROXY UNKNOWN\r\n");
    CHECK(data::format_local_proxy_header(proxy_version::v2) == binary(0x20, 0x00, ""));
    SECTION("IPv4 of a socket for both families is IPv4 (B-110)") {
        auto const mapped = ends("::ffff:192.0.2.7", 4660, "::ffff:198.51.100.1", 21);
        CHECK(data::format_proxy_header(proxy_version::v1, mapped) ==
              data::format_proxy_header(proxy_version::v1, client));
    }
    SECTION("two families become IPv6") {
        auto const mixed = ends("192.0.2.7", 1, "2001:db8::1", 2);
        CHECK(data::format_proxy_header(proxy_version::v1, mixed) == "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n");
    }
    SECTION("a zone stays at home") {
        auto const local = ends("fe80::1%1", 1, "fe80::2%1", 2);
        CHECK(data::format_proxy_header(proxy_version::v1, local) == "PROXY TCP6 fe80::1 fe80::2 1 2\r\n");
    }
}

TEST_CASE("proxy_protocol: nothing else begins like a header", "[data][proxy_protocol]") {
    CHECK(data::begins_like_proxy_header("PROXY TCP4 192.0.2.7 198.51.100.1 4660 21\r\n"));
    CHECK(data::begins_like_proxy_header(binary(0x21, 0x11, ipv4_ends)));
    CHECK_FALSE(data::begins_like_proxy_header(""));
    CHECK_FALSE(data::begins_like_proxy_header("\r\n\r\n"));
    CHECK_FALSE(data::begins_like_proxy_header("PROXYX"));
    CHECK_FALSE(data::begins_like_proxy_header("USER x\r\n"));
}
