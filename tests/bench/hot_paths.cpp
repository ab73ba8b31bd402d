// What the gate does most often, without sockets, for tests/bench/instructions to count:
//
//   hot_paths PATH COUNT
//
// Every path checks that it did its work: one that fails early would look fast.
#include "proxy/ftp/command.hpp"
#include "proxy/ftp/control_core.hpp"
#include "proxy/ftp/line_reader.hpp"
#include "tests/support/memory_client.hpp"
#include "tests/support/plan_maker.hpp"
#include "tests/tls/gate_side.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>

using namespace ftpsgate;

namespace {

constexpr std::size_t mebibyte = 1 << 20;
constexpr std::size_t step = 256 * 1024;  // as data::relay begins

void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "hot_paths: %s\n", what);
    std::exit(1);
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

struct tls_pair {
    tls_pair() : gate(side.engine(tls::channel_kind::data)) {
        require(client.handshake(gate) == tls::want::nothing, "no handshake");
        client.exchange(gate);
        client.read();
    }
    test::gate_side side;
    test::memory_client client;
    tls::engine gate;
};

/// 1 MiB of a download; what was sealed is thrown away.
void seal(std::size_t count) {
    tls_pair both;
    auto const text = test::pattern(step);
    for (std::size_t left = count * mebibyte; left > 0;) {
        auto const rest = test::as_bytes(text).first(std::min(step, left));
        auto const sealed = both.gate.write(rest);
        require(sealed.count == rest.size(), "not sealed");
        require(both.gate.output.size() > rest.size(), "nothing to send");
        both.gate.output.clear();
        left -= sealed.count;
    }
}

/// 1 MiB of an upload.
void open(std::size_t count) {
    tls_pair both;
    std::vector<std::uint8_t> into(step);
    for (std::size_t left = count * mebibyte; left > 0;) {
        both.client.write(std::string(step, 'x'));
        both.client.exchange(both.gate);
        for (tls::transfer opened = both.gate.read(into); opened.count > 0; opened = both.gate.read(into))
            left -= std::min(left, opened.count);
    }
}

// ---- the core -------------------------------------------------------------------------------------------------------

class conversation {
public:
    conversation() : core_(settings()) { sent_ = core_.start().size(); }

    void client(std::string_view line) { happens(ftp::client_bytes{line}); }
    void backend(std::string_view line) { happens(ftp::backend_bytes{line}); }
    void happens(ftp::event const& what) { sent_ = core_.handle(what).size(); }
    void log_in() {
        client("AUTH TLS\r\n");
        happens(ftp::client_secured{});
        client("USER joe\r\n");
        happens(ftp::access_decided{proxy::plan_maker::make("joe")});
        client("PASS secret\r\n");
        happens(
            ftp::backend_connected{*ftp::ip_address::parse("10.0.0.5"), *ftp::ip_address::parse("10.0.0.1"), false});
        backend("220 FTP server ready\r\n");
        backend("331 Please specify the password.\r\n");
        backend("230 Login successful.\r\n");
        client("PBSZ 0\r\n");
        client("PROT P\r\n");
        client("TYPE I\r\n");
        backend("200 Switching to Binary mode.\r\n");
        require(sent_ > 0, "no answer to TYPE");
    }
    void say_pwd() {
        client("PWD\r\n");
        backend("257 \"/\" is the current directory\r\n");
        require(sent_ > 0, "no answer to PWD");
    }
    void download() {
        client("EPSV\r\n");
        backend("229 Entering Extended Passive Mode (|||6446|)\r\n");
        happens(ftp::client_listening{50001});
        client("RETR a\r\n");
        happens(ftp::backend_data_up{});
        backend("150 Opening BINARY mode data connection for a (10240 bytes).\r\n");
        happens(ftp::client_data_up{});
        happens(ftp::relay_done{});
        backend("226 Transfer complete.\r\n");
        happens(ftp::client_data_finished{true});
        require(sent_ > 0, "no answer to RETR");
    }

private:
    static ftp::core_settings settings() {
        ftp::site_rules rules;
        rules.name = "ftp.example.com";
        rules.hosts = {"ftp.example.com"};
        rules.banner = "FTP server ready.";
        rules.tls_id = "certificate";
        ftp::core_settings made;
        made.sites = std::make_shared<std::vector<ftp::site_rules> const>(1, rules);
        made.client = *ftp::ip_address::parse("192.0.2.7");
        made.gate = *ftp::ip_address::parse("198.51.100.1");
        return made;
    }

    ftp::control_core core_;
    std::size_t sent_ = 0;
};

void parse_commands(std::size_t count) {
    ftp::line_reader lines(4096);
    for (std::size_t i = 0; i < count; ++i) {
        lines.feed("STOR some folder/some file.txt\r\n");
        auto const line = lines.next();
        require(line && ftp::parse_command(line->text).argument.size() == 25, "not parsed");
    }
}

void asks(std::size_t count) {
    conversation talk;
    talk.log_in();
    for (std::size_t i = 0; i < count; ++i)
        talk.say_pwd();
}

void logins(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        conversation().log_in();
}

void downloads(std::size_t count) {
    conversation talk;
    talk.log_in();
    for (std::size_t i = 0; i < count; ++i)
        talk.download();
}

}  // namespace

int main(int count, char** words) {
    std::map<std::string_view, std::function<void(std::size_t)>> const paths{
        {"seal", seal}, {"open", open},    {"command", parse_commands},
        {"ask", asks},  {"login", logins}, {"download", downloads},
    };
    auto const path = paths.find(count == 3 ? words[1] : "");
    if (path == paths.end()) {
        std::fprintf(stderr, "usage: hot_paths seal|open|command|ask|login|download COUNT\n");
        return 2;
    }
    path->second(std::strtoul(words[2], nullptr, 10));
    return 0;
}
