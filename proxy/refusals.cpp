#include "proxy/refusals.hpp"

#include <algorithm>

namespace ftpsgate::proxy {

namespace {

std::string_view address_of(std::string_view client) {
    return client.substr(0, client.rfind(':'));
}

std::string capped(std::string_view text) {
    return std::string(text.substr(0, recent_refusals::longest_text));
}

}  // namespace

void recent_refusals::note(refusal const& happened) {
    metrics::refusal_row row{std::chrono::system_clock::now(),    happened.what,        capped(happened.site),
                             capped(address_of(happened.client)), capped(happened.who), capped(happened.reason)};
    std::lock_guard const lock(mutex_);
    auto const same = std::find_if(rows_.begin(), rows_.end(), [&](auto const& known) {
        return known.what == row.what && known.site == row.site && known.client == row.client && known.who == row.who &&
               known.reason == row.reason;
    });
    if (same != rows_.end()) {
        same->when = row.when;
        ++same->times;
        rows_.splice(rows_.begin(), rows_, same);
        return;
    }
    rows_.push_front(std::move(row));
    forget_oldest_of(rows_.front().client);
    if (rows_.size() > kept) rows_.pop_back();
}

void recent_refusals::forget_oldest_of(std::string const& client) {
    std::size_t count = 0;
    auto oldest = rows_.end();
    for (auto row = rows_.begin(); row != rows_.end(); ++row) {
        if (row->client != client) continue;
        ++count;
        oldest = row;
    }
    if (count > kept_of_one_client) rows_.erase(oldest);
}

std::vector<metrics::refusal_row> recent_refusals::latest() const {
    std::lock_guard const lock(mutex_);
    return {rows_.begin(), rows_.end()};
}

std::string words_of(policy::refusal why) {
    using enum policy::refusal;
    switch (why) {
        case none: break;
        case malformed: return "the certificate cannot be read";
        case untrusted: return "no path to a CA of the site";
        case bad_signature: return "a signature on its path is wrong";
        case expired: return "it has expired, or a CA on its path has";
        case not_yet_valid: return "it is not valid yet, or a CA on its path is not";
        case weak: return "key or signature too weak";
        case usage: return "not made for clients";
        case constraint: return "against the constraints of a CA on its path";
        case revoked: return "revoked";
        case revocation_unknown: return "nobody could say whether it is revoked";
    }
    return "accepted";
}

std::string words_of(ftp::attack_kind kind) {
    using enum ftp::attack_kind;
    switch (kind) {
        case starttls_injection: return "commands in clear text behind AUTH (STARTTLS injection)";
        case bounce: return "PORT or EPRT to an address that is not the client's (FTP bounce)";
        case data_theft: return "somebody else came to the client's data connection (data theft)";
        case reply_injection: return "the backend sent a reply that answers nothing (reply injection)";
        case cross_protocol: return "HTTP on the FTP port (cross-protocol request)";
        case proxy_header: return "a PROXY header that is malformed, missing or of nobody in proxy_from";
    }
    return to_string(kind);
}

std::string words_of_session_refusal(std::string_view reason) {
    if (reason == "draining") return "the gate is draining";
    if (reason == "banned") return "too many failed logins from this address (limits.ban_after)";
    if (reason == "sessions") return "the site has no place left (limits.sessions)";
    if (reason == "sessions_per_client") return "the client has too many sessions (limits.sessions_per_client)";
    if (reason == "descriptors") return "the process may not open more files and connections (LimitNOFILE)";
    return std::string(reason);
}

}  // namespace ftpsgate::proxy
