// The service manager that started the process, as sd_notify(3) and sd_listen_fds(3) have it: systemd, or anything that
// speaks its protocol. Where there is none every call does nothing. The only place that includes libsystemd.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ftpsgate::proxy {

/// Listening sockets that the process was started with. What is not taken is closed with it.
class inherited_sockets {
public:
    /// Those of LISTEN_FDS; the environment is cleaned, so that no child takes them for its own.
    inherited_sockets();
    ~inherited_sockets();
    inherited_sockets(inherited_sockets const&) = delete;
    inherited_sockets& operator=(inherited_sockets const&) = delete;

    /// The socket that listens there; the caller's from now on.
    std::optional<int> take(boost::asio::ip::tcp::endpoint const& where);
    /// Those that nobody took, for the log.
    std::vector<boost::asio::ip::tcp::endpoint> left() const;

private:
    struct entry {
        int descriptor;
        boost::asio::ip::tcp::endpoint where;
    };
    std::vector<entry> entries_;
};

/// Tells the state of the process; see sd_notify(3) for the words.
namespace service_manager {

void ready();
void reloading();
void stopping();
/// One line for people, shown by `systemctl status`.
void status(std::string const& words);
void alive();
/// How often alive() has to be called at least; nothing: not at all.
std::optional<std::chrono::microseconds> watchdog();

}  // namespace service_manager

}  // namespace ftpsgate::proxy
