// The client side of tests/bench/run: FTPS sessions that do one kind of work, and how long that took. Also a source and
// sink of bytes without FTP, for relays that know TLS only.
//
//   load WORK [key=value]...
//
// Prints "ready" when its sessions are up, waits for a line on standard input, works, prints one JSON object, and
// closes its sessions after the next line (or the end of the input): so the caller can read the counters of whom it
// measures exactly around the work. `serve` prints its port instead and runs until its input ends.
//
// It uses OpenSSL, not the gate's BoringSSL: that is what most FTP clients have.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iostream>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using std::string;
using std::string_view;
using steady = std::chrono::steady_clock;

constexpr std::size_t chunk_size = 256 * 1024;

// ---- what was asked for ---------------------------------------------------------------------------------------------

std::map<string, string, std::less<>> given;

string text(string_view key, string_view otherwise) {
    auto const found = given.find(key);
    return found == given.end() ? string(otherwise) : found->second;
}

std::uint64_t number(string_view key, std::uint64_t otherwise) {
    auto const found = given.find(key);
    return found == given.end() ? otherwise : std::stoull(found->second);
}

// ---- one connection -------------------------------------------------------------------------------------------------

[[noreturn]] void fail(string const& what) {
    throw std::runtime_error(what);
}

[[noreturn]] void fail_with_errno(char const* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void fail_with_tls(string const& what) {
    char words[160] = "connection lost";
    if (auto const code = ERR_peek_last_error()) ERR_error_string_n(code, words, sizeof words);
    ERR_clear_error();
    fail(what + ": " + words);
}

struct free_tls {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using session_ptr = std::unique_ptr<SSL_SESSION, free_tls>;

// The newest ticket of a control session and its data connections: a client uses each once (RFC 8446 C.4).
struct ticket_box {
    session_ptr newest;
};

SSL_CTX* client_context() {
    static SSL_CTX* const context = [] {
        SSL_CTX* made = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
        if (auto const suites = text("suites", ""); !suites.empty()) SSL_CTX_set_ciphersuites(made, suites.c_str());
        SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(made, [](SSL* ssl, SSL_SESSION* session) {
            auto* const box = static_cast<ticket_box*>(SSL_get_app_data(ssl));
            if (box == nullptr) return 0;
            box->newest.reset(session);
            return 1;
        });
        return made;
    }();
    return context;
}

enum class size_of_reads { small, large };

class connection {
public:
    explicit connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        int const on = 1;
        timeval const patience{60, 0};
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        sockaddr_in there{};
        there.sin_family = AF_INET;
        there.sin_port = htons(port);
        there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&there), sizeof there) != 0) {
            int const why = errno;
            ::close(socket_);
            errno = why;
            fail_with_errno("connect");
        }
    }
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection() {
        // Otherwise OpenSSL takes an unfinished connection's session for spoilt.
        if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        ssl_.reset();
        ::close(socket_);
    }

    void secure(ticket_box* tickets, bool resume, size_of_reads reads) {
        ssl_.reset(SSL_new(client_context()));
        SSL_set_fd(ssl_.get(), socket_);
        SSL_set_app_data(ssl_.get(), tickets);
        if (resume && tickets->newest) SSL_set_session(ssl_.get(), tickets->newest.get());
        if (reads == size_of_reads::large) {
            SSL_set_read_ahead(ssl_.get(), 1);
            SSL_set_default_read_buffer_len(ssl_.get(), chunk_size);
        }
        if (SSL_connect(ssl_.get()) != 1) fail_with_tls("TLS handshake");
    }
    bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    string cipher() const { return ssl_ ? SSL_get_cipher_name(ssl_.get()) : "none"; }

    /// 0 at the end, which under TLS must be a close_notify.
    std::size_t read(char* into, std::size_t size) {
        if (!ssl_) {
            auto const count = ::recv(socket_, into, size, 0);
            if (count < 0) fail_with_errno("receive");
            return static_cast<std::size_t>(count);
        }
        std::size_t count = 0;
        if (SSL_read_ex(ssl_.get(), into, size, &count) == 1) return count;
        if (SSL_get_error(ssl_.get(), 0) == SSL_ERROR_ZERO_RETURN) return 0;
        fail_with_tls("cut off without close_notify");
    }
    void write(string_view bytes) {
        while (!bytes.empty()) {
            std::size_t count = 0;
            if (ssl_) {
                if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count) != 1) fail_with_tls("write");
            } else {
                auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                if (sent < 0) fail_with_errno("send");
                count = static_cast<std::size_t>(sent);
            }
            bytes.remove_prefix(count);
        }
    }
    string line() {
        for (;;) {
            if (auto const end = unread_.find('\n'); end != string::npos) {
                string found = unread_.substr(0, end);
                unread_.erase(0, end + 1);
                if (!found.empty() && found.back() == '\r') found.pop_back();
                return found;
            }
            std::array<char, 2048> more;
            auto const count = read(more.data(), more.size());
            if (count == 0) fail("the control connection ended");
            unread_.append(more.data(), count);
        }
    }
    /// Ends our side, then reads to the peer's end: closing over unread bytes would be a reset.
    void finish() {
        if (ssl_) SSL_shutdown(ssl_.get());
        ::shutdown(socket_, SHUT_WR);
        std::array<char, 2048> rest;
        while (read(rest.data(), rest.size()) > 0) {
        }
    }

