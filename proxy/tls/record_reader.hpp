// Opens what a peer sends under TLS 1.3 after the handshake: many records in one call, straight from a queue into the
// caller's buffer. Takes the place of SSL_read() and is as strict: the limits are BoringSSL's.
#pragma once

#include "proxy/tls/buffer_pool.hpp"
#include "proxy/tls/record_protection.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace ftpsgate::tls {

class record_reader {
public:
    struct fault {
        int reason = 0;          ///< SSL_R_...
        std::uint8_t alert = 0;  ///< for the peer; 0 = none, it sent one itself
    };

    explicit record_reader(std::unique_ptr<record_protection> keys) : keys_(std::move(keys)) {}

    /// Bytes that were put into `into`. 0: see ended() and broken(); neither = the next record is not whole yet. Both
    /// stay, and nothing behind is opened. `input` always begins with what this left there.
    std::size_t read(byte_queue& input, std::span<std::uint8_t> into);

    bool ended() const { return ended_; }  ///< close_notify came
    std::optional<fault> const& broken() const { return fault_; }
    /// The peer wants a KeyUpdate in return (RFC 8446 4.6.3); asked once each time.
    bool take_update_request() { return std::exchange(update_requested_, false); }

private:
    std::size_t take_opened(byte_queue& input, std::span<std::uint8_t> into);
    std::size_t open_next(byte_queue& input, std::span<std::uint8_t> into);
    std::optional<std::size_t> next_size(std::span<std::uint8_t const> waiting);
    std::size_t take_text(byte_queue& input, std::size_t count, std::size_t record_size, bool moved);
    void take_alert(std::span<std::uint8_t const> content);
    void take_handshake(std::span<std::uint8_t const> content);
    void limit(int& counter, int most, int reason);
    void fail(int reason, int alert);

    std::unique_ptr<record_protection> keys_;
    std::size_t opened_ = 0;                 // text at the front of input
    std::size_t trailer_ = 0;                // behind it, of the same record
    std::array<std::uint8_t, 5> message_{};  // a KeyUpdate that comes in pieces
    std::size_t message_size_ = 0;
    int empty_records_ = 0;  // since the last text, as the two below
    int key_updates_ = 0;
    int warnings_ = 0;
    bool ended_ = false;
    bool update_requested_ = false;
    std::optional<fault> fault_;
};

}  // namespace ftpsgate::tls
