#include "metrics/metrics.hpp"

#include "metrics/names.hpp"
#include "metrics/word_table.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <deque>
#include <sstream>

namespace ftpsgate::metrics {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

namespace {

Histogram::BucketBoundaries const handshake_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                    0.1,   0.25,   0.5,   1,    2.5,   10};
Histogram::BucketBoundaries const transfer_buckets{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200};

template <class Builder>
auto& add_family(Builder builder, description const& what, prometheus::Registry& registry) {
    return builder.Name(std::string(what.name)).Help(std::string(what.help)).Register(registry);
}

Family<Counter>& counter(description const& what, prometheus::Registry& registry) {
    return add_family(prometheus::BuildCounter(), what, registry);
}

Family<Gauge>& gauge(description const& what, prometheus::Registry& registry) {
    return add_family(prometheus::BuildGauge(), what, registry);
}

Family<Histogram>& histogram(description const& what, prometheus::Registry& registry) {
    return add_family(prometheus::BuildHistogram(), what, registry);
}

/// The labels of `what` from the first on, as many as there are values.
Labels labels_of(description const& what, std::initializer_list<std::string_view> values) {
    Labels labels;
    auto label = what.labels.begin();
    for (auto const value : values)
        labels.emplace(*label++, value);
    return labels;
}

template <class Words>
std::size_t position(Words const& words, std::string_view word) {
    return static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin());
}

double seconds_since_epoch(std::chrono::system_clock::time_point when) {
    return std::chrono::duration<double>(when.time_since_epoch()).count();
}

template <class Enum>
std::size_t index(Enum value) {
    return static_cast<std::size_t>(value);
}

}  // namespace

struct families {
    prometheus::Registry all;
    Family<Gauge>& sessions = gauge(names::sessions, all);
    Family<Counter>& sessions_total = counter(names::sessions_total, all);
    Family<Counter>& handshakes = counter(names::tls_handshakes_total, all);
    Family<Histogram>& handshake_seconds = histogram(names::tls_handshake_seconds, all);
    Family<Counter>& client_certificates = counter(names::client_certificates_total, all);
    Family<Counter>& revocation_checks = counter(names::revocation_checks_total, all);
    Family<Counter>& identity_lookups = counter(names::identity_lookups_total, all);
    Family<Counter>& logins = counter(names::logins_total, all);
    Family<Counter>& commands = counter(names::commands_total, all);
    Family<Counter>& transfers = counter(names::transfers_total, all);
    Family<Counter>& transfer_bytes = counter(names::transfer_bytes_total, all);
    Family<Histogram>& transfer_seconds = histogram(names::transfer_seconds, all);
    Family<Gauge>& backend_sessions = gauge(names::backend_sessions, all);
    Family<Counter>& backend_connects = counter(names::backend_connects_total, all);
    Family<Counter>& attacks = counter(names::attacks_total, all);
    Family<Counter>& reloads = counter(names::reloads_total, all);
    Family<Gauge>& build_info = gauge(names::build_info, all);
};

registry::registry() : families_(std::make_unique<families>()) {
    for (auto const word : words::reload_results)
        families_->reloads.Add(labels_of(names::reloads_total, {word}));
}
registry::~registry() = default;

void registry::build_info(std::string_view version, std::string_view boringssl, std::string_view boost) {
    families_->build_info.Add(labels_of(names::build_info, {version, boringssl, boost})).Set(1);
}

void registry::reloaded(std::string_view result) {
    families_->reloads.Add(labels_of(names::reloads_total, {result})).Increment();
}

