#include "proxy/ftp/actions.hpp"

namespace ftpsgate::ftp {

char const* to_string(transfer_result result) {
    switch (result) {
        case transfer_result::ok: return "ok";
        case transfer_result::refused: return "refused";
        case transfer_result::aborted: return "aborted";
        case transfer_result::client_failed: return "client_failed";
        case transfer_result::backend_failed: return "backend_failed";
        case transfer_result::truncated: return "truncated";
        case transfer_result::not_protected: return "not_protected";
        case transfer_result::timeout: return "timeout";
    }
    return "unknown";
}

char const* to_string(attack_kind kind) {
    switch (kind) {
        case attack_kind::starttls_injection: return "starttls_injection";
        case attack_kind::bounce: return "bounce";
        case attack_kind::data_theft: return "data_theft";
        case attack_kind::reply_injection: return "reply_injection";
        case attack_kind::cross_protocol: return "cross_protocol";
        case attack_kind::proxy_header: return "proxy_header";
    }
    return "unknown";
}

char const* to_string(end_reason reason) {
    switch (reason) {
        case end_reason::closed: return "closed";
        case end_reason::client_gone: return "client_gone";
        case end_reason::login_timeout: return "login_timeout";
        case end_reason::idle_timeout: return "idle_timeout";
        case end_reason::handshake: return "handshake";
        case end_reason::refused: return "refused";
        case end_reason::backend_unreachable: return "backend_unreachable";
        case end_reason::backend_gone: return "backend_gone";
        case end_reason::backend_desync: return "backend_desync";
        case end_reason::failed_logins: return "failed_logins";
        case end_reason::protocol: return "protocol";
        case end_reason::shutdown: return "shutdown";
    }
    return "unknown";
}

}  // namespace ftpsgate::ftp
