// The whole way from the certificates that a client presented to a verified_peer or the reason why not: path, usage,
// revocation (section 5 of PROTOCOL.md), under the settings of one site. Policy decides, the caller logs and counts.
//
// Flow: verify() returns at once; the handler is called exactly once, posted to the given executor, unless the returned
// object is destroyed first (B-276: the client went away). A client that was accepted a short while ago, with nothing
// changed since, costs a look-up: recall().
#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"
#include "policy/chain.hpp"
#include "policy/url_rules.hpp"
#include "policy/verdict.hpp"
#include "policy/verification_service.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace ftpsgate::policy {

/// A CRL that the site relies on, for the metric of its end and the log event crl_expired.
struct crl_notice {
    std::string issuer;
    std::string origin;
    time_point next_update;
};

class peer_verifier {
public:
    using deadline = std::chrono::steady_clock::time_point;
    using handler = std::function<void(verdict_ptr)>;

    /// Made from the settings and files that they name; see build_peer_verifier().
    struct materials {
        config::client_certificate_settings settings;
        std::shared_ptr<trust_anchors const> anchors;
        crl_list lists;                                 ///< of crl_files
        std::shared_ptr<verification_service> service;  ///< taken over by the verifier
        /// The same, for the verifications: they run on its threads and must not be the last to hold it.
        verification_service* threads = nullptr;
    };
    explicit peer_verifier(std::shared_ptr<materials> of);
    ~peer_verifier();

    /// Destroying it gives the verification up. Only on the thread of the executor given to verify().
    class pending {
    public:
        pending() = default;
        explicit pending(std::shared_ptr<void> job, std::function<void()> cancel)
            : job_(std::move(job)), cancel_(std::move(cancel)) {}
        ~pending() { reset(); }
        pending(pending&& other) noexcept
            : job_(std::move(other.job_)), cancel_(std::exchange(other.cancel_, nullptr)) {}
        pending& operator=(pending&& other) noexcept;
        void reset();

    private:
        std::shared_ptr<void> job_;
        std::function<void()> cancel_;
    };

    /// `chain` as the client sent it, DER, leaf first. After `until` what is not known counts as unknown; one URL gets
    /// at most half of the time that is left, so that there is some for the next (B-260, D-13).
    [[nodiscard]] pending verify(std::vector<std::string> chain, deadline until, boost::asio::any_io_executor executor,
                                 handler done) const;
    /// Null: it has to be verified.
    verdict_ptr recall(std::vector<std::string> const& chain) const;

    config::certificate_policy policy() const { return materials_->settings.policy; }
    /// DER of the anchors' names, for the CertificateRequest (B-272).
    std::vector<std::string> anchor_names() const;
    certificate_list const& anchors() const { return materials_->anchors->certificates(); }
    /// Sites with different ids treat a client's certificate differently.
    std::string const& id() const { return id_; }
    /// Those of crl_files and those that were fetched; deltas left out.
    std::vector<crl_notice> relied_on_lists() const;
    /// After a reload: those that were fetched for the same site before. Nothing where it treats clients differently
    /// now.
    void keep_watching_lists_of(peer_verifier const& previous) const;

private:
    class verification;
    struct memory;

    std::shared_ptr<verification_service> service_;
    std::shared_ptr<materials const> materials_;
    std::shared_ptr<url_rules const> rules_;
    std::string id_;
    std::shared_ptr<memory> memory_;
};

}  // namespace ftpsgate::policy
