#include "policy/ldap_connection.hpp"

#include <algorithm>
#include <ldap.h>
#include <mutex>
#include <sys/time.h>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr ber_len_t largest_message = 16U << 20U;
// A firewall that forgets idle connections must not cost the next client a time-out.
constexpr auto farewell = std::chrono::milliseconds(100);
constexpr int keepalive_idle = 60, keepalive_interval = 10, keepalive_probes = 3;  // seconds, seconds, packets

struct free_message {
    void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
};
using message_ptr = std::unique_ptr<LDAPMessage, free_message>;

struct free_memory {
    void operator()(char* text) const { ldap_memfree(text); }
};
using text_ptr = std::unique_ptr<char, free_memory>;

struct free_url {
    void operator()(LDAPURLDesc* url) const { ldap_free_urldesc(url); }
};

/// At least a millisecond: zero would mean "for ever" to some calls.
timeval left_until(deadline until) {
    using std::chrono::microseconds;
    auto const left = std::chrono::duration_cast<microseconds>(until - std::chrono::steady_clock::now());
    auto const micros = std::max(left, microseconds(1000)).count();
    return {static_cast<time_t>(micros / 1'000'000), static_cast<suseconds_t>(micros % 1'000'000)};
}

bool is_over(deadline until) {
    return std::chrono::steady_clock::now() >= until;
}

std::string words_of(LDAP* ld, int code) {
    char* text = nullptr;
    ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    text_ptr const diagnosis(text);
    std::string words = ldap_err2string(code);
    if (diagnosis && diagnosis.get()[0] != '\0') words += std::string(": ") + diagnosis.get();
    words.resize(std::min<std::size_t>(words.size(), 300));
    return words;
}

// What libldap does with its first handle, which is not for several threads at once.
void initialize_library() {
    static std::once_flag done;
    std::call_once(done, [] {
        LDAP* first = nullptr;
        int const client = 0;
        if (ldap_initialize(&first, "ldap://localhost") != LDAP_SUCCESS) return;
        ldap_set_option(first, LDAP_OPT_X_TLS_NEWCTX, &client);
        ldap_unbind_ext_s(first, nullptr, nullptr);
    });
}

bool set(LDAP* ld, int option, int value) {
    return ldap_set_option(ld, option, &value) == LDAP_OPT_SUCCESS;
}

bool set_up_tls(LDAP* ld, std::string const& ca_file) {
    // An empty folder or list takes back what a configuration file of libldap named.
    return ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca_file.c_str()) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTDIR, "") == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_CERTFILE, "") == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_KEYFILE, "") == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_CIPHER_SUITE, "") == LDAP_OPT_SUCCESS &&
           set(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND) &&
           // The common name counts only where there is no alternative name (RFC 6125 6.4.4).
           set(ld, LDAP_OPT_X_TLS_REQUIRE_SAN, LDAP_OPT_X_TLS_TRY) &&
           set(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2) && set(ld, LDAP_OPT_X_TLS_NEWCTX, 0);
}

bool set_up(LDAP* ld, deadline until) {
    timeval const left = left_until(until);
    set(ld, LDAP_OPT_X_KEEPALIVE_IDLE, keepalive_idle);
    set(ld, LDAP_OPT_X_KEEPALIVE_PROBES, keepalive_probes);
    set(ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, keepalive_interval);
    return set(ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) && set(ld, LDAP_OPT_DEREF, LDAP_DEREF_NEVER) &&
           ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &left) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_TIMEOUT, &left) == LDAP_OPT_SUCCESS;
}

int bind(LDAP* ld, directory_server const& server) {
    auto const password = server.bind_password.reveal();
    berval given{static_cast<ber_len_t>(password.size()), const_cast<char*>(password.data())};  // libldap only reads it
    return ldap_sasl_bind_s(ld, server.bind_dn.c_str(), LDAP_SASL_SIMPLE, &given, nullptr, nullptr, nullptr);
}

void limit_messages(LDAP* ld) {
    Sockbuf* sockets = nullptr;
    ber_len_t largest = largest_message;
    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockets) == LDAP_OPT_SUCCESS && sockets != nullptr)
        ber_sockbuf_ctrl(sockets, LBER_SB_OPT_SET_MAX_INCOMING, &largest);
}

