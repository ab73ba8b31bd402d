// The PROXY protocol, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt, sections 2.1 and 2.2): a header in front of
// everything else on a connection that tells between which two ends it was before a balancer took it. Text and bytes
// only; proxy_header_wait.hpp reads a header from a socket. Whom to believe is not decided here.
//
// Flow: feed() whatever has come until it says that the header is complete or malformed. It takes no byte that stands
// behind the header, and as long as it is incomplete it takes all.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ftpsgate::data {

enum class proxy_version { v1, v2 };

/// The two ends of a connection as whoever opened it sees them.
struct connection_ends {
    boost::asio::ip::tcp::endpoint source;       ///< the client's
    boost::asio::ip::tcp::endpoint destination;  ///< what the client connected to

    friend bool operator==(connection_ends const&, connection_ends const&) = default;
};

class proxy_header_reader {
public:
    enum class status { incomplete, complete, malformed };

    struct result {
        status now = status::incomplete;
        std::size_t taken = 0;  ///< bytes that belong to the header; of no meaning when it is malformed
    };

    /// A line of version 1 with its CRLF (section 2.1).
    static constexpr std::size_t longest_line = 107;
    /// Of version 2, what may follow its first 16 bytes: addresses, and TLVs, of which some hold names of certificates.
    static constexpr std::size_t longest_rest = 4096;

    result feed(std::string_view bytes);
    /// Once complete. Nothing: the header speaks of no client over TCP (LOCAL, UNKNOWN, AF_UNIX, UDP), so the
    /// connection's own ends count (section 2.2).
    std::optional<connection_ends> const& ends() const { return ends_; }
    /// Once malformed, in words for the log.
    std::string_view fault() const { return fault_; }

private:
    status advance(char next);
    status advance_line(char next);
    status advance_binary(char next);
    status read_line();
    status read_addresses();
    status malformed(std::string_view why);

    std::string header_;
    std::size_t length_ = 0;  // of version 2, once known
    std::optional<connection_ends> ends_;
    std::string_view fault_;
};

/// True when what a peer said first can only be the begin of a PROXY header: no command and no TLS begins like that.
bool begins_like_proxy_header(std::string_view first_bytes);

/// A whole header. Ends of two families are written as IPv6, the IPv4 one mapped.
std::string format_proxy_header(proxy_version version, connection_ends const& ends);
/// For connections that the sender opens on its own behalf, such as health checks: LOCAL, in version 1 UNKNOWN.
std::string format_local_proxy_header(proxy_version version);

}  // namespace ftpsgate::data
