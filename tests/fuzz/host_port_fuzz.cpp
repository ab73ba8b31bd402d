// Input: one text, read as everything that holds an address. Whatever is accepted survives being written and read.
#include "proxy/ftp/host_port.hpp"
#include "tests/fuzz/input.hpp"

using namespace ftpsgate;

namespace {

void check_port(std::string_view text) {
    auto const parsed = ftp::parse_port(text);
    auto const* where = std::get_if<ftp::ip_endpoint>(&parsed);
    if (where == nullptr) return;
    fuzz::require(where->port != 0 && where->address.is_v4(), "PORT is IPv4 with a port");
    auto const again = ftp::parse_port(ftp::format_port(*where));
    fuzz::require(std::get<ftp::ip_endpoint>(again) == *where, "PORT survives");
    fuzz::require(ftp::parse_227(text) == *where, "what PORT takes is an address for 227, too");
}

void check_eprt(std::string_view text) {
    auto const parsed = ftp::parse_eprt(text);
    auto const* where = std::get_if<ftp::ip_endpoint>(&parsed);
    if (where == nullptr) return;
    fuzz::require(where->port != 0, "EPRT has a port");
    auto const again = ftp::parse_eprt(ftp::format_eprt(*where));
    fuzz::require(std::get<ftp::ip_endpoint>(again) == *where, "EPRT survives");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text = fuzz::input(data, size).rest();
    check_port(text);
    check_eprt(text);
    if (auto const where = ftp::parse_227(text)) {
        fuzz::require(where->port != 0 && where->address.is_v4(), "227 is IPv4 with a port");
        fuzz::require(ftp::parse_227(ftp::format_227(*where)) == where, "227 survives");
    }
    if (auto const port = ftp::parse_229(text)) {
        fuzz::require(*port != 0, "229 has a port");
        fuzz::require(ftp::parse_229(ftp::format_229(*port)) == port, "229 survives");
    }
    if (auto const address = ftp::ip_address::parse(text)) {
        fuzz::require(ftp::ip_address::parse(address->text()) == address, "an address survives");
    }
    return 0;
}
