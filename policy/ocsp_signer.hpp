// Who signed an OCSP response, and whether that one may (B-267, RFC 6960 4.2.2.2). Internal to policy/ocsp*.
#pragma once

#include "policy/ocsp.hpp"
#include "policy/ocsp_message.hpp"

#include <string>

namespace ftpsgate::policy {

struct ocsp_signer {
    std::string fault;  ///< in words; "" = signed by the issuer or a delegate
    certificate_ptr delegate_to_check;
};

ocsp_signer check_ocsp_signer(ocsp_message const& message, ocsp_subject const& subject, time_point now);

}  // namespace ftpsgate::policy
