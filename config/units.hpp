// Quantities as the operator writes them -> values: "30s", "64KiB", "[::]:990", "50000-50999". Pure; what is not
// well formed comes back as a complaint in words. Ranges that depend on the key are the business of shapes.hpp.
#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ftpsgate::config {

/// What is wrong with a value, and what would be right; becomes a `problem` once its key and position are known.
struct complaint {
    std::string message;
    std::string hint = {};
};

/// A value that is valid by construction, or the complaint why there is none.
template <typename T>
class parsed {
public:
    parsed(T value) : content_(std::move(value)) {}
    parsed(complaint fault) : content_(std::move(fault)) {}

    explicit operator bool() const { return std::holds_alternative<T>(content_); }
    T const& operator*() const { return std::get<T>(content_); }
    complaint const& fault() const { return std::get<complaint>(content_); }

private:
    std::variant<T, complaint> content_;
};

/// Port 0 is "any port the kernel picks": fine to listen on, senseless to connect to.
enum class zero_port { allowed, refused };

/// One whole number and one of ms, s, m, h; no sign, no fraction, no blank.
parsed<milliseconds> parse_duration(std::string_view text);

/// One whole number and one of B, KiB, MiB, GiB; in bytes.
parsed<std::uint64_t> parse_size(std::string_view text);

/// Digits only, 0 to 65535.
parsed<std::uint16_t> parse_port(std::string_view text, zero_port zero);

/// "ADDRESS:PORT", "[ADDRESS]:PORT" (IPv6) or "NAME:PORT". The host comes back in canonical form: IPv6 compressed,
/// names in lower case, so that equal endpoints compare equal. `where` stays unset.
parsed<endpoint> parse_endpoint(std::string_view text, zero_port zero);

/// "FIRST-LAST", inclusive, 1024 to 65535.
parsed<port_range> parse_port_range(std::string_view text);

/// The way back, for messages: the largest unit that divides the value, "90s", "64KiB", "[::]:990".
std::string to_text(milliseconds duration);
std::string size_to_text(std::uint64_t bytes);
std::string to_text(endpoint const& address);

/// In quotation marks, cut when long: how messages show what the operator wrote.
std::string shown(std::string_view text);

}  // namespace ftpsgate::config
