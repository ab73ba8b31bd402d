// Input: a byte of decisions, then a CRL as it comes from the network or from a file, in DER or PEM, or (bit 0) a
// TBSCertList that the issuer signs here, so that what is behind the signature is reached. Bit 1: a base is at hand as
// well, so that deltas have something to change. The client's certificate has the serial number 41020304.
//
// Files of the corpus were made with make_crl() for world(), or by strangers.
#include "policy/chain.hpp"
#include "tests/fuzz/fixed_issuer.hpp"

using namespace ftpsgate;

namespace {

struct parties {
    parties() : anchors(anchor()) {
        leaf = test::make_certificate({.subject = test::common_name("anna"),
                                       .serial = {0x41, 2, 3, 4},
                                       .not_before = fuzz::now - std::chrono::hours(9),
                                       .not_after = fuzz::now + std::chrono::hours(9),
                                       .freshest = {{.urls = {"http://a/delta"}}}},
                                      issuer.own());
        presented.push_back(bssl::UpRef(leaf.certificate));
        test::crl_request request{.this_update = fuzz::now - std::chrono::hours(2),
                                  .next_update = fuzz::now + std::chrono::hours(2)};
        auto const der = test::der_of(*test::make_crl(request, issuer.own()));
        base = policy::parse_crl(std::string(der.begin(), der.end()), "base");
    }
    policy::certificate_list anchor() const {
        policy::certificate_list list;
        list.push_back(bssl::UpRef(issuer.own().certificate));
        return list;
    }

    fuzz::fixed_issuer issuer;
    policy::trust_anchors anchors;
    test::identity leaf;
    policy::certificate_list presented;
    policy::crl_ptr base;
};

parties const& world() {
    static parties const all;
    return all;
}

bool lists_the_leaf(X509_CRL* list) {
    auto const* const entries = X509_CRL_get_REVOKED(list);
    auto const* const serial = X509_get0_serialNumber(world().leaf.certificate.get());
    for (std::size_t i = 0; entries != nullptr && i < sk_X509_REVOKED_num(entries); ++i)
        if (ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i)), serial) == 0)
            return true;
    return false;
}

void check_alone(policy::crl_ptr const& list, policy::revocation_status status) {
    if (status == policy::revocation_status::unknown) return;
    fuzz::require(policy::is_signed_by(*list, *world().issuer.own().certificate), "only the issuer's list counts");
    fuzz::require(!list->delta, "a delta is no complete list (A-084)");
    fuzz::require(list->this_update <= fuzz::now + std::chrono::minutes(5), "no list is of the future (B-264)");
    bool const listed = lists_the_leaf(list->crl.get());
    if (status == policy::revocation_status::revoked) fuzz::require(listed, "who is revoked, is listed");
    if (status == policy::revocation_status::good) fuzz::require(list->end() >= fuzz::now, "no list is used too long");
    bool const scoped = X509_CRL_get_ext_by_NID(list->crl.get(), NID_issuing_distribution_point, -1) >= 0;
    if (status == policy::revocation_status::good && !scoped) fuzz::require(!listed, "who is listed, is not good");
}

void check(policy::crl_ptr const& list, bool with_base) {
    bool const by_issuer = policy::is_signed_by(*list, *world().issuer.own().certificate);
    fuzz::require(list->end() >= list->this_update || list->next_update, "a list ends after it began");
    fuzz::require(!policy::is_older(*list, *list), "nothing is older than itself");
    policy::crl_list lists{list};
    if (with_base) lists.push_back(world().base);
    policy::certificate_list const none;
    auto const answer = policy::check_chain(world().anchors,
                                            {world().presented, none, policy::usage_check::applied, &lists, fuzz::now});
    fuzz::require(answer.reason == policy::refusal::none, "a list does not change the path");
    auto const status = answer.findings.front().status;
    if (!with_base) check_alone(list, status);
    if (!by_issuer && with_base) fuzz::require(status != policy::revocation_status::revoked, "strangers revoke nobody");
    if (!by_issuer && !with_base) fuzz::require(status == policy::revocation_status::unknown, "strangers say nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    std::uint8_t const decisions = in.byte();
    std::string text(in.rest());
    if ((decisions & 1U) != 0) {
        auto const der = world().issuer.sign(text);
        text.assign(der.begin(), der.end());
    }
    std::string fault;
    auto const found = policy::parse_crls(text, "input", fault);
    fuzz::require(found.empty() == !fault.empty(), "either lists or a fault");
    fuzz::require(ERR_peek_error() == 0, "no error stays behind");
    for (auto const& one : found)
        check(one, (decisions & 2U) != 0);
    return 0;
}
