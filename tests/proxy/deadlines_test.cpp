#include "proxy/deadlines.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <memory>
#include <vector>

using ftpsgate::proxy::deadlines;
using namespace std::chrono_literals;

namespace {

using fired_kinds = std::vector<unsigned>;

struct fixture {
    boost::asio::io_context context;
    fired_kinds fired;
    std::unique_ptr<deadlines> session = std::make_unique<deadlines>(context.get_executor(), [this](unsigned kind) {
        fired.push_back(kind);
        if (then) then(kind);
    });
    std::function<void(unsigned)> then;

    /// Runs until nothing is pending; the handlers that it took.
    std::size_t run() {
        context.restart();
        return context.run_for(10s);
    }
};

}  // namespace

TEST_CASE_METHOD(fixture, "deadlines: each kind fires once, in the order of time", "[proxy][deadlines]") {
    session->arm(15, 30ms);
    session->arm(0, 10ms);
    session->arm(7, 20ms);
    CHECK(session->is_armed(0));
    CHECK_FALSE(session->is_armed(1));
    run();
    CHECK(fired == fired_kinds{0, 7, 15});
    CHECK_FALSE(session->is_armed(0));
}

TEST_CASE_METHOD(fixture, "deadlines: the handler never runs within a call", "[proxy][deadlines]") {
    session->arm(1, 0ms);
    session->arm(2, -5ms);
    CHECK(fired.empty());
    run();
    CHECK(fired.size() == 2);
}

TEST_CASE_METHOD(fixture, "deadlines: moving one later costs no timer", "[proxy][deadlines]") {
    session->arm(3, 10ms);
    for (int i = 0; i < 1000; ++i)
        session->arm(3, 40ms);
    auto const begin = std::chrono::steady_clock::now();
    CHECK(run() <= 2);  // the first wait, which is too early, and the second
    CHECK(fired == fired_kinds{3});
    CHECK(std::chrono::steady_clock::now() - begin >= 30ms);
}

TEST_CASE_METHOD(fixture, "deadlines: one moved earlier, or armed before others, fires in time", "[proxy][deadlines]") {
    session->arm(3, 1h);
    session->arm(4, 2h);
    session->arm(4, 5ms);
    then = [this](unsigned) { session->cancel(3); };
    CHECK(run() <= 3);
    CHECK(fired == fired_kinds{4});
}

TEST_CASE_METHOD(fixture, "deadlines: without an armed deadline no timer is pending", "[proxy][deadlines]") {
    SECTION("never armed") {
        CHECK(run() == 0);
    }
    SECTION("cancelled") {
        session->arm(3, 1h);
        session->arm(4, 2h);
        session->cancel(3);
        session->cancel(4);
        session->cancel(5);
    }
    SECTION("all cancelled") {
        session->arm(3, 1h);
        session->arm(4, 2h);
        session->cancel_all();
        CHECK_FALSE(session->is_armed(3));
    }
    SECTION("armed again after that") {
        session->arm(3, 1h);
        session->cancel(3);
        session->arm(3, 5ms);
        run();
        CHECK(fired == fired_kinds{3});
        fired.clear();
    }
    CHECK(run() <= 1);  // the aborted wait
    CHECK(context.stopped());
    CHECK(fired.empty());
}

TEST_CASE_METHOD(fixture, "deadlines: a cancelled one does not fire, the others do", "[proxy][deadlines]") {
    session->arm(1, 5ms);
    session->arm(2, 10ms);
    session->cancel(1);
    run();
    CHECK(fired == fired_kinds{2});
}

TEST_CASE_METHOD(fixture, "deadlines: nothing runs after destruction", "[proxy][deadlines]") {
    SECTION("while waiting") {
        session->arm(1, 1h);
        session.reset();
    }
    SECTION("when the timer has fired already") {
        session->arm(1, 0ms);
        session->arm(2, 0ms);
        session.reset();
    }
    run();
    CHECK(context.stopped());
    CHECK(fired.empty());
}

TEST_CASE_METHOD(fixture, "deadlines: a handler may destroy; the others that are due do not fire",
                 "[proxy][deadlines]") {
    session->arm(1, 0ms);
    session->arm(2, 0ms);
    then = [this](unsigned) { session.reset(); };
    run();
    CHECK(fired.size() == 1);
    CHECK(context.stopped());
}

TEST_CASE_METHOD(fixture, "deadlines: a handler may arm and cancel, its own kind as well", "[proxy][deadlines]") {
    SECTION("arm again") {
        then = [this](unsigned kind) {
            if (fired.size() < 5) session->arm(kind, 0ms);
        };
        session->arm(1, 0ms);
        run();
        CHECK(fired == fired_kinds{1, 1, 1, 1, 1});
    }
    SECTION("cancel another that is due") {
        then = [this](unsigned kind) { session->cancel(kind == 1 ? 2 : 1); };
        session->arm(1, 0ms);
        session->arm(2, 0ms);
        run();
        CHECK(fired.size() == 1);
    }
    SECTION("cancel all") {
        then = [this](unsigned) { session->cancel_all(); };
        session->arm(1, 0ms);
        session->arm(2, 1h);
        run();
        CHECK(fired == fired_kinds{1});
    }
    CHECK(context.stopped());
}

TEST_CASE_METHOD(fixture, "deadlines: extreme durations", "[proxy][deadlines]") {
    session->arm(1, std::chrono::milliseconds::max());
    session->arm(2, std::chrono::milliseconds::min());
    run();
    CHECK(fired == fired_kinds{2});
}
