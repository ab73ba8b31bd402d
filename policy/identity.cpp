#include "policy/identity.hpp"

namespace ftpsgate::policy {

char const* to_string(identity_outcome outcome) {
    switch (outcome) {
        case identity_outcome::mapped: return "mapped";
        case identity_outcome::not_mapped: return "not_mapped";
        case identity_outcome::denied: return "denied";
        case identity_outcome::refused: return "refused";
    }
    return "refused";
}

char const* to_string(identity_source source) {
    switch (source) {
        case identity_source::none: return "none";
        case identity_source::rule: return "rule";
        case identity_source::active_directory: return "active_directory";
    }
    return "none";
}

}  // namespace ftpsgate::policy
