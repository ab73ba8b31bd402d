// Input: a user template, a NUL, the length of a Name in one byte, the Name in DER, then a SubjectAltName in DER as a
// stranger's certificate brings it. Values are sound or doubtful, and no user makes more than one FTP line of it.
#include "policy/backend_password.hpp"
#include "policy/certificate_text.hpp"
#include "policy/certificate_values.hpp"
#include "policy/user_template.hpp"
#include "tests/fuzz/input.hpp"

#include <string>

using namespace ftpsgate;
using presence = policy::certificate_value::presence;

namespace {

policy::der_view der_of(std::string_view bytes) {
    return {reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()};
}

void check_value(policy::certificate_value const& value) {
    fuzz::require(value.text.empty() == (value.state == presence::absent), "what is there has text");
    if (value.state == presence::present)
        fuzz::require(policy::flaw_of(value.text).empty(), "values are sound (B-191)");
}

void check_forms(policy::certificate_values const& values) {
    auto const is = [](policy::certificate_value const& value) { return value.state == presence::present; };
    auto const& mail = values.email.text;
    if (is(values.email)) fuzz::require(mail.find('@') == mail.rfind('@') && mail.find('@') > 0, "one @");
    if (is(values.dns)) fuzz::require(values.dns.text.find_first_of("*@/ ") == std::string::npos, "a host name");
    if (is(values.uri)) fuzz::require(values.uri.text.find(':') != std::string::npos, "a URI has a scheme");
}

void check_user(policy::user_template const& user, policy::certificate_values const& values) {
    std::string name = "of before";
    auto const result = user.expand(values, name);
    bool const is_made = result.outcome == policy::match::yes;
    fuzz::require(is_made == result.detail.empty(), "what makes no user tells why");
    fuzz::require(is_made ? policy::fits_ftp_line(name) : name.empty(), "a user fits one FTP line (B-192)");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    auto const text = in.text();
    auto const subject = policy::read_name(der_of(in.bytes(in.byte())));
    policy::certificate_values values;
    values.serial = "0A1B";
    values.sha256 = std::string(64, 'a');
    values.cn = policy::common_name_of(subject);
    policy::read_alternative_names(der_of(in.rest()), values);
    for (auto const* each : {&values.cn, &values.email, &values.dns, &values.upn, &values.uri})
        check_value(*each);
    check_forms(values);
    auto const user = policy::user_template::parse(text);
    if (user) check_user(*user, values);
    return 0;
}
