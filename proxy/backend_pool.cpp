#include "proxy/backend_pool.hpp"

#include <algorithm>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using boost::asio::ip::tcp;
using clock = backend_health::clock;

std::string name_of(config::endpoint const& server) {
    auto const host = server.host.find(':') == std::string::npos ? server.host : '[' + server.host + ']';
    return host + ':' + std::to_string(server.port);
}

std::vector<balancer::member> members_of(config::backend_settings const& settings) {
    std::vector<balancer::member> members;
    for (auto const& server : settings.servers)
        members.push_back({stable_hash(name_of(server.address)), server.weight, server.backup});
    return members;
}

}  // namespace

struct backend_pool::member {
    facts learned;
    std::atomic<std::size_t> sessions{0};

    mutable std::mutex guard;  // of all below
    backend_health health;
    address_list addresses;
    clock::time_point looked_up;
    bool is_looking_up = false;
};

void ask_system(boost::asio::any_io_executor const& executor, config::endpoint const& where, look_up_handler done) {
    auto const resolver = std::make_shared<tcp::resolver>(executor);
    resolver->async_resolve(
        where.host, std::to_string(where.port), tcp::resolver::numeric_service,
        [resolver, call = std::move(done)](boost::system::error_code error, tcp::resolver::results_type const& found) {
            call(error, {found.begin(), found.end()});
        });
}

// ---- leases

backend_pool::lease::lease(std::shared_ptr<member> of, std::size_t server, bool trial)
    : member_(std::move(of)), server_(server), trial_(trial) {
    ++member_->sessions;
}

backend_pool::lease::lease(lease&& other) noexcept
    : member_(std::move(other.member_)), server_(other.server_), trial_(std::exchange(other.trial_, false)) {
}

backend_pool::lease& backend_pool::lease::operator=(lease&& other) noexcept {
    if (this == &other) return *this;
    release();
    member_ = std::move(other.member_);
    server_ = other.server_;
    trial_ = std::exchange(other.trial_, false);
    return *this;
}

void backend_pool::lease::release() noexcept {
    if (!member_) return;
    if (std::exchange(trial_, false)) {  // the client left before anything was found out
        std::lock_guard const lock(member_->guard);
        member_->health.trial_over();
    }
    --member_->sessions;
    member_.reset();
}

// ---- the pool

backend_pool::backend_pool(config::backend_settings settings, std::shared_ptr<health_login const> login, look_up names)
    : settings_(std::move(settings)),
      login_(std::move(login)),
      look_up_(std::move(names)),
      rules_{settings_.fall, settings_.rise, settings_.health_interval.count() > 0},
      balancer_(settings_.balance, members_of(settings_)) {
    for (auto const& [address, weight, backup] : settings_.servers) {
        names_.push_back(name_of(address));
        auto& made = members_.emplace_back(std::make_shared<member>());
        boost::system::error_code is_name;
        auto const literal = boost::asio::ip::make_address(address.host, is_name);
        if (!is_name) made->addresses = {tcp::endpoint(literal, address.port)};
    }
}

void backend_pool::carry_over(backend_pool const& previous) {
    for (std::size_t i = 0; i < size(); ++i) {
        auto const same = std::find(previous.names_.begin(), previous.names_.end(), names_[i]);
        if (same == previous.names_.end()) continue;
        members_[i] = previous.members_[static_cast<std::size_t>(same - previous.names_.begin())];
    }
}

backend_pool::facts& backend_pool::learned(std::size_t index) {
    return members_[index]->learned;
}

std::vector<server_standing> backend_pool::standings(server_set const& passed_over, clock::time_point now) const {
    std::vector<server_standing> found;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        auto& standing = found.emplace_back();
        standing.share = 0;
        if (i < passed_over.size() && passed_over[i]) continue;
        std::lock_guard const lock(members_[i]->guard);
        standing = members_[i]->health.standing(rules_, now);
        standing.sessions = members_[i]->sessions.load(std::memory_order_relaxed);
    }
    return found;
}

// The lock is held from the look at the standings to the count of the session: many that come at once are spread.
backend_pool::lease backend_pool::take(std::uint64_t key, server_set const& passed_over) {
    std::lock_guard const lock(balancer_mutex_);
    auto const now = standings(passed_over, clock::now());
    auto const chosen = balancer_.choose(now, key);
    if (!chosen) return {};
    bool const trial = now[*chosen].on_trial;
    if (trial) {
        std::lock_guard const health_lock(members_[*chosen]->guard);
        members_[*chosen]->health.begin_trial();
    }
    return lease(members_[*chosen], *chosen, trial);
}

