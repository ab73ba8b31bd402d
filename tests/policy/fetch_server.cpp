#include "tests/policy/fetch_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace ftpsgate::test {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;

struct fetch_server::room {
    struct page {
        answerer how;
        std::string type;
    };
    struct client {
        explicit client(tcp::socket accepted) : socket(std::move(accepted)) {}

        tcp::socket socket;
        boost::beast::flat_buffer buffer;
        http::request<http::string_body> request;
        http::response<http::string_body> response;
    };
    using client_ptr = std::shared_ptr<client>;

    room() : acceptor(io, {boost::asio::ip::address_v4::loopback(), 0}) {
        port = acceptor.local_endpoint().port();
        acceptor.listen(1000);
        accept();
        thread = std::thread([this] { io.run(); });
    }
    ~room() {
        io.stop();
        thread.join();
    }

    void accept() {
        acceptor.async_accept([this](error_code const& cause, tcp::socket socket) {
            if (cause) return;
            {
                std::lock_guard const lock(mutex);
                ++connections;
            }
            read(std::make_shared<client>(std::move(socket)));
            accept();
        });
    }

    void read(client_ptr const& one) {
        http::async_read(one->socket, one->buffer, one->request, [this, one](error_code const& cause, std::size_t) {
            if (!cause) take(one);
        });
    }

    void take(client_ptr const& one) {
        std::string const path(one->request.target());
        std::unique_lock lock(mutex);
        ++requests[path];
        changed.notify_all();
        if (held.count(path) != 0) {
            waiting[path].push_back(one);
            return;
        }
        lock.unlock();
        respond(one);
    }

    void respond(client_ptr const& one) {
        std::string const path(one->request.target());
        auto const found = find(path);
        one->response.result(found ? http::status::ok : http::status::not_found);
        if (found) one->response.set(http::field::content_type, found->type);
        if (found) one->response.body() = found->how(one->request.body());
        one->response.keep_alive(false);
        one->response.prepare_payload();
        http::async_write(one->socket, one->response, [one](error_code const&, std::size_t) {
            error_code ignored;
            one->socket.shutdown(tcp::socket::shutdown_send, ignored);
        });
    }

    std::optional<page> find(std::string const& path) {
        std::lock_guard const lock(mutex);
        auto const found = pages.find(path);
        return found == pages.end() ? std::nullopt : std::optional<page>(found->second);
    }

    boost::asio::io_context io{1};
    tcp::acceptor acceptor;
    unsigned short port = 0;
    std::thread thread;

    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, page> pages;
    std::set<std::string> held;
    std::map<std::string, std::vector<client_ptr>> waiting;
    std::map<std::string, std::size_t> requests;
    std::size_t connections = 0;
};

fetch_server::fetch_server() : room_(std::make_unique<room>()) {
}

fetch_server::~fetch_server() = default;

std::string fetch_server::url(std::string const& path) const {
    return "http://127.0.0.1:" + std::to_string(room_->port) + path;
}

void fetch_server::serve(std::string const& path, std::string body, std::string type) {
    answer(
        path, [body = std::move(body)](std::string const&) { return body; }, std::move(type));
}

void fetch_server::answer(std::string const& path, answerer how, std::string type) {
    std::lock_guard const lock(room_->mutex);
    room_->pages[path] = {std::move(how), std::move(type)};
}

void fetch_server::remove(std::string const& path) {
    std::lock_guard const lock(room_->mutex);
    room_->pages.erase(path);
}

void fetch_server::hold(std::string const& path) {
    std::lock_guard const lock(room_->mutex);
    room_->held.insert(path);
}

void fetch_server::release(std::string const& path) {
    std::lock_guard const lock(room_->mutex);
    room_->held.erase(path);
    for (auto& one : std::exchange(room_->waiting[path], {}))
        boost::asio::post(room_->io, [room = room_.get(), one = std::move(one)] { room->respond(one); });
}

std::size_t fetch_server::requests(std::string const& path) const {
    std::lock_guard const lock(room_->mutex);
    auto const found = room_->requests.find(path);
    return found == room_->requests.end() ? 0 : found->second;
}

std::size_t fetch_server::connections() const {
    std::lock_guard const lock(room_->mutex);
    return room_->connections;
}

bool fetch_server::wait_for(std::string const& path, std::size_t requests, std::chrono::milliseconds patience) const {
    std::unique_lock lock(room_->mutex);
    return room_->changed.wait_for(lock, patience, [&] { return room_->requests[path] >= requests; });
}

}  // namespace ftpsgate::test
