// What the tests of identities share: names and alternative names byte for byte, as no CA's software would make them,
// and clients that went through the verifier, held against rules.
#pragma once

#include "policy/distinguished_name.hpp"
#include "policy/identity_rules.hpp"
#include "policy/peer_verifier.hpp"
#include "tests/support/test_certificate.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ftpsgate::test {

inline bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

/// One DER element with up to 64 KiB in it.
inline bytes element(unsigned tag, bytes const& content) {
    bytes made{static_cast<std::uint8_t>(tag)};
    auto const size = content.size();
    if (size > 0xFF) {
        made.push_back(0x82);
        made.push_back(static_cast<std::uint8_t>(size >> 8U));
    } else if (size > 0x7F) {
        made.push_back(0x81);
    }
    made.push_back(static_cast<std::uint8_t>(size & 0xFFU));
    made.insert(made.end(), content.begin(), content.end());
    return made;
}

inline bytes joined(std::vector<bytes> const& parts) {
    bytes made;
    for (auto const& each : parts)
        made.insert(made.end(), each.begin(), each.end());
    return made;
}

enum string_tag : unsigned {
    utf8 = 0x0C,
    numeric = 0x12,
    printable = 0x13,
    t61 = 0x14,
    ia5 = 0x16,
    universal = 0x1C,
    bmp = 0x1E
};

struct raw_attribute {
    unsigned last_arc;  ///< of 2.5.4: 3 CN, 10 O, 11 OU
    std::string value;
    unsigned tag = utf8;
};
constexpr unsigned cn = 3, o = 10, ou = 11;

/// A Name; RDNs in the order of the encoding, the last one is written first.
inline bytes raw_name(std::vector<std::vector<raw_attribute>> const& rdns) {
    std::vector<bytes> sets;
    for (auto const& rdn : rdns) {
        std::vector<bytes> pairs;
        for (auto const& each : rdn) {
            auto const type = element(0x06, {0x55, 0x04, static_cast<std::uint8_t>(each.last_arc)});
            pairs.push_back(element(0x30, joined({type, element(each.tag, bytes_of(each.value))})));
        }
        sets.push_back(element(0x31, joined(pairs)));
    }
    return element(0x30, joined(sets));
}

inline bytes raw_email(std::string_view value) {
    return element(0x81, bytes_of(value));
}
inline bytes raw_dns(std::string_view value) {
    return element(0x82, bytes_of(value));
}
inline bytes raw_uri(std::string_view value) {
    return element(0x86, bytes_of(value));
}
inline bytes raw_upn(std::string_view value, unsigned tag = utf8) {
    bytes const oid{0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03};
    return element(0xA0, joined({oid, element(0xA0, element(tag, bytes_of(value)))}));
}
inline bytes raw_alternative_names(std::vector<bytes> const& names) {
    return element(0x30, joined(names));
}
inline raw_extension san(std::vector<bytes> const& names) {
    return {"2.5.29.17", false, raw_alternative_names(names)};
}

inline policy::distinguished_name read_raw(std::vector<std::vector<raw_attribute>> const& rdns) {
    return policy::read_name(policy::der_view(raw_name(rdns)));
}

/// The same with another subject. Without a certificate where nobody could parse one with this subject.
inline identity with_subject(identity const& made, bytes const& name, identity const& issuer) {
    auto const* at = name.data();
    bssl::UniquePtr<X509_NAME> const subject(d2i_X509_NAME(nullptr, &at, static_cast<long>(name.size())));
    ERR_clear_error();
    if (!subject) return {nullptr, bssl::UpRef(made.key)};
    require_made(X509_set_subject_name(made.certificate.get(), subject.get()) &&
                     X509_sign(made.certificate.get(), issuer.key.get(), EVP_sha256()) > 0,
                 "another subject");
    auto const der = der_of(*made.certificate);
    at = der.data();
    return {bssl::UniquePtr<X509>(d2i_X509(nullptr, &at, static_cast<long>(der.size()))), bssl::UpRef(made.key)};
}

