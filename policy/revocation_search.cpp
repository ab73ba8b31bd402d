#include "policy/revocation_search.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::policy {

namespace {

using order = revocation_fetcher::order;

constexpr std::size_t list_limit = 20U << 20U;
constexpr std::size_t answer_limit = 64U << 10U;  // B-270
constexpr std::chrono::minutes clock_skew{5};
constexpr std::chrono::minutes held_without_next_update{5};

// Whose revocation is asked about.
struct list_subject {
    X509& certificate;
    X509& issuer;
};

bool is_list_issuer(DIST_POINT const& point, X509_NAME const* name) {
    for (std::size_t i = 0; point.CRLissuer != nullptr && i < sk_GENERAL_NAME_num(point.CRLissuer); ++i) {
        auto const* const one = sk_GENERAL_NAME_value(point.CRLissuer, i);
        if (one->type == GEN_DIRNAME && X509_NAME_cmp(one->d.directoryName, name) == 0) return true;
    }
    return false;
}

// The list is that of the certificate's issuer, or of the one that the certificate names in his place.
bool is_due_from(X509_NAME const* name, X509 const& certificate) {
    if (X509_NAME_cmp(name, X509_get_issuer_name(&certificate)) == 0) return true;
    bssl::UniquePtr<CRL_DIST_POINTS> const points(
        static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(&certificate, NID_crl_distribution_points, nullptr, nullptr)));
    for (std::size_t i = 0; points && i < sk_DIST_POINT_num(points.get()); ++i)
        if (is_list_issuer(*sk_DIST_POINT_value(points.get(), i), name)) return true;
    return false;
}

// Candidates are what the client says: who signs lists needs a path of his own, and the permission.
bool may_sign_lists(X509& signer, search_grounds const& grounds, time_point now) {
    bool const limited = (X509_get_extension_flags(&signer) & EXFLAG_KUSAGE) != 0;
    if (limited && (X509_get_key_usage(&signer) & X509v3_KU_CRL_SIGN) == 0) return false;
    certificate_list presented;
    presented.push_back(share(&signer));
    for (auto const* others : {&grounds.path, &grounds.candidates})
        for (auto const& one : *others)
            presented.push_back(share(one.get()));
    certificate_list const none;
    auto const reason = check_chain(*grounds.anchors, {presented, none, usage_check::lifted, nullptr, now}).reason;
    return reason == refusal::none || reason == refusal::usage;  // CAs are no clients
}

bool is_believable(held_crl const& list, list_subject const& about, search_grounds const& grounds, time_point now) {
    if (!is_due_from(X509_CRL_get_issuer(list.crl.get()), about.certificate)) return false;
    if (is_signed_by(list, about.issuer)) return true;
    for (auto const* certificates : {&grounds.path, &grounds.candidates, &grounds.anchors->certificates()}) {
        for (auto const& one : *certificates)
            if (is_strong_key(*one) && is_signed_by(list, *one) && may_sign_lists(*one, grounds, now)) return true;
    }
    return false;
}

// What CRLs at hand say of a delegated responder's certificate (B-267), which needs a path as well.
revocation_status status_of(X509& delegate, search_grounds const& grounds, crl_list const& lists, time_point now) {
    certificate_list presented;
    presented.push_back(share(&delegate));
    for (auto const& one : grounds.path)
        presented.push_back(share(one.get()));
    certificate_list const none;
    auto const answer = check_chain(*grounds.anchors, {presented, none, usage_check::lifted, &lists, now});
    return answer.reason == refusal::none ? answer.findings.front().status : revocation_status::unknown;
}

struct wanted_list {
    revocation_key key;
    std::string url;
    bool delta;
};

std::string judge_list(std::string const& bytes, wanted_list const& wanted, list_subject const& about,
                       search_grounds const& grounds) {
    auto const now = std::chrono::system_clock::now();
    auto const list = parse_crl(bytes, wanted.url);
    if (!list) return "no CRL came";
    if (!list->defect.empty()) return "the CRL is not usable: " + list->defect;
    if (list->delta != wanted.delta) return wanted.delta ? "no delta CRL" : "a delta CRL where a complete one is due";
    if (list->this_update > now + clock_skew) return "the CRL is from the future: " + to_text(list->this_update);
    if (list->end() < now) return "the CRL of " + list->issuer + " has expired: " + to_text(list->end());
    if (!is_believable(*list, about, grounds, now)) return "the CRL is not signed by the certificate's issuer";
    return grounds.cache->put_crl(wanted.key, list, bytes.size()) ? "" : "the CRL is older than the one that is held";
}

}  // namespace

