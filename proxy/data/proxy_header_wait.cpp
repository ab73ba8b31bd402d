#include "proxy/data/proxy_header_wait.hpp"

#include <boost/asio/error.hpp>

#include <array>
#include <utility>

namespace ftpsgate::data {

using boost::system::error_code;

proxy_header_wait::proxy_header_wait(net::socket socket, handler done)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), done_(std::move(done)) {
}

void proxy_header_wait::start(std::chrono::milliseconds limit) {
    timer_.expires_after(limit);
    timer_.async_wait([self = shared_from_this(), limit](error_code error) {
        if (!error) self->fail("no PROXY header within " + std::to_string(limit.count()) + " ms");
    });
    wait();
}

void proxy_header_wait::cancel() {
    done_ = nullptr;
    socket_.close();
    timer_.cancel();
}

void proxy_header_wait::wait() {
    socket_.wait(net::direction::read, [self = shared_from_this()](error_code error) {
        if (self->done_ && error != boost::asio::error::operation_aborted) self->read();
    });
}

// Looks first and takes then, as there is no telling how long a header of version 1 is. What is not complete is taken
// whole: bytes left behind would make every further wait end at once.
void proxy_header_wait::read() {
    std::array<std::uint8_t, 512> bytes;
    error_code error;
    std::size_t const seen = socket_.peek(bytes, error);
    if (error == boost::asio::error::would_block) return wait();
    if (error || seen == 0) {
        if (!heard_) return finish({proxy_header_outcome::kind::no_bytes, std::nullopt, {}});
        return fail("the PROXY header is cut off");
    }
    heard_ = true;
    auto const [now, taken] = reader_.feed({reinterpret_cast<char const*>(bytes.data()), seen});
    if (now == proxy_header_reader::status::malformed)
        return fail("malformed PROXY header: " + std::string(reader_.fault()));
    socket_.receive({bytes.data(), taken}, error);
    if (now == proxy_header_reader::status::incomplete) return read();
    finish({proxy_header_outcome::kind::header, reader_.ends(), {}});
}

void proxy_header_wait::fail(std::string fault) {
    finish({proxy_header_outcome::kind::malformed, std::nullopt, std::move(fault)});
}

// The handler may be what keeps the owner of everything else alive: it is called last.
void proxy_header_wait::finish(proxy_header_outcome outcome) {
    if (!done_) return;
    timer_.cancel();
    auto const self = shared_from_this();
    auto const call = std::exchange(done_, nullptr);
    if (outcome.what != proxy_header_outcome::kind::header) socket_.close();
    call(std::move(socket_), outcome);
}

}  // namespace ftpsgate::data
