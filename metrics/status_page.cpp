#include "metrics/status_page.hpp"

#include "metrics/html.hpp"
#include "metrics/spoken.hpp"
#include "metrics/status_style.hpp"
#include "metrics/utf8.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace ftpsgate::metrics {

namespace {

using namespace std::chrono_literals;
using markup = html::markup;
using plain = html::plain;

/// Certificates and CRLs that are shown: a bundle of CAs may have hundreds.
constexpr std::size_t longest_table = 60;
constexpr std::size_t longest_list = 20;  // of what needs attention

enum class tone { good, warn, bad, none };

// The sign says what the colour says, for those who do not see it.
void mark(html& page, tone how, std::string_view words) {
    switch (how) {
        case tone::good: page << "<span class=\"mark good\">✓ "; break;
        case tone::warn: page << "<span class=\"mark warn\">▲ "; break;
        case tone::bad: page << "<span class=\"mark bad\">✗ "; break;
        case tone::none: page << "<span class=\"mark none\">– "; break;
    }
    page << plain{words} << "</span>";
}

void open_cell(html& page, markup label, markup kind = "") {
    page << "<td data-label=\"" << label << "\" class=\"" << kind << "\">";
}

void cell(html& page, markup label, std::string_view value, markup kind = "") {
    open_cell(page, label, kind);
    if (value.empty())
        page << "<span class=\"none\">–</span>";
    else
        page << "<span>" << plain{value} << "</span>";
    page << "</td>";
}

std::chrono::seconds left(expiry_row const& row, wall_time now) {
    return std::chrono::floor<std::chrono::seconds>(row.end - now);
}

tone tone_of(expiry_row const& row, wall_time now) {
    auto const rest = left(row, now);
    if (rest <= 0s) return tone::bad;
    return rest < (row.kind == credential::crl ? crl_notice : certificate_notice) ? tone::warn : tone::good;
}

std::string words_of(credential kind) {
    switch (kind) {
        case credential::server_certificate: return "Certificate";
        case credential::client_ca: return "Client CA";
        case credential::crl: break;
    }
    return "CRL";
}

std::string words_of_ports(site_row const& site) {
    if (site.passive_ports == 0) return "any";
    return std::to_string(site.passive_ports_in_use) + " of " + std::to_string(site.passive_ports);
}

// ---- what is wrong -------------------------------------------------------------------------------------------------

struct concern {
    tone how;
    std::string words;
    std::string advice;
};

std::string consequence(expiry_row const& row) {
    switch (row.kind) {
        case credential::server_certificate: return "clients refuse the gate: install the new one and reload";
        case credential::client_ca: return "clients of this CA are refused: put its successor into ca_file and reload";
        case credential::crl: break;
    }
    return "clients of this issuer are refused until there is a new list";
}

std::vector<concern> concerns_of(status const& what) {
    std::vector<concern> found;
    for (auto const& reason : what.not_ready)
        found.push_back({tone::bad, reason, "/readyz says 503"});
    for (auto const& site : what.sites)
        for (auto const& backend : site.backends)
            if (backend.state == health::down)
                found.push_back({tone::bad, site.name + ": backend " + backend.name + " is down", backend.detail});
    for (auto const& site : what.sites)
        if (site.passive_ports > 0 && site.passive_ports_in_use * 10 >= site.passive_ports * 9)
            found.push_back({tone::warn, site.name + ": " + words_of_ports(site) + " passive ports are in use",
                             "clients get 425 when none is left: widen data.passive_ports"});
    for (auto const& row : what.expiries) {
        auto const how = tone_of(row, what.now);
        if (how == tone::good) continue;
        auto const name = row.site + ": " + words_of(row.kind) + " " + row.name;
        auto const when = spoken_distance(left(row, what.now));
        if (how == tone::bad)
            found.push_back({how, name + " expired " + when, consequence(row)});
        else
            found.push_back({how, name + " expires " + when, "after that " + consequence(row)});
    }
    if (what.lost_log_lines > 0)
        found.push_back({tone::warn, std::to_string(what.lost_log_lines) + " log lines could not be written",
                         "since the start: is the disk full?"});
    if (what.incomplete)
        found.push_back({tone::warn, "Not every worker thread answered in time", "sessions are missing on this page"});
    return found;
}

void attention(html& page, std::vector<concern> const& concerns) {
    if (concerns.empty()) return;
    bool grave = false;
    for (auto const& one : concerns)
        grave = grave || one.how == tone::bad;
    page << "<section id=\"attention\" class=\"" << (grave ? markup("attention") : markup("attention mild"))
         << "\"><h2>Needs attention</h2><ul>";
    for (std::size_t i = 0; i < std::min(concerns.size(), longest_list); ++i) {
        page << "<li>";
        mark(page, concerns[i].how, concerns[i].words);
        if (!concerns[i].advice.empty()) page << " <small>" << plain{concerns[i].advice} << "</small>";
        page << "</li>";
    }
    if (concerns.size() > longest_list)
        page << "<li>and " << plain{std::to_string(concerns.size() - longest_list)} << " more: see below</li>";
    page << "</ul></section>\n";
}

// ---- the sections --------------------------------------------------------------------------------------------------

void tile(html& page, markup label, std::string_view value) {
    page << "<div><dt>" << label << "</dt><dd>";
    page << plain{value} << "</dd></div>";
}

void tiles(html& page, status const& what) {
    double transfers = 0;
    double up = 0;
    double down = 0;
    for (auto const& site : what.sites) {
        transfers += site.transfers;
        up += site.uploaded;
        down += site.downloaded;
    }
    page << "<dl class=\"tiles\">";
    tile(page, "Sessions", std::to_string(what.session_count));
    tile(page, "Transfers a second", spoken_rate(transfers));
    tile(page, "Uploads", spoken_bytes(up) + "/s");
    tile(page, "Downloads", spoken_bytes(down) + "/s");
    tile(page, "Up for", spoken(what.uptime));
    page << "</dl>\n";
}

void site_line(html& page, site_row const& site) {
    std::string listeners;
    for (auto const& one : site.listeners)
        listeners += (listeners.empty() ? "" : ", ") + one;
    page << "<tr>";
    cell(page, "Site", site.name, "name");
    cell(page, "Listens on", listeners);
    cell(page, "Sessions", std::to_string(site.sessions), "n");
    cell(page, "Passive ports", words_of_ports(site), "n");
    cell(page, "Transfers/s", spoken_rate(site.transfers), "n");
    cell(page, "Uploads", spoken_bytes(site.uploaded) + "/s", "n");
    cell(page, "Downloads", spoken_bytes(site.downloaded) + "/s", "n");
    page << "</tr>\n";
}

void sites(html& page, status const& what) {
    page << "<section id=\"sites\"><h2>Sites<small>rates: mean of the last minute</small></h2>"
            "<table><thead><tr><th>Site</th><th>Listens on</th><th class=\"n\">Sessions</th>"
            "<th class=\"n\">Passive ports</th><th class=\"n\">Transfers/s</th><th class=\"n\">Uploads</th><th "
            "class=\"n\">Downloads</th></tr></thead><tbody>\n";
    for (auto const& site : what.sites)
        site_line(page, site);
    page << "</tbody></table></section>\n";
}

void backend_line(html& page, site_row const& site, backend_row const& backend) {
    page << "<tr>";
    cell(page, "Backend", backend.name, "name");
    cell(page, "Site", site.name, "name");
    open_cell(page, "State", "keep");
    switch (backend.state) {
        case health::up: mark(page, tone::good, "up"); break;
        case health::down: mark(page, tone::bad, "down"); break;
        case health::untried: mark(page, tone::none, "not tried yet"); break;
    }
    page << "</td>";
    cell(page, "Sessions", std::to_string(backend.sessions), "n");
    cell(page, "Known from", backend.detail);
    page << "</tr>\n";
}

void backends(html& page, status const& what) {
    page << "<section id=\"backends\"><h2>Backends</h2><table><thead><tr><th>Backend</th><th>Site</th><th>State</th>"
            "<th class=\"n\">Sessions</th><th>Known from</th></tr></thead><tbody>\n";
    for (auto const& site : what.sites)
        for (auto const& backend : site.backends)
            backend_line(page, site, backend);
    page << "</tbody></table></section>\n";
}

void expiry_line(html& page, expiry_row const& row, wall_time now) {
    auto const rest = left(row, now);
    auto const how = tone_of(row, now);
    page << "<tr>";
    cell(page, "Kind", words_of(row.kind), "keep");
    cell(page, "Name", row.name);
    cell(page, "Site", row.site, "name");
    open_cell(page, "Left", "keep");
    mark(page, how, (how == tone::bad ? "expired " : "") + spoken_distance(rest));
    page << "</td>";
    cell(page, "Until", spoken_date(row.end), "keep");
    cell(page, "From", row.origin);
    page << "</tr>\n";
}

void expiries(html& page, status const& what) {
    page << "<section id=\"expiries\"><h2>Certificates and CRLs</h2>";
    if (what.expiries.empty()) {
        page << "<p class=\"empty\">No site has a certificate.</p></section>\n";
        return;
    }
    page << "<table><thead><tr><th>Kind</th><th>Name</th><th>Site</th><th>Left</th><th>Until</th><th>From</th></tr>"
            "</thead><tbody>\n";
    auto const shown = std::min(what.expiries.size(), longest_table);
    for (std::size_t i = 0; i < shown; ++i)
        expiry_line(page, what.expiries[i], what.now);
    page << "</tbody></table>";
    if (shown < what.expiries.size())
        page << "<p class=\"empty\">" << plain{std::to_string(what.expiries.size() - shown)}
             << " more, that end later.</p>";
    page << "</section>\n";
}

void refusals(html& page, status const& what) {
    page << "<section id=\"refusals\"><h2>Recent refusals</h2>";
    if (what.refusals.empty()) {
        page << "<p class=\"empty\">Nothing was refused since the start.</p></section>\n";
        return;
    }
    page << "<table><thead><tr><th>Last</th><th>What</th><th>Why</th><th>Who</th><th>Client</th><th>Site</th>"
            "<th class=\"n\">Times</th></tr></thead><tbody>\n";
    for (auto const& row : what.refusals) {
        auto const ago = std::chrono::floor<std::chrono::seconds>(what.now - row.when);
        page << "<tr>";
        open_cell(page, "Last", "keep");
        page << "<span>" << plain{spoken(ago) + " ago"} << "<small>" << plain{spoken_time_of_day(row.when)}
             << "</small></span></td>";
        cell(page, "What", row.what, "keep");
        cell(page, "Why", row.reason);
        cell(page, "Who", row.who);
        cell(page, "Client", row.client, "keep");
        cell(page, "Site", row.site, "name");
        cell(page, "Times", std::to_string(row.times), "n");
        page << "</tr>\n";
    }
    page << "</tbody></table></section>\n";
}

std::string in_words(std::string_view state) {
    std::string words(state);
    std::replace(words.begin(), words.end(), '_', ' ');
    return words;
}

void session_line(html& page, session_row const& row) {
    page << "<tr>";
    cell(page, "Client", row.client, "keep");
    cell(page, "User", row.user);
    cell(page, "State", in_words(row.state), "keep");
    cell(page, "Site", row.site, "name");
    cell(page, "Backend", row.backend, "name");
    open_cell(page, "TLS", "name");
    if (row.tls_version.empty())
        mark(page, tone::warn, "clear");
    else
        page << "<span>" << plain{row.tls_version} << "<small>" << plain{row.tls_cipher} << "</small></span>";
    page << "</td>";
    cell(page, "Bytes", spoken_bytes(static_cast<double>(row.bytes)), "n");
    cell(page, "Age", spoken(std::chrono::floor<std::chrono::seconds>(row.age)), "n");
    cell(page, "Session", row.id, "keep");
    page << "</tr>\n";
}

std::string states_in_words(status const& what) {
    std::string words;
    for (auto const& [state, count] : what.states)
        words += (words.empty() ? "" : ", ") + std::to_string(count) + " " + in_words(state);
    if (what.session_count > what.sessions.size())
        words += "; shown are " + std::to_string(what.sessions.size()) + ", those that move the most first";
    return words;
}

void sessions(html& page, status const& what) {
    page << "<section id=\"sessions\"><h2>Sessions<small>";
    page << plain{states_in_words(what)} << "</small></h2>";
    if (what.sessions.empty()) {
        page << "<p class=\"empty\">Nobody is connected.</p></section>\n";
        return;
    }
    page << "<table><thead><tr><th>Client</th><th>User</th><th>State</th><th>Site</th><th>Backend</th><th>TLS</th>"
            "<th class=\"n\">Bytes</th><th class=\"n\">Age</th><th>Session</th></tr></thead><tbody>\n";
    for (auto const& row : what.sessions)
        session_line(page, row);
    page << "</tbody></table></section>\n";
}

// ---- around them ---------------------------------------------------------------------------------------------------

void head(html& page, status const& what, std::size_t concerns, refreshing mode, std::string_view nonce) {
    page << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
    if (mode == refreshing::by_itself) {
        page << "<meta http-equiv=\"refresh\" content=\"";
        page << plain{std::to_string(refresh_pause.count())} << "\">";
    }
    page << "<title>";
    if (concerns > 0) page << "(" << plain{std::to_string(concerns)} << ") ";
    page << "ftpsgate " << plain{what.host} << "</title><link rel=\"icon\" href=\"data:,\"><style nonce=\"";
    page << plain{nonce} << "\">" << status_style << "</style></head><body>\n<header><h1>ftpsgate</h1>"
         << "<p class=\"overall\">";
    if (what.draining)
        mark(page, tone::warn, "draining: no new sessions");
    else if (!what.not_ready.empty())
        mark(page, tone::bad, "not ready");
    else
        mark(page, tone::good, "ready");
    page << "</p><p>" << plain{what.host} << ", version " << plain{what.version} << "</p></header>\n";
}

void foot(html& page, status const& what, refreshing mode) {
    page << "<footer><span>As of ";
    page << plain{spoken_date(what.now)} << ", " << plain{spoken_time_of_day(what.now)} << "</span>";
    if (mode == refreshing::by_itself)
        page << "<span>Refreshes itself · <a href=\"/?pause\">Pause</a></span>";
    else
        page << "<span>Paused · <a href=\"/\">Go on</a></span>";
    page << "<span><a href=\"/sessions\">All sessions (JSON)</a></span><span><a href=\"/metrics\">Metrics</a></span>"
            "<span><a href=\"/readyz\">Readiness</a></span></footer>\n</body></html>\n";
}

std::string new_nonce() {
    std::random_device random;
    std::string nonce;
    for (int i = 0; i < 4; ++i)
        append_hex(nonce, random(), 8);
    return nonce;
}

}  // namespace

html_page render_status(status const& what, refreshing mode) {
    auto const nonce = new_nonce();
    auto const concerns = concerns_of(what);
    html page;
    head(page, what, concerns.size(), mode, nonce);
    tiles(page, what);
    attention(page, concerns);
    sites(page, what);
    backends(page, what);
    expiries(page, what);
    refusals(page, what);
    sessions(page, what);
    foot(page, what, mode);
    return {page.take(), "default-src 'none'; style-src 'nonce-" + nonce +
                             "'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"};
}

}  // namespace ftpsgate::metrics
