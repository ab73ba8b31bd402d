// <ssl>, <sslClientCertificates> and <authentication> of an FTP site -> [site.ssl], [site.client_certificates],
// [site.authentication] and who a certificate stands for. Where the gate cannot do what IIS does, it lets in fewer.
#pragma once

#include "config/iis_draft.hpp"

namespace ftpsgate::config {

void write_iis_tls(site_draft& draft);

/// The port on which IIS speaks TLS from the first byte.
constexpr std::uint16_t implicit_port = 990;

}  // namespace ftpsgate::config