namespace {

prometheus::MetricFamily family_of(description const& what) {
    prometheus::MetricFamily family;
    family.name = what.name;
    family.help = what.help;
    family.type = prometheus::MetricType::Gauge;
    return family;
}

void add(prometheus::MetricFamily& family, Labels const& labels, double value) {
    auto& metric = family.metric.emplace_back();
    for (auto const& [name, word] : labels)
        metric.label.push_back({name, word});
    metric.gauge.value = value;
}

void add_present(present_state const& now, std::vector<prometheus::MetricFamily>& page) {
    auto certificates = family_of(names::certificate_not_after);
    for (auto const& one : now.certificates)
        add(certificates, labels_of(names::certificate_not_after, {one.site}), seconds_since_epoch(one.not_after));
    auto lists = family_of(names::crl_next_update);
    for (auto const& one : now.lists)
        if (lists.metric.size() < present_state::shown_lists)
            add(lists, labels_of(names::crl_next_update, {one.site, one.issuer}), seconds_since_epoch(one.next_update));
    auto ports = family_of(names::passive_ports_in_use);
    for (auto const& one : now.passive_ports)
        add(ports, labels_of(names::passive_ports_in_use, {one.site}), static_cast<double>(one.in_use));
    auto backends = family_of(names::backend_up);
    for (auto const& one : now.backends)
        add(backends, labels_of(names::backend_up, {one.site, one.name}), one.up ? 1 : 0);
    for (auto* const family : {&certificates, &lists, &ports, &backends})
        if (!family->metric.empty()) page.push_back(std::move(*family));
}

}  // namespace

std::string registry::text(present_state const& now) const {
    auto page = families_->all.Collect();
    add_present(now, page);
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, page);
    return std::move(out).str();
}

// ---- one site -------------------------------------------------------------------------------------------------------

namespace {

using counters = word_table<Counter>;

struct backend_series {
    backend_series(families& all, std::string_view site, std::string_view backend)
        : name(backend),
          sessions(all.backend_sessions.Add(labels_of(names::backend_sessions, {site, backend}))),
          connects(all.backend_connects, labels_of(names::backend_connects_total, {site, backend}), "result",
                   words::connect_results) {}

    std::string name;
    Gauge& sessions;
    counters connects;
};

std::vector<std::string> with_other(std::vector<std::string> words) {
    words.emplace_back(words::other);
    return words;
}

}  // namespace

struct site_metrics::handles {
    handles(families& all_families, site_words const& words);
    backend_series& backend(std::string_view name);

    families& all;
    std::string site;
    Gauge& sessions;
    counters sessions_total;
    counters commands;
    counters attacks;
    counters client_certificates;
    std::deque<counters> handshakes;         // by channel; a deque because tables do not move
    std::deque<counters> revocation_checks;  // by source, as words::revocation_sources
    std::deque<counters> identity_lookups;   // by source, as words::identity_sources
    std::deque<counters> logins;             // by method
    std::deque<counters> transfers;          // by direction
    std::vector<Histogram*> handshake_seconds;
    std::vector<Counter*> transfer_bytes;
    std::vector<Histogram*> transfer_seconds;
    std::deque<backend_series> backends;
};

site_metrics::handles::handles(families& all_families, site_words const& words)
    : all(all_families),
      site(words.name),
      sessions(all.sessions.Add(labels_of(names::sessions, {site}))),
      sessions_total(all.sessions_total, labels_of(names::sessions_total, {site}), "result", words::session_results),
      commands(all.commands, labels_of(names::commands_total, {site}), "verb", with_other(words.verbs)),
      attacks(all.attacks, labels_of(names::attacks_total, {site}), "kind", words::attack_kinds),
      client_certificates(all.client_certificates, labels_of(names::client_certificates_total, {site}), "result",
                          words::client_certificate_results) {
    for (auto const word : words::channels) {
        handshakes.emplace_back(all.handshakes, labels_of(names::tls_handshakes_total, {site, word}), "result",
                                words::handshake_results);
        handshake_seconds.push_back(
            &all.handshake_seconds.Add(labels_of(names::tls_handshake_seconds, {site, word}), handshake_buckets));
    }
    for (auto const word : words::revocation_sources)
        revocation_checks.emplace_back(all.revocation_checks, labels_of(names::revocation_checks_total, {site, word}),
                                       "result", words::revocation_results);
    for (auto const word : words::identity_sources)
        identity_lookups.emplace_back(all.identity_lookups, labels_of(names::identity_lookups_total, {site, word}),
                                      "result", words::identity_results);
    for (auto const word : words::login_methods)
        logins.emplace_back(all.logins, labels_of(names::logins_total, {site, word}), "result", words::login_results);
    for (auto const word : words::directions) {
        transfers.emplace_back(all.transfers, labels_of(names::transfers_total, {site, word}), "result",
                               words::transfer_results);
        transfer_bytes.push_back(&all.transfer_bytes.Add(labels_of(names::transfer_bytes_total, {site, word})));
        transfer_seconds.push_back(
            &all.transfer_seconds.Add(labels_of(names::transfer_seconds, {site, word}), transfer_buckets));
    }
    for (auto const& name : with_other(words.backends))
        backends.emplace_back(all, site, name);
}

