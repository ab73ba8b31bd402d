// Input: an applicationHost.config, or decisions of which one is made (iis_text.hpp). Whatever it is, it is refused in
// one sentence, or what comes out is a configuration that the gate would take once its files are there, with one
// comment for each note.
#include "config/iis_import.hpp"
#include "tests/config/scratch.hpp"
#include "tests/fuzz/iis_text.hpp"
#include "tests/fuzz/input.hpp"

#include <sstream>

using namespace ftpsgate;

namespace {

constexpr char name[] = "a.config";

/// The TOML with the names of its files replaced by that of one that is there.
std::string filled_in(std::string const& toml) {
    std::istringstream lines(toml);
    std::string filled, line;
    while (std::getline(lines, line)) {
        for (std::string const key : {"certificate", "private_key", "ca_file", "bind_password_file", "password_file"})
            if (line.starts_with(key + " = \"")) line = key + " = \"file\"";
        filled += line + "\n";
    }
    return filled;
}

struct folder_with_file : config::scratch_folder {
    folder_with_file() { with("file"); }
};

void check_toml(config::iis_import const& result) {
    static folder_with_file const folder;
    if (result.toml.find("[[site]]") == std::string::npos) return;
    auto const loaded = config::load_text(filled_in(result.toml), folder.file("t.toml"));
    for (auto const& fault : loaded.faults)
        std::fprintf(stderr, "%s\n", config::render(fault).c_str());
    fuzz::require(loaded.faults.empty(), "check accepts what comes out");
}

void check_notes(config::problems const& notes) {
    for (auto const& note : notes) {
        auto const line = config::render(note, "warning");
        fuzz::require(note.where.line > 0 && note.where.column > 0, "a note has a place");
        fuzz::require(line.starts_with(name) && line.find('\n') == line.npos, "a note is one line");
    }
}

/// Whether it could be read.
bool check(std::string_view text) {
    auto const result = config::import_iis(text, name);
    fuzz::require(result.faults.size() <= 1, "one sentence");
    fuzz::require(result.faults.empty() || (result.toml.empty() && result.left_out.empty()), "all or nothing");
    if (!result.faults.empty()) return false;
    check_notes(result.left_out);
    check_toml(result);
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input const bytes(data, size);
    check(bytes.rest());
    fuzz::require(check(fuzz::iis_text(bytes).xml()), "well formed XML is read");
    return 0;
}
