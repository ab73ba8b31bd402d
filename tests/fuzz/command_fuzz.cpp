// Input: a command line as the line reader lets it through or not.
#include "proxy/ftp/command.hpp"
#include "tests/fuzz/input.hpp"

using namespace ftpsgate;

namespace {

void check_wire(ftp::command const& what) {
    auto const wire = ftp::to_wire(what.name, what.argument);
    if (wire.empty()) {
        fuzz::require(what.argument.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos,
                      "only what would be two commands is none");
        return;
    }
    fuzz::require(wire.size() >= 2 && wire.find_first_of("\r\n") == wire.size() - 2, "one line (B-280)");
    fuzz::require(wire.substr(wire.size() - 2) == "\r\n", "which ends with CR LF");
    std::size_t run = 0;
    for (char const byte : wire) {
        if (byte == '\xff') {
            ++run;
        } else {
            fuzz::require(run % 2 == 0, "no lonely IAC (B-010)");
            run = 0;
        }
    }
}

void check_log(ftp::command const& what) {
    auto const shown = ftp::for_log(what);
    fuzz::require(shown.size() <= 256, "a log line is short (A-101)");
    for (char const byte : shown)
        fuzz::require(byte >= ' ' && byte <= '~', "a log line is printable ASCII (A-101)");
    if (what.row->secret && !what.argument.empty()) {
        fuzz::require(shown == what.name + " ****", "a secret is not in the log (A-101)");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const what = ftp::parse_command(fuzz::input(data, size).rest());
    fuzz::require(what.row != nullptr, "a command has a row");
    fuzz::require(what.malformed == what.name.empty(), "a command has a name unless it is malformed");
    fuzz::require(what.name.size() <= 16, "a name is short");
    for (char const byte : what.name) {
        fuzz::require(byte > ' ' && byte <= '~' && !(byte >= 'a' && byte <= 'z'), "a name is upper case ASCII");
    }
    fuzz::require(what.id() == ftp::verb::unknown || what.row->name == what.name, "the row is that of the name");
    check_log(what);
    if (!what.malformed) check_wire(what);
    return 0;
}
