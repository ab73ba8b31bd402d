// `ftpsgate identity`: what a client with this certificate would get at a site, by the same code that decides it.
#pragma once

#include "proxy/runtime.hpp"

#include <string>

namespace ftpsgate::proxy {

enum class report_format { text, json };

struct identity_question {
    std::string site;
    std::string certificate_file;  ///< PEM: the client's certificate, then its intermediates
    report_format format = report_format::text;
};

struct identity_answer {
    /// 0 accepted and mapped, 3 accepted but not mapped, 4 refused, 2 no such site or no usable file.
    int exit_status = 2;
    std::string output;        ///< for standard output
    std::string error_output;  ///< for standard error
};

/// May take as long as the site's fetches do.
identity_answer explain_identity(runtime const& snapshot, identity_question const& question);

}  // namespace ftpsgate::proxy
