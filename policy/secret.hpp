// Text that must never be shown, for policy/: has no printer and no comparison; wiped when the last holder lets go.
#pragma once

#include "policy/boringssl.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ftpsgate::policy {

class secret {
public:
    secret() = default;
    /// Takes the text over; what is left of the source is wiped.
    static secret take(std::string&& text) {
        secret taken;
        taken.bytes_ = std::shared_ptr<std::string const>(new std::string(text), [](std::string const* gone) {
            auto* const bytes = const_cast<std::string*>(gone);
            OPENSSL_cleanse(bytes->data(), bytes->size());
            delete bytes;
        });
        OPENSSL_cleanse(text.data(), text.size());
        text.clear();
        return taken;
    }

    /// Valid as long as a holder lives. Do not keep it, do not log it.
    std::string_view reveal() const { return bytes_ ? std::string_view(*bytes_) : std::string_view(); }

private:
    std::shared_ptr<std::string const> bytes_;
};

}  // namespace ftpsgate::policy
