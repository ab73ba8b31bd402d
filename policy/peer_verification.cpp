#include "policy/peer_verification.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr std::size_t most_certificates = 20;   // B-273
constexpr std::size_t most_issuer_fetches = 4;  // B-265
constexpr std::size_t issuer_limit = 64U << 10U;
constexpr std::chrono::hours issuers_held{1};
constexpr std::chrono::seconds unproven_held{30};  // what was fetched and may be of no use (B-263)
constexpr std::size_t most_remembered = 10'000;
constexpr std::size_t most_noticed = 500;
constexpr std::chrono::minutes longest_remembered{5};

// A certificate, or some in PKCS#7 (RFC 5280 4.2.2.1). Only candidates: the path decides whom to believe.
certificate_list parse_issuers(std::string const& bytes) {
    certificate_list found;
    der_view const der(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
    if (auto one = parse_certificate(der)) {
        found.push_back(std::move(one));
        return found;
    }
    bssl::UniquePtr<STACK_OF(X509)> const certificates(sk_X509_new_null());
    CBS in;
    CBS_init(&in, der.data(), der.size());
    if (PKCS7_get_certificates(certificates.get(), &in) == 1 && CBS_len(&in) == 0) {
        for (std::size_t i = 0; i < sk_X509_num(certificates.get()) && i < most_certificates; ++i)
            found.push_back(share(sk_X509_value(certificates.get(), i)));
    }
    ERR_clear_error();
    return found;
}

certificate_list copy_of(certificate_list const& list) {
    certificate_list copies;
    for (auto const& one : list)
        copies.push_back(share(one.get()));
    return copies;
}

}  // namespace

peer_verifier::verification::verification(start with)
    : of_(std::move(with.of)),
      rules_(std::move(with.rules)),
      memory_(std::move(with.remembers)),
      der_(std::move(with.chain)),
      until_(with.until),
      executor_(std::move(with.executor)),
      done_(std::move(with.done)) {
}

void peer_verifier::verification::run() {
    boost::asio::post(of_->threads->processors(), [self = shared_from_this()] { self->begin(); });
}

void peer_verifier::verification::cancel() {
    std::lock_guard const lock(ending_);
    cancelled_ = true;
    done_ = nullptr;
    executor_ = {};  // may hold something of a loop that ends before this does
}

void peer_verifier::verification::begin() {
    if (cancelled_) return;
    if (der_.empty() || der_.size() > most_certificates) return refuse(refusal::malformed, "too many certificates");
    for (auto const& one : der_) {
        auto parsed = parse_certificate({reinterpret_cast<std::uint8_t const*>(one.data()), one.size()});
        if (!parsed) return refuse(refusal::malformed, "a certificate cannot be parsed");
        presented_.push_back(std::move(parsed));
    }
    verdict_.subject = name_text(X509_get_subject_name(presented_.front().get()));
    verdict_.sha256 = to_hex(sha256_of(*presented_.front()));
    find_path();
}

// The first pass: nothing but what came and what is trusted (B-251).
void peer_verifier::verification::find_path() {
    if (cancelled_) return;
    auto const usage = of_->settings.flags.no_usage_check ? usage_check::lifted : usage_check::applied;
    auto answer = check_chain(*of_->anchors, {presented_, fetched_, usage, nullptr, std::chrono::system_clock::now()});
    if (answer.orphan && ask_for_issuer(answer.orphan)) return;
    for (std::size_t i = 0; i < answer.path.size(); ++i) {
        certificate_report report;
        report.facts = facts_of(*answer.path[i]);
        report.anchor = answer.reason == refusal::none && i + 1 == answer.path.size();
        verdict_.chain.push_back(std::move(report));
        auto const end = verdict_.chain.back().facts.not_after;
        valid_until_ = std::min(valid_until_, end);
    }
    if (answer.reason != refusal::none) return refuse(answer.reason, std::move(answer.words));
    for (auto const& url : tried_issuers_)
        of_->threads->cache().prolong_issuers({revocation_key::kind::issuer, url, {}},
                                              std::chrono::system_clock::now() + issuers_held);
    path_ = std::move(answer.path);
    if (of_->settings.flags.no_revocation_check) return accept();
    begin_revocation();
}

