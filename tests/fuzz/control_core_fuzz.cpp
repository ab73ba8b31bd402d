// Input: the rules of the site, then one decision a byte for peers, driver and clock of a whole session; what is left
// of the input in the end are bytes of the client's and the backend's.
#include "tests/fuzz/input.hpp"
#include "tests/support/core_player.hpp"

#include <memory>

using namespace ftpsgate;
using tests::core_player;
using tests::core_watch;
using tests::manners;

namespace {

constexpr unsigned most_events = 400;

ftp::core_settings settings_of(std::uint8_t choice) {
    ftp::site_rules rules;
    rules.name = "ftp.example.com";
    rules.hosts = {"ftp.example.com"};
    rules.banner = "FTP server ready.";
    rules.tls_id = "certificate";
    rules.control = static_cast<ftp::control_rule>(choice % 3);
    rules.data = static_cast<ftp::data_rule>(choice / 3 % 3);
    rules.data_mode = static_cast<ftp::backend_mode>(choice / 9 % 3);
    rules.pass_unknown = (choice & 128) != 0;
    ftp::core_settings settings;
    settings.sites = std::make_shared<std::vector<ftp::site_rules> const>(1, rules);
    settings.client = *ftp::ip_address::parse("192.0.2.7");
    settings.gate = *ftp::ip_address::parse("198.51.100.1");
    return settings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    core_watch watch(settings_of(in.byte()));
    manners const how = in.byte() % 2 == 0 ? manners::polite : manners::hostile;
    core_player player(watch, how, [&in](unsigned bound) { return in.byte() % bound; });
    watch.start();
    std::string_view const raw = how == manners::hostile ? in.bytes(in.byte()) : std::string_view();
    watch.feed(ftp::client_bytes{raw.substr(0, raw.size() / 2)});
    for (unsigned i = 0; i < most_events && !in.rest().empty() && !watch.is_over(); ++i)
        player.plays();
    watch.feed(ftp::backend_bytes{raw.substr(raw.size() / 2)});
    watch.feed(ftp::client_gone{});
    watch.require(watch.finishes() == 1, "not exactly one finish");
    watch.require(watch.transfers_noted() == watch.transfers_begun(), "a transfer that is not written down once");
    fuzz::require(watch.broken().empty(), watch.broken().c_str());
    return 0;
}
