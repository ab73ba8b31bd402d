// Seals what goes to a peer under TLS 1.3 after the handshake, straight from the caller's buffer into a queue. Takes
// the place of SSL_write().
#pragma once

#include "proxy/tls/buffer_pool.hpp"
#include "proxy/tls/record_protection.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace ftpsgate::tls {

class record_writer {
public:
    /// A key is used for this many records, which is below the 2^24.5 that AES-GCM allows (RFC 8446 5.5): 256 GiB.
    static constexpr std::uint64_t records_per_key = std::uint64_t{1} << 24U;
    /// Output must have this much room for a record, a KeyUpdate in front of it included.
    static constexpr std::size_t record_room = record_protection::most_text + 512;

    explicit record_writer(std::unique_ptr<record_protection> keys, std::uint64_t limit = records_per_key)
        : keys_(std::move(keys)), limit_(limit) {}

    /// One record; `content` holds at most record_protection::most_text. False: BoringSSL failed, nothing more may be
    /// sent.
    bool put(byte_queue& output, std::uint8_t type, std::span<std::uint8_t const> content);
    /// A KeyUpdate goes before the next record, as the peer asked for (4.6.3).
    void renew_key() { key_is_old_ = true; }

private:
    bool seal(byte_queue& output, std::uint8_t type, std::span<std::uint8_t const> content);
    bool update_key(byte_queue& output);

    std::unique_ptr<record_protection> keys_;
    std::uint64_t limit_;
    bool key_is_old_ = false;
};

}  // namespace ftpsgate::tls
