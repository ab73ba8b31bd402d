#include "proxy/data/proxy_protocol.hpp"

#include "proxy/data/leg.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace ftpsgate::data {

namespace {

namespace ip = boost::asio::ip;
using tcp = ip::tcp;
using status = proxy_header_reader::status;
using namespace std::string_view_literals;

// Section 2.1 and 2.2: how a header begins.
constexpr std::string_view text_signature = "PROXY "sv;
constexpr std::string_view binary_signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t fixed_part = 16;  // signature, version and command, family and transport, length
constexpr std::size_t command_at = 12;
constexpr std::size_t family_at = 13;
constexpr std::size_t length_at = 14;
constexpr std::size_t tlv_head = 3;
constexpr std::uint8_t tlv_crc32c = 0x03;
constexpr std::uint8_t tcp_over_ipv4 = 0x11;
constexpr std::uint8_t tcp_over_ipv6 = 0x21;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>((byte_at(bytes, at) << 8) | byte_at(bytes, at + 1));
}

// RFC 4960 appendix B; bit by bit, as there is one header a connection and hardly any has this checksum.
std::uint32_t crc32c(std::string_view bytes) {
    std::uint32_t sum = ~0U;
    for (char const each : bytes) {
        sum ^= static_cast<std::uint8_t>(each);
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum >> 1) ^ ((sum & 1U) != 0 ? 0x82F63B78U : 0U);
    }
    return ~sum;
}

bool has_right_checksum(std::string header, std::size_t value_at) {
    std::uint32_t stated = 0;
    for (std::size_t at = value_at; at < value_at + 4; ++at) {
        stated = (stated << 8) | byte_at(header, at);
        header[at] = '\0';
    }
    return crc32c(header) == stated;
}

// Empty: well-formed. Else what is wrong with the TLVs from `at` to the end.
std::string_view fault_of_tlvs(std::string const& header, std::size_t at) {
    while (at < header.size()) {
        if (header.size() - at < tlv_head) return "the last TLV is cut off"sv;
        std::size_t const length = number_at(header, at + 1);
        std::size_t const value = at + tlv_head;
        if (header.size() - value < length) return "a TLV is longer than the header"sv;
        bool const is_checksum = byte_at(header, at) == tlv_crc32c;
        if (is_checksum && (length != 4 || !has_right_checksum(header, value))) return "its checksum is wrong"sv;
        at = value + length;
    }
    return {};
}

template <class Address>
Address address_at(std::string_view header, std::size_t at) {
    typename Address::bytes_type bytes;
    for (auto& each : bytes)
        each = byte_at(header, at++);
    return Address(bytes);
}

template <class Address>
connection_ends ends_at(std::string_view header) {
    constexpr std::size_t size = std::tuple_size_v<typename Address::bytes_type>;
    std::size_t const ports = fixed_part + 2 * size;
    return {{address_at<Address>(header, fixed_part), number_at(header, ports)},
            {address_at<Address>(header, fixed_part + size), number_at(header, ports + 2)}};
}

// Words of a line, separated by one space each.
std::string_view next_word(std::string_view& line) {
    auto const end = std::min(line.find(' '), line.size());
    auto const word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

template <class Address>
std::optional<ip::address> read_address(std::string_view word) {
    if (word.find('%') != word.npos) return std::nullopt;  // a zone means something on the sender only
    boost::system::error_code error;
    ip::address const address = ip::make_address(std::string(word), error);
    bool const wanted = std::is_same_v<Address, ip::address_v4> ? address.is_v4() : address.is_v6();
    return error || !wanted ? std::nullopt : std::optional(address);
}

std::optional<std::uint16_t> read_port(std::string_view word) {
    std::uint16_t port = 0;
    auto const* const end = word.data() + word.size();
    auto const [rest, failure] = std::from_chars(word.data(), end, port);
    bool const padded = word.size() > 1 && word.front() == '0';
    return failure != std::errc{} || rest != end || padded ? std::nullopt : std::optional(port);
}

template <class Address>
std::optional<connection_ends> read_ends(std::string_view words) {
    auto const source = read_address<Address>(next_word(words));
    auto const destination = read_address<Address>(next_word(words));
    auto const source_port = read_port(next_word(words));
    auto const destination_port = read_port(words);  // the rest, so that nothing may follow
    if (!source || !destination || !source_port || !destination_port) return std::nullopt;
    return connection_ends{{*source, *source_port}, {*destination, *destination_port}};
}

// Both of one family: IPv4 only if both are.
connection_ends in_one_family(connection_ends ends) {
    auto const source = unmapped(ends.source.address());
    auto const destination = unmapped(ends.destination.address());
    bool const all_ipv4 = source.is_v4() && destination.is_v4();
    auto const widened = [&](ip::address const& each) {
        return all_ipv4 || each.is_v6() ? each : ip::make_address_v6(ip::v4_mapped, each.to_v4());
    };
    return {{widened(source), ends.source.port()}, {widened(destination), ends.destination.port()}};
}

void append_number(std::string& to, std::size_t number) {
    to += static_cast<char>(number >> 8 & 0xFFU);
    to += static_cast<char>(number & 0xFFU);
}

void append_address(std::string& to, ip::address const& address) {
    auto const append = [&](auto const& bytes) { to.append(bytes.begin(), bytes.end()); };
    if (address.is_v4())
        append(address.to_v4().to_bytes());
    else
        append(address.to_v6().to_bytes());
}

std::string text_of(ip::address const& address) {
    if (!address.is_v6()) return address.to_string();
    auto bare = address.to_v6();
    bare.scope_id(0);  // no zone goes over the wire
    return bare.to_string();
}

}  // namespace

