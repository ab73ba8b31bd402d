// CRLs and OCSP answers that were fetched, for all sites of the process: in memory, and in a folder where a site names
// one (revocation_cache), so that a restart needs no fetch. Only what passed the checks of its kind is given in; what
// is read back from a folder passes them again. Thread-safe.
//
// Bounded: the entries that are out of date go first, then the oldest.
#pragma once

#include "policy/crl.hpp"
#include "policy/ocsp.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace ftpsgate::policy {

/// What an answer is about: a CRL by its URL, an OCSP answer by its question, both with the key of the issuer that it
/// was verified with (B-263), so that no other CA's answer can take its place.
struct revocation_key {
    enum class kind { crl, ocsp, issuer };
    kind what = kind::crl;
    std::string name;  ///< URL; OCSP: ocsp_question_id()
    sha256_digest issuer_key{};

    std::string file_name() const;  ///< "crl-<hex>.der"
    friend auto operator<=>(revocation_key const&, revocation_key const&) = default;
};

struct held_answer {
    ocsp_status status = ocsp_status::unknown;
    time_point this_update{};
    std::optional<time_point> next_update;
    time_point until{};  ///< held no longer

    friend bool operator==(held_answer const&, held_answer const&) = default;
};

/// A fetch of a moment ago that is not done again at once (B-263): it failed, or brought what was held already.
struct recent_failure {
    std::string words;  ///< "" = nothing new
    bool timed_out = false;
};

class revocation_cache {
public:
    crl_ptr find_crl(revocation_key const& key) const;
    std::optional<held_answer> find_answer(revocation_key const& key, time_point now) const;
    certificate_list find_issuers(revocation_key const& key, time_point now) const;
    std::optional<recent_failure> find_failure(revocation_key const& key, time_point now) const;

    /// False: an older list than the one that is held; nothing changes.
    bool put_crl(revocation_key const& key, crl_ptr list);
    bool put_answer(revocation_key const& key, held_answer const& answer);  ///< the same
    void put_issuers(revocation_key const& key, certificate_list const& found, time_point until);
    void put_failure(revocation_key const& key, recent_failure failure, time_point until);

    /// Changes with every CRL or answer that is not the one that was held: what was concluded before may be wrong now.
    std::uint64_t generation() const;
    /// The same for one key: what is held under it has changed since, or not. 0 = nothing is held.
    std::uint64_t version_of(revocation_key const& key) const;

private:
    struct list_entry {
        crl_ptr list;
        std::uint64_t version;
    };
    struct answer_entry {
        held_answer answer;
        std::uint64_t version;
    };
    struct issuers_entry {
        certificate_list certificates;
        time_point until;
        std::uint64_t version;
    };
    struct failure_entry {
        recent_failure failure;
        time_point until;
    };

    mutable std::mutex mutex_;
    std::map<revocation_key, list_entry> lists_;
    std::map<revocation_key, answer_entry> answers_;
    std::map<revocation_key, issuers_entry> issuers_;
    std::map<revocation_key, failure_entry> failures_;
    std::uint64_t generation_ = 0;
    std::uint64_t last_version_ = 0;
};

/// The folder's half. Read and written by the one who fetches; failures are no faults: the memory holds the entry.
std::optional<std::string> read_cache_file(std::string const& folder, revocation_key const& key);
/// Whole or not at all (written beside, then renamed); false: could not be written.
bool write_cache_file(std::string const& folder, revocation_key const& key, std::string const& bytes);

}  // namespace ftpsgate::policy