revocation_search::revocation_search(std::shared_ptr<search_grounds const> grounds, std::size_t index)
    : grounds_(std::move(grounds)),
      certificate_(grounds_->path[index].get()),
      issuer_(grounds_->path[index + 1].get()),
      facts_(facts_of(*certificate_)),
      issuer_key_(key_sha256_of(*issuer_)),
      answer_key_{revocation_key::kind::ocsp, ocsp_question_id({*certificate_, *issuer_}), issuer_key_} {
    if (!answer_key_.name.empty()) plan(source_kind::ocsp, facts_.ocsp_urls);
    plan(source_kind::crl, facts_.crl_urls);
    plan(source_kind::delta, facts_.freshest_urls);
    learn_deltas();
}

// LDAP, https and files are passed over (B-261).
void revocation_search::plan(source_kind kind, std::vector<std::string> const& urls) {
    for (auto const& url : urls) {
        bool const known = kind != source_kind::ocsp && std::find(urls_.begin(), urls_.end(), url) != urls_.end();
        if (known || !parse_http_url(url)) continue;
        steps_.push_back({kind, url});
        if (kind != source_kind::ocsp) urls_.push_back(url);
    }
}

void revocation_search::learn_deltas() {
    for (auto const& list : own_lists())
        if (!list->delta) plan(source_kind::delta, list->freshest_urls);
    for (auto const& list : *grounds_->files)
        if (!list->delta && list->issuer == facts_.issuer) plan(source_kind::delta, list->freshest_urls);
}

crl_list revocation_search::own_lists() const {
    crl_list held;
    for (auto const& url : urls_)
        if (auto list = grounds_->cache->find_crl(list_key(url))) held.push_back(std::move(list));
    return held;
}

void revocation_search::look(crl_list& into, time_point now) {
    learn_deltas();
    seen_.clear();
    // Versions first: what arrives behind them is news.
    seen_.push_back({answer_key_, grounds_->cache->version_of(answer_key_)});
    answer_ = grounds_->cache->find_answer(answer_key_, now);
    for (auto const& url : urls_) {
        auto [list, version] = grounds_->cache->find_crl_version(list_key(url));
        seen_.push_back({list_key(url), version});
        if (list) into.push_back(std::move(list));
    }
}

void revocation_search::judge_delegate(crl_list const& lists, time_point now) {
    delegate_is_ = delegate_state::none;
    if (!answer_ || answer_->delegate.empty()) return;
    delegate_is_ = delegate_state::unknown;
    auto const& der = answer_->delegate;
    delegate_ = parse_certificate({reinterpret_cast<std::uint8_t const*>(der.data()), der.size()});
    if (!delegate_) return;
    auto const status = status_of(*delegate_, *grounds_, lists, now);
    if (status == revocation_status::good) delegate_is_ = delegate_state::good;
    if (status == revocation_status::revoked) delegate_is_ = delegate_state::revoked;
    if (delegate_is_ == delegate_state::unknown) plan(source_kind::delegate_crl, facts_of(*delegate_).crl_urls);
}

// Of a delegate that may be revoked "revoked" is believed all the same, "good" is not.
held_answer const* revocation_search::answer_that_counts() const {
    if (!answer_ || delegate_is_ == delegate_state::revoked) return nullptr;
    bool const doubtful = delegate_is_ == delegate_state::unknown && answer_->status != ocsp_status::revoked;
    return doubtful ? nullptr : &*answer_;
}

bool revocation_search::is_revoked(crl_finding const& finding) const {
    if (finding.status == revocation_status::revoked) return true;
    auto const* const answer = answer_that_counts();
    return answer != nullptr && answer->status == ocsp_status::revoked && delegate_is_ != delegate_state::unknown;
}

std::uint64_t revocation_search::version_seen(revocation_key const& key) const {
    auto const found = std::find_if(seen_.begin(), seen_.end(), [&](auto const& one) { return one.key == key; });
    return found == seen_.end() ? 0 : found->version;
}

std::optional<order> revocation_search::next(crl_finding const& finding, time_point now) {
    if (finding.status == revocation_status::revoked) return std::nullopt;
    // Before its word is weighed: a delegate that is known to be revoked has none (B-267).
    if (delegate_is_ == delegate_state::unknown)
        if (auto wanted = take(source_kind::delegate_crl, now)) return wanted;
    auto const* const answer = answer_that_counts();
    if (answer != nullptr && (answer->status == ocsp_status::revoked || is_fresh(answer->this_update, now)))
        return std::nullopt;
    if (delegate_is_ == delegate_state::unknown)
        if (auto wanted = take(source_kind::crl, now)) return wanted;
    if (auto wanted = take(source_kind::ocsp, now)) return wanted;
    bool const good = finding.status == revocation_status::good;
    if (good && answer != nullptr) return std::nullopt;
    if (!good || !are_lists_fresh(now)) {
        if (auto wanted = take(source_kind::crl, now)) return wanted;
    }
    return good ? take(source_kind::delta, now) : std::nullopt;
}

