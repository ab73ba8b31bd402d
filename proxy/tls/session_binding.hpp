// What ties data connections to their control connection: a random session-id context per control session. BoringSSL
// resumes a session only under the context it was made with, so a resumed data connection can only belong to the one
// control session that drew this context (B-157, A-014, A-024). Renewed after AUTH.
#pragma once

#include <array>
#include <cstdint>

namespace ftpsgate::tls {

class session_binding {
public:
    session_binding();  ///< draws 32 random bytes
    std::array<std::uint8_t, 32> const& context() const { return context_; }

private:
    std::array<std::uint8_t, 32> context_;
};

}  // namespace ftpsgate::tls
