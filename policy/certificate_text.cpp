#include "policy/certificate_text.hpp"

#include <algorithm>
#include <optional>

namespace ftpsgate::policy {

namespace {

constexpr std::string_view not_utf8 = "is not valid UTF-8";

struct utf8_form {
    std::uint8_t mask;  // of the first byte: those bits that tell the form
    std::uint8_t lead;
    std::size_t size;
    char32_t least;  // smaller ones have a shorter form
};
constexpr utf8_form utf8_forms[] = {
    {0x80, 0x00, 1, 0}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

bool is_scalar(char32_t point) {
    return point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

// Takes one code point off the front.
std::optional<char32_t> take_point(std::string_view& rest) {
    auto const byte_at = [&](std::size_t at) { return static_cast<std::uint8_t>(rest[at]); };
    auto const* const form = std::find_if(std::begin(utf8_forms), std::end(utf8_forms),
                                          [&](utf8_form const& each) { return (byte_at(0) & each.mask) == each.lead; });
    if (form == std::end(utf8_forms) || rest.size() < form->size) return std::nullopt;
    char32_t point = byte_at(0) & static_cast<std::uint8_t>(~form->mask);
    for (std::size_t at = 1; at < form->size; ++at) {
        if ((byte_at(at) & 0xC0U) != 0x80U) return std::nullopt;
        point = (point << 6U) | (byte_at(at) & 0x3FU);
    }
    rest.remove_prefix(form->size);
    if (point < form->least || !is_scalar(point)) return std::nullopt;
    return point;
}

bool is_control(char32_t point) {
    return point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x2028 || point == 0x2029;
}

// Of Unicode 15.0: blanks but U+0020, what is ignorable by default, and further format characters without a glyph.
bool is_invisible(char32_t point) {
    struct range {
        char32_t first, last;
    };
    static constexpr range ranges[] = {{0x00A0, 0x00A0},   {0x00AD, 0x00AD},  {0x034F, 0x034F},   {0x061C, 0x061C},
                                       {0x115F, 0x1160},   {0x1680, 0x1680},  {0x17B4, 0x17B5},   {0x180B, 0x180F},
                                       {0x2000, 0x200F},   {0x2028, 0x202F},  {0x205F, 0x206F},   {0x2800, 0x2800},
                                       {0x3000, 0x3000},   {0x3164, 0x3164},  {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},
                                       {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},  {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},
                                       {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [&](range const& each) { return point >= each.first && point <= each.last; });
}

void append(std::string& text, char32_t point) {
    auto const add = [&](char32_t byte) { text += static_cast<char>(static_cast<std::uint8_t>(byte)); };
    auto const tail = [&](unsigned shift) { add(0x80U | ((point >> shift) & 0x3FU)); };
    if (point < 0x80) return add(point);
    if (point < 0x800) {
        add(0xC0U | (point >> 6U));
    } else if (point < 0x10000) {
        add(0xE0U | (point >> 12U));
        tail(6);
    } else {
        add(0xF0U | (point >> 18U));
        tail(12);
        tail(6);
    }
    tail(0);
}

// BMPString has two bytes for each, UniversalString four, most significant first.
certificate_text decode_wide(der_view content, std::size_t width) {
    if (content.size() % width != 0) return {{}, "is cut off in the middle of a character"};
    certificate_text result;
    for (std::size_t at = 0; at < content.size(); at += width) {
        char32_t point = 0;
        for (auto const byte : content.subspan(at, width))
            point = (point << 8U) | byte;
        if (!is_scalar(point)) return {{}, "is not valid Unicode"};
        append(result.text, point);
    }
    return result;
}

// What T.61 and its many misreadings (as Latin-1, as UTF-8) agree on.
bool is_unambiguous(std::uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           std::string_view(" '()+,-./:=?@").find(static_cast<char>(byte)) != std::string_view::npos;
}

certificate_text decode_bytes(unsigned tag, der_view content) {
    std::string text(content.begin(), content.end());
    auto const is_ascii = [](std::uint8_t byte) { return byte < 0x80; };
    switch (tag) {
        case CBS_ASN1_UTF8STRING: return {std::move(text), {}};
        case CBS_ASN1_T61STRING:
            if (std::all_of(content.begin(), content.end(), is_unambiguous)) return {std::move(text), {}};
            return {{}, "is a TeletexString that can be read in several ways"};
        case CBS_ASN1_PRINTABLESTRING:
        case CBS_ASN1_IA5STRING:
        case CBS_ASN1_NUMERICSTRING:
        case CBS_ASN1_VISIBLESTRING:
            if (std::all_of(content.begin(), content.end(), is_ascii)) return {std::move(text), {}};
            return {{}, "holds bytes that its ASN.1 type does not allow"};
        default: return {{}, "is no string"};
    }
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty())
        if (!take_point(text)) return false;
    return true;
}

std::string_view flaw_of(std::string_view text) {
    if (text.empty()) return "is empty";
    if (text.size() > longest_value) return "is longer than 255 bytes";
    if (text.front() == ' ' || text.back() == ' ') return "begins or ends with a space";
    while (!text.empty()) {
        auto const point = take_point(text);
        if (!point) return not_utf8;
        if (is_control(*point)) return "holds a control character";
    }
    return {};
}

std::string_view flaw_of_user(std::string_view text) {
    if (auto const flaw = flaw_of(text); !flaw.empty()) return flaw;
    while (!text.empty())
        if (auto const point = take_point(text); point && is_invisible(*point))
            return "holds a character that is not seen";
    return {};
}

certificate_text decode_text(unsigned tag, der_view content) {
    bool const is_wide = tag == CBS_ASN1_BMPSTRING || tag == CBS_ASN1_UNIVERSALSTRING;
    auto decoded = is_wide ? decode_wide(content, tag == CBS_ASN1_BMPSTRING ? 2 : 4) : decode_bytes(tag, content);
    if (decoded.flaw.empty()) decoded.flaw = flaw_of(decoded.text);
    if (!decoded.flaw.empty()) decoded.text.clear();
    return decoded;
}

}  // namespace ftpsgate::policy