/// False: there is nothing to ask, or it was asked.
bool peer_verifier::verification::ask_for_issuer(certificate_ptr const& orphan) {
    for (auto const& url : facts_of(*orphan).issuer_urls) {
        bool const tried = std::find(tried_issuers_.begin(), tried_issuers_.end(), url) != tried_issuers_.end();
        if (tried || tried_issuers_.size() == most_issuer_fetches) continue;
        revocation_key const key{revocation_key::kind::issuer, url, {}};
        auto const now = std::chrono::system_clock::now();
        // Before anything is looked up: whom the site may not ask, it may not learn from either (B-265).
        auto const parsed = parse_http_url(url);
        if (!parsed || !rules_->may_resolve(*parsed, url_rules::origin::unverified)) continue;
        tried_issuers_.push_back(url);
        auto const version = of_->threads->cache().version_of(key);
        if (auto held = of_->threads->cache().find_issuers(key, now); !held.empty()) {
            take_issuers(key);
            return true;
        }
        if (of_->settings.flags.url_retrieval_cache_only || of_->threads->cache().find_failure(key, now)) continue;
        revocation_fetcher::order wanted;
        wanted.key = wanted.attempt = key;
        wanted.known_version = version;
        wanted.rules = rules_;
        wanted.request.url = url;
        wanted.request.from = url_rules::origin::unverified;
        wanted.request.size_limit = issuer_limit;
        wanted.request.time_limit = of_->settings.revocation_url_retrieval_timeout;
        wanted.accept = [cache = &of_->threads->cache(), key](std::string const& bytes,
                                                              revocation_fetcher::order::source) {
            auto const found = parse_issuers(bytes);
            if (found.empty()) return std::string("no certificate came");
            cache->put_issuers(key, found, std::chrono::system_clock::now() + unproven_held);
            return std::string();
        };
        order(std::move(wanted), [this, key](fetch_result const&) { take_issuers(key); });
        return true;
    }
    return false;
}

void peer_verifier::verification::take_issuers(revocation_key const& key) {
    for (auto& one : of_->threads->cache().find_issuers(key, std::chrono::system_clock::now()))
        fetched_.push_back(std::move(one));
    find_path();
}

void peer_verifier::verification::begin_revocation() {
    auto grounds = std::make_shared<search_grounds>();
    grounds->settings = &of_->settings;
    grounds->owner = of_;
    grounds->rules = rules_;
    grounds->anchors = of_->anchors;
    grounds->files = &of_->lists;
    grounds->cache = &of_->threads->cache();
    grounds->path = copy_of(path_);
    grounds->candidates = copy_of(presented_);
    for (auto& one : copy_of(fetched_))
        grounds->candidates.push_back(std::move(one));
    for (std::size_t i = 0; i + 1 < path_.size(); ++i)
        searches_.emplace_back(grounds, i);
    check_revocation();
}

// The second and third: with the CRLs at hand, until no certificate of the path wants more.
void peer_verifier::verification::check_revocation() {
    if (cancelled_) return;
    auto const now = std::chrono::system_clock::now();
    crl_list lists = of_->lists;
    for (auto& one : searches_)
        one.look(lists, now);
    for (auto& one : searches_)
        one.judge_delegate(lists, now);
    auto const usage = of_->settings.flags.no_usage_check ? usage_check::lifted : usage_check::applied;
    auto const answer = check_chain(*of_->anchors, {presented_, fetched_, usage, &lists, now});
    if (answer.reason != refusal::none) return refuse(answer.reason, answer.words);
    if (answer.path.size() != path_.size()) return refuse(refusal::malformed, "the path changed while it was checked");
    if (order_next(answer, now)) return;
    note_lists(lists, now);
    settle(answer, now);
}

void peer_verifier::verification::note_lists(crl_list const& lists, time_point now) {
    std::lock_guard const lock(memory_->mutex);
    for (auto const& list : lists) {
        if (list->end() > now) valid_until_ = std::min(valid_until_, list->end());
        bool const from_file = std::find(of_->lists.begin(), of_->lists.end(), list) != of_->lists.end();
        if (from_file || list->delta || memory_->fetched_lists.size() >= most_noticed) continue;
        memory_->fetched_lists[list->origin] = {list->issuer, list->origin, list->end()};
    }
}

bool peer_verifier::verification::order_next(chain_answer const& answer, time_point now) {
    // Once one certificate of the path is revoked, nothing else matters.
    for (std::size_t i = 0; i < searches_.size(); ++i)
        if (searches_[i].is_revoked(answer.findings[i])) return false;
    for (std::size_t i = 0; i < searches_.size(); ++i) {
        auto wanted = searches_[i].next(answer.findings[i], now);
        if (!wanted) continue;
        order(std::move(*wanted), [this, i](fetch_result const& result) {
            searches_[i].note(result);
            check_revocation();
        });
        return true;
    }
    return false;
}