/// The last one, "other", stands for names that are not in the configuration.
backend_series& site_metrics::handles::backend(std::string_view name) {
    for (auto& candidate : backends)
        if (candidate.name == name) return candidate;
    return backends.back();
}

site_metrics::site_metrics(registry& all, site_words const& words)
    : handles_(std::make_unique<handles>(*all.families_, words)) {
}
site_metrics::~site_metrics() = default;

void site_metrics::session_opened() {
    handles_->sessions.Increment();
}

void site_metrics::session_closed(std::string_view result) {
    handles_->sessions.Decrement();
    handles_->sessions_total.of(result).Increment();
}

void site_metrics::session_left() {
    handles_->sessions.Decrement();
}

void site_metrics::session_refused(std::string_view result) {
    handles_->sessions_total.of(result).Increment();
}

void site_metrics::handshake(channel where, std::string_view result, seconds took) {
    handles_->handshakes[index(where)].of(result).Increment();
    if (result == "ok" || result == "resumed") handles_->handshake_seconds[index(where)]->Observe(took.count());
}

void site_metrics::client_certificate(std::string_view result) {
    handles_->client_certificates.of(result).Increment();
}

void site_metrics::revocation_check(std::string_view source, std::string_view result) {
    auto const i = position(words::revocation_sources, source);
    if (i < handles_->revocation_checks.size()) handles_->revocation_checks[i].of(result).Increment();
}

void site_metrics::identity_lookup(std::string_view source, std::string_view result) {
    auto const i = position(words::identity_sources, source);
    if (i < handles_->identity_lookups.size()) handles_->identity_lookups[i].of(result).Increment();
}

void site_metrics::login(login_method how, std::string_view result) {
    handles_->logins[index(how)].of(result).Increment();
}

void site_metrics::command(std::string_view verb) {
    handles_->commands.of_known(verb).Increment();
}

void site_metrics::transfer(direction way, std::string_view result, std::uint64_t bytes, seconds took) {
    auto const i = index(way);
    handles_->transfers[i].of(result).Increment();
    handles_->transfer_bytes[i]->Increment(static_cast<double>(bytes));
    handles_->transfer_seconds[i]->Observe(took.count());
}

void site_metrics::backend_connect(std::string_view backend, std::string_view result) {
    handles_->backend(backend).connects.of(result).Increment();
}

void site_metrics::backend_session_opened(std::string_view backend) {
    handles_->backend(backend).sessions.Increment();
}

void site_metrics::backend_session_closed(std::string_view backend) {
    handles_->backend(backend).sessions.Decrement();
}

double site_metrics::backend_sessions(std::string_view backend) const {
    return handles_->backend(backend).sessions.Value();
}

site_counts site_metrics::counts() const {
    site_counts found;
    found.sessions = handles_->sessions.Value();
    for (auto& table : handles_->transfers)
        found.transfers += table.sum();
    auto const bytes = [this](direction way) { return handles_->transfer_bytes[index(way)]->Value(); };
    found.uploaded = bytes(direction::upload);
    found.downloaded = bytes(direction::download) + bytes(direction::list);
    return found;
}

void site_metrics::attack(std::string_view what) {
    handles_->attacks.of(what).Increment();
}

}  // namespace ftpsgate::metrics
