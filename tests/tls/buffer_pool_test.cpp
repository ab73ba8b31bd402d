#include "proxy/tls/buffer_pool.hpp"

#include "tests/tls/gate_side.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <utility>

using namespace ftpsgate;
using tls::buffer_pool;
using tls::byte_queue;

namespace {

std::string content(byte_queue const& queue) {
    auto const data = queue.data();
    return {reinterpret_cast<char const*>(data.data()), data.size()};
}

}  // namespace

TEST_CASE("buffer_pool: a block that was given back is handed out again, newest first", "[tls][buffer_pool]") {
    buffer_pool pool;
    auto first = pool.take();
    auto second = pool.take();
    auto* const address = second.get();
    pool.give(std::move(first));
    pool.give(std::move(second));
    CHECK(pool.take().get() == address);
}

TEST_CASE("buffer_pool: a full record sequence of 1 MiB fits into one block", "[tls][buffer_pool]") {
    CHECK(buffer_pool::block_size >= 64 * (16384 + 5 + 256));
}

TEST_CASE("byte_queue: an empty queue holds no block", "[tls][buffer_pool]") {
    buffer_pool pool;
    byte_queue queue(pool);
    auto* const address = queue.space().data();
    SECTION("after a commit of nothing") {
        queue.commit(0);
    }
    SECTION("after all was consumed") {
        queue.commit(10);
        queue.consume(10);
    }
    SECTION("after clear") {
        queue.commit(10);
        queue.clear();
    }
    CHECK(queue.empty());
    CHECK(pool.take().get() == address);
}

TEST_CASE("byte_queue: bytes come out in the order they went in", "[tls][buffer_pool]") {
    buffer_pool pool;
    byte_queue queue(pool);
    CHECK(queue.append(test::as_bytes("abc")) == 3);
    queue.consume(2);
    CHECK(queue.append(test::as_bytes("def")) == 3);
    CHECK(content(queue) == "cdef");
    CHECK(queue.append({}) == 0);
    queue.consume(4);
    CHECK(queue.empty());
}

TEST_CASE("byte_queue: takes no more than a block and says how much that was", "[tls][buffer_pool]") {
    buffer_pool pool;
    byte_queue queue(pool);
    auto const text = test::pattern(buffer_pool::block_size + 5);
    CHECK(queue.append(test::as_bytes(text)) == buffer_pool::block_size);
    CHECK(queue.room() == 0);
    CHECK(queue.space().empty());
    queue.consume(1);
    CHECK(queue.room() == 1);
    CHECK(queue.append(test::as_bytes("xyz")) == 1);
    CHECK(content(queue) == text.substr(1, buffer_pool::block_size - 1) + "x");
}

TEST_CASE("byte_queue: moves the rest to the front when that costs no more than was consumed", "[tls][buffer_pool]") {
    buffer_pool pool;
    byte_queue queue(pool);
    queue.append(test::as_bytes(test::pattern(1000)));
    queue.consume(400);
    CHECK(queue.room() == buffer_pool::block_size - 1000);
    queue.consume(200);
    CHECK(queue.room() == buffer_pool::block_size - 400);
    CHECK(queue.space().size() == queue.room());
    CHECK(content(queue) == test::pattern(1000).substr(600));
}

TEST_CASE("byte_queue: moving a queue leaves an empty, usable one behind", "[tls][buffer_pool]") {
    buffer_pool pool;
    byte_queue from(pool);
    from.append(test::as_bytes("left over"));
    byte_queue to(pool);
    to.append(test::as_bytes("overwritten"));
    to = std::move(from);
    CHECK(content(to) == "left over");
    CHECK(from.empty());
    from.append(test::as_bytes("new"));
    byte_queue const constructed(std::move(from));
    CHECK(content(constructed) == "new");
    CHECK(from.empty());
}