std::chrono::milliseconds peer_verifier::verification::patience() const {
    using std::chrono::milliseconds;
    auto const left = std::chrono::duration_cast<milliseconds>(until_ - std::chrono::steady_clock::now()) / 2;
    return std::clamp(left, milliseconds(0), of_->settings.revocation_url_retrieval_timeout);
}

// Whichever comes first, the answer or the end of patience, goes on with the work; the other finds it done.
void peer_verifier::verification::order(revocation_fetcher::order wanted, std::function<void(fetch_result)> came) {
    auto const self = shared_from_this();
    auto const url = wanted.request.url;
    auto const wait = patience();
    auto const timer = std::make_shared<boost::asio::steady_timer>(of_->threads->io(), wait);
    auto const done = std::make_shared<std::atomic<bool>>(false);
    auto const go_on = [self, done, came = std::move(came)](fetch_result result) {
        if (done->exchange(true)) return;
        boost::asio::post(self->of_->threads->processors(), [self, came, result = std::move(result)] {
            if (result.first || result.report.timed_out) self->verdict_.fetches.push_back(result.report);
            came(result);
        });
    };
    boost::asio::post(of_->threads->io(), [timer, go_on, url, wait] {
        timer->async_wait([timer, go_on, url, wait](boost::system::error_code error) {
            if (error) return;
            auto const words = "no answer within " + std::to_string(wait.count()) + " ms";
            go_on({{url, false, true, words}, false, false});
        });
    });
    // Behind the timer's start on the same thread: an answer finds it running.
    of_->threads->fetcher().fetch(std::move(wanted), [timer, go_on](fetch_result result) {
        timer->cancel();
        go_on(std::move(result));
    });
}

void peer_verifier::verification::settle(chain_answer const& answer, time_point now) {
    std::string unknown;
    for (std::size_t i = 0; i < searches_.size(); ++i) {
        auto const ended = searches_[i].conclude(answer.findings[i], now);
        auto const& report = verdict_.chain[i] = ended.report;
        valid_until_ = std::min(valid_until_, ended.until);
        if (report.status == revocation_status::revoked)
            return refuse(refusal::revoked, report.facts.subject + ": " + report.detail);
        if (report.status == revocation_status::unknown && unknown.empty())
            unknown = report.facts.subject + ": " + report.detail;
        if (report.stale && report.status == revocation_status::good)
            verdict_.warnings.push_back(report.facts.subject + ": the revocation information of " +
                                        to_text(*report.this_update) +
                                        " is older than revocation_freshness_time, and newer is not to be had");
    }
    if (unknown.empty()) return accept();
    if (of_->settings.revocation_unavailable == config::unavailable_revocation::refuse)
        return refuse(refusal::revocation_unknown, std::move(unknown));
    verdict_.warnings.push_back("accepted although the revocation status is unknown: " + unknown);
    accept();
}

void peer_verifier::verification::refuse(refusal reason, std::string words) {
    verdict_.reason = reason;
    verdict_.detail = std::move(words);
    finish();
}

void peer_verifier::verification::accept() {
    auto const facts = facts_of_path(path_, of_->anchors->certificates(), of_->anchors->have_several_roots());
    verdict_.peer = std::shared_ptr<verified_peer const>(new verified_peer(copy_of(path_), facts));
    finish();
}

void peer_verifier::verification::finish() {
    auto const verdict = std::make_shared<peer_verdict const>(std::move(verdict_));
    if (verdict->peer && verdict->warnings.empty()) remember(verdict);
    std::lock_guard const lock(ending_);
    if (cancelled_ || !done_) return;
    // Under the lock: once cancel() has returned, the executor may be gone.
    boost::asio::post(executor_, [self = shared_from_this(), verdict] {
        if (self->cancelled_) return;
        auto const done = std::exchange(self->done_, nullptr);
        if (done) done(verdict);
    });
}

void peer_verifier::verification::remember(verdict_ptr const& verdict) const {
    auto const now = std::chrono::system_clock::now();
    auto const until = std::min(valid_until_, now + longest_remembered);
    if (until <= now) return;
    auto kept = std::make_shared<peer_verdict>(*verdict);
    kept->fetches.clear();
    for (auto& report : kept->chain)
        if (report.status != revocation_status::not_checked) report.source = revocation_source::cache;
    std::vector<held_version> basis;
    for (auto const& one : searches_)
        basis.insert(basis.end(), one.basis().begin(), one.basis().end());
    std::lock_guard const lock(memory_->mutex);
    if (memory_->entries.size() >= most_remembered) memory_->entries.clear();
    memory_->entries[digest_of(der_)] = {std::move(kept), until, std::move(basis)};
}

}  // namespace ftpsgate::policy
