#include "policy/peer_verifier.hpp"

#include "policy/peer_verification.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace ftpsgate::policy {

namespace {

void add_bytes(SHA256_CTX& digest, void const* bytes, std::size_t size) {
    auto const length = static_cast<std::uint64_t>(size);
    SHA256_Update(&digest, &length, sizeof length);
    SHA256_Update(&digest, bytes, size);
}

// Everything that makes a difference to whom the site accepts.
std::string id_of(peer_verifier::materials const& of) {
    SHA256_CTX digest;
    SHA256_Init(&digest);
    auto const& settings = of.settings;
    int const words[] = {static_cast<int>(settings.policy),    settings.flags.no_revocation_check,
                         settings.flags.revocation_cache_only, settings.flags.url_retrieval_cache_only,
                         settings.flags.no_usage_check,        static_cast<int>(settings.revocation_unavailable)};
    add_bytes(digest, words, sizeof words);
    auto const freshness = settings.revocation_freshness_time.count();
    add_bytes(digest, &freshness, sizeof freshness);
    for (auto const& one : of.anchors->certificates()) {
        auto const hash = sha256_of(*one);
        add_bytes(digest, hash.data(), hash.size());
    }
    for (auto const& one : settings.crl_files)
        add_bytes(digest, one.path.data(), one.path.size());
    sha256_digest result{};
    SHA256_Final(result.data(), &digest);
    return to_hex(result);
}

}  // namespace

std::string digest_of(std::vector<std::string> const& chain) {
    SHA256_CTX digest;
    SHA256_Init(&digest);
    for (auto const& one : chain)
        add_bytes(digest, one.data(), one.size());
    std::string result(SHA256_DIGEST_LENGTH, '\0');
    SHA256_Final(reinterpret_cast<std::uint8_t*>(result.data()), &digest);
    return result;
}

peer_verifier::peer_verifier(std::shared_ptr<materials> of)
    : service_(std::move(of->service)),
      materials_((of->threads = service_.get(), std::move(of))),
      rules_(std::make_shared<url_rules>(materials_->settings.url_allow)),
      id_(id_of(*materials_)),
      memory_(std::make_shared<memory>()) {
}

peer_verifier::~peer_verifier() = default;

peer_verifier::pending& peer_verifier::pending::operator=(pending&& other) noexcept {
    if (this == &other) return *this;
    reset();
    job_ = std::move(other.job_);
    cancel_ = std::exchange(other.cancel_, nullptr);
    return *this;
}

void peer_verifier::pending::reset() {
    if (auto const cancel = std::exchange(cancel_, nullptr)) cancel();
    job_.reset();
}

peer_verifier::pending peer_verifier::verify(std::vector<std::string> chain, deadline until,
                                             boost::asio::any_io_executor executor, handler done) const {
    auto job = std::make_shared<verification>(verification::start{materials_, rules_, memory_, std::move(chain), until,
                                                                  std::move(executor), std::move(done)});
    job->run();
    return pending(job, [raw = job.get()] { raw->cancel(); });
}

verdict_ptr peer_verifier::recall(std::vector<std::string> const& chain) const {
    auto const key = digest_of(chain);
    std::lock_guard const lock(memory_->mutex);
    auto const found = memory_->entries.find(key);
    if (found == memory_->entries.end()) return nullptr;
    auto const& entry = found->second;
    bool const holds = std::chrono::system_clock::now() < entry.until && service_->cache().is_unchanged(entry.basis);
    if (holds) return entry.verdict;
    memory_->entries.erase(found);
    return nullptr;
}

std::vector<std::string> peer_verifier::anchor_names() const {
    std::vector<std::string> names;
    for (auto const& one : materials_->anchors->certificates()) {
        std::uint8_t* der = nullptr;
        int const size = i2d_X509_NAME(X509_get_subject_name(one.get()), &der);
        bssl::UniquePtr<std::uint8_t> const owner(der);
        if (size > 0) names.emplace_back(reinterpret_cast<char const*>(der), static_cast<std::size_t>(size));
    }
    return names;
}

void peer_verifier::keep_watching_lists_of(peer_verifier const& previous) const {
    if (id_ != previous.id_ || memory_ == previous.memory_) return;
    std::scoped_lock const lock(memory_->mutex, previous.memory_->mutex);
    memory_->fetched_lists.insert(previous.memory_->fetched_lists.begin(), previous.memory_->fetched_lists.end());
}

std::vector<crl_notice> peer_verifier::relied_on_lists() const {
    std::vector<crl_notice> notices;
    for (auto const& one : materials_->lists)
        if (!one->delta) notices.push_back({one->issuer, one->origin, one->end()});
    std::lock_guard const lock(memory_->mutex);
    for (auto const& [origin, one] : memory_->fetched_lists)
        notices.push_back(one);
    return notices;
}

}  // namespace ftpsgate::policy
