// The text of an applicationHost.config -> a tree of elements and attributes, each with its place. UTF-8, or UTF-16 as
// Windows writes it. No DTD, so no entities but XML's own five; no depth and no length that an IIS would not write.
// Names of namespaces mean nothing here. Knows nothing of FTP.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ftpsgate::config {

/// Line and column (in characters) count from 1; 0 = unknown.
struct text_place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    friend auto operator<=>(text_place const&, text_place const&) = default;
};

/// Of an attribute, the value with its references resolved.
struct xml_attribute {
    std::string name;
    std::string value;
    text_place where;
};

struct xml_element {
    std::string name;
    text_place where;
    std::vector<xml_attribute> attributes;
    std::vector<xml_element> children;  ///< text between them is left out

    /// nullptr when there is none.
    xml_attribute const* attribute(std::string_view wanted) const;
    /// The first of that name; nullptr when there is none.
    xml_element const* child(std::string_view wanted) const;
    /// "" when there is none.
    std::string value(std::string_view wanted) const;
};

struct xml_fault {
    text_place where;
    std::string message;
    std::string hint;
};

constexpr std::size_t largest_iis_file = 8U << 20U;

/// The root element. Faults: larger than that, not UTF-8 or UTF-16, not well formed, a DTD, too deep.
std::variant<xml_element, xml_fault> read_xml(std::string_view bytes);

}  // namespace ftpsgate::config
