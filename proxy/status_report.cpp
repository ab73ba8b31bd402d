#include "proxy/status_report.hpp"

#include "metrics/spoken.hpp"
#include "policy/certificate.hpp"
#include "proxy/crl_watch.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace ftpsgate::proxy {

namespace {

metrics::health shown(health_state state) {
    switch (state) {
        case health_state::up: return metrics::health::up;
        case health_state::down: return metrics::health::down;
        case health_state::untried: break;
    }
    return metrics::health::untried;
}

metrics::backend_row backend_of(site_runtime const& site, std::size_t index, metrics::wall_time now) {
    metrics::backend_row row;
    row.name = site.backends->name(index);
    row.sessions = static_cast<std::uint64_t>(site.counters->backend_sessions(row.name));
    auto const known = site.backends->health(index);
    row.state = shown(known.state());
    auto const& latest = known.latest();
    if (!latest) return row;
    auto const ago = metrics::spoken(std::chrono::floor<std::chrono::seconds>(now - latest->when)) + " ago";
    bool const by_check = latest->by == health_source::check;
    row.detail = latest->good
                     ? (by_check ? "a check found it well " : "a session connected ") + ago
                     : (by_check ? "a check failed " : "a session could not connect ") + ago + ": " + latest->words;
    return row;
}

void add_server_certificates(site_runtime const& site, std::vector<metrics::expiry_row>& rows) {
    auto const& files = site.settings.ssl.certificate;
    for (auto const& context : site.tls.contexts) {
        X509* const shown = SSL_CTX_get0_certificate(context.get());
        if (shown == nullptr) continue;
        auto const facts = policy::facts_of(*shown);
        std::string const file = files.size() == 1 ? files.front().path : "";
        rows.push_back(
            {metrics::credential::server_certificate, site.settings.name, facts.subject, file, facts.not_after});
    }
}

void add_client_cas(site_runtime const& site, std::vector<metrics::expiry_row>& rows) {
    for (auto const& anchor : site.verifier->anchors()) {
        auto const facts = policy::facts_of(*anchor);
        rows.push_back({metrics::credential::client_ca, site.settings.name, facts.subject,
                        site.settings.client_certificates.ca_file->path, facts.not_after});
    }
}

void add_lists(site_runtime const& site, std::vector<metrics::expiry_row>& rows) {
    for (auto const& [issuer, list] : newest_lists(site))
        rows.push_back({metrics::credential::crl, site.settings.name, issuer, list.origin, list.next_update});
}

}  // namespace

std::vector<metrics::site_row> sites_of(runtime const& snapshot, metrics::wall_time now) {
    std::vector<metrics::site_row> rows;
    for (auto const& site : snapshot.sites) {
        metrics::site_row row;
        row.name = site->settings.name;
        row.sessions = static_cast<std::uint64_t>(site->counters->counts().sessions);
        row.passive_ports = site->ports->size();
        row.passive_ports_in_use = site->ports->in_use();
        for (std::size_t i = 0; i < site->backends->size(); ++i)
            row.backends.push_back(backend_of(*site, i, now));
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<metrics::expiry_row> expiries_of(runtime const& snapshot) {
    std::vector<metrics::expiry_row> rows;
    for (auto const& site : snapshot.sites) {
        add_server_certificates(*site, rows);
        if (!site->verifier) continue;
        add_client_cas(*site, rows);
        add_lists(*site, rows);
    }
    std::stable_sort(rows.begin(), rows.end(), [](auto const& one, auto const& other) { return one.end < other.end; });
    return rows;
}

metrics::present_state present_state_of(runtime const& snapshot) {
    metrics::present_state now;
    for (auto const& site : snapshot.sites) {
        auto const& name = site->settings.name;
        now.passive_ports.push_back({name, site->ports->in_use()});
        for (std::size_t i = 0; i < site->backends->size(); ++i)
            now.backends.push_back(
                {name, site->backends->name(i), site->backends->health(i).state() != health_state::down});
        if (!site->tls.contexts.empty()) now.certificates.push_back({name, site->tls.not_after});
        if (!site->verifier) continue;
        for (auto const& [issuer, list] : newest_lists(*site))
            now.lists.push_back({name, issuer, list.next_update});
    }
    std::sort(now.lists.begin(), now.lists.end(),
              [](auto const& one, auto const& other) { return one.next_update < other.next_update; });
    return now;
}

}  // namespace ftpsgate::proxy
