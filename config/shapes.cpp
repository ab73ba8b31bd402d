#include "config/shapes.hpp"

#include "config/networks.hpp"
#include "config/words.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <pwd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ftpsgate::config {

namespace {

namespace fs = std::filesystem;

/// The string itself, or why there is none: of another kind, or empty.
parsed<std::string> written_text(scalar const& value, std::string_view expected) {
    auto const* const written = std::get_if<std::string>(&value.content);
    if (written == nullptr) return wrong_kind(expected, value);
    if (written->empty()) return complaint{"must not be empty"};
    return *written;
}

/// Most shapes: a string that a parser of units.hpp or words.hpp makes something of.
template <typename Value, typename Parse>
verdict take(scalar const& value, std::string_view expected, Value& into, Parse const& parse) {
    auto const written = written_text(value, expected);
    if (!written) return written.fault();
    auto const result = parse(*written);
    if (!result) return result.fault();
    into = *result;
    return std::nullopt;
}

template <typename Quantity, typename Show>
verdict check_range(Quantity value, Quantity least, Quantity most, Show const& show) {
    if (value >= least && value <= most) return std::nullopt;
    return complaint{"must be between " + show(least) + " and " + show(most) + ", not " + show(value)};
}

/// Relative paths start at the configuration file's folder.
parsed<fs::path> resolve(scalar const& value) {
    auto const written = written_text(value, "a file name");
    if (!written) return written.fault();
    if (has_control_character(*written)) return complaint{"must not contain control characters"};
    return (fs::path(value.where.file).parent_path() / *written).lexically_normal();
}

complaint cannot_read(fs::path const& path, std::string const& reason) {
    return {"cannot read " + shown(path.string()) + ": " + reason};
}

verdict check_opens(fs::path const& path) {
    int const descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return cannot_read(path, std::generic_category().message(errno));
    ::close(descriptor);
    return std::nullopt;
}

}  // namespace

complaint wrong_kind(std::string_view expected, scalar const& value) {
    return {"must be " + std::string(expected) + ", not " + std::string(value.kind)};
}

verdict text::operator()(scalar const& value, std::string& into) const {
    auto const written = written_text(value, "a string");
    if (!written) return written.fault();
    if (has_control_character(*written)) return complaint{"must not contain control characters"};
    if ((*written).size() > longest) return complaint{"must not be longer than " + std::to_string(longest) + " bytes"};
    into = *written;
    return std::nullopt;
}

verdict placed::operator()(scalar const& value, std::optional<placed_text>& into) const {
    std::string written;
    if (auto fault = shape(value, written)) return fault;
    into = placed_text{std::move(written), value.where};
    return std::nullopt;
}

verdict flag::operator()(scalar const& value, bool& into) const {
    auto const* const written = std::get_if<bool>(&value.content);
    if (written == nullptr) return wrong_kind("true or false", value);
    into = *written;
    return std::nullopt;
}

parsed<std::int64_t> number::read(scalar const& value) const {
    auto const* const written = std::get_if<std::int64_t>(&value.content);
    if (written == nullptr) return wrong_kind("an integer", value);
    auto const show = [](std::int64_t one) { return std::to_string(one); };
    if (auto fault = check_range(*written, least, most, show)) return *fault;
    return *written;
}

verdict duration::operator()(scalar const& value, milliseconds& into) const {
    milliseconds found{};
    if (auto fault = take(value, R"(a duration like "30s")", found, parse_duration)) return fault;
    if (auto fault = check_range(found, least, most, [](milliseconds one) { return to_text(one); })) return fault;
    into = found;
    return std::nullopt;
}

verdict byte_count::operator()(scalar const& value, std::size_t& into) const {
    std::uint64_t found = 0;
    if (auto const* const written = std::get_if<std::int64_t>(&value.content)) {
        if (*written < 0) return complaint{"must not be negative"};
        found = static_cast<std::uint64_t>(*written);
    } else if (auto fault = take(value, R"(bytes, as an integer or like "64KiB")", found, parse_size)) {
        return fault;
    }
    if (auto fault = check_range(found, least, most, size_to_text)) return fault;
    into = static_cast<std::size_t>(found);
    return std::nullopt;
}

parsed<endpoint> address::read(scalar const& value) const {
    endpoint found;
    auto const parse = [this](std::string_view written) { return parse_endpoint(written, zero); };
    if (auto fault = take(value, R"(a string like "192.0.2.1:21")", found, parse)) return *fault;
    found.where = value.where;
    return found;
}

verdict ports::operator()(scalar const& value, port_range& into) const {
    return take(value, R"(a string like "50000-50999")", into, parse_port_range);
}

