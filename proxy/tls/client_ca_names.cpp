#include "proxy/tls/client_ca_names.hpp"

#include <cstdint>

namespace ftpsgate::tls {

namespace {

// On the wire each name has a length of two bytes before it.
std::size_t wire_size(std::span<std::string const> names) {
    std::size_t size = 0;
    for (auto const& name : names)
        size += name.size() + 2;
    return size;
}

}  // namespace

client_ca_names::client_ca_names(std::span<std::string const> names) {
    if (names.empty() || wire_size(names) > longest_list) return;
    list_.reset(sk_CRYPTO_BUFFER_new_null());
    for (auto const& name : names) {
        auto const* const bytes = reinterpret_cast<std::uint8_t const*>(name.data());
        bssl::PushToStack(list_.get(), bssl::UniquePtr<CRYPTO_BUFFER>(CRYPTO_BUFFER_new(bytes, name.size(), nullptr)));
    }
}

void offer_ca_names(SSL* ssl, STACK_OF(CRYPTO_BUFFER) const* names) {
    if (names == nullptr) return;
    bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> own(sk_CRYPTO_BUFFER_new_null());
    for (std::size_t i = 0; i < sk_CRYPTO_BUFFER_num(names); ++i)
        bssl::PushToStack(own.get(), bssl::UpRef(sk_CRYPTO_BUFFER_value(names, i)));
    SSL_set0_client_CAs(ssl, own.release());
}

}  // namespace ftpsgate::tls
