#include "proxy/tls/record_writer.hpp"

#include <array>

namespace ftpsgate::tls {

bool record_writer::put(byte_queue& output, std::uint8_t type, std::span<std::uint8_t const> content) {
    bool const due = std::exchange(key_is_old_, false) || keys_->records() + 1 >= limit_;
    return (!due || update_key(output)) && seal(output, type, content);
}

bool record_writer::seal(byte_queue& output, std::uint8_t type, std::span<std::uint8_t const> content) {
    auto const space = output.space();
    auto const size = content.size() + record_protection::overhead;
    bool const sealed = space.size() >= size && keys_->seal(type, content, space.data());
    output.commit(sealed ? size : 0);
    return sealed;
}

bool record_writer::update_key(byte_queue& output) {
    static constexpr std::array<std::uint8_t, 5> message{SSL3_MT_KEY_UPDATE, 0, 0, 1, SSL_KEY_UPDATE_NOT_REQUESTED};
    return seal(output, SSL3_RT_HANDSHAKE, message) && keys_->next_key();
}

}  // namespace ftpsgate::tls