/// Goes through the verifier, without revocation. Null: refused, or not to be parsed.
inline std::shared_ptr<policy::verified_peer const> verified(std::vector<identity const*> const& presented,
                                                             std::vector<identity const*> const& trusted) {
    static auto const service = std::make_shared<policy::verification_service>(1);
    if (!presented.front()->certificate) return nullptr;
    auto of = std::make_shared<policy::peer_verifier::materials>();
    of->settings.policy = config::certificate_policy::require;
    of->settings.flags.no_revocation_check = true;
    policy::certificate_list anchors;
    for (auto const* each : trusted)
        anchors.push_back(bssl::UpRef(each->certificate));
    of->anchors = std::make_shared<policy::trust_anchors const>(std::move(anchors));
    of->service = service;
    std::vector<std::string> chain;
    for (auto const* each : presented) {
        auto const der = der_of(*each->certificate);
        chain.emplace_back(der.begin(), der.end());
    }
    policy::peer_verifier const verifier(std::move(of));
    boost::asio::io_context io;
    auto const work = boost::asio::make_work_guard(io);
    policy::verdict_ptr verdict;
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto const pending = verifier.verify(chain, end, io.get_executor(), [&](policy::verdict_ptr came) {
        verdict = std::move(came);
        io.stop();
    });
    io.run_until(end);
    REQUIRE(verdict);
    return verdict->peer;
}

/// A site with rules, and clients of its only CA.
struct identity_bench {
    identity_bench() {
        site.name = "ftp";
        site.authentication.client_certificate = true;
    }

    /// Maps to "user-NAME" with the password "secret-NAME" as it stands.
    config::identity_rule_settings& rule(std::string const& name) {
        config::identity_rule_settings made;
        made.name = name;
        made.user = at("user-" + name);
        made.password.value = at("secret-" + name);
        site.identity.push_back(std::move(made));
        return site.identity.back();
    }
    config::placed_text at(std::string text) { return {std::move(text), {"gate.toml", ++line, 11}}; }

    std::shared_ptr<policy::identity_rules const> rules() const {
        config::problems faults;
        auto built = policy::build_identity_rules(site, anchors(), faults);
        for (auto const& each : faults)
            UNSCOPED_INFO(config::render(each));
        REQUIRE(faults.empty());
        return built;
    }
    /// All of them, one a line.
    std::string faults() const {
        config::problems faults;
        policy::build_identity_rules(site, anchors(), faults);
        std::string text;
        for (auto const& each : faults)
            text += config::render(each) + "\n";
        return text;
    }

    identity issue(certificate_request request) const {
        request.own_key = root.key.get();  // making keys is what would take the time
        return make_certificate(request, root);
    }
    identity issue_subject(std::vector<std::vector<raw_attribute>> const& subject) const {
        return with_subject(issue(certificate_request{}), raw_name(subject), root);
    }

    policy::identity_decision decide(identity const& leaf) const {
        auto const peer = verified({&leaf}, trusted);
        REQUIRE(peer);
        return rules()->decide(*peer);
    }
    /// "mapped user-a", "refused: detail", "denied by a", "not_mapped".
    std::string judge(identity const& leaf) const { return words_of(decide(leaf)); }
    std::string judge(certificate_request const& request) const { return judge(issue(request)); }
    std::string judge_subject(std::vector<std::vector<raw_attribute>> const& subject) const {
        return judge(issue_subject(subject));
    }
    /// Why the only rule does not match, or what judge() says.
    std::string why(certificate_request const& request) const {
        auto const decision = decide(issue(request));
        bool const has_passed = decision.outcome == policy::identity_outcome::not_mapped;
        return has_passed ? decision.steps.back().detail : words_of(decision);
    }

    static std::string words_of(policy::identity_decision const& decision) {
        std::string const outcome = to_string(decision.outcome);
        switch (decision.outcome) {
            case policy::identity_outcome::mapped: return outcome + " " + decision.login->user;
            case policy::identity_outcome::denied: return outcome + " by " + decision.rule;
            case policy::identity_outcome::refused: return outcome + ": " + decision.detail;
            case policy::identity_outcome::not_mapped: break;
        }
        return outcome;
    }

    policy::certificate_list anchors() const {
        policy::certificate_list made;
        for (auto const* each : trusted)
            made.push_back(bssl::UpRef(each->certificate));
        return made;
    }

    identity root = make_self_signed(authority_request("Plant CA"));
    std::vector<identity const*> trusted{&root};
    config::site_settings site;
    std::uint32_t line = 0;
};

}  // namespace ftpsgate::test
