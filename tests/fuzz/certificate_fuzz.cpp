// Input: a byte of decisions, then certificates in PEM (bit 1), one certificate in DER as a client sends it, or (bit 0)
// a TBSCertificate that the site's anchor signs here, so that what is behind the signature is reached. Bit 2: with
// no-usage-check.
//
// Files of the corpus were made with make_certificate() for issuer(), or by strangers.
#include "policy/chain.hpp"
#include "tests/fuzz/fixed_issuer.hpp"

using namespace ftpsgate;

namespace {

fuzz::fixed_issuer const& issuer() {
    static fuzz::fixed_issuer const one;
    return one;
}

policy::trust_anchors const& anchors() {
    static policy::trust_anchors const made = [] {
        policy::certificate_list list;
        list.push_back(bssl::UpRef(issuer().own().certificate));
        return policy::trust_anchors(std::move(list));
    }();
    return made;
}

void check_facts(X509 const& certificate) {
    auto const facts = policy::facts_of(certificate);
    fuzz::require(facts.sha256.size() == 64, "a digest has 64 digits");
    fuzz::require(!policy::to_text(facts.not_before).empty(), "a time has words");
    fuzz::require(facts.subject.find('\n') == facts.subject.npos, "names have one line");
    policy::key_sha256_of(certificate);
    policy::is_strong_key(certificate);
    policy::is_strong_signature(certificate);
}

void check_path(policy::certificate_ptr certificate, bool by_issuer, policy::usage_check usage) {
    policy::certificate_list presented;
    presented.push_back(std::move(certificate));
    policy::certificate_list const none;
    auto const answer = policy::check_chain(anchors(), {presented, none, usage, nullptr, fuzz::now});
    if (answer.reason != policy::refusal::none) {
        fuzz::require(!answer.words.empty(), "a refusal has words");
        return;
    }
    X509& leaf = *presented.front();
    auto const facts = policy::facts_of(leaf);
    fuzz::require(by_issuer, "nobody is accepted without the anchor's signature");
    fuzz::require(answer.path.size() == 2, "the path has the leaf and the anchor");
    fuzz::require(facts.not_before <= fuzz::now && facts.not_after >= fuzz::now, "who is accepted, is valid");
    fuzz::require(policy::is_strong_key(leaf) && policy::is_strong_signature(leaf), "who is accepted, is strong");
    fuzz::require((X509_get_extension_flags(&leaf) & EXFLAG_CA) == 0, "no CA is a client (B-188)");
    fuzz::require(policy::usage_fault(answer.path, usage).empty(), "who is accepted, may be a client");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    std::uint8_t const decisions = in.byte();
    if ((decisions & 2U) != 0) {
        std::string fault;
        auto const found = policy::parse_certificates(std::string(in.rest()), fault);
        fuzz::require(!found.empty() || !fault.empty(), "no certificate is a fault");
        for (auto const& one : found)
            check_facts(*one);
        return 0;
    }
    bool const by_issuer = (decisions & 1U) != 0;
    auto const der = by_issuer ? issuer().sign(in.rest()) : test::bytes(in.rest().begin(), in.rest().end());
    auto certificate = policy::parse_certificate({der.data(), der.size()});
    fuzz::require(ERR_peek_error() == 0, "no error stays behind");
    if (!certificate) return 0;
    check_facts(*certificate);
    auto const usage = (decisions & 4U) != 0 ? policy::usage_check::lifted : policy::usage_check::applied;
    check_path(std::move(certificate), by_issuer, usage);
    return 0;
}
