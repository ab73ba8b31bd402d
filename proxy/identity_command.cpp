#include "proxy/identity_command.hpp"

#include "policy/input_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr int mapped = 0;
constexpr int not_mapped = 3;
constexpr int refused = 4;

/// What a client would meet: its certificate first, then who it is.
struct findings {
    policy::verdict_ptr verdict;
    policy::identity_ptr identity;  ///< null: the certificate is refused, or there is nobody to ask
};

std::string der_of(X509& certificate) {
    std::uint8_t* der = nullptr;
    int const size = i2d_X509(&certificate, &der);
    bssl::UniquePtr<std::uint8_t> const owner(der);
    return size > 0 ? std::string(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size)) : std::string();
}

findings ask(site_runtime const& site, std::vector<std::string> chain) {
    boost::asio::io_context loop{1};
    auto const keeps_running = boost::asio::make_work_guard(loop);
    findings found;
    policy::identity_resolver::pending resolving;
    // What a session would have at most, see session.cpp.
    auto const until = std::chrono::steady_clock::now() + std::min(20'000ms, site.settings.ssl.handshake_timeout);
    auto const verifying =
        site.verifier->verify(std::move(chain), until, loop.get_executor(), [&](policy::verdict_ptr const& verdict) {
            found.verdict = verdict;
            if (!verdict->peer || !site.identities) return loop.stop();
            resolving =
                site.identities->resolve(verdict->peer, loop.get_executor(), [&](policy::identity_ptr const& identity) {
                    found.identity = identity;
                    loop.stop();
                });
        });
    loop.run();
    return found;
}

// Of the certificate, not of USER and PASS: whether these may be used is another question (INTERFACE.md).
int status_of(findings const& found) {
    using outcome = policy::identity_outcome;
    if (!found.verdict->peer) return refused;
    auto const decided = found.identity ? found.identity->outcome : outcome::not_mapped;
    if (decided == outcome::denied || decided == outcome::refused) return refused;
    return decided == outcome::mapped ? mapped : not_mapped;
}

// The last line of the report: what USER would get.
std::string result_of(site_runtime const& site, findings const& found) {
    using outcome = policy::identity_outcome;
    auto const& verdict = *found.verdict;
    if (!verdict.peer) return std::string("refused, ") + to_string(verdict.reason) + ": " + verdict.detail;
    auto const decided = found.identity ? found.identity->outcome : outcome::not_mapped;
    if (decided == outcome::denied) return "refused: denied by rule " + found.identity->rule;
    if (decided == outcome::refused) return "refused: " + found.identity->detail;
    if (decided == outcome::mapped) return "accepted, logs in at the backend as " + found.identity->login->user;
    bool const is_of_rule = found.identity && !found.identity->rule.empty();
    std::string const why = is_of_rule
                                ? "of rule " + found.identity->rule + ", but authentication.client_certificate is off"
                                : std::string("not mapped to a user");
    return "accepted, " + why +
           (site.settings.authentication.basic ? ": USER and PASS of the client decide"
                                               : ": USER is answered 530, as authentication.basic is off");
}

char const* usage_of(site_runtime const& site, policy::peer_verdict const& verdict) {
    if (verdict.reason == policy::refusal::usage) return "not for client authentication";
    if (verdict.chain.empty() || !verdict.chain.back().anchor) return "not looked at";
    return site.settings.client_certificates.flags.no_usage_check ? "not checked (no-usage-check)"
                                                                  : "client authentication";
}

std::string revocation_of(policy::certificate_report const& report) {
    if (report.anchor) return "trust anchor";
    std::string text = std::string("revocation ") + to_string(report.status);
    if (report.source != policy::revocation_source::none) text += std::string(", source ") + to_string(report.source);
    if (report.this_update) text += ", this-update " + policy::to_text(*report.this_update);
    if (report.next_update) text += ", next-update " + policy::to_text(*report.next_update);
    if (!report.detail.empty()) text += " (" + report.detail + ")";
    return text;
}

std::string as_text(site_runtime const& site, findings const& found) {
    auto const& verdict = *found.verdict;
    std::string text = "site: " + site.settings.name + "\ncertificate: " + verdict.subject +
                       "\nsha256: " + verdict.sha256 + "\nchain:\n";
    for (auto const& report : verdict.chain)
        text += "  " + report.facts.subject + "\n    serial " + report.facts.serial + ", valid until " +
                policy::to_text(report.facts.not_after) + "\n    " + revocation_of(report) + "\n";
    text += std::string("usage: ") + usage_of(site, verdict) + "\n";
    for (auto const& fetch : verdict.fetches)
        if (!fetch.usable) text += "fetch failed: " + fetch.url + ": " + fetch.detail + "\n";
    for (auto const& warning : verdict.warnings)
        text += "warning: " + warning + "\n";
    for (std::size_t i = 0; found.identity && i < found.identity->steps.size(); ++i) {
        auto const& step = found.identity->steps[i];
        text += "identity: " + step.name + (step.matched ? ": matches" : ": does not match");
        text += (step.detail.empty() ? "" : ", " + step.detail) + "\n";
    }
    return text + "result: " + result_of(site, found) + "\n";
}

json::value optional_time(std::optional<policy::time_point> const& when) {
    return when ? json::value(policy::to_text(*when)) : json::value(nullptr);
}

json::object as_object(policy::certificate_report const& report) {
    return {{"subject", report.facts.subject},
            {"issuer", report.facts.issuer},
            {"serial", report.facts.serial},
            {"sha256", report.facts.sha256},
            {"not_after", policy::to_text(report.facts.not_after)},
            {"trust_anchor", report.anchor},
            {"revocation",
             {{"status", to_string(report.status)},
              {"source", to_string(report.source)},
              {"this_update", optional_time(report.this_update)},
              {"next_update", optional_time(report.next_update)},
              {"detail", report.detail}}}};
}

json::value as_value(policy::identity_ptr const& identity) {
    if (!identity) return nullptr;
    json::array steps;
    for (auto const& step : identity->steps)
        steps.push_back(json::object{{"name", step.name}, {"matched", step.matched}, {"detail", step.detail}});
    return json::object{{"outcome", to_string(identity->outcome)},
                        {"source", to_string(identity->source)},
                        {"rule", identity->rule},
                        {"user", identity->login ? json::value(identity->login->user) : json::value(nullptr)},
                        {"detail", identity->detail},
                        {"steps", std::move(steps)}};
}

std::string as_json(site_runtime const& site, findings const& found) {
    auto const& verdict = *found.verdict;
    json::array chain, warnings, failed;
    for (auto const& report : verdict.chain)
        chain.push_back(as_object(report));
    for (auto const& warning : verdict.warnings)
        warnings.emplace_back(warning);
    for (auto const& fetch : verdict.fetches)
        if (!fetch.usable) failed.push_back(json::object{{"url", fetch.url}, {"detail", fetch.detail}});
    int const status = status_of(found);
    json::object const whole{{"site", site.settings.name},
                             {"result", status == refused ? "refused" : "accepted"},
                             {"mapped", status == mapped},
                             {"reason", to_string(verdict.reason)},
                             {"detail", result_of(site, found)},
                             {"certificate", {{"subject", verdict.subject}, {"sha256", verdict.sha256}}},
                             {"chain", std::move(chain)},
                             {"usage", usage_of(site, verdict)},
                             {"identity", as_value(found.identity)},
                             {"failed_fetches", std::move(failed)},
                             {"warnings", std::move(warnings)}};
    return json::serialize(whole) + "\n";
}

identity_answer ignored(site_runtime const& site, report_format format) {
    static constexpr char words[] = "the site ignores client certificates (policy = \"ignore\")";
    json::object const whole{{"site", site.settings.name}, {"result", "ignored"}, {"mapped", false}, {"detail", words}};
    std::string const text = "site: " + site.settings.name + "\nresult: " + words + "\n";
    return {not_mapped, format == report_format::json ? json::serialize(whole) + "\n" : text, ""};
}

}  // namespace

identity_answer explain_identity(runtime const& snapshot, identity_question const& question) {
    auto const named = [&](auto const& site) { return site->settings.name == question.site; };
    auto const found = std::find_if(snapshot.sites.begin(), snapshot.sites.end(), named);
    if (found == snapshot.sites.end()) return {2, "", "there is no site named '" + question.site + "'\n"};
    config::problems unreadable;
    auto const pem = policy::read_input_file({question.certificate_file, {}}, "certificate", unreadable);
    if (!pem) return {2, "", unreadable.empty() ? "the file name is empty\n" : unreadable.front().message + "\n"};
    std::string fault;
    auto const certificates = policy::parse_certificates(*pem, fault);
    if (!fault.empty()) return {2, "", question.certificate_file + ": " + fault + "\n"};
    if (!(*found)->verifier) return ignored(**found, question.format);
    std::vector<std::string> chain;
    for (auto const& one : certificates)
        chain.push_back(der_of(*one));
    auto const findings = ask(**found, std::move(chain));
    bool const json_wanted = question.format == report_format::json;
    return {status_of(findings), json_wanted ? as_json(**found, findings) : as_text(**found, findings), ""};
}

}  // namespace ftpsgate::proxy
