// What the tests of the configuration share: a folder with files that the text may name, and the faults of a text as
// the operator sees them, with the folder left out.
#pragma once

#include "config/load.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::config {

using lines = std::vector<std::string>;

class scratch_folder {
public:
    scratch_folder() : path_((std::filesystem::temp_directory_path() / "ftpsgate-XXXXXX").string()) {
        if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(scratch_folder const&) = delete;
    scratch_folder& operator=(scratch_folder const&) = delete;

    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

    /// Its content is judged by policy/ only.
    scratch_folder& with(std::string_view name, std::string_view content = "any") {
        std::ofstream(file(name), std::ios::binary) << content;
        return *this;
    }

    /// Text without the path of this folder.
    std::string trimmed(std::string text) const {
        for (auto at = text.find(path_); at != std::string::npos; at = text.find(path_))
            text.erase(at, path_.size() + 1);
        return text;
    }

private:
    std::string path_;
};

inline lines rendered(problems const& faults) {
    lines text;
    for (auto const& fault : faults)
        text.push_back(render(fault));
    return text;
}

/// Loaded as "t.toml" from a folder that has the files server.pem, server.key, second.pem and second.key.
struct loaded {
    scratch_folder folder;
    load_result result;
    lines faults;

    explicit loaded(std::string_view toml) {
        folder.with("server.pem").with("server.key").with("second.pem").with("second.key");
        result = load_text(toml, folder.file("t.toml"));
        for (auto const& line : rendered(result.faults))
            faults.push_back(folder.trimmed(line));
    }

    site_settings const& site() const { return result.values.sites.at(0); }
};

/// The smallest site that has no fault, in six lines; more of [site.ssl] may follow.
inline constexpr char smallest_site[] =
    "[[site]]\n"
    "name = 'a'\n"
    "listen = [ { address = '127.0.0.1:0' } ]\n"
    "backend.servers = ['10.0.0.5:21']\n"
    "[site.ssl]\n"
    "certificate = 'server.pem'\nprivate_key = 'server.key'\n";

}  // namespace ftpsgate::config
