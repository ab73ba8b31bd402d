// What comes out when one key of an identity rule is held against a certificate.
#pragma once

#include <string>
#include <utility>

namespace ftpsgate::policy {

enum class match {
    no,
    yes,
    doubtful,  ///< nobody can tell: the client is refused, unless another key of the rule says no
};

struct finding {
    match outcome = match::no;
    std::string detail;  ///< in words that an operator understands; UTF-8 without control characters; "" for yes

    static finding yes() { return {match::yes, {}}; }
    static finding no(std::string why) { return {match::no, std::move(why)}; }
    static finding doubt(std::string why) { return {match::doubtful, std::move(why)}; }
};

}  // namespace ftpsgate::policy
