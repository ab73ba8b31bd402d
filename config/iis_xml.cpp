#include "config/iis_xml.hpp"

#include "config/unicode.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <optional>
#include <pugixml.hpp>

namespace ftpsgate::config {

namespace {

constexpr unsigned deepest = 64;
constexpr std::size_t most_attributes = 256;

/// Positions in a text, cheap as long as they are asked for in order.
class place_finder {
public:
    explicit place_finder(std::string_view text) : text_(text) {}

    text_place at(std::size_t offset) {
        offset = std::min(offset, text_.size());
        if (offset < reached_) {
            reached_ = 0;
            here_ = {1, 1};
        }
        for (; reached_ < offset; ++reached_) {
            bool const is_continuation = (static_cast<unsigned char>(text_[reached_]) & 0xC0U) == 0x80;
            if (text_[reached_] == '\n')
                here_ = {here_.line + 1, 1};
            else if (!is_continuation)
                ++here_.column;
        }
        return here_;
    }

private:
    std::string_view text_;
    std::size_t reached_ = 0;
    text_place here_{1, 1};
};

std::string as_utf8(std::string_view bytes) {
    using namespace std::string_view_literals;
    if (bytes.starts_with("\xEF\xBB\xBF"sv)) return std::string(bytes.substr(3));
    if (bytes.starts_with("\xFF\xFE"sv)) return from_utf16(bytes.substr(2), byte_order::little);
    if (bytes.starts_with("\xFE\xFF"sv)) return from_utf16(bytes.substr(2), byte_order::big);
    if (bytes.starts_with("<\0"sv)) return from_utf16(bytes, byte_order::little);
    if (bytes.starts_with("\0<"sv)) return from_utf16(bytes, byte_order::big);
    return std::string(bytes);
}

/// What pugixml does not look at. NUL would end the text for it.
std::optional<xml_fault> check_characters(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto const begin = at;
        auto const found = next_character(text, at);
        bool const is_blank = found == '\t' || found == '\n' || found == '\r';
        if (found == no_character)
            return xml_fault{place_finder(text).at(begin), "is not UTF-8", "save the file as UTF-8"};
        if (found < 0x20 && !is_blank)
            return xml_fault{place_finder(text).at(begin), "has a control character, and so is no XML", ""};
    }
    return std::nullopt;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

class tree_builder {
public:
    explicit tree_builder(std::string_view text) : parsed_(text), is_ascii_(is_ascii(text)), places_(text) {}

    std::variant<xml_element, xml_fault> build() {
        auto const result = document_.load_buffer_inplace(
            parsed_.data(), parsed_.size(), pugi::parse_default | pugi::parse_doctype | pugi::parse_declaration,
            pugi::encoding_utf8);
        if (!result) return not_well_formed(result);
        xml_element root;
        if (auto fault = check_top()) return *fault;
        if (auto fault = copy(document_.document_element(), root, 1)) return *fault;
        return root;
    }

private:
    xml_fault not_well_formed(pugi::xml_parse_result const& result) {
        if (result.status == pugi::status_no_document_element) return {{}, "has no element, and so is no XML", ""};
        auto const where = places_.at(static_cast<std::size_t>(std::max<std::ptrdiff_t>(result.offset, 0)));
        return {where, std::string("is not well formed: ") + result.description(), ""};
    }

    std::optional<xml_fault> check_top() {
        unsigned elements = 0;
        for (auto const node : document_.children()) {
            if (node.type() == pugi::node_doctype)
                return xml_fault{{}, "has a document type declaration, which no IIS writes", "remove <!DOCTYPE ...>"};
            if (node.type() == pugi::node_declaration && is_foreign(node.attribute("encoding").value()))
                return xml_fault{{}, "says that it is not UTF-8", "save the file as UTF-8"};
            if (node.type() == pugi::node_element && ++elements > 1)
                return xml_fault{place_of(node.name() - 1), "is not well formed: a second root element", ""};
        }
        return std::nullopt;
    }

    bool is_foreign(std::string_view encoding) const {
        return !encoding.empty() && !to_lower(encoding).starts_with("utf-") && !is_ascii_;
    }

    /// Names stay where they were in the text, as it is parsed in place.
    text_place place_of(pugi::char_t const* name) {
        return places_.at(static_cast<std::size_t>(name - parsed_.data()));
    }

    std::optional<xml_fault> copy(pugi::xml_node const& from, xml_element& into, unsigned depth) {
        into.name = from.name();
        into.where = place_of(from.name() - 1);  // of the bracket
        if (depth > deepest) return xml_fault{into.where, "is nested deeper than any IIS would write it", ""};
        for (auto const one : from.attributes()) {
            auto const where = place_of(one.name());
            if (into.attributes.size() == most_attributes)
                return xml_fault{where, "has more attributes in one element than any IIS would write", ""};
            if (into.attribute(one.name()) != nullptr)
                return xml_fault{where, std::string("is not well formed: a second attribute ") + one.name(), ""};
            into.attributes.push_back({one.name(), one.value(), where});
        }
        for (auto const one : from.children())
            if (one.type() == pugi::node_element)
                if (auto fault = copy(one, into.children.emplace_back(), depth + 1)) return fault;
        return std::nullopt;
    }

    std::string parsed_;
    bool is_ascii_;  ///< as read: references make other characters of it
    place_finder places_;
    pugi::xml_document document_;
};

template <typename Things>
auto named(Things const& things, std::string_view name) {
    auto const found = std::find_if(things.begin(), things.end(), [&](auto const& one) { return one.name == name; });
    return found == things.end() ? nullptr : &*found;
}

}  // namespace

xml_attribute const* xml_element::attribute(std::string_view wanted) const {
    return named(attributes, wanted);
}

xml_element const* xml_element::child(std::string_view wanted) const {
    return named(children, wanted);
}

std::string xml_element::value(std::string_view wanted) const {
    auto const* const found = attribute(wanted);
    return found == nullptr ? std::string() : found->value;
}

std::variant<xml_element, xml_fault> read_xml(std::string_view bytes) {
    if (bytes.size() > largest_iis_file) return xml_fault{{}, "is larger than 8MiB", ""};
    auto const text = as_utf8(bytes);
    if (auto fault = check_characters(text)) return *fault;
    return tree_builder(text).build();
}

}  // namespace ftpsgate::config