std::string lower_name(char const* attribute) {
    std::string name(attribute);
    name.resize(std::min(name.size(), name.find(';')));
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return name;
}

void read_attribute(LDAP* ld, LDAPMessage* message, char const* name, ldap_entry& entry) {
    berval** const values = ldap_get_values_len(ld, message, name);
    if (values == nullptr) return;
    auto& held = entry.attributes[lower_name(name)];
    for (berval** value = values; *value != nullptr; ++value)
        held.emplace_back((*value)->bv_val, (*value)->bv_len);
    ldap_value_free_len(values);
}

ldap_entry read_entry(LDAP* ld, LDAPMessage* message) {
    ldap_entry entry;
    if (text_ptr const dn(ldap_get_dn(ld, message)); dn) entry.dn = dn.get();
    BerElement* position = nullptr;
    for (text_ptr name(ldap_first_attribute(ld, message, &position)); name;
         name.reset(ldap_next_attribute(ld, message, position)))
        read_attribute(ld, message, name.get(), entry);
    if (position != nullptr) ber_free(position, 0);
    return entry;
}

search_status status_of(int code) {
    switch (code) {
        case LDAP_SUCCESS: return search_status::answered;
        case LDAP_SERVER_DOWN:
        case LDAP_CONNECT_ERROR: return search_status::lost;
        case LDAP_TIMEOUT:
        case LDAP_TIMELIMIT_EXCEEDED:
        case LDAP_BUSY:
        case LDAP_UNAVAILABLE: return search_status::no_answer;
        default: return search_status::refused;
    }
}

}  // namespace

struct ldap_connection::handle {
    explicit handle(deadline first) : until(first) {}
    ~handle() {
        until = std::chrono::steady_clock::now() + farewell;
        if (ld != nullptr) ldap_unbind_ext_s(ld, nullptr, nullptr);
    }
    handle(handle const&) = delete;
    handle& operator=(handle const&) = delete;

    deadline until;
    ldap_deadline ends_in_time{until};
    LDAP* ld = nullptr;

    ldap_search_result failed(int code) const {
        if (status_of(code) == search_status::lost && is_over(until)) code = LDAP_TIMEOUT;
        if (code == LDAP_SIZELIMIT_EXCEEDED) return {search_status::refused, {}, "too many entries"};
        if (code == LDAP_REFERRAL) return {search_status::refused, {}, "a referral to another server"};
        return {status_of(code), {}, words_of(ld, code)};
    }

    int send(ldap_search const& what, int& id) const {
        std::vector<char*> names;  // libldap only reads them
        for (auto const& name : what.attributes)
            names.push_back(const_cast<char*>(name.c_str()));
        names.push_back(nullptr);
        timeval left = left_until(until);
        // One more than wanted, for a server's own idea of what is too many.
        return ldap_search_ext(ld, what.base.c_str(), LDAP_SCOPE_SUBTREE, what.filter.c_str(), names.data(), 0, nullptr,
                               nullptr, &left, static_cast<int>(what.most) + 1, &id);
    }

    /// The result code in the last message of a search.
    int final_code(message_ptr last) const {
        int code = LDAP_OTHER;
        int const parsed = ldap_parse_result(ld, last.release(), &code, nullptr, nullptr, nullptr, nullptr, 1);
        return parsed == LDAP_SUCCESS ? code : parsed;
    }

    /// The next message of the answer; null with the code of the failure.
    message_ptr receive(int id, int& code) const {
        timeval left = left_until(until);
        LDAPMessage* message = nullptr;
        int const type = is_over(until) ? 0 : ldap_result(ld, id, LDAP_MSG_ONE, &left, &message);
        if (type > 0) return message_ptr(message);
        code = LDAP_TIMEOUT;
        if (type < 0) ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
        if (type == 0) ldap_abandon_ext(ld, id, nullptr, nullptr);
        return nullptr;
    }
};