std::optional<order> revocation_search::take(source_kind kind, time_point now) {
    bool const cache_only = grounds_->settings->flags.revocation_cache_only;
    while (true) {
        auto const found =
            std::find_if(steps_.begin(), steps_.end(), [&](step const& one) { return one.kind == kind; });
        if (found == steps_.end()) return std::nullopt;
        step const what = std::move(*found);
        steps_.erase(found);
        if (cache_only && !grounds_->settings->revocation_cache) continue;
        // Deltas are fetched once they are needed, not at every look (B-262).
        auto const held = kind == source_kind::delta ? grounds_->cache->find_crl(list_key(what.url)) : nullptr;
        if (held && held->end() > now && is_fresh(held->this_update, now)) continue;
        auto wanted = order_for(what);
        last_ = kind;
        auto const recent = grounds_->cache->find_failure(wanted.attempt, now);
        if (!recent) return wanted;
        if (recent->words.empty()) continue;
        note({{what.url, false, recent->timed_out, recent->words + ", a moment ago"}, false, false});
    }
}

order revocation_search::order_for(step const& what) const {
    order wanted;
    wanted.rules = grounds_->rules;
    wanted.request.url = what.url;
    wanted.request.time_limit = grounds_->settings->revocation_url_retrieval_timeout;
    if (grounds_->settings->revocation_cache) wanted.folder = grounds_->settings->revocation_cache->path;
    if (grounds_->settings->flags.revocation_cache_only) wanted.how_far = order::reach::folder_only;
    if (what.kind == source_kind::ocsp)
        order_answer(wanted);
    else
        order_list(wanted, what.kind);
    wanted.known_version = version_seen(wanted.key);
    return wanted;
}

void revocation_search::order_list(order& wanted, source_kind kind) const {
    wanted.key = wanted.attempt = list_key(wanted.request.url);
    wanted.request.size_limit = list_limit;
    wanted_list const list{wanted.key, wanted.request.url, kind == source_kind::delta};
    std::shared_ptr<X509> const about = share(kind == source_kind::delegate_crl ? delegate_.get() : certificate_);
    wanted.accept = [grounds = grounds_, list, about, issuer = issuer_](std::string const& bytes, order::source) {
        return judge_list(bytes, list, {*about, *issuer}, *grounds);
    };
}

void revocation_search::order_answer(order& wanted) const {
    ocsp_nonce nonce{};
    RAND_bytes(nonce.data(), nonce.size());
    auto const question = build_ocsp_request({*certificate_, *issuer_}, nonce);
    wanted.key = answer_key_;
    wanted.attempt = answer_key_;
    wanted.attempt.name += wanted.request.url;
    wanted.request.size_limit = answer_limit;
    wanted.request.body.assign(question.begin(), question.end());
    wanted.request.body_type = "application/ocsp-request";
    wanted.request.wanted_type = "application/ocsp-response";
    wanted.accept = [grounds = grounds_, certificate = certificate_, issuer = issuer_, key = answer_key_, nonce](
                        std::string const& bytes, order::source from) -> std::string {
        auto const now = std::chrono::system_clock::now();
        ocsp_rules rules{now, std::nullopt};
        if (from == order::source::network) rules.nonce = nonce;
        auto const judged = check_ocsp_response({reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()},
                                                {*certificate, *issuer}, rules);
        if (auto const* const fault = std::get_if<ocsp_fault>(&judged)) return fault->words;
        auto const& answer = std::get<ocsp_answer>(judged);
        if (answer.status == ocsp_status::unknown) return "the responder does not know the certificate";
        time_point const until = answer.next_update.value_or(now + held_without_next_update);
        held_answer held{answer.status, answer.this_update, answer.next_update, until};
        if (answer.delegate_to_check) held.delegate = der_of(*answer.delegate_to_check);
        return grounds->cache->put_answer(key, held) ? "" : "the answer is older than the one that is held";
    };
}

