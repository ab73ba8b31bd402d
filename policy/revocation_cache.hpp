// CRLs and OCSP answers that were fetched, for all sites of the process: in memory, and in a folder where a site names
// one (revocation_cache), so that a restart needs no fetch. Only what passed the checks of its kind is given in; what
// is read back from a folder passes them again. Thread-safe.
//
// Bounded, lists also in their bytes: the entries that end first go first.
#pragma once

#include "policy/crl.hpp"
#include "policy/ocsp.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
    /// DER of the responder's own certificate, where the answer counts only if that one is not revoked (B-267).
    std::string delegate{};

    friend bool operator==(held_answer const&, held_answer const&) = default;
};

/// What was held under a key at some time.
struct held_version {
    revocation_key key;
    std::uint64_t version = 0;
};

/// A fetch of a moment ago that is not done again at once (B-263): it failed, or brought what was held already.
struct recent_failure {
    std::string words;  ///< "" = nothing new
    bool timed_out = false;
};

class revocation_cache {
public:
    crl_ptr find_crl(revocation_key const& key) const;
    /// With the version that it has.
    std::pair<crl_ptr, std::uint64_t> find_crl_version(revocation_key const& key) const;
    std::optional<held_answer> find_answer(revocation_key const& key, time_point now) const;
    certificate_list find_issuers(revocation_key const& key, time_point now) const;
    std::optional<recent_failure> find_failure(revocation_key const& key, time_point now) const;

    /// False: an older list than the one that is held; nothing changes. `size` in bytes, as it came.
    bool put_crl(revocation_key const& key, crl_ptr list, std::size_t size = 0);
    bool put_answer(revocation_key const& key, held_answer const& answer);  ///< the same
    void put_issuers(revocation_key const& key, certificate_list const& found, time_point until);
    void put_failure(revocation_key const& key, recent_failure failure, time_point until);

    /// Held until `until` from now on, if it is held at all.
    void prolong_issuers(revocation_key const& key, time_point until);

    /// Changes with every CRL or answer that is not the one that was held. 0 = nothing is held.
    std::uint64_t version_of(revocation_key const& key) const;
    /// Nothing has changed under these keys: what was concluded from them still holds.
    bool is_unchanged(std::vector<held_version> const& basis) const;

private:
    struct list_entry {
        crl_ptr list;
        std::uint64_t version;
        std::size_t size;
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

    std::uint64_t version_in_force(revocation_key const& key) const;
    void make_room_for_list(std::size_t size);

    mutable std::mutex mutex_;
    std::map<revocation_key, list_entry> lists_;
    std::map<revocation_key, answer_entry> answers_;
    std::map<revocation_key, issuers_entry> issuers_;
    std::map<revocation_key, failure_entry> failures_;
    std::size_t list_bytes_ = 0;
    std::uint64_t last_version_ = 0;
};

/// The folder's half. Read and written by the one who fetches; failures are no faults: the memory holds the entry.
std::optional<std::string> read_cache_file(std::string const& folder, revocation_key const& key);
/// 0 = there is none.
std::size_t size_of_cache_file(std::string const& folder, revocation_key const& key);
/// Whole or not at all (written beside, then renamed); false: could not be written.
bool write_cache_file(std::string const& folder, revocation_key const& key, std::string const& bytes);

}  // namespace ftpsgate::policy
