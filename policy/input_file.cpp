#include "policy/input_file.hpp"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace ftpsgate::policy {

namespace {

// "" = nothing wrong so far.
std::string obstacle(std::string const& path, std::size_t limit) {
    std::error_code ec;
    auto const status = std::filesystem::status(path, ec);
    if (ec) return ec.message();
    if (!std::filesystem::is_regular_file(status)) return "not a regular file";
    auto const size = std::filesystem::file_size(path, ec);
    if (ec) return ec.message();
    return size > limit ? "larger than " + std::to_string(limit >> 20U) + " MiB" : "";
}

}  // namespace

std::optional<std::string> read_input_file(config::file_path const& file, std::string const& key,
                                           config::problems& faults, std::size_t limit) {
    if (file.path.empty()) return std::nullopt;  // the loader has said why
    std::string reason = obstacle(file.path, limit);
    if (reason.empty()) {
        errno = 0;
        std::ifstream in(file.path, std::ios::binary);
        std::string bytes{std::istreambuf_iterator<char>(in), {}};
        if (in.is_open() && !in.bad()) return bytes;
        reason = errno != 0 ? std::generic_category().message(errno) : "unreadable";
    }
    faults.push_back({file.where, key, "cannot read " + file.path + ": " + reason, ""});
    return std::nullopt;
}

}  // namespace ftpsgate::policy