verdict reachable_ipv4::operator()(scalar const& value, std::string& into) const {
    std::string found;
    if (auto fault = take(value, "an IPv4 address", found, parse_ipv4)) return fault;
    auto const first_octet = std::stoi(found);
    if (first_octet == 0 || first_octet >= 224) return complaint{shown(found) + " is not an address to connect to"};
    into = found;
    return std::nullopt;
}

verdict ip_literal::operator()(scalar const& value, std::string& into) const {
    return take(value, "an IP address", into, parse_ip);
}

verdict host_name::operator()(scalar const& value, std::string& into) const {
    return take(value, "a host name", into, parse_host_name);
}

verdict verb_name::operator()(scalar const& value, std::string& into) const {
    return take(value, "an FTP verb", into, parse_verb);
}

parsed<file_path> readable_file::read(scalar const& value) const {
    auto const path = resolve(value);
    if (!path) return path.fault();
    std::error_code failure;
    auto const status = fs::status(*path, failure);
    if (failure) return cannot_read(*path, failure.message());
    if (fs::is_directory(status)) return cannot_read(*path, "it is a folder");
    // Anything else could block or give other bytes at the next reload.
    if (!fs::is_regular_file(status)) return cannot_read(*path, "not a regular file");
    if (auto fault = check_opens(*path)) return *fault;
    return file_path{(*path).string(), value.where};
}

verdict password_file::operator()(scalar const& value, std::optional<file_path>& into) const {
    auto const path = resolve(value);
    if (!path || (*path).string().find("%u") == std::string::npos) return readable_file{}(value, into);
    auto folder = *path;
    while (folder.string().find("%u") != std::string::npos)
        folder = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
    std::error_code failure;
    if (!fs::is_directory(folder, failure)) return complaint{"there is no folder " + shown(folder.string())};
    into = file_path{(*path).string(), value.where};
    return std::nullopt;
}

verdict readable_path::operator()(scalar const& value, file_path& into) const {
    auto const path = resolve(value);
    std::error_code failure;
    if (!path || !fs::is_directory(*path, failure)) return readable_file{}(value, into);
    if (auto fault = check_opens(*path)) return *fault;
    into = {(*path).string(), value.where};
    return std::nullopt;
}

verdict writable_folder::operator()(scalar const& value, std::optional<file_path>& into) const {
    auto const path = resolve(value);
    if (!path) return path.fault();
    std::error_code failure;
    if (!fs::is_directory(*path, failure)) return complaint{"there is no folder " + shown((*path).string())};
    if (::access((*path).c_str(), W_OK | X_OK) != 0)
        return complaint{"cannot write to " + shown((*path).string()) + ": " + std::generic_category().message(errno)};
    into = file_path{(*path).string(), value.where};
    return std::nullopt;
}

verdict network::operator()(scalar const& value, ip_network& into) const {
    return take(value, R"(a string like "10.0.0.0/8" or "192.0.2.7")", into, parse_network);
}

verdict network_or_name::operator()(scalar const& value, url_permission& into) const {
    return take(value, R"(a string like "10.0.0.0/8" or "name:80")", into, parse_url_permission);
}

verdict writable_file::operator()(scalar const& value, std::string& into) const {
    auto const path = resolve(value);
    if (!path) return path.fault();
    std::error_code failure;
    if (fs::is_directory(*path, failure)) return complaint{shown((*path).string()) + " is a folder"};
    auto const folder = (*path).has_parent_path() ? (*path).parent_path() : fs::path(".");
    if (!fs::is_directory(folder, failure)) return complaint{"there is no folder " + shown(folder.string())};
    into = (*path).string();
    return std::nullopt;
}

complaint not_one_of(scalar const& value, std::vector<std::string_view> const& words) {
    std::string expected;
    for (std::size_t at = 0; at < words.size(); ++at) {
        if (at != 0) expected += at + 1 == words.size() ? " or " : ", ";
        expected += shown(words[at]);
    }
    auto const* const written = std::get_if<std::string>(&value.content);
    if (written == nullptr) return wrong_kind(expected, value);
    return {"must be " + expected + ", not " + shown(*written), suggestion(*written, words)};
}

verdict account_name::operator()(scalar const& value, std::optional<system_account>& into) const {
    return take(value, "the name of an account", into, [](std::string const& name) -> parsed<system_account> {
        std::vector<char> room(64 * 1024);
        ::passwd entry{};
        ::passwd* found = nullptr;
        int const error = ::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
        if (found != nullptr) return system_account{name, found->pw_uid, found->pw_gid};
        auto const why = error == 0 ? std::string() : ": " + std::generic_category().message(error);
        return complaint{"there is no account " + shown(name) + " on this system" + why};
    });
}

}  // namespace ftpsgate::config
