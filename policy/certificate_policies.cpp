#include "policy/certificate_policies.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace ftpsgate::policy {

namespace {

using policy_set = std::set<std::string>;  // OIDs, as in DER

// What one certificate says.
struct statement {
    bool has_policies = false;
    bool any = false;  // anyPolicy is among them
    policy_set policies;
    std::vector<std::pair<std::string, std::string>> mappings;  // issuerDomainPolicy, subjectDomainPolicy
    bool maps_any = false;
    std::optional<long> require_explicit, inhibit_mapping, inhibit_any;  // SkipCerts
};

// An extension that a certificate has once at most. False: it cannot be read, or is there twice.
template <class Owner>
bool read(X509 const& certificate, int nid, Owner& into) {
    int found = 0;
    into.reset(static_cast<typename Owner::pointer>(X509_get_ext_d2i(&certificate, nid, &found, nullptr)));
    return into != nullptr || found == -1;
}

std::string text_of(ASN1_OBJECT const* oid) {
    return {reinterpret_cast<char const*>(OBJ_get0_data(oid)), OBJ_length(oid)};
}

bool is_any(ASN1_OBJECT const* oid) {
    return OBJ_obj2nid(oid) == NID_any_policy;
}

bool read_skip(ASN1_INTEGER const* number, std::optional<long>& into) {
    static constexpr long beyond_any_path = 1000;
    if (number == nullptr) return true;
    if (number->type == V_ASN1_NEG_INTEGER) return false;
    long const value = ASN1_INTEGER_get(number);
    into = value < 0 || value > beyond_any_path ? beyond_any_path : value;  // below 0: more than a long holds
    return true;
}

bool read_policies(X509 const& certificate, statement& said) {
    bssl::UniquePtr<CERTIFICATEPOLICIES> list;
    if (!read(certificate, NID_certificate_policies, list)) return false;
    said.has_policies = list != nullptr;
    for (std::size_t i = 0; list && i < sk_POLICYINFO_num(list.get()); ++i) {
        auto const* const oid = sk_POLICYINFO_value(list.get(), i)->policyid;
        bool const again = is_any(oid) ? std::exchange(said.any, true) : !said.policies.insert(text_of(oid)).second;
        if (again) return false;  // RFC 5280 4.2.1.4
    }
    return !list || sk_POLICYINFO_num(list.get()) > 0;
}

bool read_mappings(X509 const& certificate, statement& said) {
    bssl::UniquePtr<POLICY_MAPPINGS> list;
    if (!read(certificate, NID_policy_mappings, list)) return false;
    for (std::size_t i = 0; list && i < sk_POLICY_MAPPING_num(list.get()); ++i) {
        auto const* const one = sk_POLICY_MAPPING_value(list.get(), i);
        said.maps_any = said.maps_any || is_any(one->issuerDomainPolicy) || is_any(one->subjectDomainPolicy);
        said.mappings.emplace_back(text_of(one->issuerDomainPolicy), text_of(one->subjectDomainPolicy));
    }
    return !list || !said.mappings.empty();
}

bool read_constraints(X509 const& certificate, statement& said) {
    std::unique_ptr<POLICY_CONSTRAINTS, decltype(&POLICY_CONSTRAINTS_free)> both(nullptr, &POLICY_CONSTRAINTS_free);
    bssl::UniquePtr<ASN1_INTEGER> inhibit;
    if (!read(certificate, NID_policy_constraints, both) || !read(certificate, NID_inhibit_any_policy, inhibit))
        return false;
    if (both && both->requireExplicitPolicy == nullptr && both->inhibitPolicyMapping == nullptr) return false;
    return (!both || (read_skip(both->requireExplicitPolicy, said.require_explicit) &&
                      read_skip(both->inhibitPolicyMapping, said.inhibit_mapping))) &&
           read_skip(inhibit.get(), said.inhibit_any);
}

// The names of variables are those of RFC 5280 6.1.2.
class evaluation {
public:
    explicit evaluation(std::size_t certificates)
        : explicit_policy_(static_cast<long>(certificates) + 1),
          policy_mapping_(explicit_policy_),
          inhibit_any_policy_(explicit_policy_) {}

    /// In the order of the path from the anchor, the leaf last.
    std::string take(X509& certificate, bool last) {
        statement said;
        bool const readable =
            read_policies(certificate, said) && read_mappings(certificate, said) && read_constraints(certificate, said);
        ERR_clear_error();
        if (!readable) return "the certificate policies of " + name_of(certificate) + " are malformed";
        bool const self_issued = (X509_get_extension_flags(&certificate) & EXFLAG_SI) != 0;
        narrow(said, !last && self_issued);
        if (explicit_policy_ == 0 && is_empty()) return no_policy(certificate);
        if (!last && said.maps_any) return "a policy mapping of " + name_of(certificate) + " is from or to anyPolicy";
        if (!last) map(said);
        if (last || !self_issued) count_down();
        tighten(explicit_policy_, said.require_explicit);
        tighten(policy_mapping_, said.inhibit_mapping);
        tighten(inhibit_any_policy_, said.inhibit_any);
        return last && explicit_policy_ == 0 && is_empty() ? no_policy(certificate) : std::string();
    }

private:
    static std::string name_of(X509 const& certificate) { return name_text(X509_get_subject_name(&certificate)); }

    static std::string no_policy(X509 const& at) {
        return "no certificate policy is valid for the path down to " + name_of(at) + ", and one is demanded";
    }

    bool is_empty() const { return !any_ && expected_.empty(); }

    // 6.1.3 (d) and (e): which policies are valid for this certificate.
    void narrow(statement const& said, bool any_counts) {
        if (!said.has_policies) {
            expected_.clear();
            any_ = false;
            return;
        }
        policy_set valid;
        for (auto const& one : said.policies)
            if (any_ || expected_.count(one) != 0) valid.insert(one);
        bool const any = said.any && (inhibit_any_policy_ > 0 || any_counts);
        if (any) valid.insert(expected_.begin(), expected_.end());
        any_ = any && any_;
        expected_ = std::move(valid);
    }

    // 6.1.4 (b): what they are called in the next certificate. Meanwhile `expected_` holds the valid ones.
    void map(statement const& said) {
        policy_set renamed;
        for (auto const& [from, to] : said.mappings)
            if (policy_mapping_ > 0 && (any_ || expected_.count(from) != 0)) renamed.insert(to);
        for (auto const& [from, to] : said.mappings)
            expected_.erase(from);
        expected_.merge(renamed);
    }

    void count_down() {
        for (long* const one : {&explicit_policy_, &policy_mapping_, &inhibit_any_policy_})
            if (*one > 0) --*one;
    }

    static void tighten(long& counter, std::optional<long> const& to) {
        if (to) counter = std::min(counter, *to);
    }

    long explicit_policy_, policy_mapping_, inhibit_any_policy_;
    policy_set expected_;  // but for anyPolicy
    bool any_ = true;
};

}  // namespace

std::string policies_fault(certificate_list const& path) {
    evaluation so_far(path.size() - 1);
    for (std::size_t i = path.size() - 1; i-- > 0;) {
        auto fault = so_far.take(*path[i], i == 0);
        if (!fault.empty()) return fault;
    }
    return {};
}

}  // namespace ftpsgate::policy
