#include "policy/ocsp.hpp"

#include "policy/ocsp_cert_id.hpp"
#include "policy/ocsp_message.hpp"
#include "policy/ocsp_signer.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

bool same(std::vector<std::uint8_t> const& left, der_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

bool is_about(ocsp_single_response const& answer, ocsp_cert_id const& id) {
    return answer.hash == id.hash && same(id.serial, answer.serial) && same(id.key_hash, answer.key_hash) &&
           same(id.name_hash, answer.name_hash);
}

using answer_list = std::vector<ocsp_single_response const*>;

// RFC 6960 4.2.1 lets the responder choose the hash; it is SHA-1 or SHA-256 (B-268).
answer_list answers_about(ocsp_message const& message, ocsp_subject const& subject) {
    answer_list found;
    for (auto const* hash : {EVP_sha1(), EVP_sha256()}) {
        auto const id = make_cert_id(subject, hash);
        for (auto const& answer : message.answers)
            if (id && is_about(answer, *id)) found.push_back(&answer);
    }
    return found;
}

// B-268. Clocks may differ where something seems to be of the future; the end of an answer's time is its end.
std::string time_fault_of(ocsp_single_response const& answer, ocsp_rules const& rules) {
    if (answer.this_update > rules.now + rules.skew) return "not valid before " + to_text(answer.this_update);
    if (!answer.next_update) {
        bool const old = answer.this_update < rules.now - rules.max_age;
        return old ? "too old, without nextUpdate, of " + to_text(answer.this_update) : std::string();
    }
    if (*answer.next_update < answer.this_update) return "nextUpdate is before thisUpdate";
    if (*answer.next_update < rules.now) return "expired at " + to_text(*answer.next_update);
    return {};
}

std::string produced_fault(ocsp_message const& message, ocsp_subject const& subject, ocsp_rules const& rules) {
    if (message.produced_at > rules.now + rules.skew) return "produced in the future, " + to_text(message.produced_at);
    auto const issued = to_time_point(X509_get0_notBefore(&subject.certificate));
    // Serial numbers are used again by those who set up a CA again.
    if (issued && message.produced_at + rules.skew < *issued) return "produced before the certificate was issued";
    return {};
}

bool is_other_nonce(ocsp_message const& message, ocsp_rules const& rules) {
    if (!rules.nonce || !message.nonce) return false;  // many responders never echo it (B-269, RFC 5019)
    return !std::equal(rules.nonce->begin(), rules.nonce->end(), message.nonce->begin(), message.nonce->end());
}

struct choice {
    ocsp_single_response const* answer = nullptr;
    std::string fault;
};

// Responders that contradict themselves are believed the worst they say, in time.
choice choose(answer_list const& answers, ocsp_message const& message, ocsp_rules const& rules) {
    choice chosen;
    for (auto const* answer : answers) {
        auto fault = time_fault_of(*answer, rules);
        if (fault.empty() && message.produced_at + rules.skew < answer->this_update)
            fault = "produced before its thisUpdate";
        if (fault.empty() && answer->status == ocsp_status::revoked) return {answer, {}};
        if (!fault.empty()) chosen.fault = std::move(fault);
        if (chosen.answer == nullptr || answer->status == ocsp_status::unknown) chosen.answer = answer;
    }
    return chosen;
}

choice check_content(ocsp_message const& message, ocsp_subject const& subject, ocsp_rules const& rules) {
    if (is_other_nonce(message, rules)) return {nullptr, "the nonce is not the one that was sent"};
    auto const answers = answers_about(message, subject);
    if (answers.empty()) return {nullptr, "no answer about this certificate"};
    if (auto fault = produced_fault(message, subject, rules); !fault.empty()) return {nullptr, std::move(fault)};
    return choose(answers, message, rules);
}

}  // namespace

std::variant<ocsp_answer, ocsp_fault> check_ocsp_response(std::span<std::uint8_t const> response,
                                                          ocsp_subject const& subject, ocsp_rules const& rules) {
    auto const parsed = parse_ocsp_response(response);
    if (auto const* fault = std::get_if<ocsp_fault>(&parsed)) return *fault;
    auto const& message = std::get<ocsp_message>(parsed);
    auto chosen = check_content(message, subject, rules);
    if (!chosen.fault.empty()) return ocsp_fault{std::move(chosen.fault)};
    auto signer = check_ocsp_signer(message, subject, rules.now);
    if (!signer.fault.empty()) return ocsp_fault{std::move(signer.fault)};
    return ocsp_answer{chosen.answer->status,      message.produced_at,       chosen.answer->this_update,
                       chosen.answer->next_update, chosen.answer->revoked_at, std::move(signer.delegate_to_check)};
}

}  // namespace ftpsgate::policy
