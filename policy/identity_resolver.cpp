#include "policy/identity_resolver.hpp"

#include <boost/asio/post.hpp>

namespace ftpsgate::policy {

struct identity_resolver::pending::question : std::enable_shared_from_this<question> {
    question(boost::asio::any_io_executor where, handler call) : executor(std::move(where)), done(std::move(call)) {}

    void answer(identity_decision decision) {
        auto const answered = std::make_shared<identity_decision const>(std::move(decision));
        std::lock_guard const lock(mutex);
        if (!done) return;
        // Under the lock: once reset() has returned, the executor may be gone.
        boost::asio::post(executor, [self = shared_from_this(), answered] {
            handler call;
            {
                std::lock_guard const held(self->mutex);
                call = std::exchange(self->done, nullptr);
            }
            if (call) call(answered);
        });
    }

    void give_up() {
        std::lock_guard const lock(mutex);
        done = nullptr;
        executor = {};  // may hold something of a loop that ends before this does
    }

    std::mutex mutex;
    boost::asio::any_io_executor executor;
    handler done;
};

identity_resolver::identity_resolver(std::shared_ptr<identity_rules const> rules,
                                     std::shared_ptr<active_directory const> directory)
    : rules_(std::move(rules)), directory_(std::move(directory)) {
}

identity_resolver::pending& identity_resolver::pending::operator=(pending&& other) noexcept {
    if (this == &other) return *this;
    reset();
    asked_ = std::move(other.asked_);
    return *this;
}

void identity_resolver::pending::reset() {
    if (auto const asked = std::exchange(asked_, nullptr)) asked->give_up();
}

identity_resolver::pending identity_resolver::resolve(std::shared_ptr<verified_peer const> peer,
                                                      boost::asio::any_io_executor executor, handler done) const {
    pending waiting;
    waiting.asked_ = std::make_shared<pending::question>(std::move(executor), std::move(done));
    identity_decision by_rule;
    if (rules_) by_rule = rules_->decide(*peer);
    if (by_rule.outcome != identity_outcome::not_mapped || !directory_) {
        waiting.asked_->answer(std::move(by_rule));
        return waiting;
    }
    directory_->look_up(std::move(peer),
                        [asked = waiting.asked_, steps = std::move(by_rule.steps)](identity_decision found) mutable {
                            steps.insert(steps.end(), found.steps.begin(), found.steps.end());
                            found.steps = std::move(steps);
                            asked->answer(std::move(found));
                        });
    return waiting;
}

}  // namespace ftpsgate::policy