private:
    int socket_;
    std::unique_ptr<SSL, free_tls> ssl_;
    string unread_;
};

// ---- one FTP session ------------------------------------------------------------------------------------------------

class ftp_session {
public:
    ftp_session() : control_(static_cast<std::uint16_t>(number("port", 21))) {
        expect("220", reply());
        if (is_tls_) {
            expect("234", command("AUTH TLS"));
            control_.secure(&tickets_, false, size_of_reads::small);
        }
        auto said = command("USER " + text("user", "anonymous"));
        if (said.starts_with("331")) said = command("PASS " + text("password", "bench@example.com"));
        expect("230", said);
    }

    /// The last line of the reply.
    string command(string const& line) {
        control_.write(line + "\r\n");
        return reply();
    }
    static void expect(string_view code, string const& said) {
        if (!said.starts_with(code)) fail("expected " + string(code) + ", got: " + said);
    }
    void prepare_transfers() {
        expect("200", command("TYPE I"));
        if (!is_tls_) return;
        expect("200", command("PBSZ 0"));
        expect("200", command("PROT P"));
    }
    std::unique_ptr<connection> open_data(string const& transfer, size_of_reads reads) {
        auto const said = command("EPSV");
        expect("229", said);
        std::uint16_t port = 0;
        auto const at = said.find("|||");
        if (at == string::npos) fail("no port in: " + said);
        std::from_chars(said.data() + at + 3, said.data() + said.size(), port);
        auto data = std::make_unique<connection>(port);
        expect("150", command(transfer));
        if (is_tls_) {
            data->secure(&tickets_, true, reads);
            if (!data->resumed()) fail("the data connection was not resumed");
        }
        return data;
    }
    void end_transfer() { expect("226", reply()); }
    void quit() { command("QUIT"); }
    string cipher() const { return control_.cipher(); }

private:
    string reply() {
        string line = control_.line();
        if (line.size() < 4) fail("no reply: " + line);
        string const last = line.substr(0, 3) + ' ';
        while (!line.starts_with(last))
            line = control_.line();
        return line;
    }

    bool const is_tls_ = number("tls", 1) == 1;
    ticket_box tickets_;  // outlives the connections
    connection control_;
};

// ---- what is told ---------------------------------------------------------------------------------------------------

class outcome {
public:
    void took(steady::duration time) {
        std::lock_guard const hold(mutex_);
        times_.push_back(std::chrono::duration<double, std::micro>(time).count());
    }
    void moved(std::uint64_t count) { bytes_ += count; }
    void failed(string why) {
        std::lock_guard const hold(mutex_);
        std::replace_if(
            why.begin(), why.end(), [](unsigned char c) { return c < ' ' || c > '~' || c == '"' || c == '\\'; }, ' ');
        ++faults_[why];
    }
    void used(string const& cipher) {
        std::lock_guard const hold(mutex_);
        cipher_ = cipher;
    }
    bool is_clean() const { return faults_.empty(); }
    void print(steady::duration wall) {
        std::sort(times_.begin(), times_.end());
        std::printf(
            "{\"done\": %zu, \"bytes\": %llu, \"wall_s\": %.6f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
            "\"cipher\": \"%s\", \"faults\": {",
            times_.size(), static_cast<unsigned long long>(bytes_), std::chrono::duration<double>(wall).count(),
            share(0.5), share(0.99), cipher_.c_str());
        char const* separator = "";
        for (auto const& [why, count] : faults_)
            std::printf("%s\"%s\": %u", std::exchange(separator, ", "), why.c_str(), count);
        std::puts("}}");
        std::fflush(stdout);
    }

private:
    double share(double part) const {
        if (times_.empty()) return 0;
        return times_[std::min(times_.size() - 1, static_cast<std::size_t>(part * static_cast<double>(times_.size())))];
    }

    std::mutex mutex_;
    std::vector<double> times_;
    std::map<string, unsigned> faults_;
    std::atomic<std::uint64_t> bytes_{0};
    string cipher_;
} result;

void wait_for_a_line() {
    string ignored;
    std::getline(std::cin, ignored);
}

void guarded(std::function<void()> const& work) {
    try {
        work();
    } catch (std::exception const& error) {
        result.failed(error.what());
    }
}