void revocation_search::note(fetch_result const& result) {
    if (result.report.usable) {
        bool const fetched = !result.from_folder;
        // What the folder had may not help, or be too old.
        if (result.from_folder && last_) steps_.insert(steps_.begin(), {*last_, result.report.url});
        if (last_ == source_kind::ocsp) fetched_answer_ = fetched;
        if (last_ != source_kind::ocsp) fetched_list_ = fetched;
        return;
    }
    timed_out_ = timed_out_ || result.report.timed_out;
    if (!troubles_.empty()) troubles_ += "; ";
    troubles_ += (last_ == source_kind::ocsp ? "OCSP " : "CRL ") + result.report.url + ": " + result.report.detail;
}

bool revocation_search::is_fresh(time_point this_update, time_point now) const {
    auto const limit = grounds_->settings->revocation_freshness_time;
    return limit.count() == 0 || this_update + limit >= now;
}

// What was fetched counts by its URL; where nothing was, what crl_files have of this issuer.
bool revocation_search::are_lists_fresh(time_point now) const {
    auto const newest = newest_list();
    return newest == nullptr || is_fresh(newest->this_update, now);
}

crl_ptr revocation_search::newest_list() const {
    crl_ptr newest;
    auto const take_newer = [&](crl_ptr const& one) {
        if (!newest || one->this_update > newest->this_update) newest = one;
    };
    for (auto const& one : own_lists())
        if (!one->delta) take_newer(one);
    if (newest) return newest;
    for (auto const& one : *grounds_->files)
        if (one->issuer == facts_.issuer) take_newer(one);
    return newest;
}

revocation_search::outcome revocation_search::conclude(crl_finding const& finding, time_point now) const {
    auto const* const answer = answer_that_counts();
    // A list that says "revoked" is believed against any answer that does not.
    if (finding.status == revocation_status::revoked) return by_list(finding, now);
    if (answer != nullptr) return by_answer(*answer, now);
    if (finding.status == revocation_status::good) return by_list(finding, now);
    return unknown(finding);
}

revocation_search::outcome revocation_search::by_list(crl_finding const& finding, time_point now) const {
    outcome ended = empty_outcome();
    ended.report.status = finding.status;
    ended.report.detail = finding.words;
    ended.report.source = fetched_list_ ? revocation_source::crl : revocation_source::cache;
    if (auto const list = newest_list()) date(ended, {list->this_update, list->next_update}, now);
    return ended;
}

revocation_search::outcome revocation_search::by_answer(held_answer const& answer, time_point now) const {
    outcome ended = empty_outcome();
    bool const good = answer.status == ocsp_status::good;
    ended.report.status = good ? revocation_status::good : revocation_status::revoked;
    ended.report.detail = good ? "" : "revoked by the OCSP answer";
    ended.report.source = fetched_answer_ ? revocation_source::ocsp : revocation_source::cache;
    ended.until = answer.until;
    date(ended, {answer.this_update, answer.next_update}, now);
    return ended;
}

revocation_search::outcome revocation_search::unknown(crl_finding const& finding) const {
    outcome ended = empty_outcome();
    auto& report = ended.report;
    report.status = revocation_status::unknown;
    bool const asked_for_list = last_ == source_kind::crl || last_ == source_kind::delegate_crl;
    report.source = fetched_list_ || asked_for_list ? revocation_source::crl
                    : last_ == source_kind::ocsp    ? revocation_source::ocsp
                                                    : revocation_source::cache;
    report.detail = troubles_;
    // An expired list at hand says more than that none could be fetched.
    if (troubles_.empty() || finding.expired_list)
        report.detail = finding.words + (troubles_.empty() ? "" : "; " + troubles_);
    if (delegate_is_ == delegate_state::unknown || delegate_is_ == delegate_state::revoked) {
        report.detail += "; OCSP " + (facts_.ocsp_urls.empty() ? std::string() : facts_.ocsp_urls.front() + ": ");
        report.detail += delegate_is_ == delegate_state::unknown
                             ? "no CRL at hand says that the responder's own certificate still counts"
                             : "the responder's own certificate is revoked";
    }
    if (facts_.ocsp_urls.empty() && facts_.crl_urls.empty() && !finding.expired_list)
        report.detail += ", and the certificate names neither an OCSP responder nor a CRL";
    return ended;
}

revocation_search::outcome revocation_search::empty_outcome() const {
    outcome ended;
    ended.report.facts = facts_;
    ended.report.timed_out = timed_out_;
    return ended;
}

void revocation_search::date(outcome& ended, dates const& when, time_point now) const {
    ended.report.this_update = when.this_update;
    ended.report.next_update = when.next_update;
    ended.report.stale = !is_fresh(when.this_update, now);
    auto const freshness = grounds_->settings->revocation_freshness_time;
    if (freshness.count() > 0) ended.until = std::min(ended.until, when.this_update + freshness);
}

}  // namespace ftpsgate::policy
