// What the status page and /sessions show, as plain values. Whoever fills them in knows what they mean; here they are
// only rendered. Texts may hold anything a peer sent: the renderers escape.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::metrics {

using wall_time = std::chrono::system_clock::time_point;

/// One session as it was when it was asked. Empty texts: not yet, or none.
struct session_row {
    std::string id;  ///< as in the log
    std::string site;
    std::string client;  ///< address and port
    std::string user;    ///< at the backend; before the login what the client typed
    std::string backend;
    std::string tls_version;
    std::string tls_cipher;
    std::string_view state;   ///< a fixed word
    std::uint64_t bytes = 0;  ///< of file data and listings, those of the running transfer too
    std::chrono::milliseconds age{0};
};

/// Sessions in portions; an empty one: that was all. The handler is called once, at once or later, on the executor of
/// the one who asks, and not at all once the source is destroyed. One question at a time.
using row_handler = std::function<void(std::vector<session_row>)>;
using row_source = std::function<void(row_handler)>;

enum class health { untried, up, down };

struct backend_row {
    std::string name;
    health state = health::untried;
    std::string detail;  ///< how that is known
    std::uint64_t sessions = 0;
};

struct site_row {
    std::string name;
    std::vector<std::string> listeners;  ///< "0.0.0.0:21 explicit"
    std::vector<backend_row> backends;
    std::uint64_t sessions = 0;
    double transfers = 0;  ///< a second, as the next two
    double uploaded = 0;   ///< bytes
    double downloaded = 0;
    std::uint64_t passive_ports = 0;  ///< of the range; 0: there is none
    std::uint64_t passive_ports_in_use = 0;
};

enum class credential { server_certificate, client_ca, crl };

/// A certificate or a CRL, and when its time is over.
struct expiry_row {
    credential kind = credential::server_certificate;
    std::string site;
    std::string name;    ///< subject, or issuer of the CRL
    std::string origin;  ///< file or URL
    wall_time end;
};

struct refusal_row {
    wall_time when;         ///< the last time
    std::string_view what;  ///< "certificate refused": fixed words
    std::string site;
    std::string client;  ///< address
    std::string who;     ///< user or certificate
    std::string reason;  ///< in words
    std::uint64_t times = 1;
};

struct status {
    std::string host;
    std::string version;
    wall_time now;
    std::chrono::seconds uptime{0};
    bool draining = false;
    std::vector<std::string> not_ready;  ///< reasons, as /readyz tells them
    std::vector<site_row> sites;
    std::vector<expiry_row> expiries;   ///< what ends first comes first
    std::vector<refusal_row> refusals;  ///< newest first

    std::vector<session_row> sessions;  ///< the first to look at: see session_digest
    std::uint64_t session_count = 0;
    std::map<std::string_view, std::uint64_t> states;  ///< sessions by state
    std::uint64_t lost_log_lines = 0;                  ///< since the start; the disk was full
    bool incomplete = false;                           ///< not every worker answered in time
};

}  // namespace ftpsgate::metrics
