#include "proxy/tls/session_binding.hpp"

#include "proxy/tls/boringssl.hpp"

namespace ftpsgate::tls {

session_binding::session_binding() {
    // BoringSSL's RAND_bytes never fails: it aborts the process rather than return weak bytes.
    RAND_bytes(context_.data(), context_.size());
}

}  // namespace ftpsgate::tls