proxy_header_reader::result proxy_header_reader::feed(std::string_view bytes) {
    std::size_t taken = 0;
    for (char const next : bytes) {
        ++taken;
        if (auto const now = advance(next); now != status::incomplete) return {now, taken};
    }
    return {status::incomplete, taken};
}

proxy_header_reader::status proxy_header_reader::malformed(std::string_view why) {
    fault_ = why;
    return status::malformed;
}

// The first byte tells which of the two it must be; every further one is held against that.
proxy_header_reader::status proxy_header_reader::advance(char next) {
    header_ += next;
    bool const is_text = header_.front() == text_signature.front();
    auto const signature = is_text ? text_signature : binary_signature;
    std::size_t const at = header_.size() - 1;
    if (at < signature.size()) return next == signature[at] ? status::incomplete : malformed("it is none"sv);
    return is_text ? advance_line(next) : advance_binary(next);
}

proxy_header_reader::status proxy_header_reader::advance_line(char next) {
    if (next == '\n') return read_line();
    return header_.size() < longest_line ? status::incomplete : malformed("the line is too long"sv);
}

proxy_header_reader::status proxy_header_reader::read_line() {
    std::string_view line(header_);
    line.remove_prefix(text_signature.size());
    if (!line.ends_with("\r\n")) return malformed("the line does not end with CRLF"sv);
    line.remove_suffix(2);
    auto const family = next_word(line);
    if (family == "UNKNOWN") return status::complete;  // whatever follows is to be ignored
    if (family == "TCP4") ends_ = read_ends<ip::address_v4>(line);
    if (family == "TCP6") ends_ = read_ends<ip::address_v6>(line);
    return ends_ ? status::complete : malformed("the line is not as it should be"sv);
}

proxy_header_reader::status proxy_header_reader::advance_binary(char) {
    if (header_.size() < fixed_part) return status::incomplete;
    if (header_.size() == fixed_part) {
        unsigned const command = byte_at(header_, command_at);
        unsigned const family = byte_at(header_, family_at);
        if (command >> 4 != 2 || (command & 0xFU) > 1) return malformed("unknown version or command"sv);
        if (family >> 4 > 3 || (family & 0xFU) > 2) return malformed("unknown family or transport"sv);
        length_ = number_at(header_, length_at);
        if (length_ > longest_rest) return malformed("it is too long"sv);
    }
    return header_.size() < fixed_part + length_ ? status::incomplete : read_addresses();
}

proxy_header_reader::status proxy_header_reader::read_addresses() {
    // LOCAL: all that follows is to be skipped, whatever it is.
    if ((byte_at(header_, command_at) & 0xFU) == 0) return status::complete;
    constexpr std::array<std::size_t, 4> sizes{0, 12, 36, 216};  // of the addresses, by family
    std::size_t const family = byte_at(header_, family_at) >> 4;
    if (length_ < sizes[family]) return malformed("its addresses are cut off"sv);
    // Of an unspecified family it is not known where addresses end and TLVs begin.
    auto const fault = family == 0 ? std::string_view() : fault_of_tlvs(header_, fixed_part + sizes[family]);
    if (!fault.empty()) return malformed(fault);
    if (byte_at(header_, family_at) == tcp_over_ipv4) ends_ = ends_at<ip::address_v4>(header_);
    if (byte_at(header_, family_at) == tcp_over_ipv6) ends_ = ends_at<ip::address_v6>(header_);
    return status::complete;
}

bool begins_like_proxy_header(std::string_view first_bytes) {
    constexpr auto enough = text_signature.size();
    return first_bytes.starts_with(text_signature) || first_bytes.starts_with(binary_signature.substr(0, enough));
}

std::string format_proxy_header(proxy_version version, connection_ends const& ends) {
    auto const [source, destination] = in_one_family(ends);
    bool const is_ipv4 = source.address().is_v4();
    if (version == proxy_version::v1) {
        return std::string(text_signature) + (is_ipv4 ? "TCP4 " : "TCP6 ") + text_of(source.address()) + ' ' +
               text_of(destination.address()) + ' ' + std::to_string(source.port()) + ' ' +
               std::to_string(destination.port()) + "\r\n";
    }
    std::string header(binary_signature);
    header += '\x21';  // version 2, PROXY
    header += static_cast<char>(is_ipv4 ? tcp_over_ipv4 : tcp_over_ipv6);
    append_number(header, is_ipv4 ? 12 : 36);
    append_address(header, source.address());
    append_address(header, destination.address());
    append_number(header, source.port());
    append_number(header, destination.port());
    return header;
}

std::string format_local_proxy_header(proxy_version version) {
    if (version == proxy_version::v1) return std::string(text_signature) + "UNKNOWN\r\n";
    std::string header(binary_signature);
    header += '\x20';  // version 2, LOCAL
    header += '\0';
    append_number(header, 0);
    return header;
}

}  // namespace ftpsgate::data