/// `count` threads: each makes its party, waits for the others and the word, works, and keeps its party to the end.
template <class Party>
void run_together(std::size_t count, std::function<std::unique_ptr<Party>()> const& prepare,
                  std::function<void(Party&)> const& work, std::function<void(Party&)> const& leave) {
    std::latch prepared(static_cast<std::ptrdiff_t>(count)), go(1), done(static_cast<std::ptrdiff_t>(count)), end(1);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
        threads.emplace_back([&] {
            std::unique_ptr<Party> party;
            guarded([&] { party = prepare(); });
            prepared.count_down();
            go.wait();
            if (party) guarded([&] { work(*party); });
            done.count_down();
            end.wait();
            if (party) guarded([&] { leave(*party); });
        });
    }
    prepared.wait();
    std::cout << "ready" << std::endl;
    wait_for_a_line();
    auto const began = steady::now();
    go.count_down();
    done.wait();
    result.print(steady::now() - began);
    wait_for_a_line();
    end.count_down();
}

// ---- the works ------------------------------------------------------------------------------------------------------

std::unique_ptr<ftp_session> session_for_transfers() {
    auto made = std::make_unique<ftp_session>();
    made->prepare_transfers();
    return made;
}

/// Reads to the end; into a file where its content is to be compared.
std::uint64_t drain(connection& data, string const& file) {
    std::vector<char> block(chunk_size);
    std::ofstream copy;
    if (!file.empty()) copy.open(file, std::ios::binary);
    std::uint64_t total = 0;
    while (auto const count = data.read(block.data(), block.size())) {
        total += count;
        if (copy.is_open()) copy.write(block.data(), static_cast<std::streamsize>(count));
    }
    return total;
}

void fill(connection& data, std::uint64_t size, string const& file) {
    std::vector<char> block(chunk_size);
    std::ifstream source;
    if (!file.empty()) source.open(file, std::ios::binary);
    while (size > 0) {
        auto const count = std::min<std::uint64_t>(block.size(), size);
        if (source.is_open() && !source.read(block.data(), static_cast<std::streamsize>(count))) fail("short file");
        data.write({block.data(), count});
        size -= count;
    }
}

void transfer() {
    auto const size = number("size", 1 << 20);
    bool const is_download = text("way", "get") == "get";
    auto const path = text("path", "file");
    auto const file = text("file", "");
    std::atomic<unsigned> next{0};
    run_together<ftp_session>(
        number("parallel", 1), session_for_transfers,
        [&](ftp_session& session) {
            auto const began = steady::now();
            auto const name = is_download ? path : path + std::to_string(next++);
            auto data = session.open_data((is_download ? "RETR " : "STOR ") + name, size_of_reads::large);
            result.used(data->cipher());
            if (is_download) {
                auto const count = drain(*data, file);
                if (count != size) fail("received " + std::to_string(count) + " bytes");
            } else {
                fill(*data, size, file);
            }
            data->finish();
            data.reset();
            session.end_transfer();
            result.moved(size);
            result.took(steady::now() - began);
        },
        &ftp_session::quit);
}

void log_in_once() {
    auto const began = steady::now();
    ftp_session session;
    session.quit();
    result.used(session.cipher());
    result.took(steady::now() - began);
}

void log_in() {
    std::atomic<std::int64_t> left{static_cast<std::int64_t>(number("count", 100))};
    run_together<int>(
        number("parallel", 16), [] { return std::make_unique<int>(); },
        [&](int&) {
            while (left-- > 0)
                guarded(log_in_once);  // one that failed does not end the others
        },
        [](int&) {});
}

void fetch_file(ftp_session& session, std::uint64_t size) {
    auto const began = steady::now();
    auto data = session.open_data("RETR " + text("path", "small"), size_of_reads::small);
    if (drain(*data, "") != size) fail("a file of another size");
    data->finish();
    result.used(data->cipher());
    data.reset();
    session.end_transfer();
    result.moved(size);
    result.took(steady::now() - began);
}

void fetch_files() {
    std::atomic<std::int64_t> left{static_cast<std::int64_t>(number("count", 100))};
    auto const work = [&](ftp_session& session) {
        while (left-- > 0)
            fetch_file(session, number("size", 10240));
    };
    run_together<ftp_session>(number("parallel", 16), session_for_transfers, work, &ftp_session::quit);
}

void ask() {
    string const command = text("command", "NOOP"), code = text("code", "200");
    auto const prepare = [&] {
        auto made = std::make_unique<ftp_session>();
        for (int i = 0; i < 200; ++i)
            made->expect(code, made->command(command));
        return made;
    };
    auto const work = [&](ftp_session& session) {
        for (auto left = number("count", 1000); left > 0; --left) {
            auto const began = steady::now();
            session.expect(code, session.command(command));
            result.took(steady::now() - began);
        }
    };
    run_together<ftp_session>(1, prepare, work, &ftp_session::quit);
}

