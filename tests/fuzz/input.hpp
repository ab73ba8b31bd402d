// What the fuzz targets share: cutting an input into decisions and bytes, and the check of a property.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace ftpsgate::fuzz {

/// Ends the program, so that the fuzzer (or the replay) reports the input, when a property does not hold.
inline void require(bool holds, char const* property) {
    if (holds) return;
    std::fprintf(stderr, "property broken: %s\n", property);
    std::abort();
}

/// Takes decisions from the front of an input; zeros when it is used up.
class input {
public:
    input(std::uint8_t const* data, std::size_t size) : rest_(reinterpret_cast<char const*>(data), size) {}

    std::uint8_t byte() {
        std::string_view const taken = bytes(1);
        return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken.front());
    }
    std::string_view bytes(std::size_t length) {
        std::string_view const taken = rest_.substr(0, std::min(length, rest_.size()));
        rest_.remove_prefix(taken.size());
        return taken;
    }
    /// Up to the next NUL, which is left out.
    std::string_view text() {
        std::string_view const taken = bytes(std::min(rest_.find('\0'), rest_.size()));
        bytes(1);
        return taken;
    }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

}  // namespace ftpsgate::fuzz
