#include "policy/revocation_fetcher.hpp"

#include <boost/asio/post.hpp>

namespace ftpsgate::policy {

namespace {
constexpr std::chrono::seconds pause_after_fetch{5};  // B-263
constexpr std::size_t large = 1U << 20U;              // what takes longer to parse than others should wait
}  // namespace

revocation_fetcher::revocation_fetcher(executors where, revocation_cache& cache)
    : where_(std::move(where)), cache_(cache) {
}

boost::asio::any_io_executor const& revocation_fetcher::judge_of(std::size_t size) const {
    return size > large ? where_.lists : where_.answers;
}

// A flight and its exchange hold each other until there is an answer.
revocation_fetcher::~revocation_fetcher() {
    for (auto const& [key, one] : flights_)
        one->http.reset();
}

void revocation_fetcher::fetch(order wanted, waiter done) {
    auto shared = std::make_shared<order>(std::move(wanted));
    boost::asio::post(where_.io, [this, shared = std::move(shared), done = std::move(done)]() mutable {
        join(shared, std::move(done));
    });
}

void revocation_fetcher::join(std::shared_ptr<order> const& wanted, waiter done) {
    auto& place = flights_[{wanted->attempt, wanted->rules.get()}];
    if (place) {
        place->waiters.push_back(std::move(done));
        return;
    }
    // A flight may have landed since this was ordered.
    auto const recent = cache_.find_failure(wanted->attempt, std::chrono::system_clock::now());
    bool const came = cache_.version_of(wanted->key) != wanted->known_version;
    if (came || recent) {
        flights_.erase({wanted->attempt, wanted->rules.get()});
        if (came) return done({{wanted->request.url, true, false, ""}, false, false});
        return done({{wanted->request.url, recent->words.empty(), recent->timed_out, recent->words}, false, false});
    }
    place = std::make_shared<flight>();
    place->wanted = std::move(*wanted);
    place->waiters.push_back(std::move(done));
    auto const started = place;
    // What is held came from the folder, or is newer.
    if (started->wanted.folder.empty() || is_held(started->wanted.key)) return ask_network(started);
    auto const size = size_of_cache_file(started->wanted.folder, started->wanted.key);
    boost::asio::post(judge_of(size), [this, started] { look_into_folder(started); });
}

bool revocation_fetcher::is_held(revocation_key const& key) const {
    return cache_.find_crl(key) || cache_.find_answer(key, std::chrono::system_clock::now());
}

void revocation_fetcher::look_into_folder(std::shared_ptr<flight> const& one) {
    auto const bytes = read_cache_file(one->wanted.folder, one->wanted.key);
    bool const usable = bytes && one->wanted.accept(*bytes, order::source::folder).empty();
    boost::asio::post(where_.io, [this, one, usable] {
        if (!usable) return ask_network(one);
        land(one, {{one->wanted.request.url, true, false, "from the cache folder"}, true, false});
    });
}

void revocation_fetcher::ask_network(std::shared_ptr<flight> const& one) {
    if (one->wanted.how_far == order::reach::folder_only) {
        return land(one, {{one->wanted.request.url, false, false, "not in the cache"}, true, false});
    }
    one->http = std::make_unique<http_fetch>(where_.io, one->wanted.rules);
    one->http->start(one->wanted.request, [this, one](fetch_outcome outcome) {
        one->http.reset();  // on its own thread: the judge may be the last to hold the flight
        auto shared = std::make_shared<fetch_outcome>(std::move(outcome));
        boost::asio::post(judge_of(shared->body.size()), [this, one, shared] { judge(one, std::move(*shared)); });
    });
}

void revocation_fetcher::judge(std::shared_ptr<flight> const& one, fetch_outcome outcome) {
    fetch_report report{one->wanted.request.url, false, outcome.fault == fetch_fault::timed_out, outcome.words};
    auto const version = cache_.version_of(one->wanted.key);
    if (outcome.fault == fetch_fault::none) report.detail = one->wanted.accept(outcome.body, order::source::network);
    report.usable = outcome.fault == fetch_fault::none && report.detail.empty();
    bool const is_news = report.usable && cache_.version_of(one->wanted.key) != version;
    if (is_news) write_cache_file(one->wanted.folder, one->wanted.key, outcome.body);
    // Where one site may not ask, another may.
    auto const until = std::chrono::system_clock::now() + pause_after_fetch;
    if (!is_news && outcome.fault != fetch_fault::not_allowed)
        cache_.put_failure(one->wanted.attempt, {report.detail, report.timed_out}, until);
    boost::asio::post(where_.io, [this, one, report = std::move(report)] { land(one, {report, false, false}); });
}

void revocation_fetcher::land(std::shared_ptr<flight> const& one, fetch_result result) {
    flights_.erase({one->wanted.attempt, one->wanted.rules.get()});
    result.first = true;
    for (auto const& done : std::exchange(one->waiters, {})) {
        done(result);
        result.first = false;
    }
}

}  // namespace ftpsgate::policy
