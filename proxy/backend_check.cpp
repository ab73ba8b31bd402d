#include "proxy/backend_check.hpp"

#include "proxy/backend_dialer.hpp"
#include "proxy/data/proxy_protocol.hpp"
#include "proxy/ftp/command.hpp"
#include "proxy/ftp/reply.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

namespace ftpsgate::proxy {

namespace {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

constexpr std::chrono::seconds farewell{1};

std::string in_ms(std::chrono::milliseconds limit) {
    return " within " + std::to_string(limit.count()) + " ms";
}

// A backend that expects a header understands nothing without one. It speaks of no client: LOCAL, or UNKNOWN.
std::string header_of(config::proxy_header wanted) {
    using enum config::proxy_header;
    if (wanted == none) return {};
    return data::format_local_proxy_header(wanted == v1 ? data::proxy_version::v1 : data::proxy_version::v2);
}

}  // namespace

struct backend_check::state : std::enable_shared_from_this<state> {
    state(boost::asio::any_io_executor const& on, std::shared_ptr<backend_pool> shared, std::size_t index)
        : pool(std::move(shared)), server(index), timer(on), dialer(std::in_place, on, pool) {}

    enum class step { greeting, user, password, farewell };

    void start(handler call) {
        done = std::move(call);
        dialer->start(server,
                      [self = shared_from_this()](backend_dialer::outcome made) { self->dialed(std::move(made)); });
    }

    void dialed(backend_dialer::outcome made) {
        dialer.reset();
        if (!done) return;
        if (!made.socket) return finish(std::move(made.words));
        socket.emplace(std::move(*made.socket));
        if (auto header = header_of(pool->settings().proxy_protocol); !header.empty()) send(std::move(header));
        expect(step::greeting, pool->greeting_limit());
        read();
    }

    void expect(step next, std::chrono::milliseconds within) {
        now = next;
        timer.expires_after(within);
        timer.async_wait([self = shared_from_this(), next, within](error_code error) {
            if (!error && self->now == next) self->late(within);
        });
    }

    void late(std::chrono::milliseconds within) {
        if (now == step::farewell) return close();
        finish((now == step::greeting ? "no greeting" : "no reply to the login") + in_ms(within));
    }

    void read() {
        socket->async_read_some(boost::asio::buffer(bytes),
                                [self = shared_from_this()](error_code error, std::size_t count) {
                                    if (!self->socket) return;
                                    if (error) return self->ended();
                                    self->replies.feed({self->bytes.data(), count});
                                    self->take_replies();
                                });
    }

    void ended() {
        if (now == step::farewell) return close();
        finish(now == step::greeting ? "closed the connection before its greeting"
                                     : "closed the connection at the login");
    }

    void take_replies() {
        while (socket) {
            auto next = replies.next();
            if (std::holds_alternative<std::monostate>(next)) return read();
            if (now == step::farewell) return close();
            if (std::holds_alternative<ftp::reply_fault>(next)) return finish("what it says is no FTP reply");
            take(std::get<ftp::reply>(next));
        }
    }

    // What it says at the login is not shown: some servers repeat the password.
    void take(ftp::reply const& answer) {
        if (answer.is_preliminary()) return;  // 120: ready in a while, if it comes in time
        auto const& login = pool->login();
        bool const in = answer.code == 230 || answer.code == 232;
        switch (now) {
            case step::greeting:
                if (!answer.is_completion()) return finish("greeted with \"" + first_line(answer) + '"');
                if (!login || in) return well();
                expect(step::user, pool->settings().reply_timeout);
                return send(ftp::to_wire("USER", login->user));
            case step::user:
                if (in) return well();
                if (answer.code != 331) return finish("did not take the health_user: " + std::to_string(answer.code));
                expect(step::password, pool->settings().reply_timeout);
                return send(ftp::to_wire("PASS", login->password.reveal()));
            case step::password:
                if (answer.is_completion()) return well();
                return finish("refused the login of the health_user: " + std::to_string(answer.code));
            case step::farewell: return;
        }
    }

    static std::string first_line(ftp::reply const& answer) {
        return std::to_string(answer.code) + ' ' + answer.lines.front();
    }

    // That it was not taken shows when no reply comes.
    void send(std::string text) {
        auto const line = std::make_shared<std::string>(std::move(text));
        boost::asio::async_write(*socket, boost::asio::buffer(*line), [line](error_code, std::size_t) {
            std::fill(line->begin(), line->end(), '\0');  // it may have been the password
        });
    }

    void well() {
        auto const call = std::exchange(done, nullptr);
        expect(step::farewell, farewell);
        send("QUIT\r\n");
        call(std::nullopt);
    }

    void finish(std::string fault) {
        auto const call = std::exchange(done, nullptr);
        close();
        if (call) call(std::move(fault));
    }

    void close() {
        timer.cancel();
        socket.reset();
    }

    // A farewell that has begun goes on.
    void cancel() {
        dialer.reset();
        if (std::exchange(done, nullptr)) close();
    }

    std::shared_ptr<backend_pool> pool;
    std::size_t server;
    boost::asio::steady_timer timer;
    std::optional<backend_dialer> dialer;
    std::optional<tcp::socket> socket;
    handler done;
    step now = step::greeting;
    ftp::reply_parser replies;
    std::array<char, 2048> bytes{};
};

backend_check::backend_check(boost::asio::any_io_executor executor, std::shared_ptr<backend_pool> pool,
                             std::size_t server)
    : state_(std::make_shared<state>(executor, std::move(pool), server)) {
}

backend_check::~backend_check() {
    state_->cancel();
}

void backend_check::start(handler done) {
    auto const alive = state_;
    alive->start(std::move(done));
}

}  // namespace ftpsgate::proxy
