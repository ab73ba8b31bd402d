// One direction of the record protection of an established TLS 1.3 connection (RFC 8446 5.2 to 5.5, 7.2, 7.3), with the
// primitives of BoringSSL: seals and opens records between buffers of the caller. BoringSSL's own record layer copies
// each byte through buffers of its own, which bulk data feels; whoever takes over a direction must use it to its end.
#pragma once

#include "proxy/tls/boringssl.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace ftpsgate::tls {

class record_protection {
public:
    enum class side { client, server };  ///< who seals

    static constexpr std::size_t header_size = 5;
    static constexpr std::size_t tag_size = 16;                          ///< of all cipher suites of TLS 1.3
    static constexpr std::size_t overhead = header_size + 1 + tag_size;  ///< the content type is inside
    static constexpr std::size_t most_text = 16384;
    static constexpr std::size_t most_sealed = most_text + 256;  ///< without header

    /// Goes on where BoringSSL stands in this direction; the handshake must be over. nullptr: not TLS 1.3, or BoringSSL
    /// does not tell.
    static std::unique_ptr<record_protection> take_over(SSL const* ssl, side sealing);

    ~record_protection();
    record_protection(record_protection const&) = delete;
    record_protection& operator=(record_protection const&) = delete;

    /// One record with `text`, at most most_text; `into` has room for text.size() + overhead, which is what is written.
    /// `into` and `text` do not overlap. False: nothing that could be sent was written.
    bool seal(std::uint8_t type, std::span<std::uint8_t const> text, std::uint8_t* into);
    /// `sealed` is what follows `header`. Writes sealed.size() - tag_size bytes: the content, its type, padding.
    /// `into` may be sealed.data(). False: not authentic; `into` holds zeros then.
    bool open(std::span<std::uint8_t const, header_size> header, std::span<std::uint8_t const> sealed,
              std::uint8_t* into);

    std::uint64_t records() const { return records_; }  ///< under the present key
    bool next_key();                                    ///< behind a KeyUpdate

private:
    static constexpr std::size_t nonce_size = 12;
    using nonce_bytes = std::array<std::uint8_t, nonce_size>;

    record_protection() = default;
    bool derive();
    bool expand(char const* label, std::span<std::uint8_t> into) const;
    nonce_bytes nonce() const;

    EVP_MD const* hash_ = nullptr;
    EVP_AEAD const* cipher_ = nullptr;
    bssl::ScopedEVP_AEAD_CTX key_;
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> secret_{};
    std::size_t secret_size_ = 0;
    nonce_bytes iv_{};
    std::uint64_t sequence_ = 0;
    std::uint64_t records_ = 0;
};

}  // namespace ftpsgate::tls