/// Sessions that are logged in and then say nothing until the caller has looked at the memory.
void hold() {
    std::atomic<std::int64_t> left{static_cast<std::int64_t>(number("count", 100))};
    using crowd = std::vector<std::unique_ptr<ftp_session>>;
    run_together<crowd>(
        number("parallel", 16), [] { return std::make_unique<crowd>(); },
        [&](crowd& sessions) {
            while (left-- > 0) {
                auto const began = steady::now();
                sessions.push_back(std::make_unique<ftp_session>());
                result.took(steady::now() - began);
            }
        },
        [](crowd&) {});
}

// ---- without FTP ----------------------------------------------------------------------------------------------------
// The client says "get SIZE\n" or "put SIZE\n" and bytes flow that way; an upload is answered with "done\n".

void relay_once(string_view way, std::uint64_t size) {
    auto const began = steady::now();
    connection through(static_cast<std::uint16_t>(number("port", 0)));
    through.secure(nullptr, false, size > 0 ? size_of_reads::large : size_of_reads::small);
    result.used(through.cipher());
    through.write(string(way) + ' ' + std::to_string(size) + '\n');
    if (way == "get") {
        if (drain(through, "") != size) fail("too few bytes through the relay");
    } else {
        fill(through, size, "");
        if (through.line() != "done") fail("the upload was not acknowledged");
    }
    through.finish();
    result.moved(size);
    result.took(steady::now() - began);
}

void relay() {
    std::atomic<std::int64_t> left{static_cast<std::int64_t>(number("count", number("parallel", 1)))};
    run_together<int>(
        number("parallel", 1), [] { return std::make_unique<int>(); },
        [&](int&) {
            while (left-- > 0)
                relay_once(text("way", "get"), number("size", 0));
        },
        [](int&) {});
}

void serve_one(int socket) {
    std::vector<char> block(1 << 20);
    std::size_t have = 0;
    ssize_t count = 0;
    while (have < 64 && std::find(block.data(), block.data() + have, '\n') == block.data() + have &&
           (count = ::recv(socket, block.data() + have, 64 - have, 0)) > 0)
        have += static_cast<std::size_t>(count);
    string_view const request(block.data(), have);
    auto const end_of_line = request.find('\n');
    std::uint64_t size = 0;
    if (end_of_line != string_view::npos) std::from_chars(block.data() + 4, block.data() + end_of_line, size);
    if (request.starts_with("get ")) {
        // As vsftpd does it: pages of a file cost the relay more to read than a buffer that is in the cache.
        int const file = ::open(text("file", "").c_str(), O_RDONLY | O_CLOEXEC);
        while (size > 0 && (count = ::sendfile(socket, file, nullptr, size)) > 0)
            size -= static_cast<std::uint64_t>(count);
        ::close(file);
    } else if (request.starts_with("put ")) {
        size -= std::min<std::uint64_t>(size, have - end_of_line - 1);
        while (size > 0 && (count = ::recv(socket, block.data(), block.size(), 0)) > 0)
            size -= std::min<std::uint64_t>(size, static_cast<std::uint64_t>(count));
        if (size == 0) ::send(socket, "done\n", 5, MSG_NOSIGNAL);
    }
    ::shutdown(socket, SHUT_WR);
    while (::recv(socket, block.data(), block.size(), 0) > 0) {
    }
    ::close(socket);
}

void serve() {
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&here), size) != 0 || ::listen(listener, 1024) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&here), &size) != 0)
        fail_with_errno("listen");
    std::cout << ntohs(here.sin_port) << std::endl;
    std::thread([listener] {
        for (;;)
            if (int const accepted = ::accept(listener, nullptr, nullptr); accepted >= 0)
                std::thread(serve_one, accepted).detach();
    }).detach();
    while (std::cin.get() != EOF) {
    }
    std::_Exit(0);
}

}  // namespace

int main(int count, char** words) {
    std::signal(SIGPIPE, SIG_IGN);
    std::map<string_view, void (*)()> const works{{"transfer", transfer}, {"login", log_in}, {"files", fetch_files},
                                                  {"ask", ask},           {"hold", hold},    {"relay", relay},
                                                  {"serve", serve}};
    auto const work = works.find(count > 1 ? words[1] : "");
    for (int i = 2; i < count; ++i) {
        string_view const pair = words[i];
        auto const equals = pair.find('=');
        if (equals != string_view::npos) given.emplace(pair.substr(0, equals), pair.substr(equals + 1));
    }
    try {
        if (work == works.end()) fail("usage: load transfer|login|files|ask|hold|relay|serve [key=value]...");
        work->second();
    } catch (std::exception const& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
    return result.is_clean() ? 0 : 1;
}
