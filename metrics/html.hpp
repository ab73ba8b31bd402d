// Writing HTML in which nobody else can write: markup is a literal of the program or does not compile, every other text
// is escaped and capped on its way in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace ftpsgate::metrics {

class html {
public:
    /// Characters of one text; longer ones end in an ellipsis.
    static constexpr std::size_t text_limit = 300;

    /// Made from literals only.
    struct markup {
        template <std::size_t Size>
        consteval markup(char const (&literal)[Size]) : text(literal, Size - 1) {}  // NOLINT: implicit, to read well
        std::string_view text;
    };

    /// Any other text. Fit for an element's content and for a quoted attribute. What is not seen, or turns the text
    /// around it, is shown as \uXXXX, bytes that are not UTF-8 as \xXX.
    struct plain {
        std::string_view text;
    };

    html& operator<<(markup literal) {
        out_ += literal.text;
        return *this;
    }
    html& operator<<(plain what);

    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

}  // namespace ftpsgate::metrics
