// Keeps an eye on the CRLs that the sites rely on: one log event when one is out of date.
// An expired CRL refuses every client, so it must not pass unnoticed (IIS.md, what users of peers ask for).
#pragma once

#include "proxy/log.hpp"
#include "proxy/runtime.hpp"

#include <chrono>
#include <map>
#include <string>

namespace ftpsgate::proxy {

/// By issuer; the newest list of an issuer is the one that counts. The site has a verifier.
std::map<std::string, policy::crl_notice> newest_lists(site_runtime const& site);

class crl_watch {
public:
    explicit crl_watch(event_log& log) : log_(log) {}

    void look(runtime const& snapshot, std::chrono::system_clock::time_point now);

private:
    void look_at(site_runtime const& site, std::chrono::system_clock::time_point now);

    event_log& log_;
    /// By site and issuer: the end of the list that was told to be out of date.
    std::map<std::string, std::chrono::system_clock::time_point> told_;
};

}  // namespace ftpsgate::proxy
