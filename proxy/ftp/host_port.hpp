// Addresses and ports in FTP's spellings, both ways: PORT, EPRT, 227, 229 (RFC 959, RFC 2428, B-110 .. B-143).
// Range and family checks, no look-ups, no policy (whose address it may be is decided by the machines).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ftpsgate::ftp {

/// An IPv4 or IPv6 address; IPv4-mapped IPv6 is stored as IPv4, so that comparisons mean the same host.
class ip_address {
public:
    ip_address() = default;                                         // 0.0.0.0
    static std::optional<ip_address> parse(std::string_view text);  // literal without brackets, scope ids refused
    static ip_address v4(std::array<std::uint8_t, 4> bytes);

    bool is_v4() const { return v4_; }
    std::array<std::uint8_t, 4> v4_bytes() const;  // only when is_v4()
    std::string text() const;
    bool operator==(ip_address const&) const = default;

private:
    std::array<std::uint8_t, 16> bytes_{};  // IPv4 in the first four
    bool v4_ = true;
};

struct ip_endpoint {
    ip_address address;
    std::uint16_t port = 0;
    bool operator==(ip_endpoint const&) const = default;
};

enum class host_port_fault {
    syntax,  ///< 501
    family,  ///< EPRT family other than 1 and 2: 522
};

using host_port_result = std::variant<ip_endpoint, host_port_fault>;

/// "h1,h2,h3,h4,p1,p2": six decimal numbers 0..255, nothing else; port 0 is a syntax fault (B-126).
host_port_result parse_port(std::string_view argument);
/// "|1|192.0.2.1|2021|" with any delimiter 33..126 (B-129, B-130).
host_port_result parse_eprt(std::string_view argument);

/// First six comma-separated numbers anywhere in the text, spaces after commas allowed (B-139); empty when there are
/// none, one is over 255 or the port is 0 (B-141).
std::optional<ip_endpoint> parse_227(std::string_view text);
/// "(|||port|)" with any delimiter and filled-in fields (B-142); empty when unusable.
std::optional<std::uint16_t> parse_229(std::string_view text);

std::string format_port(ip_endpoint const& where);  ///< "192,0,2,1,7,229"; IPv4 only
std::string format_eprt(ip_endpoint const& where);  ///< "|2|2001:db8::1|2021|"
std::string format_227(ip_endpoint const& where);   ///< "Entering Passive Mode (192,0,2,1,7,229)."
std::string format_229(std::uint16_t port);         ///< "Entering Extended Passive Mode (|||2021|)"

}  // namespace ftpsgate::ftp
