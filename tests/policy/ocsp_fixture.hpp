// An issuer, a client's certificate and what check_ocsp_response() says about made answers, in words.
#pragma once

#include "policy/ocsp.hpp"
#include "tests/support/test_revocation.hpp"

#include <string>
#include <variant>

namespace ftpsgate::test {

inline std::string words_of(std::variant<policy::ocsp_answer, policy::ocsp_fault> const& outcome) {
    if (auto const* fault = std::get_if<policy::ocsp_fault>(&outcome)) return fault->words;
    auto const& answer = std::get<policy::ocsp_answer>(outcome);
    std::string const delegate = answer.delegate_to_check ? " if the delegate is" : "";
    switch (answer.status) {
        case policy::ocsp_status::good: return "good" + delegate;
        case policy::ocsp_status::revoked: return "revoked" + delegate;
        case policy::ocsp_status::unknown: return "unknown" + delegate;
    }
    return "?";
}

struct ocsp_fixture {
    identity issuer = make_self_signed(authority_request("Issuer"));
    identity leaf = make_certificate({.subject = common_name("anna")}, issuer);
    identity other = make_certificate({.subject = common_name("otto")}, issuer);
    policy::ocsp_rules rules{.now = hours_from_now(0), .nonce = {}};

    policy::ocsp_subject subject() const { return {*leaf.certificate, *issuer.certificate}; }

    std::string judge(bytes const& response) const {
        return words_of(policy::check_ocsp_response(response, subject(), rules));
    }

    /// A good answer about the leaf; change what is to be wrong.
    ocsp_single good() const { return {.certificate = leaf.certificate.get()}; }
    ocsp_response_request with(ocsp_single answer) const { return {.answers = {std::move(answer)}}; }
    ocsp_response_request request() const { return with(good()); }

    std::string judge(ocsp_response_request const& made) const {
        return judge(make_ocsp_response(made, issuer, issuer));
    }
    std::string judge_single(ocsp_single answer) const { return judge(with(std::move(answer))); }

    /// Signed by `who`, whose certificate goes along.
    std::string judge_delegate(identity const& who) const {
        auto made = request();
        made.certs = {who.certificate.get()};
        return judge(make_ocsp_response(made, issuer, who));
    }
    std::string judge_delegate(certificate_request const& spec) const {
        return judge_delegate(make_certificate(spec, issuer));
    }
};

}  // namespace ftpsgate::test
