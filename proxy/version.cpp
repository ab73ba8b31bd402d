#include "proxy/version.hpp"

#include "proxy/tls/boringssl.hpp"

#include <boost/version.hpp>

namespace ftpsgate::proxy {

std::string version() {
    return FTPSGATE_VERSION;
}

std::string boringssl_version() {
    return "API " + std::to_string(BORINGSSL_API_VERSION);
}

std::string boost_version() {
    return std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
           std::to_string(BOOST_VERSION % 100);
}

std::string version_text() {
    return "ftpsgate " + version() + " (BoringSSL " + boringssl_version() + ", Boost " + boost_version() + ")";
}

}  // namespace ftpsgate::proxy
