// How the value of a key is written: one small type per shape, with the range as its members. A shape takes the value
// as it stands in the file and either writes the typed value or says what is wrong. load.cpp names one per key:
//     in.optional("retries", out.retries, number{0, 100});
#pragma once

#include "config/nearest.hpp"
#include "config/settings.hpp"
#include "config/units.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ftpsgate::config {

/// One value of the file that is no table. Other kinds than the three (float, date, ...) have no content.
struct scalar {
    std::variant<std::monostate, std::string, std::int64_t, bool> content;
    std::string_view kind;  ///< with its article, "an integer"
    location where;
};

/// What a shape returns: nothing when the value was taken.
using verdict = std::optional<complaint>;

complaint wrong_kind(std::string_view expected, scalar const& value);

/// A string, not empty, on one line.
struct text {
    std::size_t longest = 4096;  ///< bytes
    verdict operator()(scalar const& value, std::string& into) const;
};

/// The same, with its place.
struct placed {
    text shape{};
    verdict operator()(scalar const& value, std::optional<placed_text>& into) const;
};

struct flag {
    verdict operator()(scalar const& value, bool& into) const;
};

/// An integer, both ends included.
struct number {
    std::int64_t least;
    std::int64_t most;
    parsed<std::int64_t> read(scalar const& value) const;

    template <typename Integer>
    verdict operator()(scalar const& value, Integer& into) const {
        auto const result = read(value);
        if (!result) return result.fault();
        into = static_cast<Integer>(*result);
        return std::nullopt;
    }
};

/// "30s"; both ends included.
struct duration {
    milliseconds least;
    milliseconds most;
    verdict operator()(scalar const& value, milliseconds& into) const;
};

/// Bytes, as an integer or as "64KiB"; both ends included.
struct byte_count {
    std::uint64_t least;
    std::uint64_t most;
    verdict operator()(scalar const& value, std::size_t& into) const;
};

/// ADDRESS:PORT, with its position.
struct address {
    zero_port zero = zero_port::refused;
    parsed<endpoint> read(scalar const& value) const;

    template <typename Endpoint>
    verdict operator()(scalar const& value, Endpoint& into) const {
        auto const result = read(value);
        if (!result) return result.fault();
        into = *result;
        return std::nullopt;
    }
};

struct ports {
    verdict operator()(scalar const& value, port_range& into) const;
};

/// A unicast IPv4 address that a client can connect to.
struct reachable_ipv4 {
    verdict operator()(scalar const& value, std::string& into) const;
};

struct ip_literal {
    verdict operator()(scalar const& value, std::string& into) const;
};

struct host_name {
    verdict operator()(scalar const& value, std::string& into) const;
};

struct verb_name {
    verdict operator()(scalar const& value, std::string& into) const;
};

/// An existing regular file that can be opened for reading now. What is in it is judged elsewhere.
struct readable_file {
    parsed<file_path> read(scalar const& value) const;

    template <typename Path>
    verdict operator()(scalar const& value, Path& into) const {
        auto const result = read(value);
        if (!result) return result.fault();
        into = *result;
        return std::nullopt;
    }
};

/// What readable_file takes; or with '%u' in it, for a user known later, a file in a folder that exists.
struct password_file {
    verdict operator()(scalar const& value, std::optional<file_path>& into) const;
};

/// What readable_file takes, or a folder that can be listed now.
struct readable_path {
    verdict operator()(scalar const& value, file_path& into) const;
};

/// An existing folder in which files can be made now.
struct writable_folder {
    verdict operator()(scalar const& value, std::optional<file_path>& into) const;
};

/// The name of an account of this system.
struct account_name {
    verdict operator()(scalar const& value, std::optional<system_account>& into) const;
};

/// "10.0.0.0/8", or an address alone.
struct network {
    verdict operator()(scalar const& value, ip_network& into) const;
};

struct network_or_name {
    verdict operator()(scalar const& value, url_permission& into) const;
};

/// A file that will be written: its folder exists, and it is not a folder itself.
struct writable_file {
    verdict operator()(scalar const& value, std::string& into) const;
};

/// "" stands for "none", the empty value; all else is left to the other shape.
template <typename Shape>
struct or_empty {
    Shape shape;

    template <typename Value>
    verdict operator()(scalar const& value, Value& into) const {
        auto const* const written = std::get_if<std::string>(&value.content);
        if (written == nullptr || !written->empty()) return shape(value, into);
        into = Value{};
        return std::nullopt;
    }
};

template <typename Shape>
or_empty(Shape) -> or_empty<Shape>;

/// The complaint for a word outside a fixed set.
complaint not_one_of(scalar const& value, std::vector<std::string_view> const& words);

/// One word of a fixed set: one_of<tls_mode>{{"explicit", explicit_tls}, {"implicit", implicit_tls}}.
template <typename Enum>
class one_of {
public:
    one_of(std::initializer_list<std::pair<std::string_view, Enum>> spellings) : spellings_(spellings) {}

    verdict operator()(scalar const& value, Enum& into) const {
        auto const* const written = std::get_if<std::string>(&value.content);
        std::vector<std::string_view> words;
        for (auto const& [word, meaning] : spellings_) {
            words.push_back(word);
            if (written == nullptr || *written != word) continue;
            into = meaning;
            return std::nullopt;
        }
        return not_one_of(value, words);
    }

private:
    std::vector<std::pair<std::string_view, Enum>> spellings_;
};

}  // namespace ftpsgate::config