backend_pool::lease backend_pool::take_again(std::size_t index) {
    return lease(members_[index], index, false);
}

bool backend_pool::has_another(server_set const& passed_over) const {
    auto const now = standings(passed_over, clock::now());
    return std::any_of(now.begin(), now.end(), [](auto const& one) { return one.share > 0; });
}

std::optional<backend_health::change> backend_pool::failed(lease& on, std::string const& words) {
    auto& known = *on.member_;
    on.trial_ = false;
    server_set this_one(size());
    this_one[on.server_] = true;
    bool const is_alone = is_checked() && !has_another(this_one);
    std::optional<backend_health::change> change;
    {
        std::lock_guard const lock(known.guard);
        if (is_alone)
            known.health.suspected(words, rules_);
        else
            change = known.health.failed(health_source::session, words, rules_, clock::now());
    }
    if (in_doubt_) in_doubt_(on.server_);
    return change;
}

std::optional<backend_health::change> backend_pool::succeeded(lease& on) {
    on.trial_ = false;
    std::lock_guard const lock(on.member_->guard);
    return on.member_->health.succeeded(health_source::session, rules_, clock::now());
}

std::optional<backend_health::change> backend_pool::checked(std::size_t index,
                                                            std::optional<std::string> const& words) {
    auto& known = *members_[index];
    std::lock_guard const lock(known.guard);
    return words ? known.health.failed(health_source::check, *words, rules_, clock::now())
                 : known.health.succeeded(health_source::check, rules_, clock::now());
}

backend_health backend_pool::health(std::size_t index) const {
    std::lock_guard const lock(members_[index]->guard);
    return members_[index]->health;
}

std::size_t backend_pool::sessions(std::size_t index) const {
    return members_[index]->sessions.load(std::memory_order_relaxed);
}

bool backend_pool::is_hopeful() const {
    auto const now = clock::now();
    return std::any_of(members_.begin(), members_.end(), [&](auto const& one) {
        std::lock_guard const lock(one->guard);
        return one->health.is_hopeful(rules_, now);
    });
}

// ---- addresses

address_list backend_pool::addresses(std::size_t index) const {
    std::lock_guard const lock(members_[index]->guard);
    return members_[index]->addresses;
}

void backend_pool::answered(std::size_t index, tcp::endpoint const& address) {
    auto& known = *members_[index];
    std::lock_guard const lock(known.guard);
    auto const found = std::find(known.addresses.begin(), known.addresses.end(), address);
    if (found != known.addresses.end()) std::rotate(known.addresses.begin(), found, found + 1);
}

void backend_pool::keep_addresses(std::size_t index, address_list found) {
    auto& known = *members_[index];
    std::lock_guard const lock(known.guard);
    known.is_looking_up = false;
    known.looked_up = clock::now();
    if (found.empty()) return;
    if (!known.addresses.empty()) {
        auto const preferred = std::find(found.begin(), found.end(), known.addresses.front());
        if (preferred != found.end()) std::rotate(found.begin(), preferred, preferred + 1);
    }
    known.addresses = std::move(found);
}

void backend_pool::find_addresses(std::size_t index, boost::asio::any_io_executor const& executor,
                                  look_up_handler done) {
    look_up_(executor, server(index),
             [self = shared_from_this(), index, call = std::move(done)](boost::system::error_code error,
                                                                        address_list found) {
                 if (error) found.clear();
                 self->keep_addresses(index, found);
                 if (call) call(error, std::move(found));
             });
}

void backend_pool::refresh_addresses(std::size_t index, boost::asio::any_io_executor const& executor,
                                     std::chrono::seconds age) {
    boost::system::error_code is_name;
    boost::asio::ip::make_address(server(index).host, is_name);
    if (!is_name) return;
    {
        auto& known = *members_[index];
        std::lock_guard const lock(known.guard);
        if (known.is_looking_up || clock::now() - known.looked_up < age) return;
        known.is_looking_up = true;
    }
    find_addresses(index, executor, nullptr);
}

}  // namespace ftpsgate::proxy
