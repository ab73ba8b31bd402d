// Counting: one registry per process, one site_metrics per site. All series of the known words (metrics/names.hpp) and
// of the configured backends and verbs are looked up once, when a site_metrics is made; counting is then a search in a
// short sorted table and an atomic addition (a histogram has a lock of its own, held for an addition). Other words
// take a lock and get a series as well, up to 16 in each table; what comes after those counts as "other".
//
// Everything may be called from any thread. A second site_metrics of the same site (after a reload) goes on with the
// same series; a site_metrics must not outlive its registry.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::metrics {

struct description;
struct families;

using seconds = std::chrono::duration<double>;

enum class channel { control, data };
enum class login_method { password, certificate };
enum class direction { upload, download, list };

/// Names from the configuration and the table of verbs: what labels may hold besides the fixed words.
struct site_words {
    std::string name;
    std::vector<std::string> backends;
    std::vector<std::string> verbs;  ///< upper case; any other verb counts as "other"
};

/// What a site has counted so far.
struct site_counts {
    double sessions = 0;  ///< open now
    double transfers = 0;
    double uploaded = 0;    ///< bytes
    double downloaded = 0;  ///< bytes, listings too
};

/// What is so at the moment, rather than counted. Told anew for each page: what an older configuration had does not
/// stay there and raise alarms.
struct present_state {
    using time = std::chrono::system_clock::time_point;
    struct certificate {
        std::string site;
        time not_after;  ///< of the one that expires first
    };
    struct revocation_list {
        std::string site;
        std::string issuer;  ///< a CA that the site trusts
        time next_update;
    };
    struct ports {
        std::string site;
        std::size_t in_use = 0;  ///< of the passive range, all workers together
    };

    struct backend {
        std::string site;
        std::string name;
        bool up = true;  ///< or not known to be down
    };

    static constexpr std::size_t shown_lists =
        64;  ///< of one page (A-102): the first, so put those that end first there

    std::vector<certificate> certificates;
    std::vector<revocation_list> lists;
    std::vector<ports> passive_ports;
    std::vector<backend> backends;
};

class registry {
public:
    registry();
    ~registry();
    registry(registry const&) = delete;
    registry& operator=(registry const&) = delete;

    void build_info(std::string_view version, std::string_view boringssl, std::string_view boost);

    /// result: "ok" or "refused".
    void reloaded(std::string_view result);

    /// The page in Prometheus' text format 0.0.4.
    std::string text(present_state const& now = {}) const;

private:
    friend class site_metrics;
    std::unique_ptr<families> families_;
};

class site_metrics {
public:
    site_metrics(registry& all, site_words const& words);
    ~site_metrics();
    site_metrics(site_metrics const&) = delete;
    site_metrics& operator=(site_metrics const&) = delete;

    void session_opened();
    /// Ends what session_opened() began.
    void session_closed(std::string_view result);
    /// Ends it as well, for this site: it goes on in another (SNI, HOST), which counts how it ends.
    void session_left();
    /// A connection that never became a session ("refused", "banned").
    void session_refused(std::string_view result);

    /// result: "ok", "resumed" or the reason of failure; the time of failed ones is not observed.
    void handshake(channel where, std::string_view result, seconds took);
    /// result: "accepted", "absent" or the reason of the refusal.
    void client_certificate(std::string_view result);
    void revocation_check(std::string_view source, std::string_view result);
    /// source: "rule" or "active_directory".
    void identity_lookup(std::string_view source, std::string_view result);
    void login(login_method how, std::string_view result);
    void command(std::string_view verb);
    void transfer(direction way, std::string_view result, std::uint64_t bytes, seconds took);

    void backend_connect(std::string_view backend, std::string_view result);
    void backend_session_opened(std::string_view backend);
    void backend_session_closed(std::string_view backend);

    double backend_sessions(std::string_view backend) const;
    site_counts counts() const;

    void attack(std::string_view what);

private:
    struct handles;
    std::unique_ptr<handles> handles_;
};

}  // namespace ftpsgate::metrics
