#include "proxy/crl_watch.hpp"

namespace ftpsgate::proxy {

std::map<std::string, policy::crl_notice> newest_lists(site_runtime const& site) {
    std::map<std::string, policy::crl_notice> newest;
    for (auto const& one : site.verifier->relied_on_lists()) {
        auto const [place, added] = newest.try_emplace(one.issuer, one);
        if (!added && place->second.next_update < one.next_update) place->second = one;
    }
    return newest;
}

void crl_watch::look(runtime const& snapshot, std::chrono::system_clock::time_point now) {
    for (auto const& site : snapshot.sites)
        if (site->verifier) look_at(*site, now);
}

void crl_watch::look_at(site_runtime const& site, std::chrono::system_clock::time_point now) {
    for (auto const& [issuer, list] : newest_lists(site)) {
        auto& told = told_[site.settings.name + '\n' + issuer];
        if (list.next_update > now || told == list.next_update) continue;
        told = list.next_update;
        log_line(log_, level::error, "crl_expired")
            .field("site", site.settings.name)
            .field("issuer", issuer)
            .field("source", list.origin)
            .field("next_update", policy::to_text(list.next_update))
            .field("detail", "the CRL is out of date: clients of this issuer are refused until there is a new one");
    }
}

}  // namespace ftpsgate::proxy