std::string fault_of_ldap_url(std::string_view url, bool start_tls) {
    LDAPURLDesc* parsed = nullptr;
    std::string const text(url);
    if (text.find_first_of(" \t,") != std::string::npos || ldap_url_parse(text.c_str(), &parsed) != LDAP_URL_SUCCESS)
        return "not an LDAP URL";
    std::unique_ptr<LDAPURLDesc, free_url> const owner(parsed);
    std::string_view const scheme = parsed->lud_scheme != nullptr ? parsed->lud_scheme : "";
    if (scheme != "ldap" && scheme != "ldaps") return "not an ldaps:// or ldap:// URL";
    if (scheme == "ldap" && !start_tls) return "without TLS; use ldaps://, or start_tls = true";
    if (scheme == "ldaps" && start_tls) return "ldaps:// has no StartTLS; use ldap://, or start_tls = false";
    if (parsed->lud_host == nullptr || parsed->lud_host[0] == '\0') return "without a host";
    bool const more = (parsed->lud_dn != nullptr && parsed->lud_dn[0] != '\0') || parsed->lud_attrs != nullptr ||
                      parsed->lud_filter != nullptr || parsed->lud_exts != nullptr;
    return more ? "with more than a host and a port" : "";
}

std::vector<std::string> const& ldap_entry::values_of(std::string_view name) const {
    static std::vector<std::string> const none;
    auto const at = attributes.find(name);
    return at != attributes.end() ? at->second : none;
}

ldap_connection::ldap_connection(std::unique_ptr<handle> opened) : handle_(std::move(opened)) {
}

ldap_connection::~ldap_connection() = default;

std::unique_ptr<ldap_connection> ldap_connection::open(directory_server const& server, deadline until,
                                                       std::string& fault) {
    initialize_library();
    auto opened = std::make_unique<handle>(until);
    fault = "libldap cannot be set up";
    if (server.bind_dn.empty() || server.bind_password.reveal().empty()) return nullptr;
    if (ldap_initialize(&opened->ld, server.url.c_str()) != LDAP_SUCCESS) return nullptr;
    if (!opened->ends_in_time.put_on(opened->ld) || !set_up(opened->ld, until)) return nullptr;
    fault = server.ca_file + " cannot be used";
    if (!set_up_tls(opened->ld, server.ca_file)) return nullptr;
    int code = server.start_tls ? ldap_start_tls_s(opened->ld, nullptr, nullptr) : LDAP_SUCCESS;
    bool const secured = code == LDAP_SUCCESS;
    if (secured) code = bind(opened->ld, server);
    if (code != LDAP_SUCCESS) {
        if (is_over(until)) code = LDAP_TIMEOUT;
        fault = (secured ? "cannot connect or bind: " : "cannot connect or start TLS: ") + words_of(opened->ld, code);
        return nullptr;
    }
    // ldaps:// and StartTLS are the only ways here, and yet: no look-up without TLS.
    fault = "no TLS";
    if (ldap_tls_inplace(opened->ld) != 1) return nullptr;
    limit_messages(opened->ld);
    return std::unique_ptr<ldap_connection>(new ldap_connection(std::move(opened)));
}

ldap_search_result ldap_connection::search(ldap_search const& what, deadline until) {
    int id = 0;
    handle_->until = until;
    int code = handle_->send(what, id);
    if (code != LDAP_SUCCESS) return handle_->failed(code);
    ldap_search_result result;
    while (auto message = handle_->receive(id, code)) {
        int const type = ldap_msgtype(message.get());
        if (type == LDAP_RES_SEARCH_RESULT) {
            code = handle_->final_code(std::move(message));
            if (code != LDAP_SUCCESS) return handle_->failed(code);
            result.status = search_status::answered;
            return result;
        }
        if (type != LDAP_RES_SEARCH_ENTRY) continue;  // a reference to another server
        if (result.entries.size() == what.most) {
            ldap_abandon_ext(handle_->ld, id, nullptr, nullptr);
            return handle_->failed(LDAP_SIZELIMIT_EXCEEDED);
        }
        result.entries.push_back(read_entry(handle_->ld, message.get()));
    }
    return handle_->failed(code);
}

}  // namespace ftpsgate::policy
