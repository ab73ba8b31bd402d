#include "policy/account_state.hpp"

#include "policy/certificate_text.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

namespace ftpsgate::policy {

namespace {

using std::chrono::system_clock;

// [MS-ADTS] 2.2.16 and, for what is computed, [MS-ADA2] 2.490.
constexpr std::int64_t account_disabled = 0x2, locked_out = 0x10;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

struct number {
    bool there = false;
    std::optional<std::int64_t> value;  ///< unset though there: not one number
};

number number_of(ldap_entry const& entry, std::string_view name) {
    auto const& values = entry.values_of(name);
    number found{!values.empty(), std::nullopt};
    if (values.size() != 1) return found;
    auto const& text = values.front();
    std::int64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) found.value = value;
    return found;
}

// 100 ns since 1601-01-01 ([MS-DTYP] 2.3.3).
std::int64_t file_time(system_clock::time_point when) {
    static constexpr std::int64_t seconds_to_1970 = 11'644'473'600;
    using ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
    return std::chrono::duration_cast<ticks>(when.time_since_epoch()).count() + seconds_to_1970 * 10'000'000;
}

// The bit of userAccountControl is not kept any more; lockoutTime stays after the lock has ended. What the server
// computes is right, where it does.
bool is_locked(std::int64_t control, number const& computed, number const& lockout) {
    if ((control & locked_out) != 0) return true;
    if (computed.there) return (computed.value.value_or(locked_out) & locked_out) != 0;
    return lockout.there && lockout.value.value_or(1) != 0;
}

}  // namespace

std::vector<std::string> account_attributes() {
    return {"userAccountControl", "msDS-User-Account-Control-Computed", "lockoutTime", "accountExpires"};
}

std::string fault_of_account(ldap_entry const& entry, system_clock::time_point now) {
    auto const control = number_of(entry, "useraccountcontrol");
    auto const expires = number_of(entry, "accountexpires");
    if (!control.value) return "its userAccountControl cannot be read";
    if ((*control.value & account_disabled) != 0) return "it is disabled";
    if (is_locked(*control.value, number_of(entry, "msds-user-account-control-computed"),
                  number_of(entry, "lockouttime")))
        return "it is locked out";
    if (expires.there && !expires.value) return "its accountExpires cannot be read";
    auto const end = expires.value.value_or(never);
    bool const ends = end != 0 && end != never;
    return ends && end <= file_time(now) ? "it has expired" : "";
}

std::string fault_of_sid(ldap_entry const& entry, std::string_view sid) {
    auto const& held = entry.values_of("objectsid");
    bool const is_that_one = held.size() == 1 && held.front() == sid;
    return sid.empty() || is_that_one ? "" : "the SID in the certificate is not its own";
}

std::optional<std::string> backend_name_of(ldap_entry const& entry, std::string_view attribute, std::string& fault) {
    std::string name(attribute);
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    auto const& values = entry.values_of(name);
    if (values.size() != 1) {
        fault = values.empty() ? "it has no " + std::string(attribute) : "it has several " + std::string(attribute);
        return std::nullopt;
    }
    auto const flaw = flaw_of_user(values.front());
    if (flaw.empty()) return values.front();
    fault = "its " + std::string(attribute) + " " + std::string(flaw);
    return std::nullopt;
}

}  // namespace ftpsgate::policy
